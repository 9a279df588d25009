// pfhook.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_PFHOOK_H
#define NEPTUNE_DDK_PFHOOK_H
#include <wdm.h>
#include_next <pfhook.h>
#endif
