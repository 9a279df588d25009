// Registry values by path: relative to well-known keys, read through a table of what is wanted.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

constexpr ULONG RTL_REGISTRY_ABSOLUTE = 0, RTL_REGISTRY_USER = 5, RTL_REGISTRY_MAXIMUM = 6, RTL_REGISTRY_HANDLE = 0x40000000, RTL_REGISTRY_OPTIONAL = 0x80000000;
constexpr ULONG RTL_QUERY_REGISTRY_SUBKEY = 0x1, RTL_QUERY_REGISTRY_TOPKEY = 0x2, RTL_QUERY_REGISTRY_REQUIRED = 0x4, RTL_QUERY_REGISTRY_NOVALUE = 0x8,
                RTL_QUERY_REGISTRY_NOEXPAND = 0x10, RTL_QUERY_REGISTRY_DIRECT = 0x20, RTL_QUERY_REGISTRY_DELETE = 0x40;
constexpr ULONG REG_NONE = 0, REG_SZ = 1, REG_EXPAND_SZ = 2, REG_DWORD = 4, REG_MULTI_SZ = 7;
constexpr ULONG KeyValueFullInformation = 1;
constexpr ACCESS_MASK KEY_READ = 0x20019, KEY_WRITE = 0x20006, KEY_ALL_ACCESS = 0xF003F;

struct FullValue {                      // KEY_VALUE_FULL_INFORMATION
    ULONG TitleIndex, Type, DataOffset, DataLength, NameLength;
    WCHAR Name[1];
};

using QueryRoutine = NTSTATUS(NTAPI*)(WCHAR* Name, ULONG Type, PVOID Data, ULONG Size, PVOID Context, PVOID EntryContext);

const WCHAR* const Roots[RTL_REGISTRY_MAXIMUM] = {
    L"",
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\",
    L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\",
    L"\\Registry\\Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion\\",
    L"\\Registry\\Machine\\Hardware\\DeviceMap\\",
    nullptr,                            // the user's
};

// An open key, closed at the end unless it was the caller's.
struct Key {
    ~Key()
    {
        if (Own && Handle)
            NtClose(Handle);
    }
    HANDLE Handle = nullptr;
    bool Own = false;

    NTSTATUS OpenUnder(HANDLE Root, const UNICODE_STRING& Name, ACCESS_MASK Access, bool Create)
    {
        OBJECT_ATTRIBUTES Attributes = { sizeof(Attributes), Root, const_cast<UNICODE_STRING*>(&Name), OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        ULONG Disposition;
        NTSTATUS Status = Create ? NtCreateKey(&Handle, Access, &Attributes, 0, nullptr, 0, &Disposition) : NtOpenKey(&Handle, Access, &Attributes);
        Own = Status >= 0;
        return Status;
    }

    NTSTATUS Open(ULONG RelativeTo, const WCHAR* Path, ACCESS_MASK Access, bool Create)
    {
        if (RelativeTo & RTL_REGISTRY_HANDLE) {
            Handle = const_cast<WCHAR*>(Path);
            return STATUS_SUCCESS;
        }
        RelativeTo &= ~RTL_REGISTRY_OPTIONAL;
        if (RelativeTo >= RTL_REGISTRY_MAXIMUM)
            return STATUS_INVALID_PARAMETER;
        UNICODE_STRING User = {};
        const WCHAR* Root = Roots[RelativeTo];
        usize RootCount = 0;
        if (RelativeTo == RTL_REGISTRY_USER) {
            if (NTSTATUS Status = RtlFormatCurrentUserKeyPath(&User); Status < 0)
                return Status;
            Root = User.Buffer;
            RootCount = User.Length / 2;
        } else {
            RootCount = CRT(wcslen)(Root);
        }
        usize PathCount = Path ? CRT(wcslen)(Path) : 0;
        auto* Name = Allocate<WCHAR>(RootCount + 1 + PathCount);
        NTSTATUS Status = STATUS_NO_MEMORY;
        if (Name && (RootCount + 1 + PathCount) * 2 < 0xFFFF) {
            CRT(memcpy)(Name, Root, RootCount * 2);
            usize At = RootCount;
            if (PathCount && At && Name[At - 1] != '\\')
                Name[At++] = '\\';
            CRT(memcpy)(Name + At, Path, PathCount * 2);
            At += PathCount;
            while (At && Name[At - 1] == '\\')
                --At;
            Status = OpenUnder(nullptr, { USHORT(At * 2), USHORT(At * 2), Name }, Access, Create);
        }
        if (Name)
            platform::Free(Name);
        if (User.Buffer)
            RtlFreeUnicodeString(&User);
        return Status;
    }
};

// A value with its name, in memory that grows as needed.
struct Value {
    ~Value()
    {
        if (Info)
            platform::Free(Info);
    }
    FullValue* Info = nullptr;
    ULONG Room = 0;

