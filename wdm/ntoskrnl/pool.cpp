// Pools with tags, lookaside lists, MDLs.
#include "wdm/ntoskrnl/host.hpp"

namespace host {

namespace {

// In front of every block. Guards on both ends tell of writes outside.
struct Head {
    usize Bytes;
    ULONG Tag, Guard;
};
static_assert(sizeof(Head) == 16);
constexpr ULONG Alive = 0xA11C0DE5, Dead = 0xDEAD0DE5;

void* Take(usize Bytes, ULONG Tag, bool Zero)
{
    // Blocks of a page and more are page aligned, as on Windows.
    usize Align = Bytes >= PageSize ? PageSize : 16;
    usize Room = Bytes + sizeof(Head) + 4 + (Align > 16 ? PageSize : 0);
    if (Room < Bytes)
        return nullptr;
    auto* Raw = static_cast<u8*>(RtlAllocateHeap(ProcessHeap(), Zero ? HEAP_ZERO_MEMORY : 0, Room + sizeof(void*)));
    if (!Raw)
        return nullptr;
    u8* At = Align > 16 ? reinterpret_cast<u8*>(AlignUp(u64(Raw) + sizeof(Head) + sizeof(void*), PageSize)) : Raw + sizeof(Head);
    auto* H = reinterpret_cast<Head*>(At) - 1;
    *H = { Bytes, Tag, Alive };
    ULONG End = Alive;
    memcpy(At + Bytes, &End, 4);
    if (Align > 16)
        memcpy(reinterpret_cast<u8*>(H) - sizeof(void*), &Raw, sizeof(void*));
    return At;
}

void Give(void* At, ULONG Tag, const void* Caller)
{
    if (!At)
        BugCheck(0xC2, 0x46, 0, 0, 0, "BAD_POOL_CALLER: null is freed", Caller);
    auto* H = static_cast<Head*>(At) - 1;
    ULONG End;
    if (H->Guard != Alive)
        BugCheck(0xC2, 7, u64(At), H->Tag, 0, H->Guard == Dead ? "BAD_POOL_CALLER: a block is freed twice" : "BAD_POOL_CALLER: what is freed is no pool block, or its head is overwritten", Caller);
    memcpy(&End, static_cast<u8*>(At) + H->Bytes, 4);
    if (End != Alive)
        BugCheck(0x19, 0x20, u64(At), H->Tag, H->Bytes, "BAD_POOL_HEADER: written behind the end of a pool block", Caller);
    if (Tag && H->Tag && (Tag & 0x7FFFFFFF) != (H->Tag & 0x7FFFFFFF) && Tag != ' GIB')
        BugCheck(0xC2, 0x0A, u64(At), H->Tag, Tag, "BAD_POOL_CALLER: a block is freed with another tag", Caller);
    H->Guard = Dead;
    void* Raw = H;
    if (H->Bytes >= PageSize)
        memcpy(&Raw, reinterpret_cast<u8*>(H) - sizeof(void*), sizeof(void*));
    RtlFreeHeap(ProcessHeap(), 0, Raw);
}

}

}

using namespace host;
#define CALLER __builtin_return_address(0)

