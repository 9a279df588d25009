// scsiscan.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_SCSISCAN_H
#define NEPTUNE_DDK_SCSISCAN_H
#include <wdm.h>
#include_next <scsiscan.h>
#endif
