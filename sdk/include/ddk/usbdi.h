// usbdi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBDI_H
#define NEPTUNE_DDK_USBDI_H
#include <wdm.h>
#include_next <usbdi.h>
#endif
