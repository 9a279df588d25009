// The driver annotations (IRQL, locks, memory ownership, function classes) of driverspecs.h and kernelspecs.h, all of them nothing to clang.
#ifndef DRIVERSPECS_H
#define DRIVERSPECS_H
#include <specstrings.h>
#include <concurrencysal.h>

#define _IRQL_requires_(i)
#define _IRQL_requires_min_(i)
#define _IRQL_requires_max_(i)
#define _IRQL_requires_same_
#define _IRQL_always_function_min_(i)
#define _IRQL_always_function_max_(i)
#define _IRQL_raises_(i)
#define _IRQL_saves_
#define _IRQL_saves_global_(k, p)
#define _IRQL_restores_
#define _IRQL_restores_global_(k, p)
#define _IRQL_uses_cancel_
#define _IRQL_is_cancel_
#define _Dispatch_type_(t)
#define _Kernel_clear_do_init_(y)
#define _Kernel_float_saved_
#define _Kernel_float_restored_
#define _Kernel_float_used_
#define _Kernel_acquires_resource_(k)
#define _Kernel_releases_resource_(k)
#define _Kernel_requires_resource_held_(k)
#define _Kernel_requires_resource_not_held_(k)
#define _Kernel_IoGetDmaAdapter_
#define _Kernel_entry_
#define _Kernel_entry_always_
#define _Flt_CompletionContext_Outptr_
#define _Flt_ConnectionCookie_Outptr_
#define _Lock_level_order_(a, b)
#define _Create_lock_level_(l)
#define _Has_lock_level_(l)
#define _Global_critical_region_
#define _Global_cancel_spin_lock_
#define _Global_priority_region_
#define _Global_interlock_
#define _Internal_set_type_(l)
#define __drv_aliasesMem
#define __drv_allocatesMem(k)
#define __drv_freesMem(k)
#define __drv_acquiresResource(k)
#define __drv_acquiresResourceGlobal(k, p)
#define __drv_acquiresCancelSpinLock
#define __drv_acquiresCriticalRegion
#define __drv_acquiresExclusiveResource(k)
#define __drv_acquiresExclusiveResourceGlobal(k, p)
#define __drv_acquiresPriorityRegion
#define __drv_releasesResource(k)
#define __drv_releasesResourceGlobal(k, p)
#define __drv_releasesCancelSpinLock
#define __drv_releasesCriticalRegion
#define __drv_releasesExclusiveResource(k)
#define __drv_releasesExclusiveResourceGlobal(k, p)
#define __drv_releasesPriorityRegion
#define __drv_mustHold(k)
#define __drv_mustHoldGlobal(k, p)
#define __drv_mustHoldCancelSpinLock
#define __drv_mustHoldCriticalRegion
#define __drv_mustHoldPriorityRegion
#define __drv_neverHold(k)
#define __drv_neverHoldGlobal(k, p)
#define __drv_neverHoldCancelSpinLock
#define __drv_neverHoldCriticalRegion
#define __drv_neverHoldPriorityRegion
#define __drv_holdsCancelSpinLock()
#define __drv_holdsCriticalRegion()
#define __drv_holdsPriorityRegion()
#define __drv_innerAcquiresGlobal(k, p)
#define __drv_innerReleasesGlobal(k, p)
#define __drv_innerMustHoldGlobal(k, p)
#define __drv_innerNeverHoldGlobal(k, p)
#define __drv_arg(a, x)
#define __drv_at(a, x)
#define __drv_when(c, x)
#define __drv_deref(x)
#define __drv_in(x)
#define __drv_in_deref(x)
#define __drv_out(x)
#define __drv_out_deref(x)
#define __drv_ret(x)
#define __drv_fun(x)
#define __drv_xor(x)
#define __drv_unit(p)
#define __drv_declspec(x)
#define __drv_functionClass(c)
#define __drv_sameIRQL
#define __drv_dispatchType(t)
#define __drv_dispatchType_other
#define __drv_completionType(t)
#define __drv_callbackType(t)
#define __drv_typeConst
#define __drv_typeCond
#define __drv_typeBitset
#define __drv_typeExpr
#define __drv_strictType(t, m)
#define __drv_strictTypeMatch(m)
#define __drv_notPointer
#define __drv_isObjectPointer
#define __drv_nonConstant
#define __drv_constant
#define __drv_valueIs(l)
#define __drv_inTry
#define __drv_notInTry
#define __drv_formatString(k)
#define __drv_interlocked
#define __drv_floatSaved
#define __drv_floatRestored
#define __drv_floatUsed
#define __drv_clearDoInit
#define __drv_preferredFunction(f, w)
#define __drv_preferredFunction_Outptr
#define __drv_reportError(w)
#define __drv_error(w)
#define __drv_maxFunctionIRQL(i)
#define __drv_minFunctionIRQL(i)
#define __drv_maxIRQL(i)
#define __drv_minIRQL(i)
#define __drv_requiresIRQL(i)
#define __drv_raisesIRQL(i)
#define __drv_setsIRQL(i)
#define __drv_savesIRQL
#define __drv_savesIRQLGlobal(k, p)
#define __drv_restoresIRQL
#define __drv_restoresIRQLGlobal(k, p)
#define __drv_isCancelIRQL
#define __drv_useCancelIRQL
#define __drv_KMDF
#define __drv_setsFlag(f)
#define __drv_clearsFlag(f)
#define __drv_reinitializes
#define __drv_deviceType(t)
#define __drv_mustHoldRemoveLock
#define ___drv_unit_internal_kernel_driver
#define ___drv_unit_kernel_code
#define ___drv_unit_kernel_driver
#define ___drv_unit_user_driver
#define ___drv_unit_user_code
#define __internal_kernel_driver
#define __kernel_code
#define __kernel_driver
#define __user_code
#define __user_driver
#define __prefast_operator_new_throws
#define __prefast_operator_new_null
#define __drv_Mode_impl(m)
#define __drv_nop(x) x
#define _DRIVER_SPECS
#endif
