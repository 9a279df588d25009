// usb.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USB_H
#define NEPTUNE_DDK_USB_H
#include <wdm.h>
#include_next <usb.h>
#endif
