// wmidata.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_WMIDATA_H
#define NEPTUNE_DDK_WMIDATA_H
#include <wdm.h>
#include <wmistr.h>
#include_next <wmidata.h>
#endif
