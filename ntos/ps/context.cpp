// NtGetContextThread and NtSetContextThread. The calling thread's own registers are ntdll's to tell and set (abi/process.hpp).
#include "abi/kuser.hpp"
#include "abi/process.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/errand.hpp"

using namespace ps;

static constexpr ULONG XStateFlag = CONTEXT_XSTATE & ~CONTEXT_AMD64;

static bool Has(const CONTEXT& C, ULONG Part) { return (C.ContextFlags & Part) == Part; }

// The chunk of a context's extended state, at Context in Of's memory; offsets are as abi/nt/context.hpp says.
static Result<CONTEXT_CHUNK> XStateChunk(ps::Process& Of, u64 Context)
{
    CONTEXT_EX Ex;
    TRY(mm::CopyFromUser(Of, &Ex, Context + sizeof(CONTEXT), sizeof(Ex)));
    if (Ex.XState.Length < sizeof(XSAVE_AREA_HEADER) || Ex.XState.Length > sizeof(XSTATE) || Ex.XState.Offset < LONG(__builtin_offsetof(CONTEXT_EX, KernelCet)))
        return STATUS_INVALID_PARAMETER;
    return Ex.XState;
}

// The registers of Now that To.ContextFlags ask for.
static void CopyParts(CONTEXT& To, const CONTEXT& Now)
{
    if (Has(To, CONTEXT_CONTROL)) {
        To.Rip = Now.Rip;
        To.Rsp = Now.Rsp;
        To.EFlags = Now.EFlags;
        To.SegCs = Now.SegCs;
        To.SegSs = Now.SegSs;
    }
    if (Has(To, CONTEXT_INTEGER)) {
        u64* Out[] = { &To.Rax, &To.Rcx, &To.Rdx, &To.Rbx, &To.Rbp, &To.Rsi, &To.Rdi, &To.R8, &To.R9, &To.R10, &To.R11, &To.R12, &To.R13, &To.R14, &To.R15 };
        u64 In[] = { Now.Rax, Now.Rcx, Now.Rdx, Now.Rbx, Now.Rbp, Now.Rsi, Now.Rdi, Now.R8, Now.R9, Now.R10, Now.R11, Now.R12, Now.R13, Now.R14, Now.R15 };
        for (u32 I = 0; I < 15; ++I)
            *Out[I] = In[I];
    }
    if (Has(To, CONTEXT_SEGMENTS)) {
        To.SegDs = Now.SegDs;
        To.SegEs = Now.SegEs;
        To.SegFs = Now.SegFs;
        To.SegGs = Now.SegGs;
    }
    if (Has(To, CONTEXT_DEBUG_REGISTERS))
        To.Dr0 = To.Dr1 = To.Dr2 = To.Dr3 = To.Dr6 = To.Dr7 = 0;
}

// What KiSaveState stores behind the TEB and KiLoadState loads.
struct State {
    XSAVE_FORMAT Legacy;
    XSTATE Extended;
};
static_assert(abi::StateInTeb >= sizeof(TEB) && abi::StateInTeb % 64 == 0 && abi::StateInTeb + sizeof(State) <= AlignUp(sizeof(TEB), PageSize));
// Of XSAVE_FORMAT, what a context has.
static constexpr usize LegacyBytes = __builtin_offsetof(XSAVE_FORMAT, Reserved4);

static const abi::KuserSharedData& Shared() { return *reinterpret_cast<const abi::KuserSharedData*>(mm::PageAddress(SharedPage)); }
static bool IsCompact() { return Shared().XStateFlags & 2; }

static Result<State> ReadState(Thread& T)
{
    State S;
    TRY(mm::CopyFromUser(T.Process(), &S, T.TebAddress() + abi::StateInTeb, sizeof(S)));
    return S;
}

// Whether a context of the thread needs an errand: of one that has not run yet the x87 and SSE part is in its start context.
static bool NeedsState(const Thread& T, const CONTEXT& C)
{
    return C.ContextFlags & XStateFlag || (Has(C, CONTEXT_FLOATING_POINT) && !T.IsFresh());
}

static bool IsClear(const M128A (&Halves)[16])
{
    u64 Any = 0;
    for (const M128A& Half : Halves)
        Any |= Half.Low | u64(Half.High);
    return !Any;
}

// The extended state of S, as far as the context at To asks for it.
static Status GiveXState(ke::Caller& Caller, u64 To, const State& S)
{
    CONTEXT_CHUNK Chunk = TRY(XStateChunk(Caller.Process(), To));
    u64 At = To + sizeof(CONTEXT) + u64(i64(Chunk.Offset));
    XSAVE_AREA_HEADER Header;
    TRY(mm::CopyFromUser(Caller.Process(), &Header, At, sizeof(Header)));
    u64 Wanted = (IsCompact() ? Header.CompactionMask : Header.Mask) & 4;
    Header.Mask = S.Extended.Header.Mask & Wanted && !IsClear(S.Extended.Ymm) ? 4 : 0;
    Header.CompactionMask = IsCompact() ? u64(1) << 63 | Wanted : 0;
    TRY(mm::CopyToUser(Caller.Process(), At, &Header, sizeof(Header)));
    if (!Header.Mask)
        return STATUS_SUCCESS;
    if (Chunk.Length < sizeof(XSTATE))
        return STATUS_BUFFER_OVERFLOW;
    return mm::CopyToUser(Caller.Process(), At + sizeof(Header), &S.Extended.Ymm, sizeof(S.Extended.Ymm));
}

