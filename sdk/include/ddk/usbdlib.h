// usbdlib.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBDLIB_H
#define NEPTUNE_DDK_USBDLIB_H
#include <wdm.h>
#include <usb.h>
#include <usbdi.h>
#include_next <usbdlib.h>
#endif
