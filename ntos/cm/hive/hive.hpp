// Hives in files: nodes made of cells, and cells written when nodes change.
//
// A FileHive keeps the tree below one node, its top. What changes is remembered and written together: LazyDelay after the first change, at
// NtFlushKey, and when the hive is unloaded; each time as one entry of its log, so that a power cut leaves all of it or nothing. The log is carried
// over into the primary file when it is long or nothing has happened for a while.
// Volatile keys are never written. A key that shares its parent's descriptor in memory has the same security cell.
#pragma once
#include "lib/core/list.hpp"
#include "ntos/cm/hive/file.hpp"
#include "ntos/cm/node.hpp"
#include "ntos/ke/time.hpp"

namespace cm {

// What regf needs to know of us.
regf::Environment RegfEnvironment();
// Makes nodes below At (and At's own values, class, descriptor) of the key in Cell. Keys that are there already are kept and get the values. Owner:
// the hive that will keep them, or null: then they count as changes. Existing: those that were there.
Status Populate(Node& At, const regf::Hive& From, u32 Cell, Hive* Owner, Vector<Ref<Node>>* Existing);
// Copies the tree at Top, without volatile keys, into an empty hive.
Status Export(const Node& Top, regf::Hive& To);
// Whether somebody has a key below Top (or Top itself, if WithTop) open.
Result<bool> IsInUse(Node& Top, bool WithTop);
// Deletes all below Top, whoever has it open.
void DeleteBelow(Node& Top);

class FileHive;
// The hive in the file of this name and its logs (.LOG1, .LOG2), which are made if they are not there.
ke::Task<> OpenHive(ke::Caller& Caller, const ob::Attributes& Named, bool LazyFlush, Own<FileHive>& To);

class FileHive final : public Hive {
public:
    static constexpr u64 LazyDelay = 50'000'000, ReconcileDelay = 300'000'000;     // 5 s, 30 s
    static constexpr u64 LongLog = 256 * KiB;
    struct Files {
        RefPtr<io::File> Primary, Log1, Log2;
    };
    // An empty file becomes an empty hive. LazyFlush false: only NtFlushKey writes. For: the process the file requests count as being from.
    static ke::Task<> Open(Ref<ps::Process> For, Files Of, bool LazyFlush, Own<FileHive>& To);
    ~FileHive() = default;
    // Makes Top and what is below it the hive's.
    Status Attach(Node& Top);
    // Writes everything and deletes the nodes, Top too. STATUS_CANNOT_DELETE: somebody has a key open (unless Force). Drain comes before the hive goes.
    Status Detach(bool Force);
    // What there was of the tree below Top before it was attached and has no cell in the file, and was made by the readable description (Node::Seeded): away with it.
    Status DropSeeded();
    Node& Top() const { return *Top_; }
    bool IsNew() const { return New_; }         // there was nothing in the file
    void Changed(Node& N) override;
    Status Flush() override;
    Status Reconcile();
    ke::Task<> Drain() override;
    static ke::Task<> DrainAll();
    // The hive whose top this is, or null.
    static FileHive* OfTop(const Node& N);
    static void FlushAll();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

private:
    FileHive(Ref<WriteQueue> Queue, bool LazyFlush);
    struct Lazy : ke::Timer {
        explicit Lazy(FileHive& Of) : Timer(Expired), Owner(Of) { }
        static void Expired(Timer& T);
        FileHive& Owner;
    };
    Status Keep(Node& Top);
    Status Save();
    Status SaveNode(Node& N, Vector<Ref<Node>>& Work);
    Status SaveChildren(Node& N, Vector<Ref<Node>>& Work);
    void Later(u64 Delay);
    core::ListNode<FileHive> Link_;
    friend struct FileHives;
    Ref<WriteQueue> Queue_;
    KernelFile Primary_, Log1_, Log2_;
    regf::Hive Cells_;
    regf::Store Store_;
    RefPtr<Node> Top_;
    Vector<Ref<Node>> Dirty_;
    bool Loading_ = false, New_ = false, LazyFlush_;
    bool MissedOne_ = false;            // there was no memory to remember a change: all nodes are looked at
    Lazy Timer_ { *this };
};

}
