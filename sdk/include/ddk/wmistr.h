// wmistr.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_WMISTR_H
#define NEPTUNE_DDK_WMISTR_H
#include <wdm.h>
#include_next <wmistr.h>
#endif
