// wmilib.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_WMILIB_H
#define NEPTUNE_DDK_WMILIB_H
#include <wdm.h>
#include <wmistr.h>
#include_next <wmilib.h>
#endif
