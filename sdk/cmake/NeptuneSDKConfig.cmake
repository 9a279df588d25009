# The Neptune driver kit. find_package(NeptuneSDK) from an installed kit, include() from the source tree; then
#
#   add_wdm_driver(name SOURCES file... [LIBRARIES lib...] [INCLUDES dir...] [DEFINES def...] [OPTIONS flag...] [OUTPUT dir]
#                  [ENTRY symbol] [EXPORTS file.def] [CXX] [DBG] [REACTOS] [WARNINGS])
#       compiles sources made for Microsoft's WDK with clang and links name.sys. LIBRARIES: files, targets' outputs or names of the kit's
#       libraries (storport, classpnp, ndis ...); ntoskrnl, hal, wdmsec, wmilib are always there. EXPORTS: names that other drivers import from
#       this one (an export driver, as a port library is). CXX compiles .c files as C++ too. DBG makes
#       a checked build (DBG=1). REACTOS adds ReactOS's spellings (debug.h, pseh2.h). WARNINGS shows clang's warnings, which are off
#       because sources for another compiler have many. C sources may assign to casts and take their addresses if there is python3.
#   add_win32_program(name SOURCES file... [LIBRARIES lib...] [INCLUDES dir...] [DEFINES def...] [OPTIONS flag...] [OUTPUT dir] [WARNINGS])
#       an ordinary console program with a C run-time library, to talk to a driver. Includes are found as for drivers.
#
# The compilers are called by name, so that it does not matter what the project's own languages and toolchain are.
include_guard(GLOBAL)
get_filename_component(NEPTUNE_SDK_ROOT ${CMAKE_CURRENT_LIST_DIR}/.. ABSOLUTE)
find_program(NEPTUNE_SDK_CLANG NAMES clang-19 clang REQUIRED)
find_program(NEPTUNE_SDK_CLANGXX NAMES clang++-19 clang++ REQUIRED)
find_program(NEPTUNE_SDK_LINK NAMES lld-link-19 lld-link REQUIRED)
find_program(NEPTUNE_SDK_LD NAMES ld.lld-19 ld.lld REQUIRED)
find_program(NEPTUNE_SDK_PYTHON python3)
include(${CMAKE_CURRENT_LIST_DIR}/paths.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/overlay.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/tracing.cmake)

set(NEPTUNE_SDK_INCLUDES ${NEPTUNE_SDK_ROOT}/include/ddk ${NEPTUNE_SDK_ROOT}/include/shared ${NEPTUNE_SDK_ROOT}/include
    ${NEPTUNE_SDK_MINGW_INCLUDE}/ddk ${NEPTUNE_SDK_MINGW_INCLUDE})
# A structure that is returned lives in the frame (-fno-elide-constructors): clang cannot reach it from a __finally block otherwise.
# clang as Microsoft's compiler would be (ABI, extensions), but calling itself GCC, which is what mingw-w64's headers are written for.
set(NEPTUNE_SDK_COMPILE --target=x86_64-pc-windows-msvc -fms-extensions -fms-compatibility -fgnuc-version=4.2.1 -U_MSC_VER -U_MSC_FULL_VER
    -U_MSC_BUILD -ffreestanding -nostdlibinc -fasynchronous-unwind-tables -fno-stack-protector -fno-strict-aliasing -fwrapv -fno-elide-constructors -g -gdwarf -O2 -mcx16 -D_KERNEL_MODE=1 -D_WIN64
    -D_AMD64_ -DAMD64 -D__USE_MINGW_ANSI_STDIO=0)
set(NEPTUNE_SDK_COMPILE_CXX -std=gnu++20 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-sized-deallocation)
# What Microsoft's compiler takes without a word or with a warning, and clang refuses by default.
set(NEPTUNE_SDK_TOLERANCE -Wno-error=implicit-function-declaration -Wno-error=int-conversion -Wno-error=incompatible-function-pointer-types
    -Wno-error=incompatible-pointer-types -Wno-error=implicit-int -Wno-error=return-type -Wno-invalid-token-paste -Wno-unknown-pragmas
    -Wno-ignored-pragmas -Wno-error=c++11-narrowing -Wno-error=invalid-offsetof -Wno-microsoft)

