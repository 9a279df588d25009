// Hives in files: saved, loaded, changed, unloaded and loaded again; restored; and who may do it.
#include "abi/nt/cm.hpp"
#include "tests/guest/tap.hpp"

extern "C" {
NTSTATUS NTAPI RtlAdjustPrivilege(ULONG Privilege, BOOLEAN Enable, BOOLEAN OfThread, BOOLEAN* Was);
}

namespace {

constexpr ULONG Backup = 17, Restore = 18;

struct Named {
    UNICODE_STRING Text;
    OBJECT_ATTRIBUTES Attributes {};
    explicit Named(const WCHAR* Name, HANDLE Root = nullptr)
    {
        RtlInitUnicodeString(&Text, Name);
        Attributes.Length = sizeof(Attributes);
        Attributes.RootDirectory = Root;
        Attributes.ObjectName = &Text;
        Attributes.Attributes = OBJ_CASE_INSENSITIVE;
    }
    operator OBJECT_ATTRIBUTES*() { return &Attributes; }
};

HANDLE OpenKey(const WCHAR* Name, HANDLE Root = nullptr)
{
    HANDLE Key = nullptr;
    return NtOpenKey(&Key, KEY_ALL_ACCESS, Named(Name, Root)) >= 0 ? Key : nullptr;
}

HANDLE MakeKey(const WCHAR* Name, HANDLE Root, ULONG Options = 0)
{
    HANDLE Key = nullptr;
    return NtCreateKey(&Key, KEY_ALL_ACCESS, Named(Name, Root), 0, nullptr, Options, nullptr) >= 0 ? Key : nullptr;
}

NTSTATUS SetNumber(HANDLE Key, const WCHAR* Name, ULONG Number)
{
    UNICODE_STRING Text;
    RtlInitUnicodeString(&Text, Name);
    return NtSetValueKey(Key, &Text, 0, REG_DWORD, &Number, sizeof(Number));
}

// The number of a value, or -1.
long long Number(HANDLE Key, const WCHAR* Name)
{
    UNICODE_STRING Text;
    RtlInitUnicodeString(&Text, Name);
    struct {
        KEY_VALUE_PARTIAL_INFORMATION Head;
        ULONG Data;
    } Value;
    ULONG Length;
    if (NtQueryValueKey(Key, &Text, KeyValuePartialInformation, &Value, sizeof(Value), &Length) < 0 || Value.Head.DataLength != 4)
        return -1;
    return Value.Data;
}

HANDLE NewFile(const WCHAR* Name, ULONG Disposition)
{
    HANDLE File = nullptr;
    IO_STATUS_BLOCK Io;
    NTSTATUS S = NtCreateFile(&File, FILE_GENERIC_READ | FILE_GENERIC_WRITE, Named(Name), &Io, nullptr, 0, 0, Disposition, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0);
    return S >= 0 ? File : nullptr;
}

const WCHAR Target[] = L"\\Registry\\Machine\\HiveTest", Path[] = L"\\??\\C:\\work\\hive.test", Saved[] = L"\\??\\C:\\work\\saved.test";

}

