// usbiodef.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_USBIODEF_H
#define NEPTUNE_DDK_USBIODEF_H
#include <wdm.h>
#include_next <usbiodef.h>
#endif
