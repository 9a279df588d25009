// ntddvol.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDVOL_H
#define NEPTUNE_DDK_NTDDVOL_H
#include <wdm.h>
#include_next <ntddvol.h>
#endif
