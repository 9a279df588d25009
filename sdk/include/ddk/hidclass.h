// hidclass.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_HIDCLASS_H
#define NEPTUNE_DDK_HIDCLASS_H
#include <wdm.h>
#include <hidusage.h>
#include <hidpi.h>
#include_next <hidclass.h>
#endif
