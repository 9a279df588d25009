// RtlQueryProcessDebugInformation: a snapshot of a process's modules and heaps in a buffer whose parts point at one another.
// The modules of any process that can be read; heaps only of the caller's own. The layout is Windows' RTL_DEBUG_INFORMATION.
#include "ntdll/heap/heap.hpp"
#include "ntdll/loader/loader.hpp"

namespace {

constexpr ULONG QueryModules = 0x1, QueryHeaps = 0x4, QueryHeapBlocks = 0x10;
constexpr SIZE_T DefaultView = 4 * MiB, CommitStep = 64 * KiB;

struct MODULE_INFORMATION {
    HANDLE Section;
    PVOID MappedBase, ImageBase;
    ULONG ImageSize, Flags;
    USHORT LoadOrderIndex, InitOrderIndex, LoadCount, OffsetToFileName;
    char FullPathName[256];
};
static_assert(sizeof(MODULE_INFORMATION) == 296);
struct MODULES {
    ULONG Count;
    MODULE_INFORMATION Modules[1];
};

struct HEAP_ENTRY {
    SIZE_T Size;
    USHORT Flags, BackTraceIndex;
    SIZE_T Settable;
    PVOID FirstBlock;
};
struct HEAP_INFORMATION {
    PVOID BaseAddress;
    ULONG Flags;
    USHORT EntryOverhead, CreatorBackTraceIndex;
    SIZE_T BytesAllocated, BytesCommitted;
    ULONG NumberOfTags, NumberOfEntries, NumberOfPseudoTags, PseudoTagGranularity, Reserved[5];
    PVOID Tags;
    HEAP_ENTRY* Entries;
};
struct HEAPS {
    ULONG Count;
    HEAP_INFORMATION Heaps[1];
};

struct WALK_ENTRY {                     // RTL_HEAP_WALK_ENTRY; Extra: user value of a block, committed and uncommitted bytes of a region
    PVOID DataAddress;
    SIZE_T DataSize;
    UCHAR OverheadBytes, SegmentIndex;
    USHORT Flags;
    u64 Extra;
    PVOID FirstEntry, LastEntry;
};
static_assert(sizeof(WALK_ENTRY) == 48);
constexpr USHORT WalkBusy = 0x1, WalkRegion = 0x2, WalkUncommitted = 0x1000;

}

extern "C" {

struct RTL_DEBUG_INFORMATION {
    HANDLE SectionHandleClient;
    PVOID ViewBaseClient, ViewBaseTarget;
    ULONG_PTR ViewBaseDelta;
    HANDLE EventPairClient, EventPairTarget, TargetProcessId, TargetThreadHandle;
    ULONG Flags;
    SIZE_T OffsetFree, CommitSize, ViewSize;
    MODULES* Modules;
    PVOID BackTraces;
    HEAPS* Heaps;
    PVOID Locks, SpecificHeap;
    HANDLE TargetProcessHandle;
    PVOID VerifierOptions, ProcessHeap;
    HANDLE CriticalSectionHandle, CriticalSectionOwnerThread;
    PVOID Reserved[4];
};

NTSTATUS NTAPI RtlUnicodeToMultiByteN(char* To, ULONG Room, ULONG* Used, const WCHAR* From, ULONG Bytes);
NTSTATUS NTAPI RtlWalkHeap(PVOID Heap, PVOID Entry);
ULONG NTAPI RtlGetProcessHeaps(ULONG Room, PVOID* Heaps);

}

namespace {

// Room behind what is used, committed as it is needed; nullptr: the view is full.
template <typename T> T* Take(RTL_DEBUG_INFORMATION& Info, SIZE_T Bytes)
{
    SIZE_T Start = AlignUp<SIZE_T>(Info.OffsetFree, 8), End = Start + Bytes;
    if (End > Info.ViewSize)
        return nullptr;
    if (End > Info.CommitSize) {
        PVOID Base = At<>(&Info, Info.CommitSize);
        SIZE_T More = AlignUp<SIZE_T>(End - Info.CommitSize, CommitStep);
        if (More > Info.ViewSize - Info.CommitSize)
            More = Info.ViewSize - Info.CommitSize;
        if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &More, MEM_COMMIT, PAGE_READWRITE) < 0)
            return nullptr;
        Info.CommitSize += More;
    }
    Info.OffsetFree = End;
    return At<T>(&Info, Start);
}

