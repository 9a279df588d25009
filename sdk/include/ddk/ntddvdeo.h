// ntddvdeo.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDVDEO_H
#define NEPTUNE_DDK_NTDDVDEO_H
#include <wdm.h>
#include_next <ntddvdeo.h>
#endif
