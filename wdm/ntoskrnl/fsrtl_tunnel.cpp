// Tunnel caches: what a file was called stays known for 15 seconds after its name is gone, so that a program that saves by delete and rename
// keeps short name and creation time. A cache is small; its entries are in one list, oldest first.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

constexpr USHORT MostEntries = 256;
constexpr LONGLONG Life = 15LL * 10'000'000;

struct Tunnelled {
    LIST_ENTRY Links;
    LONGLONG Made;
    ULONGLONG Folder;
    bool ByShort;
    UNICODE_STRING Short, Long;
    ULONG Bytes;
    void* Data() { return this + 1; }
    UNICODE_STRING& Key() { return ByShort ? Short : Long; }
};

LONGLONG Now()
{
    LARGE_INTEGER Time;
    NtQuerySystemTime(&Time);
    return Time.QuadPart;
}
void Drop(TUNNEL& T, Tunnelled* E)
{
    RemoveEntryList(&E->Links);
    --T.NumEntries;
    Free(E);
}
void Age(TUNNEL& T)
{
    LONGLONG Time = Now();
    while (!IsListEmpty(&T.TimerQueue)) {
        auto* E = CONTAINING_RECORD(T.TimerQueue.Flink, Tunnelled, Links);
        if (T.NumEntries <= MostEntries && Time - E->Made < Life)
            return;
        Drop(T, E);
    }
}
class HoldTunnel {
public:
    explicit HoldTunnel(TUNNEL& T) : T_(T) { ExAcquireFastMutex(&T.Mutex); }
    ~HoldTunnel() { ExReleaseFastMutex(&T_.Mutex); }
    HoldTunnel(const HoldTunnel&) = delete;

private:
    TUNNEL& T_;
};

// A name into the caller's string; a longer one gets pool.
bool CopyName(UNICODE_STRING& To, const UNICODE_STRING& From)
{
    if (From.Length > To.MaximumLength) {
        auto* Buffer = static_cast<PWCH>(ExAllocatePoolWithTag(PagedPool, From.Length, 'PnuT'));
        if (!Buffer)
            return false;
        To.Buffer = Buffer;
        To.MaximumLength = From.Length;
    }
    To.Length = From.Length;
    memcpy(To.Buffer, From.Buffer, From.Length);
    return true;
}

}

extern "C" {

void NTAPI FsRtlInitializeTunnelCache(PTUNNEL T)
{
    memset(T, 0, sizeof(*T));
    ExInitializeFastMutex(&T->Mutex);
    InitializeListHead(&T->TimerQueue);
}
void NTAPI FsRtlDeleteTunnelCache(PTUNNEL T)
{
    HoldTunnel Held(*T);
    while (!IsListEmpty(&T->TimerQueue))
        Drop(*T, CONTAINING_RECORD(T->TimerQueue.Flink, Tunnelled, Links));
}
void NTAPI FsRtlAddToTunnelCache(PTUNNEL T, ULONGLONG Folder, PUNICODE_STRING Short, PUNICODE_STRING Long, BOOLEAN ByShort, ULONG Bytes, PVOID Data)
{
    auto* E = static_cast<Tunnelled*>(Allocate(sizeof(Tunnelled) + AlignUp(Bytes, 2) + Short->Length + Long->Length));
    if (!E)
        return;
    E->Made = Now();
    E->Folder = Folder;
    E->ByShort = ByShort;
    E->Bytes = Bytes;
    memcpy(E->Data(), Data, Bytes);
    auto* Names = static_cast<u8*>(E->Data()) + AlignUp(Bytes, 2);
    E->Short = { Short->Length, Short->Length, reinterpret_cast<PWCH>(Names) };
    E->Long = { Long->Length, Long->Length, reinterpret_cast<PWCH>(Names + Short->Length) };
    memcpy(E->Short.Buffer, Short->Buffer, Short->Length);
    memcpy(E->Long.Buffer, Long->Buffer, Long->Length);
    HoldTunnel Held(*T);
    // One entry for a name: the newest.
    for (PLIST_ENTRY At = T->TimerQueue.Flink, Next; At != &T->TimerQueue; At = Next) {
        Next = At->Flink;
        auto* Old = CONTAINING_RECORD(At, Tunnelled, Links);
        if (Old->Folder == Folder && RtlEqualUnicodeString(&Old->Key(), &E->Key(), TRUE))
            Drop(*T, Old);
    }
    InsertTailList(&T->TimerQueue, &E->Links);
    ++T->NumEntries;
    Age(*T);
}
BOOLEAN NTAPI FsRtlFindInTunnelCache(PTUNNEL T, ULONGLONG Folder, PUNICODE_STRING Name, PUNICODE_STRING Short, PUNICODE_STRING Long, PULONG Bytes, PVOID Data)
{
    HoldTunnel Held(*T);
    Age(*T);
    for (PLIST_ENTRY At = T->TimerQueue.Flink; At != &T->TimerQueue; At = At->Flink) {
        auto* E = CONTAINING_RECORD(At, Tunnelled, Links);
        if (E->Folder != Folder || !RtlEqualUnicodeString(&E->Key(), Name, TRUE))
            continue;
        if (*Bytes < E->Bytes || !CopyName(*Short, E->Short) || !CopyName(*Long, E->Long))
            return FALSE;
        memcpy(Data, E->Data(), E->Bytes);
        *Bytes = E->Bytes;
        Drop(*T, E);
        return TRUE;
    }
    return FALSE;
}
void NTAPI FsRtlDeleteKeyFromTunnelCache(PTUNNEL T, ULONGLONG Folder)
{
    HoldTunnel Held(*T);
    for (PLIST_ENTRY At = T->TimerQueue.Flink, Next; At != &T->TimerQueue; At = Next) {
        Next = At->Flink;
        if (auto* E = CONTAINING_RECORD(At, Tunnelled, Links); E->Folder == Folder)
            Drop(*T, E);
    }
}

}
