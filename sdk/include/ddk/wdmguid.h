// wdmguid.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_WDMGUID_H
#define NEPTUNE_DDK_WDMGUID_H
#include <wdm.h>
#include_next <wdmguid.h>
#endif
