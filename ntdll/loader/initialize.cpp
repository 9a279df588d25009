// Completing a load, calling entry points in order, and taking out what is no longer used.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

constinit u32 CurrentBatch = 0;
constinit bool Sweeping = false;

using ENTRY_POINT = BOOLEAN NTAPI(PVOID Base, u32 Reason, PVOID Reserved);

// An exception in an entry point is a failed attach, as on Windows. The address is for the message.
[[gnu::noinline]] LONG NoteFailure(EXCEPTION_POINTERS* Pointers, Module* M, u32 Reason)
{
    DbgPrint("ldr: exception %08x at %p in the entry point of %wZ (reason %u)\n", Pointers->ExceptionRecord->ExceptionCode,
             Pointers->ExceptionRecord->ExceptionAddress, &M->BaseDllName, Reason);
    return EXCEPTION_EXECUTE_HANDLER;
}

[[gnu::noinline]] bool CallGuarded(Module* M, u32 Reason, PVOID Reserved)
{
    bool Ok = false;
    __try {
        Ok = reinterpret_cast<ENTRY_POINT*>(M->EntryPoint)(M->DllBase, Reason, Reserved) != 0;
    } __except (NoteFailure(static_cast<EXCEPTION_POINTERS*>(_exception_info()), M, Reason)) {
        Ok = false;
    }
    return Ok;
}

void RemoveBatch(u32 Batch)
{
    for (Module* M = FirstModule(); M;) {
        Module* Next = NextModule(M);
        if (M->Batch == Batch && M->Phase <= State::Bound && !M->Pinned) {
            if (M->Announced)
                NotifyLoaded(M, false);
            RemoveTls(M);
            // Whoever stays does not need it any more.
            for (Module* Other = FirstModule(); Other; Other = NextModule(Other)) {
                for (u32 I = 0; I < Other->NeedCount; ++I) {
                    if (Other->Needs[I] == M)
                        Other->Needs[I--] = Other->Needs[--Other->NeedCount];
                }
            }
            RemoveModule(M);
        }
        M = Next;
    }
}

Status Link(u32 Batch)
{
    bool Progress = true;
    while (Progress) {
        Progress = false;
        for (Module* M = FirstModule(); M; M = NextModule(M)) {
            if (M->Batch == Batch && M->Phase == State::Mapped) {
                if (Status S = MapImports(M); !S.Ok())
                    return S;
                M->Phase = State::Linked;
                Progress = true;
            }
        }
        for (Module* M = FirstModule(); M && !Progress; M = NextModule(M)) {
            if (M->Batch == Batch && M->Phase == State::Linked) {
                if (Status S = BindImports(M); !S.Ok())
                    return S;
                M->Phase = State::Bound;
                M->Flags |= LDRP_ENTRY_PROCESSED;
                Progress = true;
            }
        }
    }
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        if (M->Batch != Batch || M->Phase != State::Bound)
            continue;
        if (!M->NoResolve) {
            PrepareLoadConfig(M);
            if (!M->TlsDone) {
                if (Status S = AddTls(M); !S.Ok())
                    return S;
            }
        }
        if (!M->Announced) {
            M->Announced = true;
            NotifyLoaded(M, true);
        }
    }
    return STATUS_SUCCESS;
}

void Mark(Module* Start)
{
    // Depth first without recursion: a module is expanded when first met; at most one entry per module.
    u32 Count = 0;
    for (Module* M = FirstModule(); M; M = NextModule(M))
        ++Count;
    auto** Stack = static_cast<Module**>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Count * sizeof(Module*)));
    if (!Stack) {
        for (Module* M = FirstModule(); M; M = NextModule(M))
            M->Marked = true;       // nothing goes
        return;
    }
    u32 Depth = 0;
    if (!Start->Marked) {
        Start->Marked = true;
        Stack[Depth++] = Start;
    }
    while (Depth) {
        Module* M = Stack[--Depth];
        for (u32 I = 0; I < M->NeedCount; ++I) {
            if (!M->Needs[I]->Marked) {
                M->Needs[I]->Marked = true;
                Stack[Depth++] = M->Needs[I];
            }
        }
    }
    Free(Stack);
}

}

