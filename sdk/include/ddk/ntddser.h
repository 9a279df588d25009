// ntddser.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDSER_H
#define NEPTUNE_DDK_NTDDSER_H
#include <wdm.h>
#include_next <ntddser.h>
#endif
