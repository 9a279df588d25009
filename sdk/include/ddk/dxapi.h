// dxapi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_DXAPI_H
#define NEPTUNE_DDK_DXAPI_H
#include <wdm.h>
#include_next <dxapi.h>
#endif
