// Hives in files: nodes made of cells, and cells written when nodes change.
//
// A FileHive keeps the tree below one node, its top. What changes is remembered and written together: LazyDelay after the first change, at
// NtFlushKey, and when the hive is unloaded; each time as one entry of its log, so that a power cut leaves all of it or nothing. The log is carried
// over into the primary file when it is long or nothing has happened for a while.
// Volatile keys are never written. A key that shares its parent's descriptor in memory has the same security cell.
#pragma once
#include "lib/core/list.hpp"
#include "lib/regf/regf.hpp"
#include "ntos/cm/node.hpp"
#include "ntos/io/io.hpp"
#include "ntos/ke/time.hpp"

namespace cm {

// An open file as regf wants it.
class KernelFile final : public regf::File {
public:
    explicit KernelFile(RefPtr<io::File> Of) : File_(std::move(Of)) { }
    bool IsThere() const { return bool(File_); }
    Result<u64> Size() override;
    Status ReadAt(u64 Offset, void* To, usize Bytes) override;
    Status WriteAt(u64 Offset, const void* From, usize Bytes) override;
    Status Extend(u64 Size) override;
    Status Flush() override;

private:
    RefPtr<io::File> File_;
};

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

class FileHive final : public Hive {
public:
    static constexpr u64 LazyDelay = 50'000'000, ReconcileDelay = 300'000'000;     // 5 s, 30 s
    static constexpr u64 LongLog = 256 * KiB;
    // An empty file becomes an empty hive. LazyFlush false: only NtFlushKey writes.
    static Result<Own<FileHive>> Open(RefPtr<io::File> Primary, RefPtr<io::File> Log1, RefPtr<io::File> Log2, bool LazyFlush);
    ~FileHive() = default;
    // Makes Top and what is below it the hive's.
    Status Attach(Node& Top);
    // Writes everything and deletes the nodes, Top too. STATUS_CANNOT_DELETE: somebody has a key open (unless Force).
    Status Detach(bool Force);
    Node& Top() const { return *Top_; }
    void Changed(Node& N) override;
    Status Flush() override;
    Status Reconcile();
    // The hive whose top this is, or null.
    static FileHive* OfTop(const Node& N);
    static void FlushAll();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

private:
    FileHive(RefPtr<io::File> Primary, RefPtr<io::File> Log1, RefPtr<io::File> Log2, bool LazyFlush);
    struct Lazy : ke::Timer {
        explicit Lazy(FileHive& Of) : Timer(Expired), Owner(Of) { }
        static void Expired(Timer& T);
        FileHive& Owner;
    };
    Status Save();
    Status SaveNode(Node& N, Vector<Ref<Node>>& Work);
    Status SaveChildren(Node& N, Vector<Ref<Node>>& Work);
    void Later(u64 Delay);
    core::ListNode<FileHive> Link_;
    friend struct FileHives;
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
