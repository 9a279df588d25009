// mountdev.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_MOUNTDEV_H
#define NEPTUNE_DDK_MOUNTDEV_H
#include <wdm.h>
#include_next <mountdev.h>
#endif