Status ReadMemory(HANDLE Process, const void* From, PVOID To, SIZE_T Bytes)
{
    SIZE_T Done = 0;
    return NtReadVirtualMemory(Process, const_cast<PVOID>(From), To, Bytes, &Done);
}

Status ListModules(RTL_DEBUG_INFORMATION& Info, HANDLE Process)
{
    PROCESS_BASIC_INFORMATION Basic;
    TRY(Status(NtQueryInformationProcess(Process, ProcessBasicInformation, &Basic, sizeof(Basic), nullptr)));
    auto* List = Take<MODULES>(Info, __builtin_offsetof(MODULES, Modules));
    if (!List)
        return STATUS_NO_MEMORY;
    *List = {};
    Info.Modules = List;
    PEB_LDR_DATA* Ldr;
    TRY(ReadMemory(Process, &reinterpret_cast<PEB*>(Basic.PebBaseAddress)->Ldr, &Ldr, sizeof(Ldr)));
    if (!Ldr)
        return STATUS_SUCCESS;          // it has not started yet
    LIST_ENTRY *Head = &Ldr->InLoadOrderModuleList, *At;
    TRY(ReadMemory(Process, &Head->Flink, &At, sizeof(At)));
    constexpr u32 Most = 10000;         // another process's list may be anything
    while (At != Head && List->Count < Most) {
        LDR_DATA_TABLE_ENTRY Entry;
        TRY(ReadMemory(Process, RECORD_OF(At, LDR_DATA_TABLE_ENTRY, InLoadOrderLinks), &Entry, sizeof(Entry)));
        auto* M = Take<MODULE_INFORMATION>(Info, sizeof(MODULE_INFORMATION));
        if (!M)
            return STATUS_NO_MEMORY;
        *M = {};
        M->ImageBase = Entry.DllBase;
        M->ImageSize = Entry.SizeOfImage;
        M->Flags = Entry.Flags;
        M->LoadOrderIndex = USHORT(List->Count);
        M->LoadCount = Entry.ObsoleteLoadCount;
        WCHAR Path[256];
        ULONG Bytes = Entry.FullDllName.Length < sizeof(Path) ? Entry.FullDllName.Length : ULONG(sizeof(Path)), Used = 0;
        TRY(ReadMemory(Process, Entry.FullDllName.Buffer, Path, Bytes));
        RtlUnicodeToMultiByteN(M->FullPathName, sizeof(M->FullPathName) - 1, &Used, Path, Bytes);
        for (ULONG I = 0; I < Used; ++I)
            if (M->FullPathName[I] == '\\')
                M->OffsetToFileName = USHORT(I + 1);
        ++List->Count;
        At = Entry.InLoadOrderLinks.Flink;
    }
    return STATUS_SUCCESS;
}

Status ListHeap(RTL_DEBUG_INFORMATION& Info, HEAP_INFORMATION& H, PVOID Heap, bool Blocks)
{
    H = {};
    H.BaseAddress = Heap;
    H.EntryOverhead = 16;
    WALK_ENTRY Walk {};
    NTSTATUS Answer;
    while ((Answer = RtlWalkHeap(Heap, &Walk)) >= 0) {
        if (Walk.Flags & WalkRegion)
            H.BytesCommitted += u32(Walk.Extra);
        else if (Walk.Flags & WalkBusy)
            H.BytesAllocated += Walk.DataSize;
        if (!Blocks || Walk.Flags & WalkUncommitted)
            continue;
        auto* E = Take<HEAP_ENTRY>(Info, sizeof(HEAP_ENTRY));
        if (!E)
            return STATUS_NO_MEMORY;
        bool Region = Walk.Flags & WalkRegion;
        *E = { Region ? Walk.DataSize : Walk.DataSize + Walk.OverheadBytes, Walk.Flags, 0, Region ? u32(Walk.Extra) : Walk.Extra, Walk.FirstEntry };
        if (!H.Entries)
            H.Entries = E;
        ++H.NumberOfEntries;
    }
    return Answer == STATUS_NO_MORE_ENTRIES ? STATUS_SUCCESS : Answer;
}

