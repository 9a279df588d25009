// ntddmou.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDMOU_H
#define NEPTUNE_DDK_NTDDMOU_H
#include <wdm.h>
#include_next <ntddmou.h>
#endif
