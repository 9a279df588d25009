// Environment blocks: name=value strings in the order of their upper-case names, an empty string at the end. A name may
// start with "=". A null block means the process's own, under the PEB lock.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

struct Lock {
    explicit Lock(bool Needed) : Needed_(Needed)
    {
        if (Needed_)
            platform::LockPeb();
    }
    ~Lock()
    {
        if (Needed_)
            platform::UnlockPeb();
    }
    bool Needed_;
};

RTL_USER_PROCESS_PARAMETERS& Parameters() { return *platform::Peb()->ProcessParameters; }

// Characters with the final NUL.
usize BlockLength(const WCHAR* Block)
{
    const WCHAR* P = Block;
    while (*P)
        P += CRT(wcslen)(P) + 1;
    return usize(P - Block) + 1;
}

// Every block is from the heap. The size said to be the environment's is that of its heap block.
void Install(WCHAR* New)
{
    Parameters().Environment = New;
    Parameters().EnvironmentSize = New ? platform::SizeOf(New) : 0;
    ++Parameters().EnvironmentVersion;
}

// The "=" of a string: the first that is not its first character.
const WCHAR* EqualSign(const WCHAR* S) { return CRT(wcschr)(*S ? S + 1 : S, '='); }

// Below, at or above Name in the order of the block.
LONG Order(const WCHAR* Entry, const WCHAR* Name, usize Count)
{
    const WCHAR* Equal = EqualSign(Entry);
    usize Length = Equal ? usize(Equal - Entry) : CRT(wcslen)(Entry);
    return RtlCompareUnicodeStrings(Entry, Length, Name, Count, true);
}

const WCHAR* Find(const WCHAR* Block, const WCHAR* Name, usize Count)
{
    if (!Count)
        return nullptr;
    for (const WCHAR* P = Block; P && *P; P += CRT(wcslen)(P) + 1)
        if (Order(P, Name, Count) == 0)
            if (const WCHAR* Equal = EqualSign(P))
                return Equal + 1;
    return nullptr;
}

NTSTATUS Change(WCHAR** Block, const WCHAR* Name, usize Count, const WCHAR* Value, usize ValueCount)
{
    if (!Count)
        return STATUS_INVALID_PARAMETER;
    for (usize I = 1; I < Count; ++I)   // "=" only in front
        if (Name[I] == '=')
            return STATUS_INVALID_PARAMETER;
    bool Own = !Block;
    Lock Guard(Own);
    WCHAR* OwnBlock = nullptr;
    if (Own) {
        OwnBlock = static_cast<WCHAR*>(Parameters().Environment);
        Block = &OwnBlock;
    }
    static constexpr WCHAR Empty[] = { 0, 0 };
    const WCHAR* Old = *Block ? *Block : Empty;
    // Where the name is or belongs: before the first entry that sorts behind it.
    const WCHAR *Place = nullptr, *Existing = nullptr, *P = Old;
    for (; *P; P += CRT(wcslen)(P) + 1) {
        LONG Compared = Order(P, Name, Count);
        if (Compared == 0) {
            Existing = P;
            break;
        }
        if (Compared > 0 && !Place)
            Place = P;
    }
    usize Length = usize(P - Old);
    if (Existing) {
        Place = Existing;
        while (*P)
            P += CRT(wcslen)(P) + 1;
        Length = usize(P - Old);
    } else {
        if (!Value)
            return STATUS_SUCCESS;
        if (!Place)
            Place = P;
    }
    usize Cut = Existing ? CRT(wcslen)(Existing) + 1 : 0, Put = Value ? Count + 1 + ValueCount + 1 : 0;
    usize Head = usize(Place - Old), Tail = Length - Head - Cut;
    if (*Block && Put <= Cut) {         // in place
        WCHAR* At = *Block + Head;
        CRT(memmove)(At + Put, At + Cut, (Tail + 1) * 2);
        if (Value) {
            CRT(memcpy)(At, Name, Count * 2);
            At[Count] = '=';
            CRT(memmove)(At + Count + 1, Value, ValueCount * 2);
            At[Count + 1 + ValueCount] = 0;
        }
        if (Own)
            ++Parameters().EnvironmentVersion;
        return STATUS_SUCCESS;
    }
    usize Total = Head + Put + Tail + 1;
    WCHAR* New = Allocate<WCHAR>(Total);
    if (!New)
        return STATUS_NO_MEMORY;
    CRT(memcpy)(New, Old, Head * 2);
    WCHAR* At = New + Head;
    if (Value) {
        CRT(memcpy)(At, Name, Count * 2);
        At[Count] = '=';
        CRT(memcpy)(At + Count + 1, Value, ValueCount * 2);
        At[Count + 1 + ValueCount] = 0;
        At += Put;
    }
    CRT(memcpy)(At, Place + Cut, Tail * 2);
    At[Tail] = 0;
    WCHAR* Replaced = *Block;
    if (Own) {
        Install(New);
    } else {
        *Block = New;
    }
    if (Replaced)
        RtlDestroyEnvironment(Replaced);
    return STATUS_SUCCESS;
}