# neptune_sdk_own(sources folders caller name source-list include-list): absolute paths, and the folders where includes are looked for first.
function(neptune_sdk_own OutSources OutFolders Caller Name Files Includes)
  set(Sources)
  set(Own)
  foreach(Source ${Files})
    get_filename_component(Source ${Source} ABSOLUTE)
    if(NOT EXISTS ${Source})
      message(FATAL_ERROR "${Caller}(${Name}): ${Source} is not there")
    endif()
    get_filename_component(Folder ${Source} DIRECTORY)
    list(APPEND Sources ${Source})
    list(APPEND Own ${Folder})
  endforeach()
  foreach(Folder ${Includes})
    get_filename_component(Folder ${Folder} ABSOLUTE)
    list(APPEND Own ${Folder})
  endforeach()
  list(REMOVE_DUPLICATES Own)
  set(${OutSources} ${Sources} PARENT_SCOPE)
  set(${OutFolders} ${Own} PARENT_SCOPE)
endfunction()

# neptune_sdk_launcher(command file): what stands before clang for C, and the file it is.
function(neptune_sdk_launcher OutCommand OutFile)
  set(${OutCommand} PARENT_SCOPE)
  set(${OutFile} PARENT_SCOPE)
  if(NEPTUNE_SDK_PYTHON)
    set(${OutCommand} ${NEPTUNE_SDK_PYTHON} -B ${NEPTUNE_SDK_ROOT}/cmake/lvalue_casts.py PARENT_SCOPE)
    set(${OutFile} ${NEPTUNE_SDK_ROOT}/cmake/lvalue_casts.py PARENT_SCOPE)
  endif()
endfunction()

