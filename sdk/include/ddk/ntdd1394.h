// ntdd1394.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDD1394_H
#define NEPTUNE_DDK_NTDD1394_H
#include <wdm.h>
#include_next <ntdd1394.h>
#endif
