// ntstrsafe.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTSTRSAFE_H
#define NEPTUNE_DDK_NTSTRSAFE_H
#include <wdm.h>
#include_next <ntstrsafe.h>
#endif
