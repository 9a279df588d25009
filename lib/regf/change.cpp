// Changing keys, values and security descriptors.
#include "lib/core/defer.hpp"
#include "lib/regf/names.hpp"

namespace regf {

using namespace nt;

Status Hive::Create(Text RootName, std::span<const u8> Descriptor)
{
    TRY(Space_.Adopt({}));
    Root_ = Security_ = None;
    u32 Root = TRY(NewKey(None, RootName, {}, Descriptor));
    Edit<disk::Key>(Root)->Flags |= KeyIsRoot | KeyNoDelete;
    Root_ = Root;
    return STATUS_SUCCESS;
}

// --- security: one cell for every descriptor, in a ring

Result<u32> Hive::MakeSecurity(std::span<const u8> Descriptor)
{
    if (Descriptor.size() > 0x10000)
        return STATUS_INVALID_SECURITY_DESCR;
    if (Security_ != None) {
        u32 At = Security_;
        do {
            std::span<const u8> Has = this->Descriptor(At);
            if (Has.size() == Descriptor.size() && memcmp(Has.data(), Descriptor.data(), Has.size()) == 0) {
                ++Edit<disk::Security>(At)->References;
                return At;
            }
            At = As<disk::Security>(At)->Next;
        } while (At != Security_);
    }
    u32 New = TRY(Space_.Allocate(u32(sizeof(disk::Security) + Descriptor.size())));
    disk::Security* S = Edit<disk::Security>(New);
    S->Signature = disk::Security::Magic;
    S->References = 1;
    S->Bytes = u32(Descriptor.size());
    memcpy(Space_.Change(New, sizeof(disk::Security), u32(Descriptor.size())), Descriptor.data(), Descriptor.size());
    if (Security_ == None) {
        S->Next = S->Previous = New;
        Security_ = New;
    } else {
        u32 Last = As<disk::Security>(Security_)->Previous;
        S->Next = Security_;
        S->Previous = Last;
        Edit<disk::Security>(Last)->Next = New;
        Edit<disk::Security>(Security_)->Previous = New;
    }
    return New;
}

void Hive::DropSecurity(u32 Cell)
{
    disk::Security* S = Edit<disk::Security>(Cell);
    if (--S->References)
        return;
    u32 Next = S->Next, Previous = S->Previous;
    Edit<disk::Security>(Previous)->Next = Next;
    Edit<disk::Security>(Next)->Previous = Previous;
    if (Security_ == Cell)
        Security_ = Next == Cell ? u32(None) : Next;
    Space_.Free(Cell);
}

Status Hive::SetDescriptor(u32 Key, std::span<const u8> Descriptor)
{
    u32 New = TRY(MakeSecurity(Descriptor)), Old = As<disk::Key>(Key)->Security;
    if (New != Old)
        Edit<disk::Key>(Key)->Security = New;
    DropSecurity(Old);
    return STATUS_SUCCESS;
}

// --- keys

void Hive::RaiseLongest(u32 Parent, u32 Key)
{
    u32 Name = NameOf(As<disk::Key>(Key)).Length * 2, Class = As<disk::Key>(Key)->ClassBytes;
    const disk::Key* P = As<disk::Key>(Parent);
    if (P->LongestName >= Name && P->LongestClass >= Class)
        return;
    disk::Key* To = Edit<disk::Key>(Parent);
    To->LongestName = u16(To->LongestName > Name ? To->LongestName : Name);
    To->LongestClass = To->LongestClass > Class ? To->LongestClass : Class;
}

static Status CheckName(Text Name)
{
    if (Name.empty() || Name.size() > MaximumName)
        return STATUS_INVALID_PARAMETER;
    for (wchar_t C : Name)
        if (C == L'\\')
            return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

Result<u32> Hive::NewKey(u32 Parent, Text Name, Text Class, std::span<const u8> Descriptor)
{
    TRY(CheckName(Name));
    bool Short = FitsBytes(Name);
    u32 Bytes = u32(Short ? Name.size() : Name.size() * 2);
    u32 Cell = TRY(Space_.Allocate(u32(sizeof(disk::Key)) + Bytes));
    Defer NoKey = [&] { Space_.Free(Cell); };
    u32 Security = TRY(MakeSecurity(Descriptor));
    StoreName(Space_.Change(Cell, sizeof(disk::Key), Bytes), Name, Short);
    disk::Key* K = Edit<disk::Key>(Cell);
    K->Signature = disk::Key::Magic;
    K->Flags = Short ? disk::Key::Compressed : 0;
    K->Parent = Parent == None ? Cell : Parent;
    K->List = K->VolatileList = K->ValueList = K->Class = None;
    K->Security = Security;
    K->NameBytes = u16(Bytes);
    if (Status S = SetClass(Cell, Class); !S.Ok()) {
        DropSecurity(Security);
        return S;
    }
    NoKey.Commit();
    return Cell;
}

Status Hive::SetClass(u32 Key, Text Class)
{
    u32 New = None, Old = As<disk::Key>(Key)->Class, Bytes = u32(Class.size() * 2);
    if (Class.size() > 0x7FFF)
        return STATUS_INVALID_PARAMETER;
    if (Bytes) {
        New = TRY(Space_.Allocate(Bytes));
        memcpy(Space_.Change(New, 0, Bytes), Class.data(), Bytes);
    }
    disk::Key* K = Edit<disk::Key>(Key);
    if (!K->ClassBytes)
        Old = None;
    K->Class = New;
    K->ClassBytes = u16(Bytes);
    if (Old != None)
        Space_.Free(Old);
    return STATUS_SUCCESS;
}

void Hive::SetTimeAndFlags(u32 Key, u64 LastWrite, u16 Flags)
{
    disk::Key* K = Edit<disk::Key>(Key);
    K->LastWrite = LastWrite;
    constexpr u16 Mine = KeyNoDelete | KeyIsLink;
    K->Flags = u16((K->Flags & ~Mine) | (Flags & Mine));
}

Result<u32> Hive::Rename(u32 Key, Text Name)
{
    TRY(CheckName(Name));
    bool Short = FitsBytes(Name);
    u32 Bytes = u32(Short ? Name.size() : Name.size() * 2), New = Key, Parent = As<disk::Key>(Key)->Parent;
    if (Space_.Room(Key) < sizeof(disk::Key) + Bytes) {
        Vector<u32> Below;
        TRY(Subkeys(Key, Below));
        New = TRY(Space_.Allocate(u32(sizeof(disk::Key)) + Bytes));
        memcpy(Space_.Change(New, 0, sizeof(disk::Key)), Space_.At(Key), sizeof(disk::Key));
        for (u32 Child : Below)
            Edit<disk::Key>(Child)->Parent = New;
    }
    bool Linked = Key != Root_ && Unlink(Parent, Key).Ok();
    StoreName(Space_.Change(New, sizeof(disk::Key), Bytes), Name, Short);
    disk::Key* K = Edit<disk::Key>(New);
    K->Flags = u16((K->Flags & ~disk::Key::Compressed) | (Short ? disk::Key::Compressed : 0));
    K->NameBytes = u16(Bytes);
    if (New != Key) {
        if (Key == Root_) {
            Root_ = New;
            K->Parent = New;
        }
        Space_.Free(Key);
    }
    if (Linked)
        TRY(Link(Parent, New));
    return New;
}

Status Hive::FreeKey(u32 Key)
{
    Vector<u32> ToDo, Some;
    TRY(ToDo.Push(Key));
    // All is found before anything is freed, so that a lack of memory changes nothing.
    for (usize I = 0; I < ToDo.Size(); ++I) {
        TRY(Subkeys(ToDo[I], Some));
        for (u32 Child : Some)
            TRY(ToDo.Push(Child));
    }
    for (u32 Cell : ToDo) {
        for (u32 I = 0; I < As<disk::Key>(Cell)->Values; ++I) {
            u32 Value;
            memcpy(&Value, Space_.At(As<disk::Key>(Cell)->ValueList) + 4 * I, 4);
            FreeValue(Value);
        }
        const disk::Key* K = As<disk::Key>(Cell);
        if (K->Values)
            Space_.Free(K->ValueList);
        if (K->ClassBytes)
            Space_.Free(K->Class);
        DropSecurity(K->Security);
        FreeList(K->List);
        Space_.Free(Cell);
    }
    return STATUS_SUCCESS;
}

// --- values

Result<u32> Hive::NewValue(Text Name, u32 Type, std::span<const u8> Data)
{
    if (Name.size() > MaximumValueName || Data.size() > MaximumSize / 2)
        return STATUS_INVALID_PARAMETER;
    bool Short = FitsBytes(Name);
    u32 Bytes = u32(Short ? Name.size() : Name.size() * 2), Size = u32(Data.size());
    u32 Cell = TRY(Space_.Allocate(u32(sizeof(disk::Value)) + Bytes));
    Defer NoValue = [&] { Space_.Free(Cell); };
    u32 Where = 0;
    if (Size > disk::BigData::Segment) {
        u32 Count = (Size + disk::BigData::Segment - 1) / disk::BigData::Segment;
        if (Count > 0xFFFF)
            return STATUS_INVALID_PARAMETER;
        Where = TRY(Space_.Allocate(sizeof(disk::BigData)));
        Defer NoBig = [&] { Space_.Free(Where); };
        u32 List = TRY(Space_.Allocate(4 * Count)), Done = 0;
        Defer NoParts = [&] {
            for (u32 I = 0; I < Done; ++I) {
                u32 Part;
                memcpy(&Part, Space_.At(List) + 4 * I, 4);
                Space_.Free(Part);
            }
            Space_.Free(List);
        };
        for (; Done < Count; ++Done) {
            u32 From = Done * disk::BigData::Segment, Length = Size - From < disk::BigData::Segment ? Size - From : disk::BigData::Segment;
            // Whole segments lie in cells with four bytes to spare; hivex takes that for granted of the last one too.
            u32 Part = TRY(Space_.Allocate(Length + 4));
            memcpy(Space_.Change(Part, 0, Length), Data.data() + From, Length);
            memcpy(Space_.Change(List, 4 * Done, 4), &Part, 4);
        }
        NoBig.Commit();
        NoParts.Commit();
        disk::BigData* Big = Edit<disk::BigData>(Where);
        Big->Signature = disk::BigData::Magic;
        Big->Count = u16(Count);
        Big->List = List;
    } else if (Size > 4) {
        Where = TRY(Space_.Allocate(Size));
        memcpy(Space_.Change(Where, 0, Size), Data.data(), Size);
    } else if (Size) {
        memcpy(&Where, Data.data(), Size);
    }
    NoValue.Commit();
    StoreName(Space_.Change(Cell, sizeof(disk::Value), Bytes), Name, Short);
    disk::Value* V = Edit<disk::Value>(Cell);
    V->Signature = disk::Value::Magic;
    V->NameBytes = u16(Bytes);
    V->Size = Size > 4 ? Size : Size | disk::Value::Resident;
    V->Data = Where;
    V->Type = Type;
    V->Flags = Short ? disk::Value::Compressed : 0;
    return Cell;
}

void Hive::FreeData(u32 Value)
{
    const disk::Value* V = As<disk::Value>(Value);
    if (V->Size & disk::Value::Resident)
        return;
    if (Space_.Room(V->Data) < V->Size) {
        const disk::BigData* Big = As<disk::BigData>(V->Data);
        for (u32 I = 0; I < Big->Count; ++I) {
            u32 Part;
            memcpy(&Part, Space_.At(Big->List) + 4 * I, 4);
            Space_.Free(Part);
        }
        Space_.Free(Big->List);
    }
    Space_.Free(V->Data);
}

void Hive::FreeValue(u32 Value)
{
    FreeData(Value);
    Space_.Free(Value);
}

Status Hive::SetValues(u32 Key, std::span<const u32> Values)
{
    Vector<u32> Old;
    TRY(this->Values(Key, Old));
    u32 Count = u32(Values.size()), List = As<disk::Key>(Key)->ValueList;
    bool Same = Old.Size() == Count && (!Count || memcmp(Old.Data(), Values.data(), usize(Count) * 4) == 0);
    if (!Same) {
        bool Had = !Old.IsEmpty(), Fits = Had && Count && Space_.Room(List) >= Count * 4;
        u32 New = Fits ? List : None;
        // Which of the old ones stay; the order is mostly the same, so this rarely searches.
        Vector<u8> Stays;
        TRY(Stays.Resize(Old.Size()));
        usize At = 0, Found = 0;
        for (usize I = 0; I < Values.size() && Found < Old.Size(); ++I)
            for (usize Tried = 0; Tried < Old.Size(); ++Tried, At = (At + 1) % Old.Size())
                if (Old[At] == Values[I]) {
                    Stays[At] = 1;
                    ++Found;
                    At = (At + 1) % Old.Size();
                    break;
                }
        if (Count && !Fits)
            New = TRY(Space_.Allocate((Count < 8 ? Count : Count + Count / 4) * 4));
        if (Count)
            memcpy(Space_.Change(New, 0, Count * 4), Values.data(), usize(Count) * 4);
        disk::Key* K = Edit<disk::Key>(Key);
        K->ValueList = New;
        K->Values = Count;
        if (Had && !Fits)
            Space_.Free(List);
        for (usize I = 0; I < Old.Size(); ++I)
            if (!Stays[I])
                FreeValue(Old[I]);
    }
    u32 Name = 0, Size = 0;
    for (u32 V : Values) {
        const disk::Value* Has = As<disk::Value>(V);
        u32 Length = NameOf(Has).Length * 2, Bytes = Has->Size & ~disk::Value::Resident;
        Name = Length > Name ? Length : Name;
        Size = Bytes > Size ? Bytes : Size;
    }
    const disk::Key* K = As<disk::Key>(Key);
    if (K->LongestValueName != Name || K->LongestValue != Size) {
        disk::Key* To = Edit<disk::Key>(Key);
        To->LongestValueName = Name;
        To->LongestValue = Size;
    }
    return STATUS_SUCCESS;
}

}
