#include "ntos/cm/hive/hive.hpp"

#include <string.h>

#include "ntos/cm/cm.hpp"
#include "ntos/ex/log.hpp"

namespace cm {

// All hives with files. Constructed at compile time, never destroyed.
struct FileHives {
    union Holder {
        core::List<FileHive, &FileHive::Link_> List;
        constexpr Holder() : List() { }
        ~Holder() { }
    };
    static constinit Holder All;
};
constinit FileHives::Holder FileHives::All;

static regf::Text TextOf(ob::Name Name) { return { Name.Data, Name.Length }; }

FileHive::FileHive(Ref<WriteQueue> Queue, bool LazyFlush) : Queue_(std::move(Queue)), Cells_(RegfEnvironment()), Store_(Cells_, Primary_, &Log1_, &Log2_), LazyFlush_(LazyFlush) { }

ke::Task<> FileHive::Open(Ref<ps::Process> For, Files Of, bool LazyFlush, Own<FileHive>& To)
{
    Ref<WriteQueue> Queue = CO_TRY(WriteQueue::Create(For));
    To = Own<FileHive>(new FileHive(Queue, LazyFlush));
    if (!To)
        co_return STATUS_INSUFFICIENT_RESOURCES;
    FileHive& New = *To;
    CO_TRY(co_await KernelFile::Open(New.Primary_, Ref<io::File>(*Of.Primary), Queue, For));
    CO_TRY(co_await KernelFile::Open(New.Log1_, Ref<io::File>(*Of.Log1), Queue, For));
    CO_TRY(co_await KernelFile::Open(New.Log2_, Ref<io::File>(*Of.Log2), Queue, For));
    if (CO_TRY(New.Store_.IsUnfinished())) {
        New.New_ = true;
    } else {
        Status Opened = New.Store_.Open();
        CO_TRY(Opened);
        if (Opened == STATUS_REGISTRY_RECOVERED)
            ex::Log("registry hive: recovered, %u places mended\n", New.Cells_.Mended());
    }
    co_return STATUS_SUCCESS;
}

Status FileHive::Attach(Node& Top)
{
    Top_ = RefPtr<Node>(&Top);
    if (New_) {
        const se::SecurityDescriptor* Security = Top.Security();
        TRY(Cells_.Create(TextOf(Top.Name()), Security ? Security->Bytes() : std::span<const u8>()));
        TRY(Store_.Create());
        TRY(Keep(Top));
        Top.Cell = Cells_.Root();
        FileHives::All.List.PushBack(*this);
        Changed(Top);
        return STATUS_SUCCESS;
    }
    Vector<Ref<Node>> Existing;
    bool Had = Top.ChildCount() || Top.ValueCount();
    Loading_ = true;
    Status Read = Populate(Top, Cells_, Cells_.Root(), this, &Existing);
    Loading_ = false;
    TRY(Read);
    TRY(Keep(Top));
    FileHives::All.List.PushBack(*this);
    if (Had)
        Changed(Top);
    for (Ref<Node>& N : Existing)
        Changed(*N);
    return STATUS_SUCCESS;
}

// What was there before is the hive's from now on.
Status FileHive::Keep(Node& Top)
{
    Vector<Node*> ToDo;
    TRY(ToDo.Push(&Top));
    while (!ToDo.IsEmpty()) {
        Node& N = *ToDo.Last();
        ToDo.Pop();
        N.Keeper = this;
        for (usize I = 0; I < N.ChildCount(); ++I)
            TRY(ToDo.Push(N.Child(I)));
    }
    return STATUS_SUCCESS;
}

Status FileHive::DropSeeded()
{
    // Parents before children, so that the last ones go first.
    Vector<Ref<Node>> All;
    TRY(All.Push(Ref<Node>(*Top_)));
    for (usize I = 0; I < All.Size(); ++I)
        for (usize J = 0; J < All[I]->ChildCount(); ++J)
            if (!All[I]->Child(J)->Volatile)
                TRY(All.Push(Ref<Node>(*All[I]->Child(J))));
    while (!All.IsEmpty()) {
        Ref<Node> N = All.Last();
        All.Pop();
        if (N->Cell == NoCell && N->Seeded && !N->Fixed && !N->ChildCount()) {
            TRY(N->Delete());
            continue;
        }
        for (usize I = N->ValueCount(); I--;)
            if (N->ValueAt(I).Cell == NoCell && N->ValueAt(I).Seeded) {
                UpperName Upper;
                TRY(Upper.Set(N->ValueAt(I).Name.View()));
                TRY(N->DeleteValue(Upper));
            }
    }
    return STATUS_SUCCESS;
}

Status FileHive::Detach(bool Force)
{
    TRY(Save());
    if (!Force && TRY(IsInUse(*Top_, true)))
        return STATUS_CANNOT_DELETE;
    TRY(Store_.Reconcile());
    Loading_ = true;
    DeleteBelow(*Top_);
    Top_->Fixed = false;
    Top_->Keeper = nullptr;
    return Top_->Delete();
}

FileHive* FileHive::OfTop(const Node& N)
{
    for (FileHive& H : FileHives::All.List)
        if (H.Top_ == &N)
            return &H;
    return nullptr;
}

void FileHive::FlushAll()
{
    for (FileHive& H : FileHives::All.List)
        if (Status S = H.Reconcile(); !S.Ok())
            ex::Log("registry hive %S: cannot be written (0x%x)\n", H.Top_->Name(), u32(S.Code()));
}

ke::Task<> FileHive::Drain() { return WriteQueue::Drain(Queue_); }

ke::Task<> FileHive::DrainAll()
{
    Vector<Ref<WriteQueue>> Queues;
    for (FileHive& H : FileHives::All.List)
        CO_TRY(Queues.Push(H.Queue_));
    Status Outcome;
    for (usize I = 0; I < Queues.Size(); ++I)
        if (Status S = co_await WriteQueue::Drain(Queues[I]); !S.Ok())
            Outcome = S;
    co_return Outcome;
}

ke::Task<> FlushHives()
{
    FileHive::FlushAll();
    return FileHive::DrainAll();
}

// --- changes

void FileHive::Later(u64 Delay)
{
    if (LazyFlush_ && !Timer_.IsSet())
        Timer_.Set(ke::InterruptTime() + Delay).Ignore();      // without memory for it the next change asks again
}

void FileHive::Changed(Node& N)
{
    if (Loading_ || N.Volatile)
        return;
    if (!N.Unsaved) {
        if (Dirty_.Push(Ref<Node>(N)).Ok())
            N.Unsaved = true;
        else
            MissedOne_ = true;
    }
    if (LazyFlush_ && Timer_.IsSet() && Timer_.Due() > ke::InterruptTime() + LazyDelay)
        Timer_.Cancel();                // it was for the log
    Later(LazyDelay);
}

void FileHive::Lazy::Expired(Timer& T)
{
    FileHive& H = static_cast<Lazy&>(T).Owner;
    bool Writes = !H.Dirty_.IsEmpty() || H.MissedOne_;
    Status S = Writes ? H.Flush() : H.Reconcile();
    if (!S.Ok())
        ex::Log("registry hive %S: cannot be written (0x%x)\n", H.Top_->Name(), u32(S.Code()));
    if (Writes || !S.Ok())
        H.Later(S.Ok() ? ReconcileDelay : LazyDelay);
}

Status FileHive::Flush()
{
    TRY(Save());
    TRY(Store_.Commit());
    return Store_.LogBytes() > LongLog ? Store_.Reconcile() : Status(STATUS_SUCCESS);
}

Status FileHive::Reconcile()
{
    TRY(Save());
    return Store_.Reconcile();
}

// --- nodes to cells

// Brings the cells up to date. A failure leaves the cells consistent and the rest to be done again.
Status FileHive::Save()
{
    if (MissedOne_) {
        // Every node that has a cell is looked at, one by one from the top.
        for (Ref<Node>& N : Dirty_)
            N->Unsaved = false;
        Dirty_.Clear();
        TRY(Dirty_.Push(Ref<Node>(*Top_)));
        for (usize I = 0; I < Dirty_.Size(); ++I)
            for (usize J = 0; J < Dirty_[I]->ChildCount(); ++J)
                if (!Dirty_[I]->Child(J)->Volatile)
                    TRY(Dirty_.Push(Ref<Node>(*Dirty_[I]->Child(J))));
        MissedOne_ = false;
        for (Ref<Node>& N : Dirty_)
            N->Unsaved = true;
    }
    for (usize I = 0; I < Dirty_.Size(); ++I) {
        Ref<Node> N = Dirty_[I];
        if (N->IsDeleted() || N->Keeper != this || N->Cell == NoCell)
            continue;                   // gone; or new, and its parent, which has changed too, brings it
        if (Status S = SaveNode(*N, Dirty_); !S.Ok()) {
            for (usize J = 0; J + I < Dirty_.Size(); ++J)
                Dirty_[J] = Dirty_[J + I];
            for (usize J = 0; J < I; ++J)
                Dirty_.Pop();
            return S;
        }
        N->Unsaved = false;
    }
    for (Ref<Node>& N : Dirty_)
        N->Unsaved = false;
    Dirty_.Clear();
    return STATUS_SUCCESS;
}

static bool Equal(const Vector<wchar_t>& A, ob::Name B) { return A.Size() == B.Length && (!B.Length || memcmp(A.Data(), B.Data, B.Length * sizeof(wchar_t)) == 0); }

Status FileHive::SaveNode(Node& N, Vector<Ref<Node>>& Work)
{
    regf::KeyInfo Has = TRY(Cells_.Key(N.Cell));
    if (&N != Top_.Get() && !Equal(Has.Name, N.Name()))
        N.Cell = TRY(Cells_.Rename(N.Cell, TextOf(N.Name())));
    if (!Equal(Has.Class, N.Class.View()))
        TRY(Cells_.SetClass(N.Cell, TextOf(N.Class.View())));
    if (const se::SecurityDescriptor* Security = N.Security()) {
        std::span<const u8> Old = Cells_.Descriptor(Has.Security), New = Security->Bytes();
        if (Old.size() != New.size() || memcmp(Old.data(), New.data(), New.size()) != 0)
            TRY(Cells_.SetDescriptor(N.Cell, New));
    }
    Vector<u32> Values;
    TRY(Values.Reserve(N.ValueCount()));
    for (usize I = 0; I < N.ValueCount(); ++I) {
        const Value& V = N.ValueAt(I);
        if (V.Cell == NoCell)
            V.Cell = TRY(Cells_.NewValue(TextOf(V.Name.View()), V.Type, V.Data.Span()));
        TRY(Values.Push(V.Cell));
    }
    TRY(Cells_.SetValues(N.Cell, Values.Span()));
    TRY(SaveChildren(N, Work));
    u16 Flags = N.IsLink ? regf::KeyIsLink : 0;
    if (&N == Top_.Get())
        Flags |= regf::KeyNoDelete;
    if (Has.LastWrite != N.LastWrite || Has.Flags != (Flags | (&N == Top_.Get() ? regf::KeyIsRoot : 0)))
        Cells_.SetTimeAndFlags(N.Cell, N.LastWrite, Flags);
    return STATUS_SUCCESS;
}

Status FileHive::SaveChildren(Node& N, Vector<Ref<Node>>& Work)
{
    // Bits for the cells of the children there are, and of those the list has.
    struct CellSet {
        Vector<u64> Bits;
        Status Add(u32 Cell)
        {
            if (Cell / 512 >= Bits.Size())
                TRY(Bits.Resize(Cell / 512 + 1));
            Bits[Cell / 512] |= u64(1) << (Cell / 8 % 64);
            return STATUS_SUCCESS;
        }
        bool Has(u32 Cell) const { return Cell / 512 < Bits.Size() && (Bits[Cell / 512] >> (Cell / 8 % 64) & 1); }
    } Present, Listed;
    Vector<u32> Old;
    TRY(Cells_.Subkeys(N.Cell, Old));
    for (usize I = 0; I < N.ChildCount(); ++I)
        if (!N.Child(I)->Volatile && N.Child(I)->Cell != NoCell)
            TRY(Present.Add(N.Child(I)->Cell));
    for (u32 Cell : Old) {
        TRY(Listed.Add(Cell));
        if (Present.Has(Cell))
            continue;
        TRY(Cells_.Unlink(N.Cell, Cell));
        TRY(Cells_.FreeKey(Cell));
    }
    for (usize I = 0; I < N.ChildCount(); ++I) {
        Node& Child = *N.Child(I);
        if (Child.Volatile || (Child.Cell != NoCell && Listed.Has(Child.Cell)))
            continue;
        if (Child.Cell == NoCell) {
            TRY(Work.Reserve(Work.Size() + 1));
            const se::SecurityDescriptor* Security = Child.Security();
            Child.Cell = TRY(Cells_.NewKey(N.Cell, TextOf(Child.Name()), TextOf(Child.Class.View()), Security ? Security->Bytes() : std::span<const u8>()));
            Child.Keeper = this;
            Child.Unsaved = true;
            MUST(Work.Push(Ref<Node>(Child)));          // reserved
        }
        TRY(Cells_.Link(N.Cell, Child.Cell));
    }
    return STATUS_SUCCESS;
}

}
