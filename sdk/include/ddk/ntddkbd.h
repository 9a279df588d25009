// ntddkbd.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDKBD_H
#define NEPTUNE_DDK_NTDDKBD_H
#include <wdm.h>
#include_next <ntddkbd.h>
#endif
