// stdunk.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_STDUNK_H
#define NEPTUNE_DDK_STDUNK_H
#include <ntddk.h>
#include <punknown.h>
#include_next <stdunk.h>
#endif
