// mcd.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_MCD_H
#define NEPTUNE_DDK_MCD_H
#include <wdm.h>
#include <srb.h>
#include <ntddchgr.h>
#include <wmistr.h>
#include <wmidata.h>
#include_next <mcd.h>
#endif
