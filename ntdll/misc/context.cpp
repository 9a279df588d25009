// Contexts with extended state: CONTEXT, then CONTEXT_EX, then (if asked for) the XSAVE header and the AVX half. This system gives no
// extended state out with its contexts, so the functions describe the legacy part and refuse CONTEXT_XSTATE as Windows does on a
// machine without it.
#include "ntdll/ntdll.hpp"

namespace {

constexpr ULONG XStateBits = 0x40;

bool Valid(ULONG Flags) { return (Flags & CONTEXT_AMD64) && !(Flags & 0x00EF0000); }

}

extern "C" {

u64 NTAPI RtlGetEnabledExtendedFeatures(u64 Mask) { return Kuser().XStateEnabledFeatures & Mask; }

NTSTATUS NTAPI RtlGetExtendedContextLength2(ULONG Flags, ULONG* Length, u64)
{
    if (!Valid(Flags))
        return STATUS_INVALID_PARAMETER;
    if (Flags & XStateBits)
        return STATUS_NOT_SUPPORTED;
    *Length = sizeof(CONTEXT) + sizeof(CONTEXT_EX) + 7;     // as Windows says it, although the context is aligned to 16
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlGetExtendedContextLength(ULONG Flags, ULONG* Length) { return RtlGetExtendedContextLength2(Flags, Length, ~u64(0)); }

NTSTATUS NTAPI RtlInitializeExtendedContext2(PVOID Buffer, ULONG Flags, CONTEXT_EX** Extended, u64)
{
    if (!Valid(Flags))
        return STATUS_INVALID_PARAMETER;
    if (Flags & XStateBits)
        return STATUS_NOT_SUPPORTED;
    auto* Context = reinterpret_cast<CONTEXT*>(AlignUp(u64(Buffer), 16));
    Context->ContextFlags = Flags;
    auto* Ex = reinterpret_cast<CONTEXT_EX*>(Context + 1);
    *Ex = {};
    Ex->Legacy = { -LONG(sizeof(CONTEXT)), sizeof(CONTEXT) };
    Ex->XState = { 25, 0 };
    Ex->All = { -LONG(sizeof(CONTEXT)), sizeof(CONTEXT) + 24 };
    *Extended = Ex;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlInitializeExtendedContext(PVOID Buffer, ULONG Flags, CONTEXT_EX** Extended)
{
    return RtlInitializeExtendedContext2(Buffer, Flags, Extended, ~u64(0));
}
PVOID NTAPI RtlLocateExtendedFeature(CONTEXT_EX* Extended, ULONG Feature, ULONG* Length)
{
    auto* Context = At<CONTEXT>(Extended, u64(i64(Extended->Legacy.Offset)));
    if (Feature == 0) {
        if (Length)
            *Length = __builtin_offsetof(XSAVE_FORMAT, XmmRegisters);
        return &Context->FltSave;
    }
    if (Feature == 1) {
        if (Length)
            *Length = sizeof(M128A) * 16;
        return &Context->FltSave.XmmRegisters;
    }
    if (Extended->XState.Length < sizeof(XSAVE_AREA_HEADER) || Feature != 2)
        return nullptr;
    if (Length)
        *Length = 256;
    return At<void>(Extended, u64(i64(Extended->XState.Offset)) + sizeof(XSAVE_AREA_HEADER));
}
PVOID NTAPI RtlLocateExtendedFeature2(CONTEXT_EX* Extended, ULONG Feature, PVOID, ULONG* Length) { return RtlLocateExtendedFeature(Extended, Feature, Length); }
CONTEXT* NTAPI RtlLocateLegacyContext(CONTEXT_EX* Extended, ULONG* Length)
{
    if (Length)
        *Length = Extended->Legacy.Length;
    return At<CONTEXT>(Extended, u64(i64(Extended->Legacy.Offset)));
}
u64 NTAPI RtlGetExtendedFeaturesMask(CONTEXT_EX* Extended)
{
    if (Extended->XState.Length < sizeof(XSAVE_AREA_HEADER))
        return 0;
    return *At<u64>(Extended, u64(i64(Extended->XState.Offset))) & ~u64(3);
}
void NTAPI RtlSetExtendedFeaturesMask(CONTEXT_EX* Extended, u64 Mask)
{
    if (Extended->XState.Length >= sizeof(XSAVE_AREA_HEADER))
        *At<u64>(Extended, u64(i64(Extended->XState.Offset))) = Mask & Kuser().XStateEnabledFeatures & ~u64(3);
}

NTSTATUS NTAPI RtlCopyContext(CONTEXT* To, ULONG Flags, CONTEXT* From)
{
    if (!Valid(Flags) || !(To->ContextFlags & CONTEXT_AMD64) || !(From->ContextFlags & CONTEXT_AMD64))
        return STATUS_INVALID_PARAMETER;
    if (Flags & XStateBits)
        return STATUS_NOT_SUPPORTED;
    To->ContextFlags |= Flags;
    if (Flags & CONTEXT_CONTROL & ~CONTEXT_AMD64) {
        To->SegCs = From->SegCs;
        To->SegSs = From->SegSs;
        To->EFlags = From->EFlags;
        To->Rsp = From->Rsp;
        To->Rip = From->Rip;
    }
    if (Flags & CONTEXT_INTEGER & ~CONTEXT_AMD64) {
        u64 Rsp = To->Rsp;
        __builtin_memcpy(&To->Rax, &From->Rax, 16 * 8);
        To->Rsp = Rsp;
    }
    if (Flags & CONTEXT_SEGMENTS & ~CONTEXT_AMD64) {
        To->SegDs = From->SegDs;
        To->SegEs = From->SegEs;
        To->SegFs = From->SegFs;
        To->SegGs = From->SegGs;
    }
    if (Flags & CONTEXT_FLOATING_POINT & ~CONTEXT_AMD64) {
        To->FltSave = From->FltSave;
        To->MxCsr = From->MxCsr;
    }
    if (Flags & CONTEXT_DEBUG_REGISTERS & ~CONTEXT_AMD64)
        __builtin_memcpy(&To->Dr0, &From->Dr0, 6 * 8);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlCopyExtendedContext(CONTEXT_EX* To, ULONG Flags, CONTEXT_EX* From)
{
    return RtlCopyContext(RtlLocateLegacyContext(To, nullptr), Flags, RtlLocateLegacyContext(From, nullptr));
}

}
