// What stands before and after mingw-w64's wdm.h, ntddk.h and ntifs.h: the version the kit speaks for, annotations, structured exception
// handling, and what mingw-w64 gets wrong with clang.
#ifndef NEPTUNE_KERNEL_H
#define NEPTUNE_KERNEL_H

// NTDDI levels after mingw-w64's last one; the kit declares what Windows 10 22H2 has.
#define NTDDI_WIN10_TH2 0x0A000001
#define NTDDI_WIN10_RS1 0x0A000002
#define NTDDI_WIN10_RS2 0x0A000003
#define NTDDI_WIN10_RS3 0x0A000004
#define NTDDI_WIN10_RS4 0x0A000005
#define NTDDI_WIN10_RS5 0x0A000006
#define NTDDI_WIN10_19H1 0x0A000007
#define NTDDI_WIN10_VB 0x0A000008
#define NTDDI_WIN10_MN 0x0A000009
#define NTDDI_WIN10_FE 0x0A00000A
#define NTDDI_WIN10_CO 0x0A00000B
#define NTDDI_WIN10_NI 0x0A00000C
#define NTDDI_WIN10_CU 0x0A00000D
#ifndef WINVER
#define WINVER 0x0A00
#endif
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#ifndef NTDDI_VERSION
#define NTDDI_VERSION NTDDI_WIN10_VB
#endif
// x64's own names, as Microsoft's compiler and build define them.
#ifndef _AMD64_
#define _AMD64_
#endif
#ifndef AMD64
#define AMD64
#endif
#ifndef _M_AMD64
#define _M_AMD64 100
#endif
#ifndef _M_X64
#define _M_X64 100
#endif

#include <sal.h>
#include <driverspecs.h>
#include <excpt.h>
#include <sdkddkver.h>
// mingw-w64 makes __forceinline a GNU inline without a body of its own; a call in a __try block, which clang never inlines, needs one. The word alone
// is what Microsoft's compiler knows.
#include <_mingw.h>
#undef __forceinline

#ifndef UNALIGNED
#define UNALIGNED __unaligned
#endif
#ifndef DECLSPEC_RESTRICT
#define DECLSPEC_RESTRICT
#endif
#ifndef DECLSPEC_GUARD_SUPPRESS
#define DECLSPEC_GUARD_SUPPRESS
#endif
#ifndef CFORCEINLINE
#define CFORCEINLINE FORCEINLINE
#endif
#ifndef __callback
#define __callback
#endif

#endif
