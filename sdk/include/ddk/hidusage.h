// hidusage.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_HIDUSAGE_H
#define NEPTUNE_DDK_HIDUSAGE_H
#include <wdm.h>
#include_next <hidusage.h>
#endif
