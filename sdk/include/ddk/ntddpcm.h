// ntddpcm.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDPCM_H
#define NEPTUNE_DDK_NTDDPCM_H
#include <wdm.h>
#include_next <ntddpcm.h>
#endif
