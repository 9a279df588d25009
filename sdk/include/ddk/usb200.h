// usb200.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USB200_H
#define NEPTUNE_DDK_USB200_H
#include <wdm.h>
#include_next <usb200.h>
#endif
