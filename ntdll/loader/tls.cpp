// Static TLS: each module with a TLS directory has an index into every thread's vector (TEB.ThreadLocalStoragePointer) and a block
// per thread, copied from its template. A module that is loaded later gets its blocks for the threads that already run: they are
// linked through TEB.TlsLinks from before their first user code to their end. A vector that must grow is replaced by a larger copy;
// the old one lives until its thread ends, because that thread may be between reading the pointer and the index.
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

constexpr u32 MaxModules = 1024;
constinit Module* Owners[MaxModules] {};
constinit u32 Used = 0;                         // indices below are or were in use
constinit LIST_ENTRY Threads { &Threads, &Threads };

struct Vector {
    u32 Capacity;
    u32 Pad;
    Vector* Older;
    PVOID Slots[1];
};
Vector* VectorOf(TEB* T)
{
    return T->ThreadLocalStoragePointer ? RECORD_OF(T->ThreadLocalStoragePointer, Vector, Slots) : nullptr;
}

Vector* NewVector(u32 Capacity)
{
    auto* V = NewZeroed<Vector>(Capacity * sizeof(PVOID));
    if (V)
        V->Capacity = Capacity;
    return V;
}

struct Template {
    const u8* Data;
    u64 Size, ZeroFill, Alignment;
};

bool TemplateOf(Module* M, Template& Out, IMAGE_TLS_DIRECTORY64*& Directory)
{
    u32 Bytes;
    Image View = M->View();
    Directory = View.Directory<IMAGE_TLS_DIRECTORY64>(IMAGE_DIRECTORY_ENTRY_TLS, Bytes);
    if (!Directory)
        return false;
    Out = { nullptr, 0, Directory->SizeOfZeroFill, 16 };
    if (Directory->EndAddressOfRawData > Directory->StartAddressOfRawData) {
        Out.Size = Directory->EndAddressOfRawData - Directory->StartAddressOfRawData;
        Out.Data = View.FromAddress<u8>(Directory->StartAddressOfRawData, Out.Size);
        if (!Out.Data)
            return false;
    }
    if (u32 Log = Directory->Characteristics >> 20 & 0xF; Log > 5)
        Out.Alignment = u64(1) << (Log - 1);
    return true;
}

// Blocks remember where their allocation starts in the word before them.
PVOID NewBlock(const Template& T)
{
    u64 Total = T.Size + T.ZeroFill + T.Alignment + sizeof(PVOID);
    auto* Raw = static_cast<u8*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Total));
    if (!Raw)
        return nullptr;
    auto* Block = reinterpret_cast<u8*>(AlignUp(u64(Raw) + sizeof(PVOID), T.Alignment));
    reinterpret_cast<PVOID*>(Block)[-1] = Raw;
    if (T.Size)
        __builtin_memcpy(Block, T.Data, T.Size);
    __builtin_memset(Block + T.Size, 0, T.ZeroFill);
    return Block;
}
void FreeBlock(PVOID Block)
{
    if (Block)
        Free(static_cast<PVOID*>(Block)[-1]);
}

bool Give(TEB* T, u32 Index, PVOID Block)
{
    Vector* V = VectorOf(T);
    if (!V || Index >= V->Capacity) {
        Vector* Bigger = NewVector((Index + 16) & ~7u);
        if (!Bigger)
            return false;
        if (V)
            __builtin_memcpy(Bigger->Slots, V->Slots, V->Capacity * sizeof(PVOID));
        Bigger->Older = V;
        Bigger->Slots[Index] = Block;
        __atomic_store_n(&T->ThreadLocalStoragePointer, static_cast<PVOID>(Bigger->Slots), __ATOMIC_RELEASE);
        return true;
    }
    __atomic_store_n(&V->Slots[Index], Block, __ATOMIC_RELEASE);
    return true;
}

}

Status AddTls(Module* M)
{
    Template T;
    IMAGE_TLS_DIRECTORY64* Directory;
    M->TlsDone = true;
    if (!TemplateOf(M, T, Directory)) {
        return Directory ? STATUS_INVALID_IMAGE_FORMAT : STATUS_SUCCESS;
    }
    u32 Index = 0;
    while (Index < Used && Owners[Index])
        ++Index;
    if (Index == MaxModules)
        return STATUS_NO_MEMORY;
    if (Directory->AddressOfIndex) {
        u32* Where = M->View().FromAddress<u32>(Directory->AddressOfIndex);
        if (!Where)
            return STATUS_INVALID_IMAGE_FORMAT;
        ULONG Old;
        // The index variable is in writable data as a rule; if not, this makes its page ours.
        if (*Where != Index) {
            ProtectRange(Where, 4, PAGE_READWRITE, Old);
            *Where = Index;
            if (Old != PAGE_READWRITE && Old != PAGE_WRITECOPY)
                ProtectRange(Where, 4, Old, Old);
        }
    }
    Owners[Index] = M;
    if (Index == Used)
        ++Used;
    M->TlsIndex = USHORT(Index + 1);            // 0: none
    for (LIST_ENTRY* I = Threads.Flink; I != &Threads; I = I->Flink) {
        PVOID Block = NewBlock(T);
        if (!Block || !Give(RECORD_OF(I, TEB, TlsLinks), Index, Block))
            return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

void RemoveTls(Module* M)
{
    if (!M->TlsIndex)
        return;
    u32 Index = M->TlsIndex - 1u;
    Owners[Index] = nullptr;
    M->TlsIndex = 0;
    for (LIST_ENTRY* I = Threads.Flink; I != &Threads; I = I->Flink) {
        Vector* V = VectorOf(RECORD_OF(I, TEB, TlsLinks));
        if (V && Index < V->Capacity) {
            FreeBlock(V->Slots[Index]);
            V->Slots[Index] = nullptr;
        }
    }
}

Status AttachThreadTls()
{
    TEB* T = Teb();
    if (!T->TlsLinks.Flink)
        InsertTailList(&Threads, &T->TlsLinks);
    for (u32 I = 0; I < Used; ++I) {
        Template Shape;
        IMAGE_TLS_DIRECTORY64* Directory;
        if (!Owners[I] || !TemplateOf(Owners[I], Shape, Directory))
            continue;
        PVOID Block = NewBlock(Shape);
        if (!Block || !Give(T, I, Block))
            return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

void DetachThreadTls()
{
    TEB* T = Teb();
    if (T->TlsLinks.Flink) {
        RemoveEntryList(&T->TlsLinks);
        T->TlsLinks = {};
    }
    Vector* V = VectorOf(T);
    T->ThreadLocalStoragePointer = nullptr;
    for (u32 I = 0; V && I < V->Capacity; ++I)
        FreeBlock(V->Slots[I]);
    while (V) {
        Vector* Older = V->Older;
        Free(V);
        V = Older;
    }
}

void CallTlsCallbacks(Module* M, u32 Reason)
{
    u32 Bytes;
    Image View = M->View();
    auto* Directory = View.Directory<IMAGE_TLS_DIRECTORY64>(IMAGE_DIRECTORY_ENTRY_TLS, Bytes);
    if (!Directory || !Directory->AddressOfCallBacks)
        return;
    using CALLBACK = void NTAPI(PVOID, u32, PVOID);
    for (u64 I = 0;; ++I) {
        auto* Entry = View.FromAddress<CALLBACK*>(Directory->AddressOfCallBacks + I * 8);
        if (!Entry || !*Entry)
            return;
        (*Entry)(M->DllBase, Reason, nullptr);
    }
}

}
