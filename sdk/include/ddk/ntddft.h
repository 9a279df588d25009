// ntddft.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDFT_H
#define NEPTUNE_DDK_NTDDFT_H
#include <wdm.h>
#include_next <ntddft.h>
#endif
