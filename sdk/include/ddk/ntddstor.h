// ntddstor.h: mingw-w64's, and what newer kits add.
#ifndef NEPTUNE_DDK_NTDDSTOR_H
#define NEPTUNE_DDK_NTDDSTOR_H
#include <wdm.h>
#include_next <ntddstor.h>
#include <neptune/stor_more.h>
#endif
