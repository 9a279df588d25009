/*
 * What Wine's driver tests expect of Wine's windef.h, winbase.h, winternl.h and winioctl.h, on top of the driver kit's own ntifs.h: Wine lets a driver
 * include the Win32 headers and the DDK's together, Microsoft's and MinGW's kits do not. No declaration of the kernel's interface is here.
 */
#ifndef NEPTUNE_TESTS_WINE_WINDRIVER_H
#define NEPTUNE_TESTS_WINE_WINDRIVER_H

#include <ntifs.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <wchar.h>

typedef unsigned long DWORD;
typedef unsigned int UINT;
typedef int BOOL;
typedef unsigned char BYTE;
typedef unsigned short WORD;

#define WINAPI __stdcall
#define WINAPIV __cdecl
#define MAX_PATH 260
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define WAIT_TIMEOUT 258L
#define lstrlenW wcslen
#define PROCESS_QUERY_INFORMATION 0x0400

/* What KeGenericCallDpc's routines are given as their last argument. Microsoft's kit has the functions without the structure. */
typedef struct _DEFERRED_REVERSE_BARRIER
{
    ULONG Barrier;
    ULONG TotalProcessors;
} DEFERRED_REVERSE_BARRIER;

#endif
