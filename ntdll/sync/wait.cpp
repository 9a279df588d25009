// The table of sleeping threads, and RtlWaitOnAddress on top of it.
#include "ntdll/sync/sync.hpp"

#include "ntdll/process/process.hpp"

namespace {

struct Sleeper {
    LIST_ENTRY Links;
    const void* Key;
    HANDLE ThreadId;
    u32 Woken;
};

struct alignas(64) Bucket {
    u32 Lock;
    LIST_ENTRY Sleepers;    // zero until first used
};
PROCESS_LOCK constinit Bucket Buckets[128] {};
// The linker sorts by what follows the dollar sign.
[[gnu::section(".locks$a"), gnu::used]] constinit u64 LocksStart[8] {};
[[gnu::section(".locks$z"), gnu::used]] constinit u64 LocksEnd[8] {};

class BucketLock {
public:
    explicit BucketLock(const void* Key) : Bucket_(Buckets[(u64(Key) >> 4 ^ u64(Key) >> 12) % 128])
    {
        for (u32 Tries = 0; __atomic_exchange_n(&Bucket_.Lock, 1, __ATOMIC_ACQUIRE); ++Tries) {
            if (Tries < 64) {
                CpuRelax();
            } else {
                // The holder may have been preempted and may have a lower priority: give it real time.
                LARGE_INTEGER Soon;
                Soon.QuadPart = Tries < 80 ? 0 : -10000;
                NtDelayExecution(0, &Soon);
            }
        }
        if (!Bucket_.Sleepers.Flink)
            InitializeListHead(&Bucket_.Sleepers);
    }
    ~BucketLock() { __atomic_store_n(&Bucket_.Lock, 0, __ATOMIC_RELEASE); }
    BucketLock(const BucketLock&) = delete;
    BucketLock& operator=(const BucketLock&) = delete;
    LIST_ENTRY& Sleepers() { return Bucket_.Sleepers; }

private:
    Bucket& Bucket_;
};

// Relative waits are kept as a deadline of the clock that never jumps.
struct Deadline {
    bool Relative = false;
    LARGE_INTEGER Value {};
    explicit Deadline(const LARGE_INTEGER* Timeout)
    {
        if (!Timeout)
            return;
        Relative = Timeout->QuadPart < 0;
        Value = *Timeout;
        if (Relative)
            Value.QuadPart = RtlpInterruptTime() - Timeout->QuadPart;
    }
    LARGE_INTEGER Remaining() const
    {
        LARGE_INTEGER Left = Value;
        if (Relative) {
            Left.QuadPart = RtlpInterruptTime() - Value.QuadPart;
            if (Left.QuadPart >= 0)
                Left.QuadPart = 0;
        }
        return Left;
    }
};

}

namespace heap {
void ForgetLocks();
}

void RtlpForgetLocks()
{
    volatile u64* End = LocksEnd;
    for (volatile u64* I = LocksStart; I < End; I = I + 1)
        *I = 0;
    heap::ForgetLocks();
}

namespace sync {

NTSTATUS Wait(const void* Key, const u64* Value, u64 Expected, u64 Mask, const LARGE_INTEGER* Timeout)
{
    Sleeper Me { {}, Key, Teb()->ClientId.UniqueThread, 0 };
    {
        BucketLock Held(Key);
        if ((__atomic_load_n(Value, __ATOMIC_SEQ_CST) & Mask) != (Expected & Mask))
            return STATUS_SUCCESS;
        InsertTailList(&Held.Sleepers(), &Me.Links);
    }
    Deadline Until(Timeout);
    for (;;) {
        LARGE_INTEGER Left = Until.Remaining();
        NTSTATUS Status = NtWaitForAlertByThreadId(const_cast<void*>(Key), Timeout ? &Left : nullptr);
        if (__atomic_load_n(&Me.Woken, __ATOMIC_ACQUIRE))
            return STATUS_SUCCESS;
        if (Status == STATUS_ALERTED || Status == STATUS_SUCCESS || Status == STATUS_USER_APC)
            continue;
        BucketLock Held(Key);
        if (Me.Woken)
            return STATUS_SUCCESS;
        RemoveEntryList(&Me.Links);
        return Status;
    }
}

void Wake(const void* Key, bool All)
{
    // Thread ids are collected under the lock and alerted after it, so that a woken thread does not run into the lock.
    constexpr u32 Room = 32;
    for (;;) {
        HANDLE Threads[Room];
        u32 Count = 0;
        {
            BucketLock Held(Key);
            for (LIST_ENTRY* I = Held.Sleepers().Flink; I != &Held.Sleepers() && Count < Room;) {
                auto& Other = *RECORD_OF(I, Sleeper, Links);
                I = I->Flink;
                if (Other.Key != Key)
                    continue;
                RemoveEntryList(&Other.Links);
                Threads[Count++] = Other.ThreadId;
                __atomic_store_n(&Other.Woken, 1, __ATOMIC_RELEASE);
                if (!All)
                    break;
            }
        }
        for (u32 I = 0; I < Count; ++I)
            NtAlertThreadByThreadId(Threads[I]);
        if (!All || Count < Room)
            return;
    }
}

}

extern "C" {

// Address: 1, 2, 4 or 8 bytes, naturally aligned as on Windows.
NTSTATUS NTAPI RtlWaitOnAddress(const void* Address, const void* Compare, SIZE_T Size, const LARGE_INTEGER* Timeout)
{
    u64 Expected;
    switch (Size) {
    case 1:
        Expected = *static_cast<const u8*>(Compare);
        break;
    case 2:
        Expected = *static_cast<const u16*>(Compare);
        break;
    case 4:
        Expected = *static_cast<const u32*>(Compare);
        break;
    case 8:
        Expected = *static_cast<const u64*>(Compare);
        break;
    default:
        return STATUS_INVALID_PARAMETER;
    }
    // The aligned eight bytes around the value, so that one comparison does for all sizes.
    u64 Shift = (u64(Address) & 7) * 8;
    if (Shift + Size * 8 > 64)
        return STATUS_INVALID_PARAMETER;
    u64 Mask = (Size == 8 ? ~u64(0) : (u64(1) << Size * 8) - 1) << Shift;
    return sync::Wait(Address, reinterpret_cast<const u64*>(u64(Address) & ~u64(7)), Expected << Shift, Mask, Timeout);
}
void NTAPI RtlWakeAddressSingle(const void* Address) { sync::Wake(Address, false); }
void NTAPI RtlWakeAddressAll(const void* Address) { sync::Wake(Address, true); }

}
