// hidpi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_HIDPI_H
#define NEPTUNE_DDK_HIDPI_H
#include <wdm.h>
#include <hidusage.h>
#include_next <hidpi.h>
#endif
