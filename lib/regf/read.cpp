// Reading a checked hive.
#include "lib/regf/names.hpp"

namespace regf {

using namespace nt;

Result<KeyInfo> Hive::Key(u32 Cell) const
{
    const disk::Key* K = As<disk::Key>(Cell);
    KeyInfo Info;
    Info.LastWrite = K->LastWrite;
    Info.Flags = K->Flags & (KeyIsRoot | KeyNoDelete | KeyIsLink);
    Info.Parent = K->Parent;
    Info.Security = K->Security;
    Info.Subkeys = K->Subkeys;
    Info.Values = K->Values;
    TRY(NameOf(K).CopyTo(Info.Name));
    if (K->ClassBytes) {
        TRY(Info.Class.Resize(K->ClassBytes / 2));
        memcpy(Info.Class.Data(), Space_.At(K->Class), K->ClassBytes / 2 * 2);
    }
    return Info;
}

Status Hive::Subkeys(u32 Cell, Vector<u32>& To) const
{
    To.Clear();
    const disk::Key* K = As<disk::Key>(Cell);
    if (K->List == None)
        return STATUS_SUCCESS;
    TRY(To.Reserve(K->Subkeys));
    bool Tree = As<disk::List>(K->List)->Signature == disk::List::Root;
    LeafView Top(Space_.At(K->List));
    for (u32 I = 0; I < (Tree ? Top.Count : 1); ++I) {
        LeafView Leaf(Space_.At(Tree ? Top[I] : K->List));
        for (u32 J = 0; J < Leaf.Count; ++J)
            TRY(To.Push(Leaf[J]));
    }
    return STATUS_SUCCESS;
}

Status Hive::Values(u32 Cell, Vector<u32>& To) const
{
    To.Clear();
    const disk::Key* K = As<disk::Key>(Cell);
    if (!K->Values)
        return STATUS_SUCCESS;
    TRY(To.Resize(K->Values));
    memcpy(To.Data(), Space_.At(K->ValueList), usize(K->Values) * 4);
    return STATUS_SUCCESS;
}

int Hive::Compare(Text Name, u32 Key) const
{
    StoredName Other = NameOf(As<disk::Key>(Key));
    usize Shorter = Name.size() < Other.Length ? Name.size() : Other.Length;
    for (usize I = 0; I < Shorter; ++I) {
        u16 A = u16(Around_.UpCase(Name[I])), B = u16(Around_.UpCase(Other[u32(I)]));
        if (A != B)
            return A < B ? -1 : 1;
    }
    return Name.size() == Other.Length ? 0 : Name.size() < Other.Length ? -1 : 1;
}

Result<u32> Hive::Find(u32 Cell, Text Name) const
{
    const disk::Key* K = As<disk::Key>(Cell);
    if (K->List == None)
        return u32(None);
    bool Tree = As<disk::List>(K->List)->Signature == disk::List::Root;
    LeafView Top(Space_.At(K->List));
    u32 Leaf = K->List;
    if (Tree) {
        // The last leaf whose first key is not beyond the name.
        u32 Low = 0, High = Top.Count;
        while (High - Low > 1) {
            u32 Middle = (Low + High) / 2;
            if (Compare(Name, LeafView(Space_.At(Top[Middle]))[0]) >= 0)
                Low = Middle;
            else
                High = Middle;
        }
        Leaf = Top[Low];
    }
    LeafView Keys(Space_.At(Leaf));
    u32 Low = 0, High = Keys.Count;
    while (Low < High) {
        u32 Middle = (Low + High) / 2;
        int C = Compare(Name, Keys[Middle]);
        if (C == 0)
            return Keys[Middle];
        if (C > 0)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return u32(None);
}

Result<ValueInfo> Hive::Value(u32 Cell) const
{
    const disk::Value* V = As<disk::Value>(Cell);
    ValueInfo Info;
    Info.Type = V->Type;
    Info.Size = V->Size & ~disk::Value::Resident;
    TRY(NameOf(V).CopyTo(Info.Name));
    return Info;
}

Status Hive::Data(u32 Cell, Vector<u8>& To) const
{
    const disk::Value* V = As<disk::Value>(Cell);
    u32 Size = V->Size & ~disk::Value::Resident;
    TRY(To.Resize(Size));
    if (!Size)
        return STATUS_SUCCESS;
    if (V->Size & disk::Value::Resident) {
        memcpy(To.Data(), reinterpret_cast<const u8*>(V) + offsetof(disk::Value, Data), Size);
        return STATUS_SUCCESS;
    }
    if (Space_.Room(V->Data) >= Size) {
        memcpy(To.Data(), Space_.At(V->Data), Size);
        return STATUS_SUCCESS;
    }
    const disk::BigData* Big = As<disk::BigData>(V->Data);
    for (u32 I = 0, Done = 0; Done < Size; ++I) {
        u32 Segment, Part = Size - Done < disk::BigData::Segment ? Size - Done : disk::BigData::Segment;
        memcpy(&Segment, Space_.At(Big->List) + 4 * I, 4);
        memcpy(To.Data() + Done, Space_.At(Segment), Part);
        Done += Part;
    }
    return STATUS_SUCCESS;
}

std::span<const u8> Hive::Descriptor(u32 SecurityCell) const
{
    const disk::Security* S = As<disk::Security>(SecurityCell);
    return { reinterpret_cast<const u8*>(S + 1), S->Bytes };
}

}
