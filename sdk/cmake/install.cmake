# What an installed kit consists of: this folder's headers and CMake files, the libraries, mingw-w64's headers, and of its libraries those a
# console program needs. Nothing outside the kit but clang, lld and CMake is needed to use it.
install(DIRECTORY include DESTINATION .)
install(FILES cmake/NeptuneSDKConfig.cmake cmake/paths.cmake cmake/overlay.cmake cmake/tracing.cmake cmake/lvalue_casts.py DESTINATION cmake)
install(DIRECTORY sample DESTINATION .)
install(DIRECTORY ${NEPTUNE_SDK_LIB}/ DESTINATION lib FILES_MATCHING PATTERN "*.lib")
install(DIRECTORY ${NEPTUNE_SDK_MINGW_INCLUDE}/ DESTINATION mingw/include FILES_MATCHING PATTERN "*.h" PATTERN "*.inl" PATTERN "*.c" PATTERN "c++" EXCLUDE)
foreach(Name mingw32 mingwex msvcrt kernel32 advapi32 user32 ntdll setupapi)
  install(FILES ${NEPTUNE_SDK_MINGW_LIB}/lib${Name}.a DESTINATION mingw/lib)
endforeach()
install(FILES ${NEPTUNE_SDK_MINGW_LIB}/crt2.o ${NEPTUNE_SDK_GCC_LIB}/libgcc.a DESTINATION mingw/lib)
