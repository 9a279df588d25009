// Waits on handles, registered waits, and I/O completions.
#include "ntdll/pool/pool.hpp"

namespace tp {

namespace {

constexpr u32 BucketSize = 60;
constexpr ULONG WT_EXECUTEINIOTHREAD = 0x1, WT_EXECUTEINWAITTHREAD = 0x4, WT_EXECUTEONLYONCE = 0x8;

// A thread that waits for up to BucketSize handles and for Update, which says that the set has changed.
struct Bucket {
    LIST_ENTRY Links;
    LIST_ENTRY Waits;
    u32 Count;
    HANDLE Update;
};
PROCESS_LOCK constinit RTL_SRWLOCK Lock {};
constinit LIST_ENTRY Buckets { &Buckets, &Buckets };

void Fire(Object* O, bool Signalled, bool& Inline)
{
    {
        SrwExclusive Held(O->ThePool->Lock);
        ++(Signalled ? O->Wait.Signals : O->Wait.Timeouts);
    }
    if (O->Wait.Registered && !(O->Wait.Flags & WT_EXECUTEONLYONCE)) {
        if (O->Wait.Again)
            O->Wait.Deadline = RtlpInterruptTime() + O->Wait.Again;
    } else {
        O->Wait.Armed = false;
    }
    // What is to run in an I/O thread must find one that never ends and waits alertably: the wait thread is both.
    Inline = O->Wait.Registered && O->Wait.Flags & (WT_EXECUTEINWAITTHREAD | WT_EXECUTEINIOTHREAD);
    if (Inline) {
        Reference(O);
        SrwExclusive Held(O->ThePool->Lock);
        ++O->Running;
        ++O->Associated;
    } else {
        Submit(O);
    }
}

void NTAPI WaitThread(PVOID Argument)
{
    auto& B = *static_cast<Bucket*>(Argument);
    for (;;) {
        HANDLE Handles[BucketSize + 1];
        Object* Objects[BucketSize + 1];
        u32 Count = 1;
        i64 Deadline = 0;
        Handles[0] = B.Update;
        {
            SrwExclusive Held(Lock);
            for (LIST_ENTRY* I = B.Waits.Flink; I != &B.Waits; I = I->Flink) {
                Object* O = RECORD_OF(I, Object, Wait.Links);
                if (!O->Wait.Armed)
                    continue;
                Reference(O);
                Objects[Count] = O;
                Handles[Count++] = O->Wait.Handle;
                if (O->Wait.Deadline && (!Deadline || O->Wait.Deadline < Deadline))
                    Deadline = O->Wait.Deadline;
            }
        }
        LARGE_INTEGER Timeout;
        Timeout.QuadPart = RtlpInterruptTime() - Deadline;
        if (Timeout.QuadPart > 0)
            Timeout.QuadPart = 0;
        NTSTATUS Status = NtWaitForMultipleObjects(Count, Handles, 1, 1, Deadline ? &Timeout : nullptr);
        u32 Index = Status >= 0 && Status < 64 ? u32(Status) : Status >= 0x80 && Status < 0xC0 ? u32(Status) - 0x80 : 0;
        Object* Inline[BucketSize];
        u32 InlineCount = 0;
        {
            SrwExclusive Held(Lock);
            i64 Now = RtlpInterruptTime();
            for (u32 I = 1; I < Count; ++I) {
                Object* O = Objects[I];
                bool Here = false;
                if (!O->Wait.Armed || O->Wait.Bucket != &B || O->Wait.Handle != Handles[I])
                    continue;
                if (I == Index)
                    Fire(O, true, Here);
                else if (O->Wait.Deadline && O->Wait.Deadline <= Now)
                    Fire(O, false, Here);
                else if (Status < 0 && Count == 2) {
                    O->Wait.Armed = false;          // a handle that cannot be waited for
                }
                if (Here)
                    Inline[InlineCount++] = O;
            }
        }
        for (u32 I = 0; I < InlineCount; ++I) {
            Execute(Inline[I]);
            Release(Inline[I]);
        }
        // A bad handle among several: find it by asking each.
        if (Status < 0 && Count > 2) {
            for (u32 I = 1; I < Count; ++I) {
                LARGE_INTEGER Zero {};
                NTSTATUS One = NtWaitForSingleObject(Handles[I], 0, &Zero);
                SrwExclusive Held(Lock);
                bool Here;
                if (One < 0 && Objects[I]->Wait.Handle == Handles[I])
                    Objects[I]->Wait.Armed = false;
                else if (One == STATUS_SUCCESS && Objects[I]->Wait.Armed)
                    Fire(Objects[I], true, Here);
            }
        }
        for (u32 I = 1; I < Count; ++I)
            Release(Objects[I]);
    }
}

NTSTATUS Place(Object* O)
{
    for (LIST_ENTRY* I = Buckets.Flink; I != &Buckets; I = I->Flink) {
        auto* B = RECORD_OF(I, Bucket, Links);
        if (B->Count < BucketSize) {
            ++B->Count;
            InsertTailList(&B->Waits, &O->Wait.Links);
            O->Wait.Bucket = B;
            return STATUS_SUCCESS;
        }
    }
    auto* B = NewZeroed<Bucket>();
    if (!B)
        return STATUS_NO_MEMORY;
    NTSTATUS Status = NtCreateEvent(&B->Update, 0x1F0003, nullptr, 1, 0);
    if (Status < 0) {
        Free(B);
        return Status;
    }
    InitializeListHead(&B->Waits);
    InsertTailList(&Buckets, &B->Links);
    ++B->Count;
    InsertTailList(&B->Waits, &O->Wait.Links);
    O->Wait.Bucket = B;
    StartThread(reinterpret_cast<PVOID>(&WaitThread), B);
    return STATUS_SUCCESS;
}

void Unplace(Object* O)
{
    SrwExclusive Held(Lock);
    auto* B = static_cast<Bucket*>(O->Wait.Bucket);
    if (!B)
        return;
    O->Wait.Armed = false;
    RemoveEntryList(&O->Wait.Links);
    --B->Count;
    O->Wait.Bucket = nullptr;
    NtSetEvent(B->Update, nullptr);
}

// --- I/O

PROCESS_LOCK constinit RTL_SRWLOCK PortLock {};
constinit HANDLE Port = nullptr;
using OVERLAPPED_CALLBACK = void NTAPI(ULONG Error, ULONG Bytes, PVOID Overlapped);

// The key of a packet is the object, or with bit 0 set an OVERLAPPED_CALLBACK.
void NTAPI PortThread(PVOID)
{
    for (;;) {
        PVOID Key, ApcContext;
        IO_STATUS_BLOCK Status;
        NTSTATUS Taken = NtRemoveIoCompletion(Port, &Key, &ApcContext, &Status, nullptr);
        if (Taken < 0)
            return;
        if (u64(Key) & 1) {
            auto* Callback = reinterpret_cast<OVERLAPPED_CALLBACK*>(u64(Key) & ~u64(1));
            Callback(RtlNtStatusToDosError(Status.Status), ULONG(Status.Information), ApcContext);
            continue;
        }
        auto* O = static_cast<Object*>(Key);
        auto* C = NewZeroed<Completion>();
        if (!C)
            continue;
        C->ApcContext = ApcContext;
        C->Status = Status;
        bool Wanted;
        {
            SrwExclusive Held(O->ThePool->Lock);
            Wanted = !O->Released && O->Io.Outstanding;
            if (O->Io.Outstanding)
                --O->Io.Outstanding;
            else if (O->Io.Skipped)
                --O->Io.Skipped;
            if (Wanted)
                InsertTailList(&O->Io.Done, &C->Links);
        }
        if (Wanted)
            Submit(O);
        else
            Free(C);
        Release(O);             // the reference that TpStartAsyncIoOperation took
    }
}

NTSTATUS OpenPort()
{
    SrwExclusive Held(PortLock);
    if (Port)
        return STATUS_SUCCESS;
    NTSTATUS Status = NtCreateIoCompletion(&Port, 0x1F0003, nullptr, 0);
    if (Status < 0) {
        Port = nullptr;
        return Status;
    }
    StartThread(reinterpret_cast<PVOID>(&PortThread), nullptr);
    return Status;
}

NTSTATUS Associate(HANDLE File, PVOID Key)
{
    NTSTATUS Status = OpenPort();
    if (Status < 0)
        return Status;
    struct {
        HANDLE Port;
        PVOID Key;
    } Info { Port, Key };
    IO_STATUS_BLOCK Io;
    return NtSetInformationFile(File, &Io, &Info, sizeof(Info), 30);        // FileCompletionInformation
}

}

void RemoveWait(Object* O) { Unplace(O); }

void SetWait(Object* O, HANDLE Handle, const LARGE_INTEGER* Timeout)
{
    SrwExclusive Held(Lock);
    O->Wait.Handle = Handle;
    O->Wait.Armed = Handle != nullptr;
    O->Wait.Deadline = 0;
    if (Handle && Timeout) {
        i64 Now = RtlpInterruptTime();
        if (Timeout->QuadPart <= 0) {
            O->Wait.Deadline = Now - Timeout->QuadPart;
        } else {
            LARGE_INTEGER System;
            NtQuerySystemTime(&System);
            O->Wait.Deadline = Now + (Timeout->QuadPart > System.QuadPart ? Timeout->QuadPart - System.QuadPart : 0);
        }
        if (!O->Wait.Deadline)
            O->Wait.Deadline = 1;
    }
    if (auto* B = static_cast<Bucket*>(O->Wait.Bucket))
        NtSetEvent(B->Update, nullptr);
}

}

