// wdmsec.h: mingw-w64's, usable by itself and with C linkage of everything it declares.
#ifndef NEPTUNE_DDK_WDMSEC_H
#define NEPTUNE_DDK_WDMSEC_H
#include <wdm.h>
#include_next <wdmsec.h>
#endif