static Status Get(ke::Caller& Caller, svc::GetContextThread& Call, Thread& T, bool HasState)
{
    CONTEXT To = TRY(Call.ThreadContext.Read(Caller)), Now;
    TRY(T.GetRegisters(Now));
    State S {};
    if (HasState)
        S = TRY(ReadState(T));
    CopyParts(To, Now);
    if (Has(To, CONTEXT_FLOATING_POINT) && (HasState || T.IsFresh())) {
        const XSAVE_FORMAT& From = T.IsFresh() ? Now.FltSave : S.Legacy;
        __builtin_memcpy(&To.FltSave, &From, LegacyBytes);
        To.MxCsr = From.MxCsr;
    }
    TRY(Call.ThreadContext.Write(Caller, To));
    return HasState && To.ContextFlags & XStateFlag ? GiveXState(Caller, Call.ThreadContext.Address(), S) : Status(STATUS_SUCCESS);
}

static ke::Task<> GetWithState(ke::Caller& Caller, svc::GetContextThread& Call, Ref<Thread> T)
{
    CO_TRY(co_await RunErrand(T, Ntdll.KiSaveState));
    co_return Get(Caller, Call, *T, true);
}

// A context that names a kind of registers; its CONTEXT_EX is checked, too.
static Result<CONTEXT> ReadContext(ke::Caller& Caller, u64 Address)
{
    CONTEXT C = TRY(ke::UserPtr<CONTEXT>::At(Address).Read(Caller));
    if (!(C.ContextFlags & CONTEXT_AMD64))
        return STATUS_INVALID_PARAMETER;
    if (C.ContextFlags & XStateFlag)
        (void)TRY(XStateChunk(Caller.Process(), Address));
    return C;
}

ke::Task<> NtGetContextThread(ke::Caller& Caller, svc::GetContextThread& Call)
{
    auto T = ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_GET_CONTEXT);
    if (!T.Ok())
        return ke::Task<>(T.GetStatus());
    auto C = ReadContext(Caller, Call.ThreadContext.Address());
    if (!C.Ok())
        return ke::Task<>(C.GetStatus());
    Thread& Of = *T.Value();
    bool Own = &Of == &Caller.Thread();
    if (!Own && NeedsState(Of, C.Value()))
        return GetWithState(Caller, Call, T.Take());
    Status S = Get(Caller, Call, Of, false);
    return ke::Task<>(S.Ok() && Own && !Of.ForeignSyscall ? Status(abi::OwnContextReply) : S);
}

// Puts what the context says into the state that T has stored.
static Status ChangeState(ke::Caller& Caller, u64 Context, Thread& T)
{
    CONTEXT From = TRY(ReadContext(Caller, Context));
    State S = TRY(ReadState(T));
    if (Has(From, CONTEXT_FLOATING_POINT)) {
        __builtin_memcpy(&S.Legacy, &From.FltSave, LegacyBytes);
        S.Legacy.MxCsr = From.MxCsr;
    }
    S.Legacy.MxCsr &= 0xFFFF;           // KiLoadState must not fault
    if (From.ContextFlags & XStateFlag) {
        CONTEXT_CHUNK Chunk = TRY(XStateChunk(Caller.Process(), Context));
        u64 At = Context + sizeof(CONTEXT) + u64(i64(Chunk.Offset));
        XSAVE_AREA_HEADER Header;
        TRY(mm::CopyFromUser(Caller.Process(), &Header, At, sizeof(Header)));
        if (!IsCompact() || Header.CompactionMask & 4) {
            if (!(Header.Mask & 4))
                __builtin_memset(&S.Extended.Ymm, 0, sizeof(S.Extended.Ymm));
            else if (Chunk.Length >= sizeof(XSTATE))
                TRY(mm::CopyFromUser(Caller.Process(), &S.Extended.Ymm, At + sizeof(Header), sizeof(S.Extended.Ymm)));
        }
    }
    S.Extended.Header = {};
    S.Extended.Header.Mask = abi::StateFeatures;
    return mm::CopyToUser(T.Process(), T.TebAddress() + abi::StateInTeb, &S, sizeof(S));
}

static Status Set(ke::Caller& Caller, u64 Context, Thread& T)
{
    CONTEXT From = TRY(ReadContext(Caller, Context));
    return T.SetRegisters(From);
}

static ke::Task<> SetWithState(ke::Caller& Caller, u64 Context, Ref<Thread> T)
{
    CO_TRY(co_await RunErrand(T, Ntdll.KiSaveState));
    CO_TRY(ChangeState(Caller, Context, *T));
    CO_TRY(co_await RunErrand(T, Ntdll.KiLoadState));
    co_return Set(Caller, Context, *T);
}

ke::Task<> NtSetContextThread(ke::Caller& Caller, svc::SetContextThread& Call)
{
    auto T = ob::Reference<Thread>(Caller, Call.ThreadHandle, THREAD_SET_CONTEXT);
    if (!T.Ok())
        return ke::Task<>(T.GetStatus());
    auto From = ReadContext(Caller, Call.ThreadContext.Address());
    if (!From.Ok())
        return ke::Task<>(From.GetStatus());
    Thread& Of = *T.Value();
    if (&Of == &Caller.Thread())
        return ke::Task<>(Of.ForeignSyscall ? Of.Continue(From.Value()) : Status(abi::OwnContextReply));
    if (NeedsState(Of, From.Value()))
        return SetWithState(Caller, Call.ThreadContext.Address(), T.Take());
    return ke::Task<>(Of.SetRegisters(From.Value()));
}