extern "C" {

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    if ((Type & 1) == PagedPool)
        RequireIrql(APC_LEVEL, "paged pool is allocated at DISPATCH_LEVEL", CALLER);
    PVOID At = Take(Bytes, Tag, false);
    if (!At && Type & POOL_RAISE_IF_ALLOCATION_FAILURE)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return At;
}
PVOID NTAPI ExAllocatePool(POOL_TYPE Type, SIZE_T Bytes) { return ExAllocatePoolWithTag(Type, Bytes, 'enoN'); }
PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag)
{
    PVOID At = ExAllocatePoolWithTag(POOL_TYPE(Type & ~8), Bytes, Tag);
    if (!At && !(Type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return At;
}
PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE Type, SIZE_T Bytes) { return ExAllocatePoolWithQuotaTag(Type, Bytes, 'enoN'); }
PVOID NTAPI ExAllocatePoolWithTagPriority(POOL_TYPE Type, SIZE_T Bytes, ULONG Tag, EX_POOL_PRIORITY) { return ExAllocatePoolWithTag(Type, Bytes, Tag); }
PVOID NTAPI ExAllocatePool2(ULONGLONG Flags, SIZE_T Bytes, ULONG Tag) { return Take(Bytes, Tag, !(Flags & 2)); }        // POOL_FLAG_UNINITIALIZED
PVOID NTAPI ExAllocatePool3(ULONGLONG Flags, SIZE_T Bytes, ULONG Tag, PVOID, ULONG) { return Take(Bytes, Tag, !(Flags & 2)); }
void NTAPI ExFreePool(PVOID At) { Give(At, 0, CALLER); }
void NTAPI ExFreePoolWithTag(PVOID At, ULONG Tag) { Give(At, Tag, CALLER); }
void NTAPI ExFreePool2(PVOID At, ULONG Tag, PVOID, ULONG) { Give(At, Tag, CALLER); }

// --- lookaside lists. The fast path of allocation is inline in drivers, on the SLIST in the general part.

static void Fill(PGENERAL_LOOKASIDE L, PALLOCATE_FUNCTION Allocate, PFREE_FUNCTION Free, ULONG Flags, SIZE_T Size, ULONG Tag, POOL_TYPE Type)
{
    memset(L, 0, sizeof(*L));
    RtlInitializeSListHead(&L->ListHead);
    L->Depth = 4;                       // NT's least, which its balance set manager raises
    L->MaximumDepth = 256;
    L->Tag = Tag;
    L->Type = POOL_TYPE(Type | (Flags & (POOL_RAISE_IF_ALLOCATION_FAILURE | NonPagedPoolNx)));
    L->Size = ULONG(Size < LOOKASIDE_MINIMUM_BLOCK_SIZE ? LOOKASIDE_MINIMUM_BLOCK_SIZE : Size);
    L->Allocate = Allocate ? Allocate : ExAllocatePoolWithTag;
    L->Free = Free ? Free : ExFreePool;
}
void NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST L, PALLOCATE_FUNCTION A, PFREE_FUNCTION F, ULONG Flags, SIZE_T Size, ULONG Tag, USHORT)
{
    Fill(&L->L, A, F, Flags, Size, Tag, NonPagedPool);
}
void NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST L, PALLOCATE_FUNCTION A, PFREE_FUNCTION F, ULONG Flags, SIZE_T Size, ULONG Tag, USHORT)
{
    Fill(&L->L, A, F, Flags, Size, Tag, PagedPool);
}
static void Empty(PGENERAL_LOOKASIDE L)
{
    while (PVOID E = RtlInterlockedPopEntrySList(&L->ListHead))
        L->Free(E);
}
void NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST L) { Empty(&L->L); }
void NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST L) { Empty(&L->L); }
static PVOID FromList(PGENERAL_LOOKASIDE L)
{
    ++L->TotalAllocates;
    if (PVOID E = RtlInterlockedPopEntrySList(&L->ListHead))
        return E;
    ++L->AllocateMisses;
    return L->Allocate(L->Type, L->Size, L->Tag);
}
static void ToList(PGENERAL_LOOKASIDE L, PVOID E)
{
    ++L->TotalFrees;
    if (RtlQueryDepthSList(&L->ListHead) < L->Depth)
        RtlInterlockedPushEntrySList(&L->ListHead, static_cast<PSLIST_ENTRY>(E));
    else
        L->Free(E);
}
PVOID NTAPI ExAllocateFromNPagedLookasideListExport(PNPAGED_LOOKASIDE_LIST L) { return FromList(&L->L); }
PVOID NTAPI ExAllocateFromPagedLookasideListExport(PPAGED_LOOKASIDE_LIST L) { return FromList(&L->L); }
void NTAPI ExFreeToNPagedLookasideListExport(PNPAGED_LOOKASIDE_LIST L, PVOID E) { ToList(&L->L, E); }
void NTAPI ExFreeToPagedLookasideListExport(PPAGED_LOOKASIDE_LIST L, PVOID E) { ToList(&L->L, E); }

