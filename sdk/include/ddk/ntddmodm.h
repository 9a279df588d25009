// ntddmodm.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDMODM_H
#define NEPTUNE_DDK_NTDDMODM_H
#include <wdm.h>
#include_next <ntddmodm.h>
#endif
