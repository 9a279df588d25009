// The module lists, in the form that programs and debuggers walk (PEB.Ldr), with a hash by base name for ourselves.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

namespace ldr {

Process TheProcess {};

namespace {

constinit RTL_CRITICAL_SECTION LoaderLock { nullptr, -1, 0, nullptr, nullptr, 0 };
constinit PEB_LDR_DATA Data {};
constinit LIST_ENTRY Hash[32] {};
PROCESS_LOCK constinit RTL_SRWLOCK ListLock {};              // for readers that do not hold the loader lock

void InitializeLists()
{
    Data.Length = sizeof(Data);
    Data.Initialized = 1;
    InitializeListHead(&Data.InLoadOrderModuleList);
    InitializeListHead(&Data.InMemoryOrderModuleList);
    InitializeListHead(&Data.InInitializationOrderModuleList);
    for (LIST_ENTRY& Head : Hash)
        InitializeListHead(&Head);
    Peb()->Ldr = &Data;
    Peb()->LoaderLock = &LoaderLock;
}

}

RTL_CRITICAL_SECTION& Lock() { return LoaderLock; }

u32 HashName(const WCHAR* Name, u32 Length)
{
    u32 Value = 0;
    for (u32 I = 0; I < Length; ++I)
        Value = Value * 65599 + RtlUpcaseUnicodeChar(Name[I]);
    return Value;
}

bool SameName(const WCHAR* A, u32 LengthA, const WCHAR* B, u32 LengthB)
{
    if (LengthA != LengthB)
        return false;
    for (u32 I = 0; I < LengthA; ++I) {
        if (A[I] != B[I] && RtlUpcaseUnicodeChar(A[I]) != RtlUpcaseUnicodeChar(B[I]))
            return false;
    }
    return true;
}

Module* FirstModule()
{
    LIST_ENTRY* I = Data.InLoadOrderModuleList.Flink;
    return !I || I == &Data.InLoadOrderModuleList ? nullptr : static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks));
}
Module* NextModule(Module* M)
{
    LIST_ENTRY* I = M->InLoadOrderLinks.Flink;
    return I == &Data.InLoadOrderModuleList ? nullptr : static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks));
}

Module* FindByAddress(const void* Address)
{
    SrwShared Held(ListLock);
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        if (u64(Address) >= u64(M->DllBase) && u64(Address) - u64(M->DllBase) < M->SizeOfImage)
            return M;
    }
    return nullptr;
}
Module* FindByHandle(PVOID Base)
{
    // The low bits mark data files and such; those are not in the list.
    SrwShared Held(ListLock);
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        if (M->DllBase == Base)
            return M;
    }
    return nullptr;
}
Module* FindByBaseName(const WCHAR* Name, u32 Length)
{
    u32 Value = HashName(Name, Length);
    LIST_ENTRY& Head = Hash[Value % 32];
    if (!Head.Flink)
        return nullptr;
    for (LIST_ENTRY* I = Head.Flink; I != &Head; I = I->Flink) {
        auto* M = static_cast<Module*>(RECORD_OF(I, LDR_DATA_TABLE_ENTRY, HashLinks));
        if (M->BaseNameHashValue == Value && SameName(Name, Length, M->BaseDllName.Buffer, M->BaseDllName.Length / 2) && M->Phase != State::Leaving)
            return M;
    }
    return nullptr;
}
Module* FindByFullName(const WCHAR* Name, u32 Length)
{
    for (Module* M = FirstModule(); M; M = NextModule(M)) {
        if (SameName(Name, Length, M->FullDllName.Buffer, M->FullDllName.Length / 2) && M->Phase != State::Leaving)
            return M;
    }
    return nullptr;
}

