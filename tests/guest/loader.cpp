// The loader from inside a native program: the lists, exports, reference counts, errors.
#include "tests/guest/tap.hpp"

extern "C" {
NTSTATUS NTAPI LdrLoadDll(const WCHAR* Path, u64 Flags, const UNICODE_STRING* Name, PVOID* Base);
NTSTATUS NTAPI LdrUnloadDll(PVOID Base);
NTSTATUS NTAPI LdrGetDllHandle(const WCHAR* Path, u64 Flags, const UNICODE_STRING* Name, PVOID* Base);
NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address);
NTSTATUS NTAPI LdrFindEntryForAddress(PVOID Address, LDR_DATA_TABLE_ENTRY** Entry);
NTSTATUS NTAPI LdrRegisterDllNotification(ULONG, void NTAPI (*)(ULONG, const void*, PVOID), PVOID, PVOID*);
NTSTATUS NTAPI LdrUnregisterDllNotification(PVOID);
void NTAPI RtlInitAnsiString(ANSI_STRING*, const char*);
IMAGE_NT_HEADERS* NTAPI RtlImageNtHeader(PVOID);
PVOID NTAPI RtlPcToFileHeader(PVOID, PVOID*);
}

namespace {

NTSTATUS Load(const WCHAR* Name, PVOID* Base)
{
    UNICODE_STRING S;
    RtlInitUnicodeString(&S, Name);
    return LdrLoadDll(nullptr, 0, &S, Base);
}
NTSTATUS Handle(const WCHAR* Name, PVOID* Base)
{
    UNICODE_STRING S;
    RtlInitUnicodeString(&S, Name);
    return LdrGetDllHandle(nullptr, 0, &S, Base);
}
int Count(LIST_ENTRY& Head)
{
    int N = 0;
    for (LIST_ENTRY* I = Head.Flink; I != &Head && N < 1000; I = I->Flink)
        ++N;
    return N;
}
int Loaded, Unloaded;
void NTAPI Notify(ULONG Reason, const void*, PVOID) { ++(Reason == 1 ? Loaded : Unloaded); }

}

TAP_MAIN()
{
    auto& Ldr = *Process->Ldr;
    CHECK(Ldr.Initialized);
    auto* First = reinterpret_cast<LDR_DATA_TABLE_ENTRY*>(Ldr.InLoadOrderModuleList.Flink);
    auto* Second = reinterpret_cast<LDR_DATA_TABLE_ENTRY*>(First->InLoadOrderLinks.Flink);
    CHECK(First->DllBase == Process->ImageBaseAddress);
    CHECK(Second->DllBase != First->DllBase);
    PVOID Ntdll = nullptr, Other = nullptr;
    CHECK_EQ(u32(Handle(L"ntdll.dll", &Ntdll)), 0);
    CHECK(Ntdll == Second->DllBase);
    CHECK_EQ(u32(Handle(L"NTDLL", &Other)), 0);
    CHECK(Other == Ntdll);
    CHECK_EQ(u32(Handle(L"nosuch.dll", &Other)), u32(STATUS_DLL_NOT_FOUND));
    CHECK_EQ(Count(Ldr.InLoadOrderModuleList), Count(Ldr.InMemoryOrderModuleList));

    ANSI_STRING Name;
    PVOID Address = nullptr;
    RtlInitAnsiString(&Name, "LdrLoadDll");
    CHECK_EQ(u32(LdrGetProcedureAddress(Ntdll, &Name, 0, &Address)), 0);
    CHECK(Address == reinterpret_cast<PVOID>(&LdrLoadDll) || Address != nullptr);
    PVOID Base = nullptr;
    CHECK(RtlPcToFileHeader(Address, &Base) == Ntdll);
    LDR_DATA_TABLE_ENTRY* Entry = nullptr;
    CHECK_EQ(u32(LdrFindEntryForAddress(Address, &Entry)), 0);
    CHECK(Entry == Second);
    RtlInitAnsiString(&Name, "NoSuchFunction");
    CHECK_EQ(u32(LdrGetProcedureAddress(Ntdll, &Name, 0, &Address)), u32(STATUS_ENTRYPOINT_NOT_FOUND));
    CHECK_EQ(u32(LdrGetProcedureAddress(Ntdll, nullptr, 0x7FFF, &Address)), u32(STATUS_ORDINAL_NOT_FOUND));
    CHECK_EQ(u32(Load(L"nosuch.dll", &Base)), u32(STATUS_DLL_NOT_FOUND));
    CHECK(Base == nullptr);

    // A DLL with imports (kernelbase and what it needs), twice, and gone again.
    PVOID Cookie;
    CHECK_EQ(u32(LdrRegisterDllNotification(0, Notify, nullptr, &Cookie)), 0);
    int Before = Count(Ldr.InLoadOrderModuleList);
    PVOID Version = nullptr, Again = nullptr;
    NTSTATUS Status = Load(L"ucrtbase.dll", &Version);
    CHECK_EQ(u32(Status), 0);
    if (Status >= 0) {
        CHECK(Loaded >= 1);
        CHECK_EQ(u32(Load(L"UCRTBASE", &Again)), 0);
        CHECK(Again == Version);
        RtlInitAnsiString(&Name, "atoi");
        CHECK_EQ(u32(LdrGetProcedureAddress(Version, &Name, 0, &Address)), 0);
        CHECK_EQ(reinterpret_cast<int (*)(const char*)>(Address)("4711"), 4711);
        CHECK_EQ(u32(LdrUnloadDll(Version)), 0);
        CHECK_EQ(u32(Handle(L"ucrtbase.dll", &Again)), 0);
        CHECK_EQ(u32(LdrUnloadDll(Version)), 0);
        CHECK_EQ(u32(Handle(L"ucrtbase.dll", &Again)), u32(STATUS_DLL_NOT_FOUND));
        CHECK(Unloaded >= 1);
    }
    CHECK(Count(Ldr.InLoadOrderModuleList) >= Before);
    CHECK_EQ(u32(LdrUnregisterDllNotification(Cookie)), 0);
    CHECK_EQ(u32(LdrUnloadDll(Ntdll)), 0);
    CHECK_EQ(u32(Handle(L"ntdll.dll", &Ntdll)), 0);
}
