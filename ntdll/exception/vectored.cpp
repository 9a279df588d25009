// Vectored exception and continue handlers, and the filter for what nobody handles.
#include "ntdll/exception/exception.hpp"
#include "ntdll/heap/heap.hpp"
#include "ntdll/sync/sync.hpp"

namespace {

using VECTORED_HANDLER = LONG NTAPI(EXCEPTION_POINTERS*);

// A handler in use while it is removed lives until its last call has returned.
struct Entry {
    LIST_ENTRY Links;
    u32 References;
    bool Removed;
    VECTORED_HANDLER* Handler;
};

constinit LIST_ENTRY Lists[2] = { { &Lists[0], &Lists[0] }, { &Lists[1], &Lists[1] } };
PROCESS_LOCK constinit RTL_SRWLOCK Lock {};
constinit UNHANDLED_FILTER* Filter = nullptr;

LIST_ENTRY& HeadOf(Vectored List) { return Lists[u32(List)]; }

PVOID Add(Vectored List, ULONG First, VECTORED_HANDLER* Handler)
{
    auto* New = static_cast<Entry*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, sizeof(Entry)));
    if (!New)
        return nullptr;
    *New = { {}, 1, false, Handler };
    RtlAcquireSRWLockExclusive(&Lock);
    if (First)
        InsertHeadList(&HeadOf(List), &New->Links);
    else
        InsertTailList(&HeadOf(List), &New->Links);
    __atomic_or_fetch(&Peb()->CrossProcessFlags, List == Vectored::Exception ? PEB_PROCESS_USING_VEH : PEB_PROCESS_USING_VCH, __ATOMIC_SEQ_CST);
    RtlReleaseSRWLockExclusive(&Lock);
    return New;
}

// With the lock held: drops a reference; true: the caller frees the entry.
bool Drop(Entry& E)
{
    if (--E.References)
        return false;
    RemoveEntryList(&E.Links);
    return true;
}

ULONG Remove(Vectored List, PVOID Handle)
{
    RtlAcquireSRWLockExclusive(&Lock);
    for (LIST_ENTRY* I = HeadOf(List).Flink; I != &HeadOf(List); I = I->Flink) {
        auto& E = *RECORD_OF(I, Entry, Links);
        if (&E != Handle || E.Removed)
            continue;
        E.Removed = true;
        bool Free = Drop(E);
        RtlReleaseSRWLockExclusive(&Lock);
        if (Free)
            RtlFreeHeap(Peb()->ProcessHeap, 0, &E);
        return 1;
    }
    RtlReleaseSRWLockExclusive(&Lock);
    return 0;
}

}

bool RtlpCallVectored(Vectored List, EXCEPTION_RECORD* Record, CONTEXT* Context)
{
    LIST_ENTRY& Head = HeadOf(List);
    if (__atomic_load_n(&Head.Flink, __ATOMIC_ACQUIRE) == &Head)
        return false;
    EXCEPTION_POINTERS Pointers { Record, Context };
    bool Handled = false;
    RtlAcquireSRWLockExclusive(&Lock);
    LIST_ENTRY* I = Head.Flink;
    while (I != &Head && !Handled) {
        auto& E = *RECORD_OF(I, Entry, Links);
        if (E.Removed) {
            I = I->Flink;
            continue;
        }
        ++E.References;
        RtlReleaseSRWLockExclusive(&Lock);
        Handled = E.Handler(&Pointers) == EXCEPTION_CONTINUE_EXECUTION;
        RtlAcquireSRWLockExclusive(&Lock);
        I = I->Flink;
        if (Drop(E)) {
            RtlReleaseSRWLockExclusive(&Lock);
            RtlFreeHeap(Peb()->ProcessHeap, 0, &E);
            RtlAcquireSRWLockExclusive(&Lock);
        }
    }
    RtlReleaseSRWLockExclusive(&Lock);
    return Handled;
}

UNHANDLED_FILTER* RtlpUnhandledFilter() { return Filter; }

extern "C" {
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, VECTORED_HANDLER* Handler) { return Add(Vectored::Exception, First, Handler); }
PVOID NTAPI RtlAddVectoredContinueHandler(ULONG First, VECTORED_HANDLER* Handler) { return Add(Vectored::Continue, First, Handler); }
ULONG NTAPI RtlRemoveVectoredExceptionHandler(PVOID Handle) { return Remove(Vectored::Exception, Handle); }
ULONG NTAPI RtlRemoveVectoredContinueHandler(PVOID Handle) { return Remove(Vectored::Continue, Handle); }
void NTAPI RtlSetUnhandledExceptionFilter(UNHANDLED_FILTER* New) { Filter = New; }
}
