// ntpoapi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTPOAPI_H
#define NEPTUNE_DDK_NTPOAPI_H
#include <wdm.h>
#include_next <ntpoapi.h>
#endif
