// ntimage.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTIMAGE_H
#define NEPTUNE_DDK_NTIMAGE_H
#include <ntifs.h>
#include_next <ntimage.h>
#endif
