// ntddsnd.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDSND_H
#define NEPTUNE_DDK_NTDDSND_H
#include <wdm.h>
#include_next <ntddsnd.h>
#endif
