// Attaching to a client's process: its memory appears at its own addresses. No process of this system has another one's memory mapped, so a page comes
// with the first access that finds nothing there (an exception of this thread), as a copy; what was changed in it goes back when the thread detaches.
// What lies at such an address in the driver's own process hides the client's.
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

extern "C" {
NTSTATUS NTAPI NtReadVirtualMemory(HANDLE, const void*, PVOID, SIZE_T, SIZE_T*);
NTSTATUS NTAPI NtWriteVirtualMemory(HANDLE, PVOID, const void*, SIZE_T, SIZE_T*);
}

namespace host {

namespace {

constexpr u64 Granularity = 0x10000;

struct Page {
    Page* Next;
    u8* At;
    u8 Before[PageSize];
};
// A piece of address space that was reserved for pages.
struct Range {
    Range* Next;
    u8* At;
};

}

struct Attachment {
    Attachment* Outer;
    PEPROCESS Process;
    HANDLE Handle;                      // null: the process cannot be opened, or is this one
    Page* Pages;
    Range* Ranges;
};

namespace {

bool Reserve(Attachment& A, u8* Base)
{
    for (Range* R = A.Ranges; R; R = R->Next)
        if (R->At == Base)
            return true;
    auto* R = New<Range>();
    PVOID At = Base;
    SIZE_T Bytes = Granularity;
    if (!R || NtAllocateVirtualMemory(NtCurrentProcess(), &At, 0, &Bytes, MEM_RESERVE, PAGE_READWRITE) < 0) {
        Free(R);
        return false;
    }
    R->At = Base;
    R->Next = A.Ranges;
    A.Ranges = R;
    return true;
}

void WriteBack(Attachment& A, const Page& P)
{
    for (u64 I = 0; I < PageSize;) {
        u64 First = I;
        while (I < PageSize && P.At[I] != P.Before[I])
            ++I;
        if (I > First)
            NtWriteVirtualMemory(A.Handle, P.At + First, P.At + First, I - First, nullptr);
        else
            ++I;
    }
}

void Attach(PEPROCESS Process)
{
    auto* A = New<Attachment>();
    if (!A)
        BugCheck(0x05, u64(Process), 0, 0, 0, "no memory to attach to a process", __builtin_return_address(0));
    A->Process = Process;
    A->Outer = Current()->Attached;
    constexpr ACCESS_MASK Memory = 0x0008 | 0x0010 | 0x0020;       // PROCESS_VM_OPERATION, _READ, _WRITE
    if (Process != PsInitialSystemProcess && ObOpenObjectByPointer(Process, 0, nullptr, Memory, nullptr, KernelMode, &A->Handle) < 0)
        A->Handle = nullptr;
    Current()->Attached = A;
}

void Detach()
{
    Attachment* A = Current()->Attached;
    if (!A)
        BugCheck(0x05, 0, 0, 0, 0, "detaches without being attached", __builtin_return_address(0));
    while (Page* P = A->Pages) {
        A->Pages = P->Next;
        WriteBack(*A, *P);
        Free(P);
    }
    while (Range* R = A->Ranges) {
        A->Ranges = R->Next;
        PVOID At = R->At;
        SIZE_T Bytes = 0;
        NtFreeVirtualMemory(NtCurrentProcess(), &At, &Bytes, MEM_RELEASE);
        Free(R);
    }
    if (A->Handle)
        NtClose(A->Handle);
    Current()->Attached = A->Outer;
    Free(A);
}

}

namespace {

// An address in a process, as MmCopyVirtualMemory means it. The driver's own memory is the kernel's part of every address space.
struct Place {
    HANDLE Process = nullptr;
    bool IsOwn = false;
    NTSTATUS Find(PEPROCESS P, PVOID At)
    {
        IsOwn = P == PsInitialSystemProcess || MmIsAddressValid(At);
        if (IsOwn) {
            Process = NtCurrentProcess();
            return STATUS_SUCCESS;
        }
        constexpr ACCESS_MASK Memory = 0x0008 | 0x0010 | 0x0020;
        return ObOpenObjectByPointer(P, 0, nullptr, Memory, nullptr, KernelMode, &Process);
    }
    ~Place()
    {
        if (Process && Process != NtCurrentProcess())
            NtClose(Process);
    }
};

}

PEPROCESS AttachedProcess() { return Current()->Attached ? Current()->Attached->Process : nullptr; }

bool BringPage(u64 Address)
{
    Attachment* A = Current()->Attached;
    if (!A || !A->Handle)
        return false;
    auto* Base = reinterpret_cast<u8*>(Address & ~(Granularity - 1));
    auto* P = New<Page>();
    if (!P)
        return false;
    PVOID At = reinterpret_cast<PVOID>(Address & ~PageMask);
    SIZE_T Bytes = PageSize;
    if (NtReadVirtualMemory(A->Handle, At, P->Before, PageSize, nullptr) < 0 || !Reserve(*A, Base) ||
        NtAllocateVirtualMemory(NtCurrentProcess(), &At, 0, &Bytes, MEM_COMMIT, PAGE_READWRITE) < 0) {
        Free(P);
        return false;
    }
    P->At = static_cast<u8*>(At);
    memcpy(P->At, P->Before, PageSize);
    P->Next = A->Pages;
    A->Pages = P;
    return true;
}

}

using namespace host;

extern "C" {

void NTAPI KeAttachProcess(PKPROCESS Process) { Attach(reinterpret_cast<PEPROCESS>(Process)); }
void NTAPI KeDetachProcess() { Detach(); }
void NTAPI KeStackAttachProcess(PKPROCESS Process, PKAPC_STATE State)
{
    memset(State, 0, sizeof(*State));
    Attach(reinterpret_cast<PEPROCESS>(Process));
}
void NTAPI KeUnstackDetachProcess(PKAPC_STATE) { Detach(); }
// As much as there is: STATUS_PARTIAL_COPY, or STATUS_ACCESS_VIOLATION if that is nothing.
NTSTATUS NTAPI MmCopyVirtualMemory(PEPROCESS FromProcess, PVOID From, PEPROCESS ToProcess, PVOID To, SIZE_T Bytes, KPROCESSOR_MODE Mode, PSIZE_T Copied)
{
    RequireIrql(APC_LEVEL, "MmCopyVirtualMemory", __builtin_return_address(0));
    *Copied = 0;
    Place Source, Target;
    NTSTATUS Status = Source.Find(FromProcess, From);
    if (Status >= 0)
        Status = Target.Find(ToProcess, To);
    if (Status < 0)
        return Status;
    if (Mode == UserMode && (Source.IsOwn || Target.IsOwn))
        return STATUS_ACCESS_VIOLATION;
    u8 Piece[512];
    while (*Copied < Bytes) {
        SIZE_T Now = Bytes - *Copied < sizeof(Piece) ? Bytes - *Copied : sizeof(Piece), Got = 0, Given = 0;
        NtReadVirtualMemory(Source.Process, static_cast<u8*>(From) + *Copied, Piece, Now, &Got);
        if (Got)
            NtWriteVirtualMemory(Target.Process, static_cast<u8*>(To) + *Copied, Piece, Got, &Given);
        *Copied += Given;
        if (Given < Now)
            return *Copied ? STATUS_PARTIAL_COPY : STATUS_ACCESS_VIOLATION;
    }
    return STATUS_SUCCESS;
}
BOOLEAN NTAPI KeIsAttachedProcess() { return Current()->Attached != nullptr; }

}
