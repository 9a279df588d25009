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

// The kernel's variables of these names hold types. Drivers' pointers lead to them: their imports, not what those contain, as the declarations say.
#define CmKeyObjectType ((POBJECT_TYPE*)&CmKeyObjectType)
#define ExEventObjectType ((POBJECT_TYPE*)&ExEventObjectType)
#define ExSemaphoreObjectType ((POBJECT_TYPE*)&ExSemaphoreObjectType)
#define IoFileObjectType ((POBJECT_TYPE*)&IoFileObjectType)
#define PsThreadType ((POBJECT_TYPE*)&PsThreadType)
#define CmKeyObjectType ((POBJECT_TYPE*)&CmKeyObjectType)
#define PsProcessType ((POBJECT_TYPE*)&PsProcessType)
#define SeTokenObjectType ((POBJECT_TYPE*)&SeTokenObjectType)

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
