// usbdrivr.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBDRIVR_H
#define NEPTUNE_DDK_USBDRIVR_H
#include <wdm.h>
#include <usb.h>
#include <usbdi.h>
#include <usbdlib.h>
#include_next <usbdrivr.h>
#endif
