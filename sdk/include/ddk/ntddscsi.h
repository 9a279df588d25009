// ntddscsi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDSCSI_H
#define NEPTUNE_DDK_NTDDSCSI_H
#include <wdm.h>
#include_next <ntddscsi.h>
#endif