TAP_MAIN()
{
    BOOLEAN Was;
    CHECK_EQ(RtlAdjustPrivilege(Restore, 0, 0, &Was), STATUS_SUCCESS);
    CHECK_EQ(NtLoadKey(Named(Target), Named(Path)), STATUS_PRIVILEGE_NOT_HELD);
    CHECK_EQ(RtlAdjustPrivilege(Restore, 1, 0, &Was), STATUS_SUCCESS);
    CHECK_EQ(RtlAdjustPrivilege(Backup, 1, 0, &Was), STATUS_SUCCESS);

    // A file that is not there becomes an empty hive.
    CHECK_EQ(NtLoadKey(Named(L"\\Registry\\Machine\\Software\\HiveTest"), Named(Path)), STATUS_INVALID_PARAMETER);
    CHECK_EQ(NtLoadKey(Named(Target), Named(Path)), STATUS_SUCCESS);
    CHECK_EQ(NtLoadKey(Named(Target), Named(Saved)), STATUS_OBJECT_NAME_COLLISION);
    HANDLE Top = OpenKey(Target);
    CHECK(Top != nullptr);
    HANDLE Sub = MakeKey(L"Sub", Top);
    HANDLE Deep = MakeKey(L"Deep \x0416", Sub), Volatile = MakeKey(L"Gone", Sub, REG_OPTION_VOLATILE);
    CHECK_EQ(SetNumber(Sub, L"one", 1), STATUS_SUCCESS);
    CHECK_EQ(SetNumber(Deep, L"two", 2), STATUS_SUCCESS);
    CHECK_EQ(SetNumber(Volatile, L"three", 3), STATUS_SUCCESS);
    static UCHAR Large[40000];
    for (ULONG I = 0; I < sizeof(Large); ++I)
        Large[I] = UCHAR(I * 7);
    UNICODE_STRING LargeName;
    RtlInitUnicodeString(&LargeName, L"large");
    CHECK_EQ(NtSetValueKey(Deep, &LargeName, 0, REG_BINARY, Large, sizeof(Large)), STATUS_SUCCESS);
    CHECK_EQ(NtFlushKey(Top), STATUS_SUCCESS);
    CHECK_EQ(SetNumber(Sub, L"after the flush", 4), STATUS_SUCCESS);
    CHECK_EQ(NtUnloadKey(Named(Target)), STATUS_CANNOT_DELETE);
    NtClose(Volatile);
    NtClose(Deep);
    NtClose(Sub);
    NtClose(Top);
    CHECK_EQ(NtUnloadKey(Named(Target)), STATUS_SUCCESS);
    CHECK(OpenKey(Target) == nullptr);
    CHECK_EQ(NtUnloadKey(Named(Target)), STATUS_OBJECT_NAME_NOT_FOUND);

    // All but the volatile key is there again.
    CHECK_EQ(NtLoadKey2(Named(Target), Named(Path), 4), STATUS_SUCCESS);
    Top = OpenKey(Target);
    Sub = OpenKey(L"sub", Top);
    Deep = OpenKey(L"DEEP \x0436", Sub);
    CHECK_EQ(Number(Sub, L"one"), 1);
    CHECK_EQ(Number(Deep, L"two"), 2);
    CHECK_EQ(Number(Sub, L"after the flush"), 4);
    CHECK(OpenKey(L"Gone", Sub) == nullptr);
    static UCHAR Again[sizeof(Large) + 64];
    ULONG Length = 0;
    CHECK_EQ(NtQueryValueKey(Deep, &LargeName, KeyValuePartialInformation, Again, sizeof(Again), &Length), STATUS_SUCCESS);
    CHECK(memcmp(Again + sizeof(KEY_VALUE_PARTIAL_INFORMATION), Large, sizeof(Large)) == 0);

    // Saved elsewhere, changed, restored.
    HANDLE File = NewFile(Saved, FILE_OVERWRITE_IF);
    CHECK_EQ(NtSaveKey(Sub, File), STATUS_SUCCESS);
    CHECK_EQ(NtSaveKeyEx(Sub, File, 77), STATUS_INVALID_PARAMETER);
    CHECK_EQ(SetNumber(Sub, L"one", 100), STATUS_SUCCESS);
    HANDLE Extra = MakeKey(L"Extra", Sub);
    CHECK_EQ(NtRestoreKey(Sub, File, 0), STATUS_ACCESS_DENIED);
    CHECK_EQ(NtRestoreKey(Sub, File, 8), STATUS_SUCCESS);
    CHECK_EQ(SetNumber(Extra, L"x", 1), STATUS_KEY_DELETED);
    NtClose(Extra);
    NtClose(Deep);
    CHECK_EQ(Number(Sub, L"one"), 1);
    CHECK(OpenKey(L"Extra", Sub) == nullptr);
    Deep = OpenKey(L"deep \x0416", Sub);
    CHECK_EQ(Number(Deep, L"two"), 2);
    // Keys of a hive taken away by force are dead.
    CHECK_EQ(NtUnloadKey2(Named(Target), 1), STATUS_SUCCESS);
    CHECK_EQ(SetNumber(Deep, L"two", 3), STATUS_KEY_DELETED);
    NtClose(Deep);
    NtClose(Sub);
    NtClose(Top);
    NtClose(File);
    // What was saved is a hive of its own.
    CHECK_EQ(NtLoadKey(Named(Target), Named(Saved)), STATUS_SUCCESS);
    Top = OpenKey(Target);
    CHECK_EQ(Number(Top, L"one"), 1);
    NtClose(Top);
    CHECK_EQ(NtUnloadKey(Named(Target)), STATUS_SUCCESS);
    // Not a hive.
    File = NewFile(L"\\??\\C:\\work\\text.test", FILE_OVERWRITE_IF);
    IO_STATUS_BLOCK Io;
    static char Text[600] = "this is no hive";
    NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Text, sizeof(Text), nullptr, nullptr);
    NtClose(File);
    CHECK_EQ(NtLoadKey(Named(Target), Named(L"\\??\\C:\\work\\text.test")), STATUS_NOT_REGISTRY_FILE);
    CHECK(OpenKey(Target) == nullptr);
}
