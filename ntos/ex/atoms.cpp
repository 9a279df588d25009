// Global atoms: counted names with a 16-bit number, compared without case. Numbers below 0xC000 are integer atoms, which stand
// for themselves: the pointer value, or the text "#number".
#include <string.h>

#include "ntos/ex/ex.hpp"

using namespace ob;

namespace {

constexpr u32 FirstAtom = 0xC000, MaximumAtoms = 0x4000, MaximumName = 255;

struct Entry {
    String Text;
    u16 Uses = 0;                       // 0: free
};
// By number; grows as needed. Few atoms exist: they are searched one by one.
[[clang::no_destroy]] constinit Vector<Entry> Table;

struct Wanted {
    u16 Integer = 0;                    // nonzero: it is one of these
    String Text;
};

Result<Wanted> Capture(ke::Caller& Caller, ke::UserBuffer AtomName, ULONG Length)
{
    Wanted W;
    if (AtomName.Address() < 0x10000) {
        if (AtomName.Address() == 0 || AtomName.Address() >= FirstAtom)
            return STATUS_INVALID_PARAMETER;
        W.Integer = u16(AtomName.Address());
        return W;
    }
    usize Count = Length / sizeof(wchar_t);
    if (Count == 0)
        return STATUS_OBJECT_NAME_INVALID;
    if (Count > MaximumName)
        return STATUS_INVALID_PARAMETER;
    wchar_t Buffer[MaximumName];
    TRY(AtomName.Read(Caller, Buffer, Count * sizeof(wchar_t)));
    // The name ends at a terminator, if it has one.
    for (usize I = 0; I < Count; ++I)
        if (!Buffer[I])
            Count = I;
    if (Count == 0)
        return STATUS_OBJECT_NAME_INVALID;
    if (Buffer[0] == L'#' && Count > 1) {
        u32 Number = 0;
        usize At = 1;
        while (At < Count && Buffer[At] >= L'0' && Buffer[At] <= L'9' && Number < 0x10000)
            Number = Number * 10 + u32(Buffer[At++] - L'0');
        if (At == Count) {
            if (Number == 0 || Number >= FirstAtom)
                return STATUS_INVALID_PARAMETER;
            W.Integer = u16(Number);
            return W;
        }
    }
    W.Text = TRY(String::Copy({ Buffer, Count }));
    return W;
}

// The index of a name, or the table's size.
usize Find(Name Text)
{
    for (usize I = 0; I < Table.Size(); ++I)
        if (Table[I].Uses && Equal(Table[I].Text, Text, true))
            return I;
    return Table.Size();
}

Entry* ByNumber(u32 Atom)
{
    return Atom >= FirstAtom && Atom - FirstAtom < Table.Size() && Table[Atom - FirstAtom].Uses ? &Table[Atom - FirstAtom] : nullptr;
}

}

Status NtAddAtom(ke::Caller& Caller, svc::AddAtom& Call)
{
    Wanted W = TRY(Capture(Caller, Call.AtomName, Call.Length));
    if (W.Integer)
        return Call.Atom.WriteIfThere(Caller, W.Integer);
    usize At = Find(W.Text);
    if (At < Table.Size()) {
        TRY(Call.Atom.WriteIfThere(Caller, USHORT(FirstAtom + At)));
        if (Table[At].Uses != 0xFFFF)   // used so often, it stays
            ++Table[At].Uses;
        return STATUS_SUCCESS;
    }
    At = 0;
    while (At < Table.Size() && Table[At].Uses)
        ++At;
    if (At == MaximumAtoms)
        return STATUS_NO_MEMORY;
    if (At == Table.Size())
        TRY(Table.Push());
    TRY(Call.Atom.WriteIfThere(Caller, USHORT(FirstAtom + At)));
    Table[At].Text = std::move(W.Text);
    Table[At].Uses = 1;
    return STATUS_SUCCESS;
}

