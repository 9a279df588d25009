// xfilter.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_XFILTER_H
#define NEPTUNE_DDK_XFILTER_H
#include <wdm.h>
#include <windef.h>
#include_next <xfilter.h>
#endif
