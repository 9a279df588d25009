// From an address to its unwind data: the images, and the tables that programs add for code they generate.
#include "ntdll/exception/exception.hpp"
#include "ntdll/heap/heap.hpp"
#include "ntdll/sync/sync.hpp"

namespace {

struct Entry {
    u64 Base, End;
    RUNTIME_FUNCTION* Functions;
    u32 Count;
};

// Sorted by Base. Grown by doubling; entered only with the lock, so that readers see whole entries.
PROCESS_LOCK constinit RTL_SRWLOCK ImagesLock {};
constinit Entry FirstImages[64] {};
constinit Entry* Images = FirstImages;
constinit u32 ImageCount = 0, ImageRoom = 64;

// DYNAMIC_FUNCTION_TABLE as debuggers know it.
enum TableType : u32 { Sorted, Unsorted, Callback, Growable };
struct DynamicTable {
    LIST_ENTRY Links;
    RUNTIME_FUNCTION* Functions;
    LARGE_INTEGER TimeStamp;
    u64 MinimumAddress, MaximumAddress, BaseAddress;
    GET_RUNTIME_FUNCTION_CALLBACK* CallbackFunction;
    PVOID Context;
    WCHAR* OutOfProcessDll;
    TableType Type;
    u32 Count;
    u64 Identifier;             // what RtlDeleteFunctionTable is given
    u32 MaximumCount;
};
PROCESS_LOCK constinit RTL_SRWLOCK DynamicLock {};
constinit LIST_ENTRY Dynamic { &Dynamic, &Dynamic };

RUNTIME_FUNCTION* Search(RUNTIME_FUNCTION* Functions, u32 Count, u32 Rva)
{
    u32 Low = 0, High = Count;
    while (Low < High) {
        u32 Middle = Low + (High - Low) / 2;
        if (Rva < Functions[Middle].BeginAddress)
            High = Middle;
        else if (Rva >= Functions[Middle].EndAddress)
            Low = Middle + 1;
        else
            return &Functions[Middle];
    }
    return nullptr;
}

// An entry with bit 0 set refers to another one.
RUNTIME_FUNCTION* Direct(RUNTIME_FUNCTION* Function, u64 Base)
{
    for (u32 Depth = 0; Function && Function->UnwindData & 1 && Depth < 32; ++Depth)
        Function = reinterpret_cast<RUNTIME_FUNCTION*>(Base + (Function->UnwindData & ~1u));
    return Function;
}

bool Insert(DynamicTable* T)
{
    if (!T)
        return false;
    NtQuerySystemTime(&T->TimeStamp);
    SrwExclusive Held(DynamicLock);
    InsertTailList(&Dynamic, &T->Links);
    return true;
}

void Bounds(DynamicTable& T)
{
    if (!T.Count)
        return;
    u32 Low = ~0u, High = 0;
    for (u32 I = 0; I < T.Count; ++I) {
        if (T.Functions[I].BeginAddress < Low)
            Low = T.Functions[I].BeginAddress;
        if (T.Functions[I].EndAddress > High)
            High = T.Functions[I].EndAddress;
    }
    T.MinimumAddress = T.BaseAddress + Low;
    T.MaximumAddress = T.BaseAddress + High;
}

RUNTIME_FUNCTION* LookupDynamic(u64 Pc, u64* ImageBase)
{
    GET_RUNTIME_FUNCTION_CALLBACK* Ask = nullptr;
    PVOID Context = nullptr;
    {
        SrwShared Held(DynamicLock);
        for (LIST_ENTRY* I = Dynamic.Flink; I != &Dynamic && !Ask; I = I->Flink) {
            auto& T = *RECORD_OF(I, DynamicTable, Links);
            if (Pc < T.MinimumAddress || Pc >= T.MaximumAddress)
                continue;
            *ImageBase = T.BaseAddress;
            u32 Rva = u32(Pc - T.BaseAddress);
            if (T.Type == Callback) {
                Ask = T.CallbackFunction;
                Context = T.Context;
            } else if (T.Type == Unsorted) {
                for (u32 F = 0; F < T.Count; ++F) {
                    if (Rva >= T.Functions[F].BeginAddress && Rva < T.Functions[F].EndAddress)
                        return Direct(&T.Functions[F], T.BaseAddress);
                }
            } else if (auto* Found = Search(T.Functions, __atomic_load_n(&T.Count, __ATOMIC_ACQUIRE), Rva)) {
                return Direct(Found, T.BaseAddress);
            }
        }
    }
    // Outside the lock: the callback is the program's.
    return Ask ? Ask(Pc, Context) : nullptr;
}

}

