// ide.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_IDE_H
#define NEPTUNE_DDK_IDE_H
#include <wdm.h>
#include_next <ide.h>
#endif
