// ntddpar.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDPAR_H
#define NEPTUNE_DDK_NTDDPAR_H
#include <wdm.h>
#include_next <ntddpar.h>
#endif
