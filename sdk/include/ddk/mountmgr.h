// mountmgr.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_MOUNTMGR_H
#define NEPTUNE_DDK_MOUNTMGR_H
#include <wdm.h>
#include_next <mountmgr.h>
#endif
