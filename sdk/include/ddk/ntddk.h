// ntddk.h: mingw-w64's, and what newer kits add.
#ifndef NEPTUNE_DDK_NTDDK_H
#define NEPTUNE_DDK_NTDDK_H
#ifndef _NTDDK_
#define _NTDDK_ // tells wdm.h that it is a part of this header
#endif
#if !defined(_NTHAL_) && !defined(_NTIFS_)
#define _NTDDK_INCLUDED_
#define _DDK_DRIVER_
#endif
#define NT_INCLUDED
#define _CTYPE_DISABLE_MACROS
#include <wdm.h>
#include <neptune/ring0_hide.h>
#include_next <ntddk.h>
#include <neptune/ring0_show.h>
#include <neptune/callbacks_ntddk.h>
#include <neptune/ntddk_more.h>
#endif
