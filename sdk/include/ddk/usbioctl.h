// usbioctl.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBIOCTL_H
#define NEPTUNE_DDK_USBIOCTL_H
#include <wdm.h>
#include_next <usbioctl.h>
#endif
