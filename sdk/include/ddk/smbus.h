// smbus.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_SMBUS_H
#define NEPTUNE_DDK_SMBUS_H
#include <wdm.h>
#include_next <smbus.h>
#endif
