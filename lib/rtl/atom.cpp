// Atom tables: up to 0x4000 names without regard to case, counted and perhaps pinned. Atoms below 0xC000 are integers,
// written "#123" or as a pointer without its upper 48 bits, and live in every table.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr USHORT FirstAtom = 0xC000;
constexpr u32 MaxAtoms = 0x4000, MaxNameChars = 255, Signature = 0x6D6F7441;    // "Atom"

struct Entry {
    Entry* Next;                        // of the bucket
    ULONG References;
    bool Pinned;
    USHORT Atom;
    USHORT Length;                      // characters
    WCHAR Name[1];                      // terminated
};

struct Table {
    u32 Magic;
    u32 BucketCount;
    volatile u8 Locked;
    u32 Slots;                          // of ByAtom
    Entry** ByAtom;
    Entry* Buckets[1];

    void Lock()
    {
        while (__atomic_test_and_set(&Locked, __ATOMIC_ACQUIRE))
            asm volatile("pause");
    }
    void Unlock() { __atomic_clear(&Locked, __ATOMIC_RELEASE); }

    Entry** Bucket(const WCHAR* Name, usize Length)
    {
        u32 Hash = 0;
        for (usize I = 0; I < Length; ++I)
            Hash = Hash * 65599 + u16(RtlUpcaseUnicodeChar(Name[I]));
        return &Buckets[Hash % BucketCount];
    }
    Entry* Find(const WCHAR* Name, usize Length)
    {
        for (Entry* E = *Bucket(Name, Length); E; E = E->Next)
            if (E->Length == Length && RtlCompareUnicodeStrings(E->Name, Length, Name, Length, true) == 0)
                return E;
        return nullptr;
    }
    Entry* Get(USHORT Atom) { return Atom >= FirstAtom && u32(Atom - FirstAtom) < Slots ? ByAtom[Atom - FirstAtom] : nullptr; }
    // The lowest free atom, or 0.
    USHORT FreeAtom()
    {
        for (u32 I = 0; I < Slots; ++I)
            if (!ByAtom[I])
                return USHORT(FirstAtom + I);
        if (Slots >= MaxAtoms)
            return 0;
        u32 More = Slots ? Slots * 2 : 64;
        auto** Bigger = rtl::Allocate<Entry*>(More);
        if (!Bigger)
            return 0;
        CRT(memset)(Bigger, 0, More * sizeof(Entry*));
        if (ByAtom) {
            CRT(memcpy)(Bigger, ByAtom, Slots * sizeof(Entry*));
            rtl::platform::Free(ByAtom);
        }
        ByAtom = Bigger;
        USHORT Result = USHORT(FirstAtom + Slots);
        Slots = More;
        return Result;
    }
    void Remove(Entry* E)
    {
        Entry** Link = Bucket(E->Name, E->Length);
        while (*Link != E)
            Link = &(*Link)->Next;
        *Link = E->Next;
        ByAtom[E->Atom - FirstAtom] = nullptr;
        rtl::platform::Free(E);
    }
};

struct Guard {
    explicit Guard(Table* T) : T_(T) { T_->Lock(); }
    ~Guard() { T_->Unlock(); }
    Table* T_;
};

Table* Valid(PVOID P)
{
    auto* T = static_cast<Table*>(P);
    return T && T->Magic == Signature ? T : nullptr;
}

// True if Name is an integer atom, which Atom then is (0 if it is out of range).
bool IsInteger(const WCHAR* Name, USHORT* Atom)
{
    u64 Value = reinterpret_cast<u64>(Name);
    if (Value < 0x10000) {
        *Atom = USHORT(Value < FirstAtom ? Value : 0);
        return true;
    }
    if (*Name != '#' || !Name[1])
        return false;
    Value = 0;
    for (const WCHAR* P = Name + 1; *P; ++P) {
        if (*P < '0' || *P > '9')
            return false;
        if (Value < 0x100000)
            Value = Value * 10 + u64(*P - '0');
    }
    // "#0" and what is too great mean the same: no atom of a user's.
    *Atom = USHORT(Value >= 0xFFFF || Value >= FirstAtom ? 0 : Value);
    return true;
}

}