using namespace tp;

extern "C" {

NTSTATUS NTAPI TpAllocWait(Object** Out, WAIT_CALLBACK* Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    NTSTATUS Status = Create(*Out, Kind::Wait, reinterpret_cast<PVOID>(Callback), Context, E);
    if (Status < 0)
        return Status;
    SrwExclusive Held(Lock);
    return Place(*Out);
}
void NTAPI TpSetWait(Object* O, HANDLE Handle, LARGE_INTEGER* Timeout) { SetWait(O, Handle, Timeout); }
BOOLEAN NTAPI TpSetWaitEx(Object* O, HANDLE Handle, LARGE_INTEGER* Timeout, PVOID)
{
    BOOLEAN Was = O->Wait.Armed;
    SetWait(O, Handle, Timeout);
    return Was;
}
void NTAPI TpWaitForWait(Object* O, BOOLEAN Cancel) { WaitFor(O, Cancel); }
void NTAPI TpReleaseWait(Object* O)
{
    Unplace(O);
    Disown(O);
}

NTSTATUS NTAPI RtlRegisterWait(HANDLE* Out, HANDLE Handle, WAIT_OR_TIMER* Callback, PVOID Context, ULONG Time, ULONG Flags)
{
    Object* O;
    NTSTATUS Status = Create(O, Kind::Wait, reinterpret_cast<PVOID>(Callback), Context, nullptr);
    if (Status < 0)
        return Status;
    O->Wait.Registered = true;
    O->Wait.Flags = Flags;
    LARGE_INTEGER Timeout;
    Timeout.QuadPart = -i64(Time) * 10000;
    if (Time != ~0u)
        O->Wait.Again = Time ? i64(Time) * 10000 : 1;
    {
        SrwExclusive Held(Lock);
        Status = Place(O);
    }
    if (Status < 0) {
        Release(O);
        return Status;
    }
    *Out = O;
    SetWait(O, Handle, Time == ~0u ? nullptr : &Timeout);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlDeregisterWaitEx(HANDLE Wait, HANDLE Event)
{
    auto* O = static_cast<Object*>(Wait);
    if (!O)
        return STATUS_INVALID_HANDLE;
    Unplace(O);
    NTSTATUS Status = STATUS_SUCCESS;
    if (Event == CurrentProcess())
        WaitFor(O, true);
    else if (SignalWhenDone(O, Event))
        Status = STATUS_PENDING;
    else if (Event)
        NtSetEvent(Event, nullptr);
    Disown(O);
    return Status;
}
NTSTATUS NTAPI RtlDeregisterWait(HANDLE Wait) { return RtlDeregisterWaitEx(Wait, nullptr); }

// --- I/O completions

NTSTATUS NTAPI TpAllocIoCompletion(Object** Out, HANDLE File, IO_CALLBACK* Callback, PVOID Context, const TP_CALLBACK_ENVIRON* E)
{
    NTSTATUS Status = Create(*Out, Kind::Io, reinterpret_cast<PVOID>(Callback), Context, E);
    if (Status < 0)
        return Status;
    (*Out)->Io.File = File;
    Status = Associate(File, *Out);
    if (Status < 0) {
        Release(*Out);
        *Out = nullptr;
    }
    return Status;
}
void NTAPI TpStartAsyncIoOperation(Object* O)
{
    Reference(O);
    SrwExclusive Held(O->ThePool->Lock);
    ++O->Io.Outstanding;
}
void NTAPI TpCancelAsyncIoOperation(Object* O)
{
    bool WakeUp;
    {
        SrwExclusive Held(O->ThePool->Lock);
        if (O->Io.Outstanding)
            --O->Io.Outstanding;
        WakeUp = !O->Io.Outstanding;
    }
    if (WakeUp)
        RtlWakeAllConditionVariable(&O->Idle);
    Release(O);
}
void NTAPI TpWaitForIoCompletion(Object* O, BOOLEAN Cancel)
{
    if (Cancel) {
        // Operations that are still under way go on, but no callback tells their end.
        SrwExclusive Held(O->ThePool->Lock);
        O->Io.Skipped += std::exchange(O->Io.Outstanding, 0);
    }
    WaitFor(O, Cancel);
}
void NTAPI TpReleaseIoCompletion(Object* O)
{
    Disown(O);
}

NTSTATUS NTAPI RtlSetIoCompletionCallback(HANDLE File, OVERLAPPED_CALLBACK* Callback, ULONG)
{
    return Associate(File, reinterpret_cast<PVOID>(u64(Callback) | 1));
}

}
