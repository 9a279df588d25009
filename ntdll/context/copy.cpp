// RtlCopyContext and RtlCopyExtendedContext.
#include "ntdll/context/context.hpp"

namespace {

struct Part {
    u16 Offset, Length;
    ULONG Flag;
};
constexpr Part Amd64Parts[] = {
    { 0x34, 0x04, 0x08 },               // MxCsr
    { 0x38, 0x02, 0x01 },               // SegCs
    { 0x3A, 0x08, 0x04 },               // SegDs to SegGs
    { 0x42, 0x06, 0x01 },               // SegSs, EFlags
    { 0x48, 0x30, 0x10 },               // Dr0 to Dr7
    { 0x78, 0x20, 0x02 },               // Rax to Rbx
    { 0x98, 0x08, 0x01 },               // Rsp
    { 0xA0, 0x58, 0x02 },               // Rbp to R15
    { 0xF8, 0x08, 0x01 },               // Rip
    { 0x100, 0x1A0, 0x08 },             // FltSave up to Xmm15
    { 0x4B0, 0x20, 0x10 },              // the last branches and exceptions
};
constexpr Part X86Parts[] = {
    { 0x04, 0x18, 0x10 },               // Dr0 to Dr7
    { 0x1C, 0x70, 0x08 },               // FloatSave
    { 0x8C, 0x10, 0x04 },               // SegGs to SegDs
    { 0x9C, 0x18, 0x02 },               // Edi to Eax
    { 0xB4, 0x18, 0x01 },               // Ebp to SegSs
    { 0xCC, 0x120, 0x20 },              // ExtendedRegisters up to Xmm7
};

NTSTATUS CopyXState(CONTEXT_EX* To, CONTEXT_EX* From)
{
    if (To->XState.Length < sizeof(XSAVE_AREA_HEADER))
        return STATUS_BUFFER_OVERFLOW;
    XSTATE *Target = XStateOf(To), *Source = XStateOf(From);
    Target->Header = {};
    Target->Header.Mask = Source->Header.Mask & ExtendedFeatures();
    Target->Header.CompactionMask = CompactionFor(Source->Header.CompactionMask & Kuser().XStateEnabledFeatures);
    if (!(Target->Header.Mask & 4))
        return STATUS_SUCCESS;
    if (To->XState.Length < sizeof(XSTATE))
        return STATUS_BUFFER_OVERFLOW;
    __builtin_memcpy(Target->Ymm, Source->Ymm, sizeof(Target->Ymm));
    return STATUS_SUCCESS;
}

}

void CopyContextParts(const ContextKind& Kind, void* To, ULONG Flags, const void* From)
{
    auto Copy = [&](const Part& P) {
        if (Flags & P.Flag)
            __builtin_memcpy(At(To, P.Offset), At(From, P.Offset), P.Length);
    };
    if (Kind.Flag == CONTEXT_AMD64)
        for (const Part& P : Amd64Parts)
            Copy(P);
    else
        for (const Part& P : X86Parts)
            Copy(P);
}

extern "C" {

NTSTATUS NTAPI RtlCopyExtendedContext(CONTEXT_EX* To, ULONG Flags, CONTEXT_EX* From)
{
    const ContextKind* Kind = ContextKindOf(Flags);
    if (!Kind)
        return STATUS_INVALID_PARAMETER;
    if (Flags & ContextXState && !Kuser().XStateEnabledFeatures)
        return STATUS_NOT_SUPPORTED;
    void *Target = At<void>(To, u64(i64(To->Legacy.Offset))), *Source = At<void>(From, u64(i64(From->Legacy.Offset)));
    FlagsOf(*Kind, Target) |= Flags;
    CopyContextParts(*Kind, Target, Flags, Source);
    return Flags & ContextXState ? CopyXState(To, From) : STATUS_SUCCESS;
}

// Copies what Flags name and From has.
NTSTATUS NTAPI RtlCopyContext(CONTEXT* To, ULONG Flags, CONTEXT* From)
{
    if (Flags & ContextXState && !Kuser().XStateEnabledFeatures)
        return STATUS_NOT_SUPPORTED;
    const ContextKind* Kind = ContextKindOf(Flags);
    if (!Kind || !(FlagsOf(*Kind, To) & Kind->Flag) || !(FlagsOf(*Kind, From) & Kind->Flag))
        return STATUS_INVALID_PARAMETER;
    Flags &= FlagsOf(*Kind, From);
    if (Flags & ~FlagsOf(*Kind, To) & ContextXState)
        return STATUS_BUFFER_OVERFLOW;
    FlagsOf(*Kind, To) |= Flags;
    CopyContextParts(*Kind, To, Flags, From);
    return Flags & ContextXState ? CopyXState(At<CONTEXT_EX>(To, Kind->Length), At<CONTEXT_EX>(From, Kind->Length)) : STATUS_SUCCESS;
}

}
