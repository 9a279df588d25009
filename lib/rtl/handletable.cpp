// Handle tables of a process: entries of a fixed size in a block that is allocated when first needed; bit 0 of an entry
// marks it as in use.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr ULONG Allocated = 1;

u8* Bytes(RTL_HANDLE_TABLE_ENTRY* Entry) { return reinterpret_cast<u8*>(Entry); }

// Every entry at once joins the free list.
bool Commit(RTL_HANDLE_TABLE* Table)
{
    usize Size = usize(Table->MaximumNumberOfHandles) * Table->SizeOfHandleTableEntry;
    auto* Block = static_cast<u8*>(rtl::platform::Allocate(Size));
    if (!Block)
        return false;
    CRT(memset)(Block, 0, Size);
    Table->CommittedHandles = reinterpret_cast<RTL_HANDLE_TABLE_ENTRY*>(Block);
    Table->UnCommittedHandles = Table->MaxReservedHandles = reinterpret_cast<RTL_HANDLE_TABLE_ENTRY*>(Block + Size);
    for (ULONG I = Table->MaximumNumberOfHandles; I-- > 0;) {
        auto* Entry = reinterpret_cast<RTL_HANDLE_TABLE_ENTRY*>(Block + usize(I) * Table->SizeOfHandleTableEntry);
        Entry->NextFree = Table->FreeHandles;
        Table->FreeHandles = Entry;
    }
    return true;
}

}

extern "C" {

void NTAPI RtlInitializeHandleTable(ULONG Count, ULONG Size, RTL_HANDLE_TABLE* Table)
{
    *Table = {};
    Table->MaximumNumberOfHandles = Count;
    Table->SizeOfHandleTableEntry = Size;
}

NTSTATUS NTAPI RtlDestroyHandleTable(RTL_HANDLE_TABLE* Table)
{
    if (Table->CommittedHandles)
        rtl::platform::Free(Table->CommittedHandles);
    Table->CommittedHandles = Table->UnCommittedHandles = Table->MaxReservedHandles = Table->FreeHandles = nullptr;
    return STATUS_SUCCESS;
}

// The caller marks the entry as allocated.
RTL_HANDLE_TABLE_ENTRY* NTAPI RtlAllocateHandle(RTL_HANDLE_TABLE* Table, ULONG* Index)
{
    if (!Table->FreeHandles && (Table->CommittedHandles || !Commit(Table)))
        return nullptr;
    RTL_HANDLE_TABLE_ENTRY* Entry = Table->FreeHandles;
    Table->FreeHandles = Entry->NextFree;
    Entry->NextFree = nullptr;
    if (Index)
        *Index = ULONG((Bytes(Entry) - Bytes(Table->CommittedHandles)) / Table->SizeOfHandleTableEntry);
    return Entry;
}

BOOLEAN NTAPI RtlFreeHandle(RTL_HANDLE_TABLE* Table, RTL_HANDLE_TABLE_ENTRY* Entry)
{
    if (!RtlIsValidHandle(Table, Entry))
        return false;
    CRT(memset)(Entry, 0, Table->SizeOfHandleTableEntry);
    Entry->NextFree = Table->FreeHandles;
    Table->FreeHandles = Entry;
    return true;
}

BOOLEAN NTAPI RtlIsValidHandle(const RTL_HANDLE_TABLE* Table, const RTL_HANDLE_TABLE_ENTRY* Entry)
{
    return Entry >= Table->CommittedHandles && Entry < Table->MaxReservedHandles && (Entry->Flags & Allocated);
}

BOOLEAN NTAPI RtlIsValidIndexHandle(const RTL_HANDLE_TABLE* Table, ULONG Index, RTL_HANDLE_TABLE_ENTRY** Entry)
{
    if (Index >= Table->MaximumNumberOfHandles || !Table->CommittedHandles)
        return false;
    auto* Found = reinterpret_cast<RTL_HANDLE_TABLE_ENTRY*>(Bytes(Table->CommittedHandles) + usize(Index) * Table->SizeOfHandleTableEntry);
    if (!RtlIsValidHandle(Table, Found))
        return false;
    *Entry = Found;
    return true;
}

}