void RtlpAddImage(PVOID Base, u64 Size, RUNTIME_FUNCTION* Pdata, u32 Count)
{
    SrwExclusive Held(ImagesLock);
    if (ImageCount == ImageRoom) {
        auto* Bigger = static_cast<Entry*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, ImageRoom * 2 * sizeof(Entry)));
        if (!Bigger)
            return;
        __builtin_memcpy(Bigger, Images, ImageCount * sizeof(Entry));
        if (Images != FirstImages)
            Free(Images);
        Images = Bigger;
        ImageRoom *= 2;
    }
    u32 I = ImageCount++;
    for (; I && Images[I - 1].Base > u64(Base); --I)
        Images[I] = Images[I - 1];
    Images[I] = { u64(Base), u64(Base) + Size, Pdata, Count };
}

void RtlpRemoveImage(PVOID Base)
{
    SrwExclusive Held(ImagesLock);
    for (u32 I = 0; I < ImageCount; ++I) {
        if (Images[I].Base != u64(Base))
            continue;
        --ImageCount;
        for (; I < ImageCount; ++I)
            Images[I] = Images[I + 1];
    }
}

extern "C" {

RUNTIME_FUNCTION* NTAPI RtlLookupFunctionEntry(u64 ControlPc, u64* ImageBase, void*)
{
    {
        SrwShared Held(ImagesLock);
        u32 Low = 0, High = ImageCount;
        while (Low < High) {
            u32 Middle = Low + (High - Low) / 2;
            const Entry& E = Images[Middle];
            if (ControlPc < E.Base) {
                High = Middle;
            } else if (ControlPc >= E.End) {
                Low = Middle + 1;
            } else {
                *ImageBase = E.Base;
                return Direct(Search(E.Functions, E.Count, u32(ControlPc - E.Base)), E.Base);
            }
        }
    }
    *ImageBase = 0;
    return LookupDynamic(ControlPc, ImageBase);
}

PVOID NTAPI RtlLookupFunctionTable(PVOID ControlPc, PVOID* ImageBase, ULONG* Length)
{
    SrwShared Held(ImagesLock);
    for (u32 I = 0; I < ImageCount; ++I) {
        if (u64(ControlPc) >= Images[I].Base && u64(ControlPc) < Images[I].End) {
            *ImageBase = reinterpret_cast<PVOID>(Images[I].Base);
            *Length = Images[I].Count * ULONG(sizeof(RUNTIME_FUNCTION));
            return Images[I].Functions;
        }
    }
    return nullptr;
}

BOOLEAN NTAPI RtlAddFunctionTable(RUNTIME_FUNCTION* Functions, ULONG Count, u64 Base)
{
    auto* T = NewZeroed<DynamicTable>();
    if (!T)
        return 0;
    T->Functions = Functions;
    T->Count = T->MaximumCount = Count;
    T->BaseAddress = Base;
    T->Identifier = u64(Functions);
    T->Type = Sorted;
    for (u32 I = 1; I < Count; ++I) {
        if (Functions[I].BeginAddress < Functions[I - 1].BeginAddress)
            T->Type = Unsorted;
    }
    Bounds(*T);
    return Insert(T);
}

BOOLEAN NTAPI RtlInstallFunctionTableCallback(u64 Identifier, u64 Base, ULONG Length, GET_RUNTIME_FUNCTION_CALLBACK* Function, PVOID Context,
                                              const WCHAR*)
{
    if ((Identifier & 3) != 3)
        return 0;
    auto* T = NewZeroed<DynamicTable>();
    if (!T)
        return 0;
    T->Identifier = Identifier;
    T->BaseAddress = T->MinimumAddress = Base;
    T->MaximumAddress = Base + Length;
    T->CallbackFunction = Function;
    T->Context = Context;
    T->Type = Callback;
    return Insert(T);
}

BOOLEAN NTAPI RtlDeleteFunctionTable(RUNTIME_FUNCTION* Functions)
{
    DynamicTable* Found = nullptr;
    {
        SrwExclusive Held(DynamicLock);
        for (LIST_ENTRY* I = Dynamic.Flink; I != &Dynamic && !Found; I = I->Flink) {
            auto* T = RECORD_OF(I, DynamicTable, Links);
            if (T->Identifier == u64(Functions) && T->Type != Growable) {
                RemoveEntryList(I);
                Found = T;
                break;
            }
        }
    }
    Free(Found);
    return Found != nullptr;
}

ULONG NTAPI RtlAddGrowableFunctionTable(PVOID* Handle, RUNTIME_FUNCTION* Functions, ULONG Count, ULONG MaximumCount, u64 Base, u64 End)
{
    auto* T = NewZeroed<DynamicTable>();
    if (!T)
        return ULONG(STATUS_NO_MEMORY);
    T->Functions = Functions;
    T->Count = Count;
    T->MaximumCount = MaximumCount;
    T->BaseAddress = T->MinimumAddress = Base;
    T->MaximumAddress = End;
    T->Identifier = u64(T);
    T->Type = Growable;
    Insert(T);
    *Handle = T;
    return 0;
}
void NTAPI RtlGrowFunctionTable(PVOID Handle, ULONG Count)
{
    auto* T = static_cast<DynamicTable*>(Handle);
    if (Count <= T->MaximumCount)
        __atomic_store_n(&T->Count, Count, __ATOMIC_RELEASE);
}
void NTAPI RtlDeleteGrowableFunctionTable(PVOID Handle)
{
    {
        SrwExclusive Held(DynamicLock);
        RemoveEntryList(&static_cast<DynamicTable*>(Handle)->Links);
    }
    Free(Handle);
}
LIST_ENTRY* NTAPI RtlGetFunctionTableListHead() { return &Dynamic; }

USHORT NTAPI RtlCaptureStackBackTrace(ULONG Skip, ULONG Count, PVOID* Trace, ULONG* Hash)
{
    CONTEXT Context;
    USHORT Stored = 0;
    ULONG Sum = 0;
    RtlCaptureContext(&Context);
    Context.ContextFlags = CONTEXT_FULL;
    for (u32 Frame = 0; Stored < Count && Frame < Skip + Count + 1; ++Frame) {
        u64 Base, Establisher;
        PVOID Data;
        RUNTIME_FUNCTION* Function = RtlLookupFunctionEntry(Context.Rip, &Base, nullptr);
        RtlVirtualUnwind(UNWIND_HANDLER_NONE, Base, Context.Rip, Function, &Context, &Data, &Establisher, nullptr);
        if (!Context.Rip || Establisher < u64(Teb()->NtTib.StackLimit) || Establisher >= u64(Teb()->NtTib.StackBase)
            || Context.Rsp > u64(Teb()->NtTib.StackBase))
            break;
        if (Frame >= Skip) {
            Trace[Stored++] = reinterpret_cast<PVOID>(Context.Rip);
            Sum += ULONG(Context.Rip);
        }
    }
    if (Hash)
        *Hash = Sum;
    return Stored;
}
ULONG NTAPI RtlWalkFrameChain(PVOID* Callers, ULONG Count, ULONG Flags)
{
    return Flags & 1 ? 0 : RtlCaptureStackBackTrace(Flags >> 8, Count, Callers, nullptr);
}

}
