// ntddchgr.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDCHGR_H
#define NEPTUNE_DDK_NTDDCHGR_H
#include <wdm.h>
#include_next <ntddchgr.h>
#endif
