// usbbusif.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBBUSIF_H
#define NEPTUNE_DDK_USBBUSIF_H
#include <wdm.h>
#include <usb.h>
#include <usbdi.h>
#include_next <usbbusif.h>
#endif
