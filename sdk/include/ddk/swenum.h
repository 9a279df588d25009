// swenum.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_SWENUM_H
#define NEPTUNE_DDK_SWENUM_H
#include <wdm.h>
#include_next <swenum.h>
#endif
