// ntddtape.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDTAPE_H
#define NEPTUNE_DDK_NTDDTAPE_H
#include <wdm.h>
#include_next <ntddtape.h>
#endif
