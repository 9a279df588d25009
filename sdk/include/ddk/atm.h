// atm.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_ATM_H
#define NEPTUNE_DDK_ATM_H
#include <wdm.h>
#include <windef.h>
#include_next <atm.h>
#endif
