// usbkern.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBKERN_H
#define NEPTUNE_DDK_USBKERN_H
#include <wdm.h>
#include_next <usbkern.h>
#endif