    template <typename F> NTSTATUS Read(F Query)
    {
        for (ULONG Size = Room ? Room : 256;;) {
            if (Size > Room) {
                if (Info)
                    platform::Free(Info);
                Room = 0;
                Info = static_cast<FullValue*>(platform::Allocate(Size + 4));
                if (!Info)
                    return STATUS_NO_MEMORY;
                Room = Size;
            }
            ULONG Needed = 0;
            NTSTATUS Status = Query(Info, Room, &Needed);
            if (Status != STATUS_BUFFER_OVERFLOW && Status != STATUS_BUFFER_TOO_SMALL)
                return Status;
            if (Needed <= Room)
                return STATUS_REGISTRY_CORRUPT;
            Size = Needed;
        }
    }
    u8* Data() { return reinterpret_cast<u8*>(Info) + Info->DataOffset; }
};

// RTL_QUERY_REGISTRY_DIRECT: straight to where EntryContext points.
NTSTATUS Store(const RTL_QUERY_REGISTRY_TABLE& Row, ULONG Type, const void* Data, ULONG Size)
{
    if (Type == REG_SZ || Type == REG_EXPAND_SZ || Type == REG_MULTI_SZ) {
        auto* To = static_cast<UNICODE_STRING*>(Row.EntryContext);
        ULONG Length = Size & ~1u;
        if (Type != REG_MULTI_SZ && Length >= 2 && !static_cast<const WCHAR*>(Data)[Length / 2 - 1])
            Length -= 2;
        if (Length + 2 > 0xFFFF)
            return STATUS_BUFFER_TOO_SMALL;
        if (!To->Buffer) {
            To->Buffer = static_cast<WCHAR*>(platform::Allocate(Length + 2));
            if (!To->Buffer)
                return STATUS_NO_MEMORY;
            To->MaximumLength = USHORT(Length + 2);
        } else if (To->MaximumLength < Length + 2) {
            return STATUS_BUFFER_TOO_SMALL;
        }
        CRT(memcpy)(To->Buffer, Data, Length);
        To->Buffer[Length / 2] = 0;
        To->Length = USHORT(Length);
        return STATUS_SUCCESS;
    }
    if (Size <= sizeof(ULONG)) {
        CRT(memcpy)(Row.EntryContext, Data, Size);
        return STATUS_SUCCESS;
    }
    // A buffer says its size in its first ULONG, negative; without that the data comes behind length and type.
    auto* Words = static_cast<ULONG*>(Row.EntryContext);
    if (i32(Words[0]) < 0) {
        if (0u - Words[0] < Size)
            return STATUS_BUFFER_TOO_SMALL;
        CRT(memcpy)(Words, Data, Size);
        return STATUS_SUCCESS;
    }
    if (Words[0] < Size + 8)
        return STATUS_BUFFER_TOO_SMALL;
    Words[0] = Size;
    Words[1] = Type;
    CRT(memcpy)(Words + 2, Data, Size);
    return STATUS_SUCCESS;
}

NTSTATUS Call(const RTL_QUERY_REGISTRY_TABLE& Row, WCHAR* Name, ULONG Type, void* Data, ULONG Size, void* Context)
{
    if (Row.Flags & RTL_QUERY_REGISTRY_DIRECT)
        return Store(Row, Type, Data, Size);
    return reinterpret_cast<QueryRoutine>(Row.QueryRoutine)(Name, Type, Data, Size, Context, Row.EntryContext);
}

NTSTATUS Deliver(const RTL_QUERY_REGISTRY_TABLE& Row, WCHAR* Name, ULONG Type, void* Data, ULONG Size, void* Context, const WCHAR* Environment)
{
    if (Row.Flags & RTL_QUERY_REGISTRY_NOEXPAND)
        return Call(Row, Name, Type, Data, Size, Context);
    if (Type == REG_MULTI_SZ && !(Row.Flags & RTL_QUERY_REGISTRY_DIRECT)) {
        // One call for each string.
        auto *S = static_cast<WCHAR*>(Data), *End = S + Size / 2;
        while (S < End && *S) {
            usize Count = CRT(wcsnlen)(S, usize(End - S));
            if (S + Count == End)
                break;
            if (NTSTATUS Status = Call(Row, Name, REG_SZ, S, ULONG(Count * 2 + 2), Context); Status < 0)
                return Status;
            S += Count + 1;
        }
        return STATUS_SUCCESS;
    }
    if (Type == REG_EXPAND_SZ) {
        auto* S = static_cast<WCHAR*>(Data);
        usize Count = CRT(wcsnlen)(S, Size / 2);
        SIZE_T Needed = 0;
        RtlExpandEnvironmentStrings(Environment, S, Count, nullptr, 0, &Needed);
        auto* Text = Allocate<WCHAR>(Needed + 1);
        if (!Text)
            return STATUS_NO_MEMORY;
        NTSTATUS Status = RtlExpandEnvironmentStrings(Environment, S, Count, Text, Needed + 1, &Needed);
        if (Status >= 0)
            Status = Call(Row, Name, REG_SZ, Text, ULONG(Needed * 2), Context);
        platform::Free(Text);
        return Status;
    }
    return Call(Row, Name, Type, Data, Size, Context);
}

ULONG DefaultSize(const RTL_QUERY_REGISTRY_TABLE& Row)
{
    if (Row.DefaultLength)
        return Row.DefaultLength;
    if (Row.DefaultType == REG_SZ || Row.DefaultType == REG_EXPAND_SZ)
        return ULONG(CRT(wcslen)(static_cast<const WCHAR*>(Row.DefaultData)) * 2 + 2);
    if (Row.DefaultType == REG_MULTI_SZ) {
        auto* P = static_cast<const WCHAR*>(Row.DefaultData);
        while (*P)
            P += CRT(wcslen)(P) + 1;
        return ULONG((P + 1 - static_cast<const WCHAR*>(Row.DefaultData)) * 2);
    }
    return Row.DefaultType == REG_DWORD ? 4 : 0;
}

NTSTATUS QueryOne(HANDLE Handle, const RTL_QUERY_REGISTRY_TABLE& Row, PVOID Context, const WCHAR* Environment, Value& Room)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Row.Name);
    NTSTATUS Status = Room.Read([&](FullValue* To, ULONG Size, ULONG* Needed) {
        return NtQueryValueKey(Handle, &Name, KeyValueFullInformation, To, Size, Needed);
    });
    if (Status >= 0) {
        Status = Deliver(Row, Row.Name, Room.Info->Type, Room.Data(), Room.Info->DataLength, Context, Environment);
        if (Status >= 0 && (Row.Flags & RTL_QUERY_REGISTRY_DELETE))
            NtDeleteValueKey(Handle, &Name);
        return Status;
    }
    if (Status != STATUS_OBJECT_NAME_NOT_FOUND)
        return Status;
    if (Row.Flags & RTL_QUERY_REGISTRY_REQUIRED)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Row.DefaultType == REG_NONE)
        return STATUS_SUCCESS;
    return Deliver(Row, Row.Name, Row.DefaultType, Row.DefaultData, DefaultSize(Row), Context, Environment);
}