// Replaces %name% where the name is known. Counts every character, writes those that fit.
usize Expand(const WCHAR* Block, const WCHAR* From, usize Count, WCHAR* To, usize Room)
{
    usize Used = 0;
    auto Put = [&](const WCHAR* Text, usize Length) {
        for (usize I = 0; I < Length; ++I, ++Used)
            if (Used < Room)
                To[Used] = Text[I];
    };
    for (usize I = 0; I < Count;) {
        if (From[I] != '%') {
            Put(From + I++, 1);
            continue;
        }
        usize End = I + 1;
        while (End < Count && From[End] != '%')
            ++End;
        const WCHAR* Value = End < Count ? Find(Block, From + I + 1, End - I - 1) : nullptr;
        if (Value) {
            Put(Value, CRT(wcslen)(Value));
            I = End + 1;
        } else {                        // the closing sign may open the next name
            Put(From + I, End - I);
            I = End;
        }
    }
    return Used;
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlCreateEnvironmentEx(const WCHAR* From, WCHAR** Environment, ULONG)
{
    usize Length = From ? BlockLength(From) : 2;
    WCHAR* New = Allocate<WCHAR>(Length < 2 ? 2 : Length);
    if (!New)
        return STATUS_NO_MEMORY;
    New[0] = New[1] = 0;
    if (From)
        CRT(memcpy)(New, From, Length * 2);
    *Environment = New;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlCreateEnvironment(BOOLEAN Inherit, WCHAR** Environment)
{
    Lock Guard(Inherit);
    return RtlCreateEnvironmentEx(Inherit ? static_cast<const WCHAR*>(Parameters().Environment) : nullptr, Environment, 0);
}
NTSTATUS NTAPI RtlDestroyEnvironment(WCHAR* Environment)
{
    if (Environment)
        platform::Free(Environment);
    return STATUS_SUCCESS;
}

void NTAPI RtlSetCurrentEnvironment(WCHAR* New, WCHAR** Old)
{
    platform::LockPeb();
    auto* Previous = static_cast<WCHAR*>(Parameters().Environment);
    Install(New);
    platform::UnlockPeb();
    if (Old)
        *Old = Previous;
    else if (Previous)
        RtlDestroyEnvironment(Previous);
}

NTSTATUS NTAPI RtlSetEnvironmentStrings(const WCHAR* Environment, SIZE_T Size)
{
    if (Size < 4 || Size & 1 || Environment[Size / 2 - 1] || Environment[Size / 2 - 2])
        return STATUS_INVALID_PARAMETER;
    auto* New = static_cast<WCHAR*>(platform::Allocate(Size));
    if (!New)
        return STATUS_NO_MEMORY;
    CRT(memcpy)(New, Environment, Size);
    RtlSetCurrentEnvironment(New, nullptr);
    return STATUS_SUCCESS;
}

// Lengths here are characters; Length is that of the value, or with the terminator if it does not fit.
NTSTATUS NTAPI RtlQueryEnvironmentVariable(const WCHAR* Environment, const WCHAR* Name, SIZE_T NameLength, WCHAR* Value, SIZE_T Room, SIZE_T* Length)
{
    Lock Guard(!Environment);
    if (!Environment)
        Environment = static_cast<const WCHAR*>(Parameters().Environment);
    const WCHAR* Found = Find(Environment, Name, NameLength);
    if (!Found) {
        *Length = 0;
        return STATUS_VARIABLE_NOT_FOUND;
    }
    SIZE_T Count = CRT(wcslen)(Found);
    if (Room <= Count) {
        *Length = Count + 1;
        return STATUS_BUFFER_TOO_SMALL;
    }
    CRT(memcpy)(Value, Found, (Count + 1) * 2);
    *Length = Count;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlQueryEnvironmentVariable_U(const WCHAR* Environment, const UNICODE_STRING* Name, UNICODE_STRING* Value)
{
    Lock Guard(!Environment);
    if (!Environment)
        Environment = static_cast<const WCHAR*>(Parameters().Environment);
    const WCHAR* Found = Find(Environment, Name->Buffer, Name->Length / 2);
    if (!Found) {
        Value->Length = 0;
        return STATUS_VARIABLE_NOT_FOUND;
    }
    usize Size = CRT(wcslen)(Found) * 2;
    Value->Length = USHORT(Size);
    if (Size > Value->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    CRT(memcpy)(Value->Buffer, Found, Size);
    if (Value->MaximumLength >= Size + 2)
        Value->Buffer[Size / 2] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlSetEnvironmentVariable(WCHAR** Environment, const UNICODE_STRING* Name, const UNICODE_STRING* Value)
{
    if (!Name || !Name->Buffer || !Name->Length)
        return STATUS_INVALID_PARAMETER_1;
    static constexpr WCHAR Empty = 0;
    const WCHAR* Text = Value ? Value->Buffer ? Value->Buffer : &Empty : nullptr;
    return Change(Environment, Name->Buffer, Name->Length / 2, Text, Value ? Value->Length / 2 : 0);
}
NTSTATUS NTAPI RtlSetEnvironmentVar(WCHAR** Environment, const WCHAR* Name, SIZE_T NameLength, const WCHAR* Value, SIZE_T ValueLength)
{
    return Change(Environment, Name, NameLength, Value, ValueLength);
}

NTSTATUS NTAPI RtlExpandEnvironmentStrings(const WCHAR* Environment, const WCHAR* From, SIZE_T FromLength, WCHAR* To, SIZE_T Room, SIZE_T* Length)
{
    Lock Guard(!Environment);
    if (!Environment)
        Environment = static_cast<const WCHAR*>(Parameters().Environment);
    SIZE_T Used = Expand(Environment, From, FromLength, To, Room);
    if (Length)
        *Length = Used + 1;
    if (Used >= Room) {
        if (Room)
            To[Room - 1] = 0;
        return STATUS_BUFFER_TOO_SMALL;
    }
    To[Used] = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlExpandEnvironmentStrings_U(const WCHAR* Environment, const UNICODE_STRING* From, UNICODE_STRING* To, ULONG* Size)
{
    SIZE_T Length = 0;
    NTSTATUS Status = RtlExpandEnvironmentStrings(Environment, From->Buffer, From->Length / 2, To->Buffer, To->MaximumLength / 2, &Length);
    if (Length > 0x7FFF)
        return STATUS_INVALID_PARAMETER;
    if (Status >= 0)
        To->Length = USHORT(Length * 2 - 2);
    if (Size)
        *Size = ULONG(Length * 2);
    return Status;
}

}
