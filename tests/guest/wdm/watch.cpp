// Callbacks of a driver see what this process does with handles and keys, take access away, refuse, and answer for the system; they end with the registration and
// with the driver's process.
#include "tests/guest/wdm/drivers/watcher.hpp"
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

static HANDLE Me() { return reinterpret_cast<HANDLE>(i64(-1)); }

static HANDLE OwnId()
{
    void* Id;
    asm("movq %%gs:0x40, %0" : "=r"(Id));       // TEB.ClientId
    return Id;
}
static NTSTATUS OpenSelf(ACCESS_MASK Access, HANDLE* Out)
{
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
    CLIENT_ID Id { OwnId(), nullptr };
    return NtOpenProcess(Out, Access, &Attributes, &Id);
}
static bool MayRead(HANDLE Process)
{
    u64 Value = 0, Mine = 0x1234;
    SIZE_T Got = 0;
    return NtReadVirtualMemory(Process, &Mine, &Value, 8, &Got) >= 0 && Value == Mine;
}

static HANDLE Key;
static NTSTATUS Set(const WCHAR* Name, u32 Value)
{
    UNICODE_STRING N = String(Name);
    return NtSetValueKey(Key, &N, 0, 4, &Value, 4);
}
static NTSTATUS Query(const WCHAR* Name)
{
    UNICODE_STRING N = String(Name);
    UCHAR Room[64];
    ULONG Bytes;
    return NtQueryValueKey(Key, &N, 2, Room, sizeof(Room), &Bytes);
}
static NTSTATUS Delete(const WCHAR* Name)
{
    UNICODE_STRING N = String(Name);
    return NtDeleteValueKey(Key, &N);
}
static NTSTATUS OpenKey(const WCHAR* Path, HANDLE* Out)
{
    UNICODE_STRING Name = String(Path);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    return NtOpenKey(Out, 0xF003F, &Attributes);
}

TAP_MAIN()
{
    const WCHAR* Service = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Watcher";
    const WCHAR* Path = L"\\Registry\\Machine\\Software\\Watched";
    CHECK_EQ(u32(MakeKey(Service, L"\\??\\C:\\work\\watcher.sys")), 0);
    CHECK_EQ(u32(Load(Service)), 0);
    HANDLE File;
    CHECK_EQ(u32(Open(&File, L"\\Device\\Watcher")), 0);
    UNICODE_STRING Name = String(Path);
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    CHECK_EQ(u32(NtCreateKey(&Key, 0xF003F, &Attributes, 0, nullptr, 1, nullptr)), 0);
    CHECK(Set(L"Hidden", 1) >= 0 && Set(L"Kept", 2) >= 0 && Set(L"Forbidden", 3) >= 0 && Query(L"Hidden") >= 0);
    HANDLE Whole;
    CHECK_EQ(u32(OpenSelf(0x1FFFFF, &Whole)), 0);
    CHECK(MayRead(Whole));

    ULONG Id = ULONG(u64(OwnId()));
    CHECK_EQ(u32(Control(File, watcher::Begin, &Id, 4)), 0);
    watcher::Seen S {};
    auto Look = [&] {
        CHECK_EQ(u32(Control(File, watcher::Report, nullptr, 0, &S, sizeof(S))), 0);
        CHECK_EQ(S.Wrong, 0);
    };
    // Handles.
    for (ACCESS_MASK Access : { 0x1FFFFFu, 0x410u, 0x2000000u }) {       // all, read and query, whatever is allowed
        HANDLE H;
        CHECK_EQ(u32(OpenSelf(Access, &H)), 0);
        CHECK(!MayRead(H));
        NtClose(H);
    }
    Look();
    CHECK(S.Opens == 3 && S.OpenEnds == 3 && !(S.Granted & 0x10) && S.Granted & 0x400);
    HANDLE Copy;
    CHECK_EQ(u32(NtDuplicateObject(Me(), Whole, Me(), &Copy, 0, 0, DUPLICATE_SAME_ACCESS)), 0);
    CHECK(!MayRead(Copy) && MayRead(Whole));
    NtClose(Copy);
    HANDLE Event, Second;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    CHECK_EQ(u32(NtDuplicateObject(Me(), Event, Me(), &Second, 0, 0, DUPLICATE_SAME_ACCESS)), 0);
    NtClose(Second);
    NtClose(Event);
    Look();
    CHECK(S.Duplicates == 1 && S.DuplicateEnds == 1);
    CLIENT_ID Nobody { reinterpret_cast<HANDLE>(u64(0x7FFFFFF0)), nullptr };
    OBJECT_ATTRIBUTES None { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
    CHECK_EQ(u32(NtOpenProcess(&Copy, 0x1FFFFF, &None, &Nobody)), u32(STATUS_INVALID_CID));

    // Keys.
    CHECK_EQ(u32(Set(L"Forbidden", 0x55)), u32(STATUS_ACCESS_DENIED));
    Look();
    CHECK(S.Sets == 1 && memcmp(S.Value, L"Forbidden", 20) == 0 && S.Data[0] == 0x55);
    CHECK(memcmp(S.Name + 9, L"\\Machine\\Software\\Watched", 2) == 0 && S.Name[0] == L'\\');
    CHECK_EQ(u32(Set(L"Other", 1)), 0);
    CHECK_EQ(u32(Set(L"Other", 2)), 0);
    CHECK_EQ(u32(Delete(L"Kept")), 0);
    CHECK_EQ(u32(Query(L"Kept")), 0);
    CHECK_EQ(u32(Delete(L"Other")), 0);
    CHECK_EQ(u32(Query(L"Other")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(Query(L"Hidden")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    HANDLE Again;
    CHECK_EQ(u32(OpenKey(Path, &Again)), 0);
    CHECK_EQ(u32(OpenKey(L"\\Registry\\Machine\\Software\\Nowhere", &Copy)), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    Look();
    CHECK(S.Keys >= 2 && S.KeyEnds == S.Keys);
    CHECK_EQ(S.Cleanups, 0);
    NtClose(Key);
    Key = Again;
    CHECK_EQ(u32(Set(L"Other", 1)), 0);
    Look();
    CHECK_EQ(S.Cleanups, 1);

    // The end of it, by the driver and with its process.
    CHECK_EQ(u32(Control(File, watcher::End)), 0);
    Look();
    CHECK_EQ(S.Cleanups, 2);
    CHECK(Query(L"Hidden") >= 0 && Set(L"Forbidden", 4) >= 0);
    HANDLE H;
    CHECK(OpenSelf(0x1FFFFF, &H) >= 0 && MayRead(H));
    NtClose(H);
    CHECK_EQ(u32(Control(File, watcher::Begin, &Id, 4)), 0);
    CHECK_EQ(u32(Set(L"Forbidden", 5)), u32(STATUS_ACCESS_DENIED));
    NtClose(File);
    CHECK_EQ(u32(Unload(Service)), 0);
    CHECK(Query(L"Hidden") >= 0 && Set(L"Forbidden", 6) >= 0);
    CHECK_EQ(u32(NtDeleteKey(Key)), 0);
    NtClose(Key);
    NtClose(Whole);
}
