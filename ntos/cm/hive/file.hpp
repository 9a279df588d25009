// Files of hives.
//
// regf's code does not wait; a file of a file-system driver does. So such a file is read whole before its hive is opened, and what the hive writes goes into a queue that a work item
// carries out, in order, flushes included: what is on the medium is at any moment what the hive had written at some moment. A file of the volume in memory is used directly.
#pragma once
#include "lib/core/list.hpp"
#include "lib/regf/regf.hpp"
#include "ntos/io/own_io.hpp"

namespace cm {

// The writes of one hive, to any of its files.
class WriteQueue : public RefCounted<WriteQueue> {
public:
    static constexpr u64 Pause = 10'000'000;            // between two tries of a write that fails: 1 s
    static constexpr u32 Patience = 10;                 // tries, after which those who wait are told
    static constexpr usize MostBytes = 32 * MiB;        // queued
    static Result<Ref<WriteQueue>> Create(Ref<ps::Process> For);
    Status Write(io::File& To, u64 Offset, const void* From, usize Bytes);     // copied
    Status Flush(io::File& Of);
    // Returns when all that is in the queue now has been carried out. A write that fails is tried again and again, as what follows relies on it; the status when that has
    // lasted some time.
    static ke::Task<> Drain(Ref<WriteQueue> Q);

private:
    friend class RefCounted<WriteQueue>;
    struct Step {
        Ref<io::File> Of;
        u64 Offset;
        Vector<u8> Data;                // none: a flush
        core::ListNode<Step> Link;
        explicit Step(io::File& Of, u64 Offset) : Of(Of), Offset(Offset) { }
        static void* operator new(usize Size) noexcept { return ::operator new(Size, std::nothrow); }
        static void operator delete(void* At) { ::operator delete(At); }
    };
    explicit WriteQueue(Ref<ps::Process> For) : For_(std::move(For)) { }
    ~WriteQueue();
    static void* operator new(usize Size) noexcept { return ::operator new(Size, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    Status Put(Own<Step> S);
    void Start();
    void Take();
    void Tell();
    static ke::Task<> Run(Ref<WriteQueue> Q);
    static ke::Task<> TryFirst(Ref<WriteQueue> Q);
    Ref<ps::Process> For_;
    core::List<Step, &Step::Link> Steps_;
    bool Running_ = false;
    u64 Put_ = 0, Done_ = 0;            // steps
    usize Bytes_ = 0;
    u32 Failures_ = 0;                  // of the first step
    Status Failure_;
    ke::Event Moved_ { ke::Event::Notification, false };
};

// An open file as regf wants it.
class KernelFile final : public regf::File {
public:
    KernelFile() = default;
    bool IsThere() const { return bool(File_); }
    // Of lives on a volume in memory, or its content is read (of at most Limit bytes). Queue: for what is written.
    static constexpr usize Limit = 256 * MiB;
    static ke::Task<> Open(KernelFile& File, Ref<io::File> Of, Ref<WriteQueue> Queue, Ref<ps::Process> For);
    // What was read is not needed any more: from now on the file is only written.
    void DropContent() { Content_ = Vector<u8>(); HasContent_ = false; }
    Result<u64> Size() override;
    Status ReadAt(u64 Offset, void* To, usize Bytes) override;
    Status WriteAt(u64 Offset, const void* From, usize Bytes) override;
    Status Extend(u64 Size) override;
    Status Flush() override;

private:
    RefPtr<io::File> File_;
    RefPtr<WriteQueue> Queue_;          // null: directly
    Vector<u8> Content_;
    bool HasContent_ = false;
    u64 Size_ = 0;
};

}
