# Headers printed from facts installed on the build machine; nothing generated is committed.
set(NEPTUNE_GEN ${CMAKE_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${NEPTUNE_GEN}/abi/nt)
find_file(NEPTUNE_NTSTATUS_H ntstatus.h PATHS /usr/share/mingw-w64/include /usr/x86_64-w64-mingw32/include NO_DEFAULT_PATH REQUIRED)
find_program(NEPTUNE_PYTHON python3 REQUIRED)
# abi/nt/status.hpp: every STATUS_ code as a typed constant.
execute_process(
  COMMAND ${NEPTUNE_PYTHON} ${CMAKE_SOURCE_DIR}/tools/gen_status.py ${NEPTUNE_NTSTATUS_H} ${NEPTUNE_GEN}/abi/nt/status.hpp
  COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/gen_status.py)
