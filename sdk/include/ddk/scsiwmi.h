// scsiwmi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_SCSIWMI_H
#define NEPTUNE_DDK_SCSIWMI_H
#include <wdm.h>
#include <srb.h>
#include_next <scsiwmi.h>
#endif
