// The driver headers, as C++ takes them: mingw-w64's, whose wdm.h defines two inline functions that its compiler header has already.
#pragma once
#define _MM3DNOW_H_INCLUDED
#include <intrin.h>

#include <stddef.h>

#define _NTOSKRNL_ 1
#define InterlockedBitTestAndSet WdmInterlockedBitTestAndSet
#define InterlockedBitTestAndReset WdmInterlockedBitTestAndReset
extern "C" {
#include <ntifs.h>
}
#undef InterlockedBitTestAndSet
#undef InterlockedBitTestAndReset
// Inline functions that read control registers: not for this side of the interface.
#define KeGetCurrentIrql do_not_use
// The page of shared data is where every process has it: KeQuerySystemTime and its like read it inline.
#undef KI_USER_SHARED_DATA
#define KI_USER_SHARED_DATA 0x7FFE0000
// Some of the C++ library's headers make macros of these words; here they are the compiler's structured exception handling.
#undef __try
#undef __catch
