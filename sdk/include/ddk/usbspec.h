// usbspec.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBSPEC_H
#define NEPTUNE_DDK_USBSPEC_H
#include <wdm.h>
#include_next <usbspec.h>
#endif
