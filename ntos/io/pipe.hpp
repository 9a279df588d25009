// Named pipes (\Device\NamedPipe) and mailslots (\Device\Mailslot), as NT's npfs and msfs have them.
//
// A PipeName has instances; an instance has a server end, perhaps a client end, and two queues of data. A write that does not fit the queue's quota waits
// with its data queued; it is done when the data up to its end fit. What a read takes from the first entry of a queue, and whether it goes on to the next,
// depends on the read mode of the reading end.
#pragma once
#include "ntos/io/io.hpp"

namespace io {

Status InitializePipes();
Status InitializeMailslots();

// Bytes that come from, or go to, a client's memory or the Executive's.
struct DataSource {
    ps::Process* Process = nullptr;     // null: Kernel
    u64 Address = 0;
    const u8* Kernel = nullptr;
    Status Copy(usize Offset, void* To, usize Bytes) const;
};

// One direction of a pipe.
class DataQueue {
public:
    explicit DataQueue(u32 Quota) : Quota(Quota) { }
    ~DataQueue();
    bool IsEmpty() const { return Entries_.IsEmpty(); }
    bool HasReaders() const { return !Readers_.IsEmpty(); }
    u64 Bytes() const { return Bytes_; }
    u32 Messages() const { return Count_; }
    u32 FirstLength() const;
    u32 Room() const { return Bytes_ < Quota ? u32(Quota - Bytes_) : 0; }
    // Takes data that are there. Message: at most one message; STATUS_BUFFER_OVERFLOW if it goes on.
    Status Read(ps::Process& To, u64 Address, u32 Length, bool Message, u64& Done);
    // Copies without taking.
    Status Peek(u8* To, u32 Length, bool Message, u32& Done) const;
    void Wait(Request& Reader) { Readers_.PushBack(Reader); }
    // Gives data to waiting readers, queues the rest. Writer: waits (STATUS_PENDING) if they do not fit; null: only what fits is taken (a message: all or nothing), unless Force.
    Status Write(const DataSource& From, u32 Length, bool MessageType, Request* Writer, bool Force, u64& Done);
    // Waits until everything written is read.
    Status Flush(Request& R);
    void Withdraw(Request& R);          // a reader, writer or flusher goes away
    // Ends all waiting with this status; Discard: the data go too.
    void End(NTSTATUS Outcome, bool Discard);
    void EndWriters(NTSTATUS Outcome);
    const u32 Quota;

private:
    struct Entry {
        core::ListNode<Entry> Link;
        u32 Length = 0, Taken = 0;
        Request* Writer = nullptr;      // still waiting
        bool InClient = false;          // too large to be copied: the data are in the writer's memory
        Vector<u8> Data;
        u32 Left() const { return Length - Taken; }
        DataSource Source() const;
        static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
        static void operator delete(void* At) { ::operator delete(At); }
    };
    static constexpr u32 MaximumCopied = 4096;       // what a writer has that waits; more stays in its memory
    void Remove(Entry& E, NTSTATUS Outcome);
    void CompleteStalled();
    core::List<Entry, &Entry::Link> Entries_;
    core::List<Request, &Request::Link> Readers_, Flushers_;
    u64 Bytes_ = 0;
    u32 Count_ = 0;
};

}