function(add_wdm_driver Name)
  cmake_parse_arguments(D "CXX;DBG;REACTOS;WARNINGS" "OUTPUT;ENTRY;EXPORTS" "SOURCES;LIBRARIES;INCLUDES;DEFINES;OPTIONS" ${ARGN})
  if(NOT D_SOURCES)
    message(FATAL_ERROR "add_wdm_driver(${Name}): no SOURCES")
  endif()
  if(NOT D_OUTPUT)
    set(D_OUTPUT ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  if(NOT D_ENTRY)
    set(D_ENTRY DriverEntry)
  endif()
  set(Work ${CMAKE_CURRENT_BINARY_DIR}/${Name}.dir)
  file(MAKE_DIRECTORY ${Work} ${D_OUTPUT})

  neptune_sdk_own(Sources Own add_wdm_driver ${Name} "${D_SOURCES}" "${D_INCLUDES}")
  neptune_sdk_tracing(${Work}/trace "${Sources}" "${Own}")
  set(Searched ${Own} ${Work}/trace)
  set(System ${NEPTUNE_SDK_INCLUDES})
  if(D_REACTOS)
    list(PREPEND System ${NEPTUNE_SDK_ROOT}/include/reactos)
  endif()
  neptune_sdk_overlay(${Work}/case.yaml ${Searched} ${System})

  set(Flags ${NEPTUNE_SDK_COMPILE} ${NEPTUNE_SDK_TOLERANCE} -ivfsoverlay ${Work}/case.yaml)
  if(D_DBG)
    list(APPEND Flags -DDBG=1)
  else()
    list(APPEND Flags -DNDEBUG)     # DBG is not defined: sources ask with #if and with #ifdef
  endif()
  if(NOT D_WARNINGS)
    list(APPEND Flags -w)
  endif()
  list(TRANSFORM Searched PREPEND -I OUTPUT_VARIABLE SearchFlags)
  set(SystemFlags)
  foreach(Folder ${System})
    list(APPEND SystemFlags -isystem ${Folder})
  endforeach()
  list(TRANSFORM D_DEFINES PREPEND -D)

  neptune_sdk_launcher(Launcher Casts)
  set(Objects)
  set(Index 0)
  foreach(Source ${Sources})
    get_filename_component(Base ${Source} NAME_WE)
    get_filename_component(Extension ${Source} LAST_EXT)
    string(TOLOWER "${Extension}" Extension)
    set(Object ${Work}/${Index}-${Base}.obj)
    math(EXPR Index "${Index} + 1")
    if(Extension MATCHES "^\\.(cpp|cxx|cc)$" OR (D_CXX AND Extension STREQUAL ".c"))
      set(Command ${NEPTUNE_SDK_CLANGXX} -x c++ ${Flags} ${NEPTUNE_SDK_COMPILE_CXX})
    elseif(Extension STREQUAL ".c")
      set(Command ${Launcher} ${NEPTUNE_SDK_CLANG} -x c -std=gnu17 ${Flags})
    elseif(Extension MATCHES "^\\.s$")
      set(Command ${NEPTUNE_SDK_CLANG} --target=x86_64-pc-windows-msvc)
    else()
      message(FATAL_ERROR "add_wdm_driver(${Name}): ${Source} is neither C, C++ nor assembly")
    endif()
    add_custom_command(OUTPUT ${Object}
      COMMAND ${Command} ${SearchFlags} ${SystemFlags} ${D_DEFINES} ${D_OPTIONS} -MD -MF ${Object}.d -MT ${Object} -c ${Source} -o ${Object}
      DEPENDS ${Source} ${Work}/case.yaml ${Casts} DEPFILE ${Object}.d COMMENT "${Name}: ${Base}${Extension}" VERBATIM)
    list(APPEND Objects ${Object})
  endforeach()

  set(Libraries)
  foreach(Library ${D_LIBRARIES} ntoskrnl hal wdmsec wmilib support)
    get_filename_component(Stem ${Library} NAME_WE)
    string(TOLOWER ${Stem} Stem)
    if(EXISTS ${Library})
      list(APPEND Libraries ${Library})
    elseif(IS_ABSOLUTE ${Library})
      list(APPEND Libraries ${Library})     # made by the build
    elseif(Stem IN_LIST NEPTUNE_SDK_LIBRARIES)
      list(APPEND Libraries ${NEPTUNE_SDK_LIB}/${Stem}.lib)
    else()
      message(FATAL_ERROR "add_wdm_driver(${Name}): the kit has no library ${Library}; it has ${NEPTUNE_SDK_LIBRARIES}")
    endif()
  endforeach()
  set(Driver ${D_OUTPUT}/${Name}.sys)
  set(Exports)
  if(D_EXPORTS)
    get_filename_component(D_EXPORTS ${D_EXPORTS} ABSOLUTE)
    set(Exports /def:${D_EXPORTS} /implib:${Work}/${Name}.lib)
  endif()
  add_custom_command(OUTPUT ${Driver}
    COMMAND ${NEPTUNE_SDK_LINK} /nologo /driver /subsystem:native,10.0 /entry:${D_ENTRY} /nodefaultlib /dynamicbase /nxcompat /base:0x140000000
            /align:4096 /timestamp:0 /opt:ref /errorlimit:0 /incremental:no /debug:dwarf ${Exports} /out:${Driver} ${Objects} ${Libraries}
    DEPENDS ${Objects} ${Libraries} ${D_EXPORTS} COMMENT "${Name}.sys" VERBATIM)
  add_custom_target(${Name} ALL DEPENDS ${Driver})
  if(TARGET neptune_sdk_libraries)
    add_dependencies(${Name} neptune_sdk_libraries)
  endif()
  set_target_properties(${Name} PROPERTIES NEPTUNE_FILE ${Driver})
endfunction()

function(add_win32_program Name)
  cmake_parse_arguments(P "WARNINGS" "OUTPUT" "SOURCES;LIBRARIES;INCLUDES;DEFINES;OPTIONS" ${ARGN})
  if(NOT P_SOURCES)
    message(FATAL_ERROR "add_win32_program(${Name}): no SOURCES")
  endif()
  if(NOT P_OUTPUT)
    set(P_OUTPUT ${CMAKE_CURRENT_BINARY_DIR})
  endif()
  set(Work ${CMAKE_CURRENT_BINARY_DIR}/${Name}.dir)
  file(MAKE_DIRECTORY ${Work} ${P_OUTPUT})
  neptune_sdk_own(Sources Own add_win32_program ${Name} "${P_SOURCES}" "${P_INCLUDES}")
  set(System ${NEPTUNE_SDK_ROOT}/include/shared ${NEPTUNE_SDK_ROOT}/include ${NEPTUNE_SDK_MINGW_INCLUDE})
  neptune_sdk_overlay(${Work}/case.yaml ${Own} ${System})
  list(TRANSFORM Own PREPEND -I)
  list(TRANSFORM System PREPEND -isystem)
  list(TRANSFORM P_DEFINES PREPEND -D)
  if(NOT P_WARNINGS)
    list(APPEND P_OPTIONS -w)
  endif()
  neptune_sdk_launcher(Launcher Casts)
  set(Objects)
  set(Index 0)
  foreach(Source ${Sources})
    get_filename_component(Base ${Source} NAME_WE)
    set(Object ${Work}/${Index}-${Base}.obj)
    math(EXPR Index "${Index} + 1")
    # Microsoft's compiler takes `VOID main(ULONG, ...)`, as many samples have it; clang does when main means nothing to it.
    set(Hosted)
    file(READ ${Source} Text)
    if(Text MATCHES "(VOID|void)[ \t\r\n]+(__cdecl[ \t\r\n]+)?main[ \t\r\n]*\\(" )
      set(Hosted -ffreestanding)
    endif()
    if(NOT Source MATCHES "\\.[cC]$")
      set(Launcher)
    endif()
    add_custom_command(OUTPUT ${Object}
      COMMAND ${Launcher} ${NEPTUNE_SDK_CLANG} --target=x86_64-w64-mingw32 ${Hosted} -O2 -Wall -fms-extensions -nostdlibinc ${NEPTUNE_SDK_TOLERANCE} -D_WIN32_WINNT=0x0A00
              -ivfsoverlay ${Work}/case.yaml ${Own} ${System} -include specstrings.h ${P_DEFINES} ${P_OPTIONS} -MD -MF ${Object}.d -MT ${Object} -c ${Source} -o ${Object}
      DEPENDS ${Source} ${Work}/case.yaml ${Casts} DEPFILE ${Object}.d COMMENT "${Name}: ${Base}" VERBATIM)
    list(APPEND Objects ${Object})
  endforeach()
  list(TRANSFORM P_LIBRARIES PREPEND -l)
  set(Program ${P_OUTPUT}/${Name}.exe)
  set(Paths)
  foreach(Folder ${NEPTUNE_SDK_WIN32_LIB})
    list(APPEND Paths -L${Folder})
  endforeach()
  add_custom_command(OUTPUT ${Program}
    COMMAND ${NEPTUNE_SDK_LD} -m i386pep --subsystem console -e mainCRTStartup -s -o ${Program} ${NEPTUNE_SDK_CRT} ${Objects} ${Paths}
            --start-group ${P_LIBRARIES} -lmingw32 -lmingwex -lmsvcrt -lgcc -lkernel32 -ladvapi32 --end-group
    DEPENDS ${Objects} COMMENT "${Name}.exe" VERBATIM)
  add_custom_target(${Name} ALL DEPENDS ${Program})
  set_target_properties(${Name} PROPERTIES NEPTUNE_FILE ${Program})
endfunction()
