// Small names of newer wdm.h files that everything else uses.
#pragma once

#ifndef UNREFERENCED_PARAMETER
#define UNREFERENCED_PARAMETER(P) ((void)(P))
#endif
#ifndef DBG_UNREFERENCED_PARAMETER
#define DBG_UNREFERENCED_PARAMETER(P) ((void)(P))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(V) ((void)(V))
#endif
#ifndef ANYSIZE_ARRAY
#define ANYSIZE_ARRAY 1
#endif
#ifndef MAXUCHAR
#define MINCHAR 0x80
#define MAXCHAR 0x7f
#define MINSHORT 0x8000
#define MAXSHORT 0x7fff
#define MINLONG 0x80000000
#define MAXLONG 0x7fffffff
#define MAXUCHAR 0xff
#define MAXULONG 0xffffffff
#endif
#ifndef MAXUSHORT
#define MAXUSHORT 0xffff
#endif
#ifndef MAXULONGLONG
#define MAXLONGLONG (0x7fffffffffffffffLL)
#define MAXULONGLONG ((ULONGLONG)~((ULONGLONG)0))
#endif
#ifndef MAXULONG_PTR
#define MAXULONG_PTR (~(ULONG_PTR)0)
#define MAXLONG_PTR ((LONG_PTR)(MAXULONG_PTR >> 1))
#endif
#ifndef FlagOn
#define FlagOn(F, SF) ((F) & (SF))
#define BooleanFlagOn(F, SF) ((BOOLEAN)(((F) & (SF)) != 0))
#define SetFlag(F, SF) ((F) |= (SF))
#define ClearFlag(F, SF) ((F) &= ~(SF))
#endif
#ifndef Int32x32To64
#define Int32x32To64(a, b) ((LONGLONG)((LONG)(a)) * (LONGLONG)((LONG)(b)))
#define UInt32x32To64(a, b) ((ULONGLONG)((ULONG)(a)) * (ULONGLONG)((ULONG)(b)))
#endif
#ifndef NOTHING
#define NOTHING
#endif
#ifndef POINTER_SIGNED
#define POINTER_SIGNED
#define POINTER_UNSIGNED
#endif
#ifndef NT_FRE_ASSERT
#define NT_FRE_ASSERT(e) NT_ASSERT(e)
#define NT_ANALYSIS_ASSUME(e) ((void)0)
#define NT_ASSERT_ASSUME(e) NT_ASSERT(e)
#define NT_FRE_ASSERTMSG(m, e) NT_ASSERT(e)
#endif
#ifndef FAST_FAIL_CORRUPT_LIST_ENTRY
#define FAST_FAIL_CORRUPT_LIST_ENTRY 3
#define FAST_FAIL_INVALID_ARG 5
#define FAST_FAIL_FATAL_APP_EXIT 7
#endif
#ifndef __WARNING_USING_UNINIT_VAR
#define __WARNING_USING_UNINIT_VAR 6001
#define __WARNING_DEREF_NULL_PTR 6011
#define __WARNING_RETURN_UNINIT_VAR 6101
#define __WARNING_POTENTIAL_BUFFER_OVERFLOW_HIGH_PRIORITY 26015
#define __WARNING_INCORRECT_ANNOTATION 26007
#define __WARNING_INVALID_PARAM_VALUE_1 6387
#define __WARNING_INVALID_PARAM_VALUE_3 28183
#define __WARNING_POST_EXPECTED 28210
#define __WARNING_BUFFER_UNDERFLOW 26001
#define __WARNING_BUFFER_OVERFLOW 26000
#define __WARNING_BANNED_API_USAGE 28719
#define __WARNING_CANCEL_SPINLOCK 28103
#define __WARNING_MISSING_ZERO_TERMINATION 6054
#endif
#ifndef DEVPROP_TYPE_MASK
#define DEVPROP_TYPE_MASK 0x00000FFF
#endif
#ifndef NTDDI_NO_SILO
typedef struct _ESILO *PESILO;
#endif
