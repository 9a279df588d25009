// Making a hive of bytes that may be anything: every cell reachable from the root is checked, counted once, and cut off where it is damaged. What
// nothing reaches afterwards is free.
#include "lib/regf/names.hpp"

namespace regf {

using namespace nt;

// Owned by the administrators, who get everything, as does the system: for keys whose descriptor is lost.
static constexpr u8 LastResort[] = {
    1, 0, 0x04, 0x80, 20, 0, 0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 48, 0, 0, 0,
    1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0,
    1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
    2, 0, 52, 0, 2, 0, 0, 0,
    0, 2, 24, 0, 0x3F, 0, 0x0F, 0, 1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0,
    0, 2, 20, 0, 0x3F, 0, 0x0F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0,
};
static_assert(sizeof(LastResort) == 100);

class Checker {
public:
    explicit Checker(Hive& Of) : H_(Of), S_(Of.Space_) { }
    Status Run(u32 Root);

private:
    struct Step {
        u32 Key, Parent, Depth, Security;
    };
    struct SeenSecurity {
        u32 Cell, References;
    };
    void Tell(const char* What, u32 Cell)
    {
        ++H_.Mended_;
        if (H_.Around_.Report)
            H_.Around_.Report(H_.Around_.Context, What, Cell);
    }
    bool Used(u32 Cell) const { return Used_[Cell / 512] >> (Cell / 8 % 64) & 1; }
    void Use(u32 Cell, bool Is)
    {
        u64 Bit = u64(1) << (Cell / 8 % 64);
        Used_[Cell / 512] = Is ? Used_[Cell / 512] | Bit : Used_[Cell / 512] & ~Bit;
    }
    // A cell nobody has used yet, with room for Bytes; it counts as used from now on.
    bool Claim(u32 Cell, u64 Bytes)
    {
        if (!S_.IsCell(Cell) || Used(Cell) || S_.Room(Cell) < Bytes)
            return false;
        Use(Cell, true);
        return true;
    }
    // Cells made while checking.
    Status UseNew(u32 Cell)
    {
        if (Cell / 512 >= Used_.Size())
            TRY(Used_.Resize(S_.Size() / 512));
        Use(Cell, true);
        return STATUS_SUCCESS;
    }
    bool GoodKey(u32 Cell) const;
    u32 FindRoot(u32 Told) const;
    bool ClaimSecurity(u32 Cell);
    Status CheckKey(const Step& At);
    Status CheckSecurity(const Step& At, u32& Security);
    Status CheckValues(u32 Key);
    bool CheckData(u32 Value);
    Status CheckList(u32 Key, Vector<u32>& Children);
    Status CollectLeaf(u32 Leaf, Vector<u32>& To, bool& Wrong);
    void Sort(Vector<u32>& Keys) const;
    Status LinkSecurity();
    Hive& H_;
    Space& S_;
    Vector<u64> Used_;
    Vector<Step> ToDo_;
    Vector<SeenSecurity> Securities_;
    Vector<u32> Claimed_;               // the list cells of the key being checked
};

bool Checker::GoodKey(u32 Cell) const
{
    if (!S_.IsCell(Cell) || S_.Room(Cell) < sizeof(disk::Key))
        return false;
    const disk::Key* K = H_.As<disk::Key>(Cell);
    if (K->Signature != disk::Key::Magic || S_.Room(Cell) < sizeof(disk::Key) + K->NameBytes)
        return false;
    StoredName Name = NameOf(K);
    if (!Name.Length || Name.Length > MaximumName || (!Name.Compressed && K->NameBytes % 2))
        return false;
    for (u32 I = 0; I < Name.Length; ++I)
        if (Name[I] == L'\\')
            return false;
    return true;
}

u32 Checker::FindRoot(u32 Told) const
{
    if (GoodKey(Told))
        return Told;
    for (u32 Cell = S_.Next(None); Cell != None; Cell = S_.Next(Cell))
        if (GoodKey(Cell) && (H_.As<disk::Key>(Cell)->Flags & KeyIsRoot))
            return Cell;
    return None;
}

bool Checker::ClaimSecurity(u32 Cell)
{
    for (usize I = Securities_.Size(); I-- > 0;)
        if (Securities_[I].Cell == Cell) {
            ++Securities_[I].References;
            return true;
        }
    if (!S_.IsCell(Cell) || Used(Cell) || S_.Room(Cell) < sizeof(disk::Security))
        return false;
    const disk::Security* S = H_.As<disk::Security>(Cell);
    if (S->Signature != disk::Security::Magic || S_.Room(Cell) - sizeof(disk::Security) < S->Bytes || S->Bytes < 20)
        return false;
    if (H_.Around_.GoodDescriptor && !H_.Around_.GoodDescriptor(H_.Descriptor(Cell)))
        return false;
    if (!Securities_.Push(SeenSecurity { Cell, 1 }).Ok())
        return false;
    Use(Cell, true);
    return true;
}

Status Checker::CheckSecurity(const Step& At, u32& Security)
{
    Security = H_.As<disk::Key>(At.Key)->Security;
    if (ClaimSecurity(Security))
        return STATUS_SUCCESS;
    Tell("a key's security descriptor is lost: it gets its parent's", At.Key);
    Security = At.Security;
    if (Security == None) {
        Security = TRY(S_.Allocate(u32(sizeof(disk::Security) + sizeof(LastResort))));
        disk::Security* S = H_.Edit<disk::Security>(Security);
        S->Signature = disk::Security::Magic;
        S->Bytes = sizeof(LastResort);
        memcpy(S_.Change(Security, sizeof(disk::Security), sizeof(LastResort)), LastResort, sizeof(LastResort));
        TRY(UseNew(Security));
        TRY(Securities_.Push(SeenSecurity { Security, 0 }));
    }
    for (SeenSecurity& S : Securities_)
        S.References += S.Cell == Security;
    H_.Edit<disk::Key>(At.Key)->Security = Security;
    return STATUS_SUCCESS;
}

bool Checker::CheckData(u32 Value)
{
    const disk::Value* V = H_.As<disk::Value>(Value);
    u32 Size = V->Size & ~disk::Value::Resident;
    if (V->Size & disk::Value::Resident)
        return Size <= 4;
    if (!Size) {
        H_.Edit<disk::Value>(Value)->Size = disk::Value::Resident;
        return true;
    }
    u32 Cell = V->Data;
    if (!S_.IsCell(Cell) || Used(Cell))
        return false;
    if (S_.Room(Cell) >= Size)
        return Claim(Cell, Size);
    if (Size <= disk::BigData::Segment || S_.Room(Cell) < sizeof(disk::BigData) - 4)
        return false;
    u32 Count = u32((u64(Size) + disk::BigData::Segment - 1) / disk::BigData::Segment), Done = 0, List = H_.As<disk::BigData>(Cell)->List;
    if (H_.As<disk::BigData>(Cell)->Signature != disk::BigData::Magic || H_.As<disk::BigData>(Cell)->Count != Count || !Claim(Cell, 8))
        return false;
    bool HasList = Claim(List, u64(Count) * 4);
    auto Part = [&](u32 I) {
        u32 At;
        memcpy(&At, S_.At(List) + 4 * I, 4);
        return At;
    };
    while (HasList && Done < Count && Claim(Part(Done), Done + 1 < Count ? disk::BigData::Segment : Size - Done * disk::BigData::Segment))
        ++Done;
    if (HasList && Done == Count)
        return true;
    Use(Cell, false);
    if (HasList)
        Use(List, false);
    while (Done)
        Use(Part(--Done), false);
    return false;
}

Status Checker::CheckValues(u32 Key)
{
    const disk::Key* K = H_.As<disk::Key>(Key);
    u32 Count = K->Values, List = K->ValueList, Good = 0;
    if (!Count)
        return STATUS_SUCCESS;
    if (!Claim(List, 4)) {
        Tell("a key's list of values is damaged: they are lost", Key);
        Count = 0;
    } else if (u64(Count) * 4 > S_.Room(List)) {
        Tell("a key's list of values is shorter than it says", Key);
        Count = S_.Room(List) / 4;
    }
    for (u32 I = 0; I < Count; ++I) {
        u32 Value;
        memcpy(&Value, S_.At(List) + 4 * I, 4);
        bool Sound = Claim(Value, sizeof(disk::Value));
        if (Sound) {
            const disk::Value* V = H_.As<disk::Value>(Value);
            StoredName Name = NameOf(V);
            Sound = V->Signature == disk::Value::Magic && S_.Room(Value) >= sizeof(disk::Value) + V->NameBytes && Name.Length <= MaximumValueName &&
                    (Name.Compressed || V->NameBytes % 2 == 0) && CheckData(Value);
            if (!Sound)
                Use(Value, false);
        }
        if (!Sound)
            Tell("a value is damaged: it is lost", Value);
        else if (Good++ != I)
            memcpy(S_.Change(List, 4 * (Good - 1), 4), &Value, 4);
    }
    if (Good != H_.As<disk::Key>(Key)->Values) {
        disk::Key* To = H_.Edit<disk::Key>(Key);
        To->Values = Good;
        if (!Good) {
            if (Count)
                Use(List, false);
            To->ValueList = None;
        }
    }
    return STATUS_SUCCESS;
}

Status Checker::CollectLeaf(u32 Leaf, Vector<u32>& To, bool& Wrong)
{
    bool Sound = Claim(Leaf, sizeof(disk::List));
    if (Sound)
        TRY(Claimed_.Push(Leaf));
    u16 Kind = Sound ? H_.As<disk::List>(Leaf)->Signature : 0;
    if (Kind != disk::List::Fast && Kind != disk::List::Hashed && Kind != disk::List::Plain) {
        Tell("a list of subkeys is damaged: they are lost", Leaf);
        Wrong = true;
        return STATUS_SUCCESS;
    }
    LeafView Keys(S_.At(Leaf));
    u32 Room = u32(S_.Room(Leaf) - sizeof(disk::List)) / Keys.Stride, Count = Keys.Count;
    if (Count > Room) {
        Tell("a list of subkeys is shorter than it says", Leaf);
        Count = Room;
        Wrong = true;
    }
    Wrong |= !Count;                    // no leaf is empty
    for (u32 I = 0; I < Count; ++I) {
        u32 Key = Keys[I];
        if (!GoodKey(Key) || !Claim(Key, sizeof(disk::Key))) {
            Tell("a key is damaged: it is lost, with all below", Key);
            Wrong = true;
            continue;
        }
        if (Kind == disk::List::Hashed) {
            u32 Hash;
            memcpy(&Hash, Keys.Entries + I * 8 + 4, 4);
            if (Hash != H_.NameHash(Key)) {
                Tell("a key's hash is wrong", Key);
                Wrong = true;
            }
        }
        TRY(To.Push(Key));
    }
    return STATUS_SUCCESS;
}

// By name; a heap, so that it takes neither memory nor time for any order.
void Checker::Sort(Vector<u32>& Keys) const
{
    Vector<wchar_t> Name;
    auto Less = [&](u32 A, u32 B) {
        wchar_t Text[MaximumName];
        StoredName N = NameOf(H_.As<disk::Key>(A));
        for (u32 I = 0; I < N.Length; ++I)
            Text[I] = N[I];
        return H_.Compare({ Text, N.Length }, B) < 0;
    };
    auto Sink = [&](usize At, usize End) {
        for (usize Child; (Child = 2 * At + 1) < End; At = Child) {
            if (Child + 1 < End && Less(Keys[Child], Keys[Child + 1]))
                ++Child;
            if (!Less(Keys[At], Keys[Child]))
                return;
            std::swap(Keys[At], Keys[Child]);
        }
    };
    for (usize I = Keys.Size() / 2; I-- > 0;)
        Sink(I, Keys.Size());
    for (usize End = Keys.Size(); End-- > 1;) {
        std::swap(Keys[0], Keys[End]);
        Sink(0, End);
    }
}

Status Checker::CheckList(u32 Key, Vector<u32>& Children)
{
    Claimed_.Clear();
    u32 List = H_.As<disk::Key>(Key)->List;
    bool Wrong = false;
    if (H_.As<disk::Key>(Key)->Subkeys == 0) {
        if (List != None)
            H_.Edit<disk::Key>(Key)->List = None;
        return STATUS_SUCCESS;
    }
    if (S_.IsCell(List) && S_.Room(List) >= sizeof(disk::List) && H_.As<disk::List>(List)->Signature == disk::List::Root) {
        if (Claim(List, sizeof(disk::List))) {
            TRY(Claimed_.Push(List));
            LeafView Top(S_.At(List));
            u32 Count = Top.Count, Room = u32(S_.Room(List) - sizeof(disk::List)) / 4;
            if (Count > Room) {
                Tell("a list of lists of subkeys is shorter than it says", List);
                Count = Room;
                Wrong = true;
            }
            Wrong |= !Count;
            for (u32 I = 0; I < Count; ++I)
                TRY(CollectLeaf(Top[I], Children, Wrong));
        } else {
            Tell("a list of subkeys is used twice: they are lost", List);
            Wrong = true;
        }
    } else {
        TRY(CollectLeaf(List, Children, Wrong));
    }
    Vector<wchar_t> Name;
    bool Sorted = true;
    for (usize I = 1; I < Children.Size(); ++I) {
        TRY(NameOf(H_.As<disk::Key>(Children[I - 1])).CopyTo(Name));
        Sorted &= H_.Compare(Name.Span(), Children[I]) < 0;
    }
    if (!Sorted) {
        Tell("subkeys are not in the order of their names", Key);
        Wrong = true;
        Sort(Children);
        usize Kept = 0;
        for (usize I = 0; I < Children.Size(); ++I) {
            if (Kept) {
                TRY(NameOf(H_.As<disk::Key>(Children[Kept - 1])).CopyTo(Name));
                if (H_.Compare(Name.Span(), Children[I]) == 0) {
                    Tell("two keys have the same name: one is lost, with all below", Children[I]);
                    Use(Children[I], false);
                    continue;
                }
            }
            Children[Kept++] = Children[I];
        }
        MUST(Children.Resize(Kept));    // smaller
    }
    if (Wrong) {
        for (u32 Cell : Claimed_)
            Use(Cell, false);
        TRY(H_.WriteList(Key, Children.Span()));
        u32 New = H_.As<disk::Key>(Key)->List;
        if (New != None) {
            TRY(UseNew(New));
            if (H_.As<disk::List>(New)->Signature == disk::List::Root)
                for (u32 I = 0; I < LeafView(S_.At(New)).Count; ++I)
                    TRY(UseNew(LeafView(S_.At(New))[I]));
        }
    } else if (H_.As<disk::Key>(Key)->Subkeys != Children.Size()) {
        Tell("a key has another number of subkeys than it says", Key);
        H_.Edit<disk::Key>(Key)->Subkeys = u32(Children.Size());
    }
    return STATUS_SUCCESS;
}

Status Checker::CheckKey(const Step& At)
{
    const disk::Key* K = H_.As<disk::Key>(At.Key);
    if (K->ClassBytes && (K->ClassBytes % 2 || !Claim(K->Class, K->ClassBytes))) {
        Tell("a key's class is lost", At.Key);
        disk::Key* To = H_.Edit<disk::Key>(At.Key);
        To->Class = None;
        To->ClassBytes = 0;
    }
    if (H_.As<disk::Key>(At.Key)->Parent != At.Parent && At.Parent != None) {
        Tell("a key names the wrong parent", At.Key);
        H_.Edit<disk::Key>(At.Key)->Parent = At.Parent;
    }
    u32 Security;
    TRY(CheckSecurity(At, Security));
    TRY(CheckValues(At.Key));
    Vector<u32> Children;
    TRY(CheckList(At.Key, Children));
    if (At.Depth >= MaximumDepth && !Children.IsEmpty()) {
        Tell("keys lie too deep: they are lost", At.Key);
        for (u32 Cell : Claimed_)
            Use(Cell, false);
        for (u32 Cell : Children)
            Use(Cell, false);
        disk::Key* To = H_.Edit<disk::Key>(At.Key);
        To->List = None;
        To->Subkeys = 0;
        Children.Clear();
    }
    for (u32 Child : Children)
        TRY(ToDo_.Push(Step { Child, At.Key, At.Depth + 1, Security }));
    return STATUS_SUCCESS;
}

Status Checker::LinkSecurity()
{
    H_.Security_ = None;
    for (usize I = 0; I < Securities_.Size(); ++I) {
        usize Count = Securities_.Size();
        const disk::Security* S = H_.As<disk::Security>(Securities_[I].Cell);
        u32 Next = Securities_[(I + 1) % Count].Cell, Previous = Securities_[(I + Count - 1) % Count].Cell;
        // The ring may have any order on the medium; ours is written only where something else must be.
        if (S->References != Securities_[I].References || S->Next != Next || S->Previous != Previous) {
            disk::Security* To = H_.Edit<disk::Security>(Securities_[I].Cell);
            To->References = Securities_[I].References;
            To->Next = Next;
            To->Previous = Previous;
        }
        H_.Security_ = Securities_[0].Cell;
    }
    return STATUS_SUCCESS;
}

Status Checker::Run(u32 Root)
{
    TRY(Used_.Resize(S_.Size() / 512));
    u32 Found = FindRoot(Root);
    if (Found == None)
        return STATUS_REGISTRY_CORRUPT;
    if (Found != Root)
        Tell("the root is not where it should be", Root);
    H_.Root_ = Found;
    Use(Found, true);
    TRY(ToDo_.Push(Step { Found, None, 0, None }));
    while (!ToDo_.IsEmpty()) {
        Step At = ToDo_.Last();
        ToDo_.Pop();
        TRY(CheckKey(At));
    }
    TRY(LinkSecurity());
    Vector<u32> Lost;
    for (u32 Cell = S_.Next(None); Cell != None; Cell = S_.Next(Cell))
        if (Cell / 512 >= Used_.Size() || !Used(Cell))
            TRY(Lost.Push(Cell));
    for (u32 Cell : Lost)
        S_.Free(Cell);
    return STATUS_SUCCESS;
}

Status Hive::Adopt(Vector<u8> Bins, u32 Root)
{
    Mended_ = TRY(Space_.Adopt(std::move(Bins)));
    if (Mended_ && Around_.Report)
        Around_.Report(Around_.Context, "bins are damaged", None);
    return Checker(*this).Run(Root);
}

}
