// parallel.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_PARALLEL_H
#define NEPTUNE_DDK_PARALLEL_H
#include <wdm.h>
#include_next <parallel.h>
#endif
