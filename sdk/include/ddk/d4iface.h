// d4iface.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_D4IFACE_H
#define NEPTUNE_DDK_D4IFACE_H
#include <wdm.h>
#include_next <d4iface.h>
#endif
