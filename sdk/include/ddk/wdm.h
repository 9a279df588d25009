// wdm.h: mingw-w64's, and what newer kits add.
#ifndef NEPTUNE_DDK_WDM_H
#define NEPTUNE_DDK_WDM_H
#include <neptune/kernel.h>

// mingw-w64's wdm.h defines these two again, which C++ refuses after intrin.h; it gives them other names afterwards anyway.
#include <intrin.h>
#define InterlockedBitTestAndSet NeptuneUnusedBitTestAndSet
#define InterlockedBitTestAndReset NeptuneUnusedBitTestAndReset
// Windows aligns DEVICE_OBJECT to 16 bytes, which its size depends on.
#define NextDevice NextDevice __attribute__((aligned(16)))
#include <neptune/ring0_hide.h>
#include_next <wdm.h>
#include <neptune/ring0_show.h>
#undef NextDevice

// The kernel's variables of these names hold types. A driver's pointer of such a name is its import, which has the variable's address, and not, as the declarations say,
// what the variable holds.
#define NEPTUNE_TYPE(Name) extern POBJECT_TYPE* Neptune##Name __asm__("__imp_" #Name)
NEPTUNE_TYPE(CmKeyObjectType);
NEPTUNE_TYPE(ExEventObjectType);
NEPTUNE_TYPE(ExSemaphoreObjectType);
NEPTUNE_TYPE(IoFileObjectType);
NEPTUNE_TYPE(PsThreadType);
NEPTUNE_TYPE(PsProcessType);
NEPTUNE_TYPE(SeTokenObjectType);
#undef NEPTUNE_TYPE
#define CmKeyObjectType NeptuneCmKeyObjectType
#define ExEventObjectType NeptuneExEventObjectType
#define ExSemaphoreObjectType NeptuneExSemaphoreObjectType
#define IoFileObjectType NeptuneIoFileObjectType
#define PsThreadType NeptunePsThreadType
#define PsProcessType NeptunePsProcessType
#define SeTokenObjectType NeptuneSeTokenObjectType

// Structured exception handling: Microsoft's excpt.h has the plain words in C.
#if !defined(__cplusplus) && !defined(try)
#define try __try
#define except __except
#define finally __finally
#define leave __leave
#endif

#include <neptune/wdm_types.h>
#include <neptune/callbacks_wdm.h>
#include <neptune/wdm_ex.h>
#include <neptune/wdm_ke.h>
#include <neptune/wdm_io.h>
#include <neptune/wdm_mm.h>
#include <neptune/wdm_po.h>
#include <neptune/wdm_rtl.h>
#include <neptune/wdm_tm.h>
#endif
