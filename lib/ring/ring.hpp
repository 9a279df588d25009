// A ring of fixed-size slots in memory that two parties share which do not trust each other: one produces, one consumes.
//
// The discipline is sDDF's: both indices run freely (a slot is index modulo the ring's size); the producer writes a slot and then
// publishes it by a release store of Tail; the consumer reads Tail with acquire, copies the slot out and then gives it back by a release
// store of Head. A consumer that is about to sleep sets Sleeping and looks once more (BeginSleep); a producer that finds Sleeping set clears it
// and must notify (Publish tells). So a consumer that keeps busy is never notified.
// Each side keeps its own index in memory of its own; what the other side writes is only ever looked at as a number. An index
// that cannot be (more than the ring holds) makes IsBroken true for ever: whatever the memory holds, no side reads or writes outside
// the ring, and a slot that changes while it is read is the reader's own copy from then on.
#pragma once
#include <string.h>

#include "lib/core/types.hpp"

namespace ring {

// In shared memory, zero at the start. The two indices are on cache lines of their own.
struct Indices {
    alignas(64) u32 Tail;               // written by the producer
    alignas(64) u32 Head;               // written by the consumer
    u32 Sleeping;                       // set by the consumer, cleared by the producer
};
static_assert(sizeof(Indices) == 128);

inline u32 LoadAcquire(const u32& From) { return __atomic_load_n(&From, __ATOMIC_ACQUIRE); }
inline void StoreRelease(u32& To, u32 Value) { __atomic_store_n(&To, Value, __ATOMIC_RELEASE); }

// SlotAt(index below Size) gives the slot's address: a ring need not be contiguous where the Executive sees it.
template <typename Slot, u32 Size, typename SlotAt> class Producer {
    static_assert((Size & (Size - 1)) == 0);

public:
    Producer() = default;
    void Attach(Indices& Shared, SlotAt Where)
    {
        Shared_ = &Shared;
        Where_ = Where;
    }
    u32 Free()
    {
        u32 Used = Tail_ - LoadAcquire(Shared_->Head);
        if (Used > Size) [[unlikely]] {
            Broken_ = true;
            return 0;
        }
        return Broken_ ? 0 : Size - Used;
    }
    // False: the ring is full (or broken).
    bool Put(const Slot& Value)
    {
        if (!Free())
            return false;
        memcpy(Where_(Tail_ & (Size - 1)), &Value, sizeof(Slot));
        ++Tail_;
        return true;
    }
    // Shows what was Put. True: the consumer sleeps and has to be notified.
    bool Publish()
    {
        StoreRelease(Shared_->Tail, Tail_);
        // The store must be seen before Sleeping is read: the consumer does the same in the other order.
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&Shared_->Sleeping, __ATOMIC_RELAXED))
            return false;
        return __atomic_exchange_n(&Shared_->Sleeping, 0, __ATOMIC_RELAXED) != 0;
    }
    bool IsBroken() const { return Broken_; }
    // How many the consumer says it has taken (a number of its own), and how many were put.
    u32 Taken() const { return LoadAcquire(Shared_->Head); }
    u32 Put() const { return Tail_; }

private:
    Indices* Shared_ = nullptr;
    SlotAt Where_ {};
    u32 Tail_ = 0;
    bool Broken_ = false;
};

template <typename Slot, u32 Size, typename SlotAt> class Consumer {
    static_assert((Size & (Size - 1)) == 0);

public:
    Consumer() = default;
    void Attach(Indices& Shared, SlotAt Where)
    {
        Shared_ = &Shared;
        Where_ = Where;
    }
    // Copies the next slot out. False: there is none.
    bool Take(Slot& To)
    {
        if (Head_ == Known_ && !Look())
            return false;
        memcpy(&To, Where_(Head_ & (Size - 1)), sizeof(Slot));
        ++Head_;
        StoreRelease(Shared_->Head, Head_);
        return true;
    }
    bool IsEmpty() { return Head_ == Known_ && !Look(); }
    // True: nothing has come, sleep until notified. False: there is something (go on with Take).
    bool BeginSleep()
    {
        __atomic_store_n(&Shared_->Sleeping, 1, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (IsEmpty())
            return true;
        __atomic_store_n(&Shared_->Sleeping, 0, __ATOMIC_RELAXED);
        return false;
    }
    // Awake again without having been notified.
    void EndSleep() { __atomic_store_n(&Shared_->Sleeping, 0, __ATOMIC_RELAXED); }
    bool IsBroken() const { return Broken_; }

private:
    bool Look()
    {
        u32 Tail = LoadAcquire(Shared_->Tail);
        if (Broken_ || Tail - Head_ > Size) [[unlikely]] {
            Broken_ = true;
            return false;
        }
        Known_ = Tail;
        return Tail != Head_;
    }
    Indices* Shared_ = nullptr;
    SlotAt Where_ {};
    u32 Head_ = 0, Known_ = 0;
    bool Broken_ = false;
};

}
