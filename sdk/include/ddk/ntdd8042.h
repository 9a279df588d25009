// ntdd8042.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDD8042_H
#define NEPTUNE_DDK_NTDD8042_H
#include <wdm.h>
#include_next <ntdd8042.h>
#endif
