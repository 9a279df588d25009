// srb.h: mingw-w64's, usable by itself, and extended request blocks (Windows 8).
#ifndef NEPTUNE_DDK_SRB_H
#define NEPTUNE_DDK_SRB_H
#include <wdm.h>
#include_next <srb.h>
#include <neptune/srbex.h>
#endif
