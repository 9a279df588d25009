// ioevent.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_IOEVENT_H
#define NEPTUNE_DDK_IOEVENT_H
#include <wdm.h>
#include <guiddef.h>
#include_next <ioevent.h>
#endif
