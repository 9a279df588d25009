// ntddmmc.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDMMC_H
#define NEPTUNE_DDK_NTDDMMC_H
#include <wdm.h>
#include_next <ntddmmc.h>
#endif
