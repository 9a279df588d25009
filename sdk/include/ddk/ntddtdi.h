// ntddtdi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDTDI_H
#define NEPTUNE_DDK_NTDDTDI_H
#include <wdm.h>
#include_next <ntddtdi.h>
#endif
