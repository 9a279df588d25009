// ndisguid.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NDISGUID_H
#define NEPTUNE_DDK_NDISGUID_H
#include <ntddk.h>
#include <ndis.h>
#include_next <ndisguid.h>
#endif
