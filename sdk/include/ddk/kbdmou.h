// kbdmou.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_KBDMOU_H
#define NEPTUNE_DDK_KBDMOU_H
#include <wdm.h>
#include <ntddkbd.h>
#include <ntddmou.h>
#ifndef STDAPICALLTYPE
#define STDAPICALLTYPE __stdcall
#endif
#include_next <kbdmou.h>
#endif
