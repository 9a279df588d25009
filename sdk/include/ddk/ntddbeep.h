// ntddbeep.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDBEEP_H
#define NEPTUNE_DDK_NTDDBEEP_H
#include <wdm.h>
#include_next <ntddbeep.h>
#endif
