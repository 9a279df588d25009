// acpiioct.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_ACPIIOCT_H
#define NEPTUNE_DDK_ACPIIOCT_H
#include <wdm.h>
#include_next <acpiioct.h>
#endif
