// ntnls.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTNLS_H
#define NEPTUNE_DDK_NTNLS_H
#include <wdm.h>
#include_next <ntnls.h>
#endif
