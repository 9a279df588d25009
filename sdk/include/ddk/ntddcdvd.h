// ntddcdvd.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDCDVD_H
#define NEPTUNE_DDK_NTDDCDVD_H
#include <wdm.h>
#include_next <ntddcdvd.h>
#endif
