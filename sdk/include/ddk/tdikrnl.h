// tdikrnl.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_TDIKRNL_H
#define NEPTUNE_DDK_TDIKRNL_H
#include <wdm.h>
#include <netpnp.h>
#include_next <tdikrnl.h>
#endif