extern "C" {

NTSTATUS NTAPI RtlCreateAtomTable(ULONG Buckets, PVOID* To)
{
    if (!To)
        return STATUS_INVALID_PARAMETER;
    if (*To)                            // there is one already
        return Buckets ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (!Buckets)
        Buckets = 37;
    if (Buckets > 0x10000)
        return STATUS_INVALID_PARAMETER;
    usize Size = sizeof(Table) + Buckets * sizeof(Entry*);
    auto* T = static_cast<Table*>(rtl::platform::Allocate(Size));
    if (!T)
        return STATUS_NO_MEMORY;
    CRT(memset)(T, 0, Size);
    T->Magic = Signature;
    T->BucketCount = Buckets;
    *To = T;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlEmptyAtomTable(PVOID P, BOOLEAN Pinned)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    Guard G(T);
    for (u32 I = 0; I < T->Slots; ++I)
        if (T->ByAtom[I] && (Pinned || !T->ByAtom[I]->Pinned))
            T->Remove(T->ByAtom[I]);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDestroyAtomTable(PVOID P)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    RtlEmptyAtomTable(T, true);
    T->Magic = 0;
    if (T->ByAtom)
        rtl::platform::Free(T->ByAtom);
    rtl::platform::Free(T);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlAddAtomToAtomTable(PVOID P, const WCHAR* Name, USHORT* Atom)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    USHORT Integer;
    if (IsInteger(Name, &Integer)) {
        if (!Integer)
            return STATUS_INVALID_PARAMETER;
        if (Atom)
            *Atom = Integer;
        return STATUS_SUCCESS;
    }
    usize Length = CRT(wcslen)(Name);
    if (!Length)
        return STATUS_OBJECT_NAME_INVALID;
    if (Length > MaxNameChars)
        return STATUS_INVALID_PARAMETER;
    Guard G(T);
    Entry* E = T->Find(Name, Length);
    if (E) {
        if (!E->Pinned)
            ++E->References;
    } else {
        USHORT New = T->FreeAtom();
        E = New ? static_cast<Entry*>(rtl::platform::Allocate(sizeof(Entry) + Length * 2)) : nullptr;
        if (!E)
            return STATUS_NO_MEMORY;
        Entry** Bucket = T->Bucket(Name, Length);
        E->Next = *Bucket;
        E->References = 1;
        E->Pinned = false;
        E->Atom = New;
        E->Length = USHORT(Length);
        CRT(memcpy)(E->Name, Name, (Length + 1) * 2);
        *Bucket = E;
        T->ByAtom[New - FirstAtom] = E;
    }
    if (Atom)
        *Atom = E->Atom;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlLookupAtomInAtomTable(PVOID P, const WCHAR* Name, USHORT* Atom)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    USHORT Found;
    if (IsInteger(Name, &Found)) {
        if (!Found)
            return STATUS_INVALID_PARAMETER;
    } else {
        usize Length = CRT(wcslen)(Name);
        if (!Length)
            return STATUS_OBJECT_NAME_INVALID;
        Guard G(T);
        Entry* E = T->Find(Name, Length);
        if (!E)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        Found = E->Atom;
    }
    if (Atom)
        *Atom = Found;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDeleteAtomFromAtomTable(PVOID P, USHORT Atom)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    if (Atom && Atom < FirstAtom)
        return STATUS_SUCCESS;
    Guard G(T);
    Entry* E = T->Get(Atom);
    if (!E)
        return STATUS_INVALID_HANDLE;
    if (E->Pinned)
        return STATUS_WAS_LOCKED;
    if (--E->References == 0)
        T->Remove(E);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlPinAtomInAtomTable(PVOID P, USHORT Atom)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    if (Atom && Atom < FirstAtom)
        return STATUS_SUCCESS;
    Guard G(T);
    Entry* E = T->Get(Atom);
    if (!E)
        return STATUS_INVALID_HANDLE;
    E->Pinned = true;
    return STATUS_SUCCESS;
}

// Size is in bytes: in, the room; out, the name's length.
NTSTATUS NTAPI RtlQueryAtomInAtomTable(PVOID P, USHORT Atom, ULONG* References, ULONG* Pins, WCHAR* Name, ULONG* Size)
{
    Table* T = Valid(P);
    if (!T)
        return STATUS_INVALID_PARAMETER;
    WCHAR Text[8];
    const WCHAR* From = Text;
    ULONG Length, Count = 1, Pinned = 1;
    Guard G(T);
    if (Atom < FirstAtom) {
        if (!Atom)
            return STATUS_INVALID_PARAMETER;
        Length = ULONG(CRT(_snwprintf)(Text, 8, L"#%u", u32(Atom)));
    } else {
        Entry* E = T->Get(Atom);
        if (!E)
            return STATUS_INVALID_HANDLE;
        From = E->Name;
        Length = E->Length;
        Count = E->References;
        Pinned = E->Pinned;
    }
    if (References)
        *References = Count;
    if (Pins)
        *Pins = Pinned;
    if (Name && Size) {
        ULONG Room = *Size;
        *Size = Length * 2;
        if (Room < 2)
            return STATUS_BUFFER_TOO_SMALL;
        // What fits is given, always terminated.
        if (Room < Length * 2 + 2)
            *Size = (Room / 2 - 1) * 2;
        CRT(memcpy)(Name, From, *Size);
        Name[*Size / 2] = 0;
    } else if (Size) {
        *Size = Length * 2;
    }
    return STATUS_SUCCESS;
}

}
