// usbscan.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBSCAN_H
#define NEPTUNE_DDK_USBSCAN_H
#include <wdm.h>
#include_next <usbscan.h>
#endif
