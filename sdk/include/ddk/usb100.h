// usb100.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USB100_H
#define NEPTUNE_DDK_USB100_H
#include <wdm.h>
#include_next <usb100.h>
#endif
