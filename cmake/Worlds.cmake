# What every target of a world is compiled with. Include paths are the tree's root and the generated folder, so that
# a header has one spelling everywhere: "lib/core/result.hpp", "abi/nt/types.hpp", "ntos/ob/ob.hpp".
include_directories(${CMAKE_SOURCE_DIR} ${NEPTUNE_GEN})
set(NEPTUNE_FREESTANDING -ffreestanding -fno-exceptions -fno-rtti -fno-stack-protector -fno-threadsafe-statics
    -fshort-wchar -fms-extensions -Wno-microsoft -Wno-unused-parameter -Wno-missing-field-initializers -fno-ident)
if(NEPTUNE_WORLD STREQUAL "elf")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX,C>:${NEPTUNE_FREESTANDING}>"
    -fPIE -mno-sse -mno-mmx -fno-asynchronous-unwind-tables -fno-unwind-tables -ffunction-sections -fdata-sections
    -fomit-frame-pointer "$<$<COMPILE_LANGUAGE:CXX>:-fno-use-cxa-atexit;-fno-c++-static-destructors;-flto=thin>")
elseif(NEPTUNE_WORLD STREQUAL "pe")
  # The C++ standard headers of mingw-w64's g++ (only the freestanding ones are used).
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX,C>:${NEPTUNE_FREESTANDING}>" -ffunction-sections -fdata-sections
    -fno-use-cxa-atexit -mno-stack-arg-probe -fasynchronous-unwind-tables)
else()
  option(NEPTUNE_SANITIZE "AddressSanitizer and UBSan for everything" ON)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti>" -fshort-wchar -fms-extensions
    -Wno-microsoft -Wno-unused-parameter -Wno-missing-field-initializers -O1 -g1)      # compiling costs more than running; lines are enough
  if(NEPTUNE_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-sanitize=vptr)
    add_link_options(-fsanitize=address,undefined)
  endif()
endif()
