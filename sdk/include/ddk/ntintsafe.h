// ntintsafe.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTINTSAFE_H
#define NEPTUNE_DDK_NTINTSAFE_H
#include <wdm.h>
#include_next <ntintsafe.h>
#endif
