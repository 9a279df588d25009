// punknown.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_PUNKNOWN_H
#define NEPTUNE_DDK_PUNKNOWN_H
#include <ntddk.h>
#include <neptune/com_macros.h>
#include_next <punknown.h>
#endif