Status ListHeaps(RTL_DEBUG_INFORMATION& Info, bool Blocks)
{
    PVOID Handles[64];
    ULONG Count = RtlGetProcessHeaps(64, Handles);
    Count = Count < 64 ? Count : 64;
    auto* List = Take<HEAPS>(Info, __builtin_offsetof(HEAPS, Heaps) + Count * sizeof(HEAP_INFORMATION));
    if (!List)
        return STATUS_NO_MEMORY;
    List->Count = Count;
    Info.Heaps = List;
    Info.ProcessHeap = Peb()->ProcessHeap;
    for (ULONG I = 0; I < Count; ++I)
        TRY(ListHeap(Info, List->Heaps[I], Handles[I], Blocks));
    return STATUS_SUCCESS;
}

}

extern "C" {

RTL_DEBUG_INFORMATION* NTAPI RtlCreateQueryDebugBuffer(ULONG MaximumCommit, BOOLEAN)
{
    SIZE_T View = MaximumCommit ? AlignUp<SIZE_T>(MaximumCommit, CommitStep) : DefaultView, First = CommitStep;
    PVOID Base = nullptr;
    if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &View, MEM_RESERVE, PAGE_READWRITE) < 0)
        return nullptr;
    if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &First, MEM_COMMIT, PAGE_READWRITE) < 0) {
        SIZE_T Whole = 0;
        NtFreeVirtualMemory(CurrentProcess(), &Base, &Whole, MEM_RELEASE);
        return nullptr;
    }
    auto* Info = static_cast<RTL_DEBUG_INFORMATION*>(Base);
    Info->ViewBaseClient = Info->ViewBaseTarget = Base;
    Info->OffsetFree = sizeof(*Info);
    Info->CommitSize = First;
    Info->ViewSize = View;
    return Info;
}

NTSTATUS NTAPI RtlDestroyQueryDebugBuffer(RTL_DEBUG_INFORMATION* Info)
{
    PVOID Base = Info;
    SIZE_T Whole = 0;
    return NtFreeVirtualMemory(CurrentProcess(), &Base, &Whole, MEM_RELEASE);
}

NTSTATUS NTAPI RtlQueryProcessDebugInformation(HANDLE Id, ULONG Flags, RTL_DEBUG_INFORMATION* Info)
{
    const bool Own = Id == Teb()->ClientId.UniqueProcess;
    HANDLE Process = CurrentProcess();
    if (!Own) {
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
        CLIENT_ID Client { Id, nullptr };
        NTSTATUS Opened = NtOpenProcess(&Process, PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, &Attributes, &Client);
        if (Opened < 0)
            return Opened;
    }
    if (Flags & ~(Own ? QueryModules | QueryHeaps | QueryHeapBlocks : QueryModules)) {
        if (!Own)
            NtClose(Process);
        return STATUS_NOT_SUPPORTED;
    }
    Info->Flags = Flags;
    Info->TargetProcessId = Id;
    Info->OffsetFree = sizeof(*Info);
    Info->Modules = nullptr;
    Info->Heaps = nullptr;
    Status Answer = STATUS_SUCCESS;
    if (Flags & QueryModules)
        Answer = ListModules(*Info, Process);
    if (Answer.Ok() && Flags & (QueryHeaps | QueryHeapBlocks))
        Answer = ListHeaps(*Info, Flags & QueryHeapBlocks);
    if (!Own)
        NtClose(Process);
    return Answer.Code();
}

}
