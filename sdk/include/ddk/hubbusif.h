// hubbusif.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_HUBBUSIF_H
#define NEPTUNE_DDK_HUBBUSIF_H
#include <wdm.h>
#include <usb.h>
#include <usbdi.h>
#include_next <hubbusif.h>
#endif