// --- MDLs. All memory of the process is addressable and stays, so locking and mapping change flags only; frames are known for the data area,
// for memory the Executive has given for DMA, and for pages lent with a request, which alone have to be mapped.

PMDL NTAPI IoAllocateMdl(PVOID At, ULONG Length, BOOLEAN Secondary, BOOLEAN, PIRP I)
{
    usize Pages = ((u64(At) & PageMask) + Length + PageMask) >> PageShift;
    auto* M = static_cast<MDL*>(Allocate(sizeof(MDL) + Pages * sizeof(PFN_NUMBER)));
    if (!M)
        return nullptr;
    M->Size = CSHORT(sizeof(MDL) + Pages * sizeof(PFN_NUMBER));
    M->StartVa = reinterpret_cast<PVOID>(u64(At) & ~PageMask);
    M->ByteOffset = ULONG(u64(At) & PageMask);
    M->ByteCount = Length;
    if (I) {
        MDL** Where = &I->MdlAddress;
        while (Secondary && *Where)
            Where = &(*Where)->Next;
        *Where = M;
    }
    return M;
}
void NTAPI IoFreeMdl(PMDL M) { Free(M); }
void NTAPI MmBuildMdlForNonPagedPool(PMDL M)
{
    M->MappedSystemVa = static_cast<u8*>(M->StartVa) + M->ByteOffset;
    M->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}
