// ntagp.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTAGP_H
#define NEPTUNE_DDK_NTAGP_H
#include <ntddk.h>
#include_next <ntagp.h>
#endif
