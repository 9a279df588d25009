// How long an extended context is, how it is laid out, and where its parts are.
#include "ntdll/context/context.hpp"

namespace {

constexpr ULONG I386 = 0x00010000, ExtendedRegisters = 0x20;
constexpr ULONG ExChunks = __builtin_offsetof(CONTEXT_EX, KernelCet);      // Windows writes no more of a CONTEXT_EX, and counts no more
constexpr ULONG XStateAlignment = 64;
constexpr LONG NoXState = ExChunks + 1;                 // the offset of a chunk that is not there

constexpr ContextKind Amd64 { .Flag = CONTEXT_AMD64, .Supported = 0xD800'005F, .Length = sizeof(CONTEXT), .ShortLength = sizeof(CONTEXT),
                              .ExLength = sizeof(CONTEXT_EX), .Alignment = 16, .Slack = 7, .FlagsOffset = __builtin_offsetof(CONTEXT, ContextFlags) };
constexpr ContextKind X86 { .Flag = I386, .Supported = 0xD800'007F, .Length = 0x2CC, .ShortLength = 0xCC, .ExLength = ExChunks, .Alignment = 4,
                            .Slack = 3, .FlagsOffset = 0 };

ULONG XStateLength(u64 Features) { return sizeof(XSAVE_AREA_HEADER) + (Features & 4 ? sizeof(XSTATE::Ymm) : 0); }

}

const ContextKind* ContextKindOf(ULONG Flags)
{
    for (const ContextKind* Kind : { &Amd64, &X86 })
        if (Flags & Kind->Flag)
            return Flags & ~(Kind->Flag | Kind->Supported) ? nullptr : Kind;
    return nullptr;
}

extern "C" {

u64 NTAPI RtlGetEnabledExtendedFeatures(u64 Mask) { return Kuser().XStateEnabledFeatures & Mask; }

NTSTATUS NTAPI RtlGetExtendedContextLength2(ULONG Flags, ULONG* Length, u64 Features)
{
    const ContextKind* Kind = ContextKindOf(Flags);
    if (!Kind)
        return STATUS_INVALID_PARAMETER;
    if (!(Flags & ContextXState)) {
        *Length = Kind->Length + Kind->ExLength + Kind->Slack;
        return STATUS_SUCCESS;
    }
    if (!Kuser().XStateEnabledFeatures)
        return STATUS_NOT_SUPPORTED;
    *Length = Kind->Length + Kind->ExLength + XStateLength(Features & ExtendedFeatures()) + XStateAlignment - 1;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlGetExtendedContextLength(ULONG Flags, ULONG* Length) { return RtlGetExtendedContextLength2(Flags, Length, ~u64(0)); }

NTSTATUS NTAPI RtlInitializeExtendedContext2(PVOID Buffer, ULONG Flags, CONTEXT_EX** Extended, u64 Features)
{
    const ContextKind* Kind = ContextKindOf(Flags);
    if (!Kind)
        return STATUS_INVALID_PARAMETER;
    if (Flags & ContextXState && !Kuser().XStateEnabledFeatures)
        return STATUS_NOT_SUPPORTED;
    u64 Context = AlignUp(u64(Buffer), Kind->Alignment);
    FlagsOf(*Kind, reinterpret_cast<void*>(Context)) = Flags;
    auto* Ex = reinterpret_cast<CONTEXT_EX*>(Context + Kind->Length);
    Ex->Legacy = { -LONG(Kind->Length), Flags & ExtendedRegisters ? Kind->Length : Kind->ShortLength };
    Ex->XState = { NoXState, 0 };
    Ex->All = { -LONG(Kind->Length), Kind->Length + ExChunks };
    if (Flags & ContextXState) {
        Features &= Kuser().XStateEnabledFeatures;
        u64 Area = AlignUp(u64(Ex) + Kind->ExLength, XStateAlignment);
        Ex->XState = { LONG(Area - u64(Ex)), XStateLength(Features) };
        Ex->All.Length = Kind->Length + ULONG(Ex->XState.Offset) + Ex->XState.Length;
        auto* Header = reinterpret_cast<XSAVE_AREA_HEADER*>(Area);
        *Header = {};
        Header->CompactionMask = CompactionFor(Features);
    }
    *Extended = Ex;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlInitializeExtendedContext(PVOID Buffer, ULONG Flags, CONTEXT_EX** Extended)
{
    return RtlInitializeExtendedContext2(Buffer, Flags, Extended, ~u64(0));
}

// x87 and SSE have their places in the legacy context, whose address is not this function's to tell.
PVOID NTAPI RtlLocateExtendedFeature(CONTEXT_EX* Extended, ULONG Feature, ULONG* Length)
{
    if (Feature != 2 || !(ExtendedFeatures() & 4))
        return nullptr;
    if (Length)
        *Length = sizeof(XSTATE::Ymm);
    return Extended->XState.Length < sizeof(XSTATE) ? nullptr : XStateOf(Extended)->Ymm;
}
PVOID NTAPI RtlLocateExtendedFeature2(CONTEXT_EX* Extended, ULONG Feature, PVOID, ULONG* Length) { return RtlLocateExtendedFeature(Extended, Feature, Length); }
CONTEXT* NTAPI RtlLocateLegacyContext(CONTEXT_EX* Extended, ULONG* Length)
{
    if (Length)
        *Length = Extended->Legacy.Length;
    return At<CONTEXT>(Extended, u64(i64(Extended->Legacy.Offset)));
}
u64 NTAPI RtlGetExtendedFeaturesMask(CONTEXT_EX* Extended) { return XStateOf(Extended)->Header.Mask & ~u64(3); }
void NTAPI RtlSetExtendedFeaturesMask(CONTEXT_EX* Extended, u64 Mask) { XStateOf(Extended)->Header.Mask = Mask & ExtendedFeatures(); }

}
