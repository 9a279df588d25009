// ntstrsafe.h: mingw-w64's, usable by itself, with the functions on UNICODE_STRING.
#ifndef NEPTUNE_DDK_NTSTRSAFE_H
#define NEPTUNE_DDK_NTSTRSAFE_H
#include <wdm.h>
#include_next <ntstrsafe.h>
#ifndef NTSTRSAFE_NO_UNICODE_STRING_FUNCTIONS
#include <neptune/unicode_strsafe.h>
#endif
#endif
