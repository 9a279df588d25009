// The annotations of specstrings.h: all of SAL, and mingw-w64's private spellings of it.
#ifndef NEPTUNE_SPECSTRINGS_H
#define NEPTUNE_SPECSTRINGS_H
#include <sal.h>
#include_next <specstrings.h>
#ifndef __nothrow
#define __nothrow __attribute__((nothrow))
#endif
#endif
