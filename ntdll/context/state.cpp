// The calling thread's own registers: the half of NtGetContextThread and NtSetContextThread that the Executive leaves to the thread
// (entry.S calls it), and the extended state in the contexts of exceptions.
#include "ntdll/context/context.hpp"

#include "abi/process.hpp"
#include "ntdll/exception/exception.hpp"

namespace {

bool IsClear(const M128A (&Halves)[16])
{
    u64 Any = 0;
    for (const M128A& Half : Halves)
        Any |= Half.Low | u64(Half.High);
    return !Any;
}

// A context with the flag that is not followed by what the flag says has no extended state.
XSTATE* XStateIn(CONTEXT* Context)
{
    if (!(Context->ContextFlags & ContextXState) || !ExtendedFeatures())
        return nullptr;
    auto* Ex = reinterpret_cast<CONTEXT_EX*>(Context + 1);
    if (Ex->Legacy.Offset != -LONG(sizeof(CONTEXT)) || Ex->XState.Length < sizeof(XSAVE_AREA_HEADER) || Ex->XState.Offset < LONG(sizeof(CONTEXT_EX)))
        return nullptr;
    return XStateOf(Ex);
}

}

void SaveExtendedState(XSTATE& To, u64 Features)
{
    To.Header.CompactionMask = CompactionFor(Features);
    To.Header.Mask = 0;
    if (!(Features & 4))
        return;
    M128A Halves[16];
    RtlpSaveYmm(Halves);
    if (IsClear(Halves))
        return;
    To.Header.Mask = 4;
    __builtin_memcpy(To.Ymm, Halves, sizeof(Halves));
}

void LoadExtendedState(CONTEXT* Context)
{
    XSTATE* From = XStateIn(Context);
    if (!From)
        return;
    auto* Ex = reinterpret_cast<CONTEXT_EX*>(Context + 1);
    u64 Features = ExtendedFeatures() & (IsCompact() ? From->Header.CompactionMask : ~u64(0));
    if (!(Features & 4))
        return;
    if (!(From->Header.Mask & 4))
        RtlpClearYmm();
    else if (Ex->XState.Length >= sizeof(XSTATE))
        RtlpLoadYmm(From->Ymm);
}

extern "C" {

// The Executive has written what it knows into To, and found the chunks of a CONTEXT_EX good. Now holds the registers on entry.
NTSTATUS RtlpGetOwnContext(CONTEXT* To, const CONTEXT* Now)
{
    ULONG Flags = To->ContextFlags;
    CopyContextParts(*ContextKindOf(CONTEXT_AMD64), To, Flags & ~(CONTEXT_DEBUG_REGISTERS & ~CONTEXT_AMD64), Now);
    if (!(Flags & ContextXState) || !ExtendedFeatures())
        return STATUS_SUCCESS;
    auto* Ex = reinterpret_cast<CONTEXT_EX*>(To + 1);
    XSTATE* State = XStateOf(Ex);
    u64 Wanted = (IsCompact() ? State->Header.CompactionMask : State->Header.Mask) & ExtendedFeatures();
    XSTATE Own;
    SaveExtendedState(Own, Wanted);
    State->Header.Mask = Own.Header.Mask;
    State->Header.CompactionMask = Own.Header.CompactionMask;
    if (!Own.Header.Mask)
        return STATUS_SUCCESS;
    if (Ex->XState.Length < sizeof(XSTATE))
        return STATUS_BUFFER_OVERFLOW;
    __builtin_memcpy(State->Ymm, Own.Ymm, sizeof(Own.Ymm));
    return STATUS_SUCCESS;
}

// Goes on with the registers that From names, and those of Now otherwise.
[[noreturn]] void RtlpSetOwnContext(CONTEXT* From, CONTEXT* Now)
{
    CopyContextParts(*ContextKindOf(CONTEXT_AMD64), Now, From->ContextFlags, From);
    LoadExtendedState(From);
    if ((From->ContextFlags & CONTEXT_FLOATING_POINT) == CONTEXT_FLOATING_POINT)
        RtlpLoadFloats(Now);
    Now->ContextFlags = CONTEXT_CONTROL | CONTEXT_INTEGER;
    RtlpRestoreRegisters(Now);
}

// Context and Record are the frame that the Executive has pushed, floating-point registers stored (abi/process.hpp); extended state goes above.
[[noreturn]] void KiDispatchUserException(EXCEPTION_RECORD* Record, CONTEXT* Context)
{
    if (u64 Features = ExtendedFeatures()) {
        auto* Ex = reinterpret_cast<CONTEXT_EX*>(Context + 1);
        u64 Area = AlignUp(u64(Context) + abi::ExceptionFrameState, 64);
        Ex->Legacy = { -LONG(sizeof(CONTEXT)), sizeof(CONTEXT) };
        Ex->XState = { LONG(Area - u64(Ex)), sizeof(XSTATE) };
        Ex->All = { -LONG(sizeof(CONTEXT)), DWORD(sizeof(CONTEXT)) + DWORD(Ex->XState.Offset) + Ex->XState.Length };
        auto& State = *reinterpret_cast<XSTATE*>(Area);
        State.Header = {};
        SaveExtendedState(State, Features);
        Context->ContextFlags |= CONTEXT_XSTATE;
    }
    KiDispatchException(Record, Context);
}

}