Status NtFindAtom(ke::Caller& Caller, svc::FindAtom& Call)
{
    Wanted W = TRY(Capture(Caller, Call.AtomName, Call.Length));
    if (W.Integer)
        return Call.Atom.WriteIfThere(Caller, W.Integer);
    usize At = Find(W.Text);
    if (At == Table.Size())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return Call.Atom.WriteIfThere(Caller, USHORT(FirstAtom + At));
}

Status NtDeleteAtom(ke::Caller&, svc::DeleteAtom& Call)
{
    if (Call.Atom < FirstAtom)
        return Call.Atom ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    Entry* E = ByNumber(Call.Atom);
    if (!E)
        return STATUS_INVALID_HANDLE;
    if (E->Uses != 0xFFFF && --E->Uses == 0)
        E->Text = String();
    return STATUS_SUCCESS;
}

static Status QueryBasic(ke::Caller& Caller, svc::QueryInformationAtom& Call)
{
    constexpr usize Head = __builtin_offsetof(ATOM_BASIC_INFORMATION, Name);
    if (Call.AtomInformationLength < sizeof(ATOM_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    wchar_t Number[8];
    Name Text;
    u16 Uses = 1, Flags = 1;            // integer atoms: pinned
    if (Call.Atom < FirstAtom) {
        if (!Call.Atom)
            return STATUS_INVALID_PARAMETER;
        u32 Digits = 0, Value = Call.Atom;
        for (u32 V = Value; V; V /= 10)
            ++Digits;
        Number[0] = L'#';
        for (u32 I = Digits; I; --I, Value /= 10)
            Number[I] = wchar_t(L'0' + Value % 10);
        Text = { Number, Digits + 1 };
    } else {
        Entry* E = ByNumber(Call.Atom);
        if (!E)
            return STATUS_INVALID_HANDLE;
        Text = E->Text;
        Uses = E->Uses;
        Flags = 0;
    }
    // As much of the name as fits before a terminator; none at all is an error that tells the length.
    usize Room = (Call.AtomInformationLength - Head) / sizeof(wchar_t) - 1;
    usize Given = Text.Length < Room ? Text.Length : Room;
    u16 Info[3 + MaximumName + 1] = { Uses, Flags, u16((Room ? Given : Text.Length) * sizeof(wchar_t)) };
    memcpy(&Info[3], Text.Data, Given * sizeof(wchar_t));
    TRY(Call.AtomInformation.Write(Caller, Info, Head + (Given + 1) * sizeof(wchar_t)));
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Head + (Text.Length + 1) * sizeof(wchar_t))));
    return Room ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

static Status QueryTable(ke::Caller& Caller, svc::QueryInformationAtom& Call)
{
    constexpr usize Head = __builtin_offsetof(ATOM_TABLE_INFORMATION, Atoms);
    if (Call.AtomInformationLength < sizeof(ATOM_TABLE_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    ULONG Count = 0;
    usize Room = (Call.AtomInformationLength - Head) / sizeof(u16);
    for (usize I = 0; I < Table.Size(); ++I) {
        if (!Table[I].Uses)
            continue;
        if (Count < Room)
            TRY(Call.AtomInformation.WriteAs(Caller, u16(FirstAtom + I), Head + Count * sizeof(u16)));
        ++Count;
    }
    TRY(Call.AtomInformation.WriteAs(Caller, Count));
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Head + Count * sizeof(u16))));
    return Count <= Room ? STATUS_SUCCESS : STATUS_INFO_LENGTH_MISMATCH;
}

Status NtQueryInformationAtom(ke::Caller& Caller, svc::QueryInformationAtom& Call)
{
    switch (Call.AtomInformationClass) {
    case AtomBasicInformation: return QueryBasic(Caller, Call);
    case AtomTableInformation: return QueryTable(Caller, Call);
    default: return STATUS_INVALID_INFO_CLASS;
    }
}
