// ntddcdrm.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDCDRM_H
#define NEPTUNE_DDK_NTDDCDRM_H
#include <wdm.h>
#include_next <ntddcdrm.h>
#endif