NTSTATUS QueryAll(HANDLE Handle, const RTL_QUERY_REGISTRY_TABLE& Row, PVOID Context, const WCHAR* Environment, Value& Room)
{
    for (ULONG Index = 0, Found = 0;; ++Index) {
        NTSTATUS Status = Room.Read([&](FullValue* To, ULONG Size, ULONG* Needed) {
            return NtEnumerateValueKey(Handle, Index, KeyValueFullInformation, To, Size, Needed);
        });
        if (Status == STATUS_NO_MORE_ENTRIES)
            return !Found && (Row.Flags & RTL_QUERY_REGISTRY_REQUIRED) ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_SUCCESS;
        if (Status < 0)
            return Status;
        ++Found;
        // The name is not terminated and the data may follow it at once.
        usize Count = Room.Info->NameLength / 2;
        auto* Name = Allocate<WCHAR>(Count + 1);
        if (!Name)
            return STATUS_NO_MEMORY;
        CRT(memcpy)(Name, Room.Info->Name, Count * 2);
        Name[Count] = 0;
        Status = Deliver(Row, Name, Room.Info->Type, Room.Data(), Room.Info->DataLength, Context, Environment);
        if (Status >= 0 && (Row.Flags & RTL_QUERY_REGISTRY_DELETE)) {
            UNICODE_STRING Text = { USHORT(Count * 2), USHORT(Count * 2), Name };
            if (NtDeleteValueKey(Handle, &Text) >= 0)
                --Index;
        }
        platform::Free(Name);
        if (Status < 0)
            return Status;
    }
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlFormatCurrentUserKeyPath(UNICODE_STRING* Path)
{
    constexpr ACCESS_MASK TokenQuery = 8;
    constexpr ULONG TokenUser = 1;
    const HANDLE CurrentThread = reinterpret_cast<HANDLE>(i64(-2)), CurrentProcess = reinterpret_cast<HANDLE>(i64(-1));
    HANDLE Token;
    NTSTATUS Status = NtOpenThreadToken(CurrentThread, TokenQuery, true, &Token);
    if (Status == STATUS_NO_TOKEN)
        Status = NtOpenProcessToken(CurrentProcess, TokenQuery, &Token);
    if (Status < 0)
        return Status;
    alignas(8) u8 Buffer[sizeof(SID_AND_ATTRIBUTES) + SECURITY_MAX_SID_SIZE];
    ULONG Needed;
    Status = NtQueryInformationToken(Token, TokenUser, Buffer, sizeof(Buffer), &Needed);
    NtClose(Token);
    if (Status < 0)
        return Status;
    const SID* User = reinterpret_cast<SID_AND_ATTRIBUTES*>(Buffer)->Sid;
    static constexpr WCHAR Prefix[] = L"\\Registry\\User\\";
    constexpr USHORT PrefixSize = sizeof(Prefix) - 2;
    ULONG SidSize;
    Status = RtlLengthSidAsUnicodeString(User, &SidSize);
    if (Status < 0)
        return Status;
    auto* Text = static_cast<WCHAR*>(platform::Allocate(PrefixSize + SidSize));
    if (!Text)
        return STATUS_NO_MEMORY;
    CRT(memcpy)(Text, Prefix, PrefixSize);
    UNICODE_STRING SidText = { 0, USHORT(SidSize), Text + PrefixSize / 2 };
    RtlConvertSidToUnicodeString(&SidText, User, false);
    *Path = { USHORT(PrefixSize + SidText.Length), USHORT(PrefixSize + SidSize), Text };
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlOpenCurrentUser(ACCESS_MASK Access, HANDLE* Result)
{
    *Result = nullptr;
    UNICODE_STRING Path;
    if (NTSTATUS Status = RtlFormatCurrentUserKeyPath(&Path); Status < 0)
        return Status;
    Key User;
    NTSTATUS Status = User.OpenUnder(nullptr, Path, Access, false);
    RtlFreeUnicodeString(&Path);
    if (Status == STATUS_OBJECT_NAME_NOT_FOUND) {       // no profile loaded: everybody's
        static constexpr WCHAR Default[] = L"\\Registry\\User\\.Default";
        Status = User.OpenUnder(nullptr, { sizeof(Default) - 2, sizeof(Default), const_cast<WCHAR*>(Default) }, Access, false);
    }
    if (Status >= 0) {
        *Result = User.Handle;
        User.Own = false;
    }
    return Status;
}

NTSTATUS NTAPI RtlCheckRegistryKey(ULONG RelativeTo, WCHAR* Path)
{
    Key K;
    return K.Open(RelativeTo, Path, KEY_READ, false);
}
NTSTATUS NTAPI RtlCreateRegistryKey(ULONG RelativeTo, WCHAR* Path)
{
    RelativeTo &= ~RTL_REGISTRY_OPTIONAL;
    if (RelativeTo >= RTL_REGISTRY_MAXIMUM)
        return STATUS_INVALID_PARAMETER;
    if (RelativeTo != RTL_REGISTRY_USER && (!Path || (RelativeTo == RTL_REGISTRY_ABSOLUTE && !*Path)))
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    if (Path && RelativeTo <= RTL_REGISTRY_USER && *Path == '\\' && RelativeTo != RTL_REGISTRY_ABSOLUTE)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    Key K;
    return K.Open(RelativeTo, Path, KEY_ALL_ACCESS, true);
}
NTSTATUS NTAPI RtlDeleteRegistryValue(ULONG RelativeTo, const WCHAR* Path, const WCHAR* Name)
{
    Key K;
    if (NTSTATUS Status = K.Open(RelativeTo, Path, KEY_WRITE, false); Status < 0)
        return Status;
    UNICODE_STRING Text;
    RtlInitUnicodeString(&Text, Name);
    return NtDeleteValueKey(K.Handle, &Text);
}
NTSTATUS NTAPI RtlWriteRegistryValue(ULONG RelativeTo, const WCHAR* Path, const WCHAR* Name, ULONG Type, PVOID Data, ULONG Size)
{
    Key K;
    if (NTSTATUS Status = K.Open(RelativeTo, Path, KEY_WRITE, true); Status < 0)
        return Status;
    UNICODE_STRING Text;
    RtlInitUnicodeString(&Text, Name);
    return NtSetValueKey(K.Handle, &Text, 0, Type, Data, Size);
}

// Rows with a name are read, rows without one enumerate all values of the key; SUBKEY goes to a key below, TOPKEY back.
NTSTATUS NTAPI RtlQueryRegistryValues(ULONG RelativeTo, const WCHAR* Path, RTL_QUERY_REGISTRY_TABLE* Table, PVOID Context, PVOID Environment)
{
    if (!Path && RelativeTo != RTL_REGISTRY_USER)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    Key Top;
    NTSTATUS Status = Top.Open(RelativeTo, Path, KEY_READ, false);
    if (Status < 0)
        return Status == STATUS_OBJECT_NAME_NOT_FOUND && (RelativeTo & RTL_REGISTRY_OPTIONAL) ? STATUS_SUCCESS : Status;
    Value Room;
    Key Sub;
    HANDLE Current = Top.Handle;
    for (RTL_QUERY_REGISTRY_TABLE* Row = Table; Row->QueryRoutine || (Row->Flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)); ++Row) {
        if ((Row->Flags & RTL_QUERY_REGISTRY_DIRECT) && (!Row->Name || Row->QueryRoutine || (Row->Flags & RTL_QUERY_REGISTRY_SUBKEY)))
            return STATUS_INVALID_PARAMETER;
        if (Row->Flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY))
            Current = Top.Handle;
        if (Row->Flags & RTL_QUERY_REGISTRY_SUBKEY) {
            if (!Row->Name)
                return STATUS_INVALID_PARAMETER;
            UNICODE_STRING Name;
            RtlInitUnicodeString(&Name, Row->Name);
            if (Sub.Own)
                NtClose(Sub.Handle);
            Sub.Own = false;
            Status = Sub.OpenUnder(Top.Handle, Name, KEY_READ, false);
            if (Status < 0)
                return Status;
            Current = Sub.Handle;
            if (!Row->QueryRoutine)
                continue;
            Status = QueryAll(Current, *Row, Context, static_cast<const WCHAR*>(Environment), Room);
        } else if (Row->Flags & RTL_QUERY_REGISTRY_NOVALUE) {
            Status = reinterpret_cast<QueryRoutine>(Row->QueryRoutine)(Row->Name, REG_NONE, nullptr, 0, Context, Row->EntryContext);
        } else if (Row->Name) {
            Status = QueryOne(Current, *Row, Context, static_cast<const WCHAR*>(Environment), Room);
        } else {
            Status = QueryAll(Current, *Row, Context, static_cast<const WCHAR*>(Environment), Room);
        }
        if (Status < 0)
            return Status;
    }
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlQueryRegistryValuesEx(ULONG RelativeTo, const WCHAR* Path, RTL_QUERY_REGISTRY_TABLE* Table, PVOID Context, PVOID Environment)
{
    return RtlQueryRegistryValues(RelativeTo, Path, Table, Context, Environment);
}

// The unnamed value of a key. Length: room for the data in, its length out; where there is too little room, what fits is copied.
NTSTATUS NTAPI RtlpNtQueryValueKey(HANDLE Handle, ULONG* Type, PVOID Data, ULONG* Length, ULONG)
{
    ULONG Room = Length ? *Length : 0, Needed = 0;
    Value Buffer;
    UNICODE_STRING None {};
    NTSTATUS Status = Buffer.Read([&](PVOID To, ULONG Size, ULONG* Used) {
        return NtQueryValueKey(Handle, &None, KeyValueFullInformation, To, Size, Used);
    });
    if (Status < 0)
        return Status;
    Needed = Buffer.Info->DataLength;
    if (Type)
        *Type = Buffer.Info->Type;
    if (Length)
        *Length = Needed;
    if (Data)
        CRT(memcpy)(Data, Buffer.Data(), Needed < Room ? Needed : Room);
    return Data && Needed > Room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

}
