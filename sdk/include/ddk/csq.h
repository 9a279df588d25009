// csq.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_CSQ_H
#define NEPTUNE_DDK_CSQ_H
#include <wdm.h>
#include_next <csq.h>
#endif