Result<Module*> AddModule(PVOID Base, const WCHAR* FullName, u32 Length, LDR_DLL_LOAD_REASON Reason)
{
    if (!Data.Length)
        InitializeLists();
    Module* M = NewZeroed<Module>((u64(Length) + 1) * sizeof(WCHAR));
    if (!M)
        return STATUS_NO_MEMORY;
    auto* Text = reinterpret_cast<WCHAR*>(M + 1);
    __builtin_memcpy(Text, FullName, Length * sizeof(WCHAR));
    u32 Start = Length;
    while (Start && Text[Start - 1] != '\\' && Text[Start - 1] != '/')
        --Start;
    M->FullDllName = { USHORT(Length * 2), USHORT(Length * 2 + 2), Text };
    M->BaseDllName = { USHORT((Length - Start) * 2), USHORT((Length - Start) * 2 + 2), Text + Start };
    Image View(Base);
    auto& Nt = *View.Headers();
    M->DllBase = Base;
    M->OriginalBase = Nt.OptionalHeader.ImageBase;
    M->SizeOfImage = Nt.OptionalHeader.SizeOfImage;
    M->TimeDateStamp = Nt.FileHeader.TimeDateStamp;
    if (Nt.OptionalHeader.AddressOfEntryPoint && Nt.OptionalHeader.AddressOfEntryPoint < M->SizeOfImage)
        M->EntryPoint = At<>(Base, Nt.OptionalHeader.AddressOfEntryPoint);
    M->Flags = LDRP_IN_LEGACY_LISTS | LDRP_LOAD_IN_PROGRESS | (Nt.FileHeader.Characteristics & IMAGE_FILE_DLL ? LDRP_IMAGE_DLL : 0);
    M->LoadReason = Reason;
    M->Batch = BatchNow();
    M->BaseNameHashValue = HashName(M->BaseDllName.Buffer, M->BaseDllName.Length / 2);
    NtQuerySystemTime(&M->LoadTime);
    M->ReferenceCount = 1;
    M->ObsoleteLoadCount = 1;
    M->DdagNode = reinterpret_cast<LDR_DDAG_NODE*>(&M->Node);
    M->Node.LoadCount = 1;
    InitializeListHead(&M->Node.Modules);
    InsertTailList(&M->Node.Modules, &M->NodeModuleLink);
    InitializeListHead(&M->InInitializationOrderLinks);

    u32 PdataSize;
    auto* Pdata = View.Directory<RUNTIME_FUNCTION>(IMAGE_DIRECTORY_ENTRY_EXCEPTION, PdataSize);
    RtlpAddImage(Base, M->SizeOfImage, Pdata, PdataSize / sizeof(RUNTIME_FUNCTION));
    SrwExclusive Held(ListLock);
    InsertTailList(&Data.InLoadOrderModuleList, &M->InLoadOrderLinks);
    InsertTailList(&Data.InMemoryOrderModuleList, &M->InMemoryOrderLinks);
    InsertTailList(&Hash[M->BaseNameHashValue % 32], &M->HashLinks);
    return M;
}

void RemoveModule(Module* M)
{
    {
        SrwExclusive Held(ListLock);
        RemoveEntryList(&M->InLoadOrderLinks);
        RemoveEntryList(&M->InMemoryOrderLinks);
        RemoveEntryList(&M->InInitializationOrderLinks);
        RemoveEntryList(&M->HashLinks);
    }
    RtlpRemoveImage(M->DllBase);
    RecordUnload(*M);
    NtUnmapViewOfSection(CurrentProcess(), M->DllBase);
    Free(M->Needs);
    Free(M);
}

bool AddNeed(Module* M, Module* Other)
{
    if (M == Other)
        return true;
    for (u32 I = 0; I < M->NeedCount; ++I) {
        if (M->Needs[I] == Other)
            return true;
    }
    if (M->NeedCount == M->NeedRoom) {
        u32 Room = M->NeedRoom ? M->NeedRoom * 2 : 8;
        auto** Bigger = static_cast<Module**>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Room * sizeof(Module*)));
        if (!Bigger)
            return false;
        if (M->NeedCount)
            __builtin_memcpy(Bigger, M->Needs, M->NeedCount * sizeof(Module*));
        Free(M->Needs);
        M->Needs = Bigger;
        M->NeedRoom = Room;
    }
    M->Needs[M->NeedCount++] = Other;
    return true;
}

}

// Called when a module's entry point has been called for attach.
void LdrpLinkInitialized(ldr::Module* M)
{
    RemoveEntryList(&M->InInitializationOrderLinks);
    InsertTailList(&ldr::Data.InInitializationOrderModuleList, &M->InInitializationOrderLinks);
}

// ntdll has no entry point but is the first in initialisation order.
void LdrpLinkFirst() { LdrpLinkInitialized(ldr::TheProcess.Ntdll); }
