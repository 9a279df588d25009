// ntdddisk.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDDISK_H
#define NEPTUNE_DDK_NTDDDISK_H
#include <wdm.h>
#include_next <ntdddisk.h>
#endif
