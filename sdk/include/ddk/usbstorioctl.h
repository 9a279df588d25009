// usbstorioctl.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBSTORIOCTL_H
#define NEPTUNE_DDK_USBSTORIOCTL_H
#include <wdm.h>
#include_next <usbstorioctl.h>
#endif