// An address of the client whose request this thread works on: the frames are the Executive's to name, and nothing of it is in this process.
static NTSTATUS LockClient(PMDL M, LOCK_OPERATION Operation)
{
    wd::ClientRange R { Current()->ClientTag, Operation != IoReadAccess, u64(M->StartVa) + M->ByteOffset, M->ByteCount, 0 };
    usize Pages = (M->ByteOffset + u64(M->ByteCount) + PageMask) >> PageShift;
    static_assert(sizeof(PFN_NUMBER) == sizeof(u64));
    NTSTATUS Status = Control(wd::Control::LockClient, &R, sizeof(R), M + 1, Pages * sizeof(u64));
    if (Status >= 0) {
        MarkLent(M, R.Tag);
        M->MdlFlags |= CSHORT(MDL_PAGES_LOCKED | (Operation != IoReadAccess ? MDL_WRITE_OPERATION : 0));
    }
    return Status;
}
void NTAPI MmProbeAndLockPages(PMDL M, KPROCESSOR_MODE Mode, LOCK_OPERATION Operation)
{
    u8* At = static_cast<u8*>(M->StartVa) + M->ByteOffset;
    if (Thread* T = Current(); Mode == UserMode && T->Client && (u64(At) < T->OwnStart || u64(At) >= T->OwnEnd)) {
        if (NTSTATUS Status = LockClient(M, Operation); Status < 0)
            RtlRaiseStatus(Status);
        return;
    }
    // What cannot be read (or written) raises here, as on Windows.
    for (ULONG O = 0; O < M->ByteCount; O += PageSize - ((u64(At) + O) & PageMask)) {
        volatile u8* P = At + O;
        u8 V = *P;
        if (Operation != IoReadAccess)
            *P = V;
    }
    M->MappedSystemVa = At;
    M->MdlFlags |= CSHORT(MDL_PAGES_LOCKED | (Operation != IoReadAccess ? MDL_WRITE_OPERATION : 0));
}
void NTAPI MmUnlockPages(PMDL M) { M->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION); }
PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDLX M, KPROCESSOR_MODE, MEMORY_CACHING_TYPE, PVOID, ULONG, MM_PAGE_PRIORITY)
{
    u8* At = IsLent(M) ? MapLent(M) : static_cast<u8*>(M->StartVa) + M->ByteOffset;
    if (!At)
        return nullptr;
    M->MappedSystemVa = At;
    M->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    return M->MappedSystemVa;
}
PVOID NTAPI MmMapLockedPages(PMDL M, KPROCESSOR_MODE Mode) { return MmMapLockedPagesSpecifyCache(M, Mode, MmCached, nullptr, 0, NormalPagePriority); }
void NTAPI MmUnmapLockedPages(PVOID, PMDL M) { M->MdlFlags &= ~MDL_MAPPED_TO_SYSTEM_VA; }
SIZE_T NTAPI MmSizeOfMdl(PVOID At, SIZE_T Length) { return sizeof(MDL) + (((u64(At) & PageMask) + Length + PageMask) >> PageShift) * sizeof(PFN_NUMBER); }
NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL, ULONG) { return STATUS_SUCCESS; }
void NTAPI IoBuildPartialMdl(PMDL From, PMDL To, PVOID At, ULONG Length)
{
    u8* Base = static_cast<u8*>(From->StartVa) + From->ByteOffset;
    if (!Length)
        Length = ULONG(From->ByteCount - (static_cast<u8*>(At) - Base));
    u64 First = (u64(At) >> PageShift) - (u64(From->StartVa) >> PageShift);
    usize Pages = ((u64(At) & PageMask) + Length + PageMask) >> PageShift;
    To->StartVa = reinterpret_cast<PVOID>(u64(At) & ~PageMask);
    To->ByteOffset = ULONG(u64(At) & PageMask);
    To->ByteCount = Length;
    To->Process = From->Process;
    To->MdlFlags = CSHORT((To->MdlFlags & MDL_ALLOCATED_FIXED_SIZE) | MDL_PARTIAL | (From->MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA | MDL_PAGES_LOCKED | MDL_IO_SPACE)));
    To->MappedSystemVa = static_cast<u8*>(From->MappedSystemVa) + (static_cast<u8*>(At) - Base);
    memcpy(To + 1, reinterpret_cast<PFN_NUMBER*>(From + 1) + First, Pages * sizeof(PFN_NUMBER));
}
BOOLEAN NTAPI MmIsAddressValid(PVOID At)
{
    struct {                            // MEMORY_BASIC_INFORMATION
        PVOID Base, AllocationBase;
        ULONG AllocationProtect, Partition;
        SIZE_T Bytes;
        ULONG State, Protect, Type, Pad;
    } Info;
    return NtQueryVirtualMemory(NtCurrentProcess(), At, 0, &Info, sizeof(Info), nullptr) >= 0 && Info.State == 0x1000 && !(Info.Protect & (PAGE_NOACCESS | PAGE_GUARD));
}
PVOID NTAPI MmAllocateNonCachedMemory(SIZE_T Bytes) { return Take(AlignUp(Bytes, PageSize), 'cNmM', true); }
void NTAPI MmFreeNonCachedMemory(PVOID At, SIZE_T) { Give(At, 0, CALLER); }
PVOID NTAPI MmLockPagableDataSection(PVOID At) { return At; }
void NTAPI MmLockPagableSectionByHandle(PVOID) { }
void NTAPI MmUnlockPagableImageSection(PVOID) { }
PVOID NTAPI MmPageEntireDriver(PVOID At) { return At; }
void NTAPI MmResetDriverPaging(PVOID) { }
MM_SYSTEMSIZE NTAPI MmQuerySystemSize() { return MmMediumSystem; }
BOOLEAN NTAPI MmIsThisAnNtAsSystem() { return FALSE; }
LOGICAL NTAPI MmIsDriverVerifying(PDRIVER_OBJECT) { return TRUE; }

void NTAPI ProbeForRead(const void* At, SIZE_T Length, ULONG Alignment)
{
    if (!Length)
        return;
    if (u64(At) & (Alignment - 1))
        RtlRaiseStatus(STATUS_DATATYPE_MISALIGNMENT);
    if (u64(At) + Length < u64(At) || u64(At) + Length > 0x7FFFFFFF0000)
        RtlRaiseStatus(STATUS_ACCESS_VIOLATION);
}
void NTAPI ProbeForWrite(PVOID At, SIZE_T Length, ULONG Alignment)
{
    ProbeForRead(At, Length, Alignment);
    auto* P = static_cast<volatile u8*>(At);
    for (SIZE_T O = 0; O < Length; O += PageSize - ((u64(At) + O) & PageMask))
        P[O] = P[O];
}

}