void BeginBatch() { ++CurrentBatch; }
u32 BatchNow() { return CurrentBatch; }

bool CallEntry(Module* M, u32 Reason, PVOID Reserved)
{
    CallTlsCallbacks(M, Reason);
    if (!M->EntryPoint || !M->IsDll() || M->NoResolve)
        return true;
    return CallGuarded(M, Reason, Reserved);
}

Status AttachAll(Module* Wanted)
{
    struct Frame {
        Module* M;
        u32 Next;
    };
    u32 Count = 0;
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        M->Marked = false;
        ++Count;
    }
    auto* Order = static_cast<Module**>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Count * (sizeof(Frame) + sizeof(Module*))));
    if (!Order)
        return STATUS_NO_MEMORY;
    auto* Stack = reinterpret_cast<Frame*>(Order + Count);
    u32 Depth = 0, Ordered = 0;
    Stack[Depth++] = { Wanted, 0 };
    Wanted->Marked = true;
    while (Depth) {
        Frame& F = Stack[Depth - 1];
        if (F.Next < F.M->NeedCount) {
            Module* Need = F.M->Needs[F.Next++];
            if (!Need->Marked) {
                Need->Marked = true;
                Stack[Depth++] = { Need, 0 };
            }
            continue;
        }
        if (F.M->Phase == State::Bound)
            Order[Ordered++] = F.M;
        --Depth;
    }
    Status Answer = STATUS_SUCCESS;
    for (u32 I = 0; I < Ordered && Answer.Ok(); ++I) {
        Module* M = Order[I];
        if (M->Phase != State::Bound)           // an entry point before it loaded it explicitly
            continue;
        M->Phase = State::Attaching;
        if (M->IsDll())
            LdrpLinkInitialized(M);
        M->Flags |= LDRP_PROCESS_ATTACH_CALLED;
        bool Ok = CallEntry(M, DLL_PROCESS_ATTACH, TheProcess.Initialized ? nullptr : At<void>(nullptr, 1));
        M->Flags &= ~LDRP_LOAD_IN_PROGRESS;
        M->Phase = State::Ready;
        M->Attached = Ok;
        if (!Ok) {
            if (TheProcess.Initialized)
                CallEntry(M, DLL_PROCESS_DETACH, nullptr);
            M->Flags |= LDRP_PROCESS_ATTACH_FAILED;
            DbgPrint("ldr: %wZ refused to attach\n", &M->BaseDllName);
            Answer = STATUS_DLL_INIT_FAILED;
        }
    }
    Free(Order);
    return Answer;
}

Status Complete(Module* Wanted, bool CallEntries)
{
    const u32 Batch = CurrentBatch;
    if (Status S = Link(Batch); !S.Ok()) {
        RemoveBatch(Batch);
        return S;
    }
    return CallEntries ? AttachAll(Wanted) : STATUS_SUCCESS;
}

void Sweep()
{
    if (Sweeping || TheProcess.ShuttingDown)
        return;
    Sweeping = true;
    for (bool Again = true; Again;) {
        Again = false;
        for (Module* M = FirstModule(); M; M = NextModule(M))
            M->Marked = false;
        for (Module* M = FirstModule(); M; M = NextModule(M)) {
            if (M->Roots || M->Pinned || M->Phase == State::Attaching || !TheProcess.Initialized)
                Mark(M);
        }
        // Leaves first in the reverse of their attach order; an entry point may change the roots, so look again afterwards.
        LIST_ENTRY& Attached = Peb()->Ldr->InInitializationOrderModuleList;
        for (LIST_ENTRY* I = Attached.Blink; I != &Attached; I = I->Blink) {
            auto* M = static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InInitializationOrderLinks));
            if (M->Marked || M->Phase != State::Ready)
                continue;
            M->Phase = State::Leaving;
            if (M->Attached)
                CallEntry(M, DLL_PROCESS_DETACH, nullptr);
            Again = true;
            break;
        }
    }
    for (Module* M = FirstModule(); M;) {
        Module* Next = NextModule(M);
        if (!M->Marked && (M->Phase == State::Leaving || M->NoResolve)) {
            NotifyLoaded(M, false);
            RemoveTls(M);
            RemoveModule(M);
        }
        M = Next;
    }
    Sweeping = false;
}

}
