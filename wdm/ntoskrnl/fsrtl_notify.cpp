// Change notification: what file systems report reaches the requests that watch.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

constexpr u32 MostBuffer = 64 * 1024;

// One watched folder of one open file (FsContext tells which); in the file system's list.
struct Watch {
    LIST_ENTRY Link;
    PVOID FsContext;
    PSTRING Folder;                     // the file system's own
    ULONG Filter;
    bool Tree, Ignore, Ended, Overflow, Any;
    bool Half;                          // the old name of a rename is the last thing told: the new one goes into the same buffer
    LIST_ENTRY Waiting;                 // IRPs, by Tail.Overlay.ListEntry
    u8* Buffer;                         // what was reported while nobody waited
    u32 Used, Last, Room;
};

// PNOTIFY_SYNC.
struct Sync {
    KSPIN_LOCK Lock;
};

class Locked {
public:
    explicit Locked(PNOTIFY_SYNC S) : Lock_(&reinterpret_cast<Sync*>(S)->Lock), Old_(KeAcquireSpinLockRaiseToDpc(Lock_)) { }
    ~Locked() { KeReleaseSpinLock(Lock_, Old_); }

private:
    PKSPIN_LOCK Lock_;
    KIRQL Old_;
};

Watch* Find(PLIST_ENTRY List, PVOID FsContext)
{
    for (LIST_ENTRY* E = List->Flink; E != List; E = E->Flink)
        if (auto* W = CONTAINING_RECORD(E, Watch, Link); W->FsContext == FsContext)
            return W;
    return nullptr;
}

// One FILE_NOTIFY_INFORMATION behind the others.
void Append(Watch& W, const WCHAR* Name, u32 Bytes, ULONG Action)
{
    W.Any = true;
    W.Half = Action == FILE_ACTION_RENAMED_OLD_NAME;
    u32 At = u32(AlignUp(W.Used, 4)), End = At + 12 + Bytes;
    if (W.Overflow || W.Ignore || End > W.Room) {
        W.Overflow = true;
        W.Used = 0;
        return;
    }
    u8* To = W.Buffer + At;
    u32 Head[3] = { 0, Action, Bytes };
    memcpy(To, Head, 12);
    memcpy(To + 12, Name, Bytes);
    if (W.Used) {
        u32 Next = At - W.Last;
        memcpy(W.Buffer + W.Last, &Next, 4);
    }
    W.Last = At;
    W.Used = End;
}

// What there is goes into the request. It is completed by the caller, without the lock.
void Fill(Watch& W, PIRP I)
{
    ULONG Room = IoGetCurrentIrpStackLocation(I)->Parameters.NotifyDirectory.Length;
    void* To = I->MdlAddress ? MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority) : I->AssociatedIrp.SystemBuffer ? I->AssociatedIrp.SystemBuffer : I->UserBuffer;
    if (W.Overflow || W.Used > Room || !To) {
        I->IoStatus.Status = STATUS_NOTIFY_ENUM_DIR;
        I->IoStatus.Information = 0;
    } else {
        memcpy(To, W.Buffer, W.Used);
        I->IoStatus.Status = STATUS_SUCCESS;
        I->IoStatus.Information = W.Used;
    }
    W.Used = W.Last = 0;
    W.Overflow = W.Any = W.Half = false;
}

PIRP TakeWaiting(Watch& W)
{
    for (LIST_ENTRY* E = W.Waiting.Flink; E != &W.Waiting; E = E->Flink) {
        PIRP I = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
        if (!IoSetCancelRoutine(I, nullptr))
            continue;
        RemoveEntryList(E);
        return I;
    }
    return nullptr;
}

void NTAPI Cancel(PDEVICE_OBJECT, PIRP I)
{
    IoReleaseCancelSpinLock(I->CancelIrql);
    {
        Locked Now(static_cast<PNOTIFY_SYNC>(I->Tail.Overlay.DriverContext[0]));
        RemoveEntryList(&I->Tail.Overlay.ListEntry);
    }
    I->IoStatus.Status = STATUS_CANCELLED;
    I->IoStatus.Information = 0;
    IoCompleteRequest(I, IO_NO_INCREMENT);
}

void EndOne(PIRP I, NTSTATUS Status)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = 0;
    IoCompleteRequest(I, IO_NO_INCREMENT);
}

// Whether Target (a full name) lies in the watched folder; the part of it below the folder.
bool IsBelow(const Watch& W, const STRING& Target, USHORT NameOffset, const WCHAR*& Rest, u32& Bytes)
{
    u32 Folder = W.Folder->Length;
    bool IsRoot = Folder == 2;          // a backslash
    if (Target.Length < Folder || memcmp(Target.Buffer, W.Folder->Buffer, Folder) != 0)
        return false;
    if (!IsRoot) {
        if (Target.Length <= Folder || *reinterpret_cast<const WCHAR*>(Target.Buffer + Folder) != L'\\')
            return false;
        Folder += 2;
    }
    if (NameOffset < Folder || (!W.Tree && NameOffset != Folder))
        return false;
    Rest = reinterpret_cast<const WCHAR*>(Target.Buffer + Folder);
    Bytes = Target.Length - Folder;
    return true;
}

}

extern "C" {

void NTAPI FsRtlNotifyInitializeSync(PNOTIFY_SYNC* Out)
{
    *Out = reinterpret_cast<PNOTIFY_SYNC>(New<Sync>());
    if (!*Out)
        RtlRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
}
void NTAPI FsRtlNotifyUninitializeSync(PNOTIFY_SYNC* S)
{
    Free(*S);
    *S = nullptr;
}

void NTAPI FsRtlNotifyFilterChangeDirectory(PNOTIFY_SYNC S, PLIST_ENTRY List, PVOID FsContext, PSTRING Folder, BOOLEAN Tree, BOOLEAN Ignore, ULONG Filter, PIRP I,
                                            PCHECK_FOR_TRAVERSE_ACCESS, PSECURITY_SUBJECT_CONTEXT, PFILTER_REPORT_CHANGE)
{
    // Without a request: the folder is being deleted.
    if (!I) {
        for (;;) {
            PIRP Waits = nullptr;
            {
                Locked Now(S);
                if (Watch* W = Find(List, FsContext)) {
                    W->Ended = true;
                    Waits = TakeWaiting(*W);
                }
            }
            if (!Waits)
                return;
            EndOne(Waits, STATUS_DELETE_PENDING);
        }
    }
    auto* Fresh = New<Watch>();
    ULONG Room = IoGetCurrentIrpStackLocation(I)->Parameters.NotifyDirectory.Length;
    u32 Bytes = Room < MostBuffer ? Room : MostBuffer;
    auto* Buffer = Fresh && Bytes ? static_cast<u8*>(Allocate(Bytes)) : nullptr;
    if (!Fresh || (Bytes && !Buffer)) {
        Free(Fresh);
        EndOne(I, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    bool Complete = false;
    {
        Locked Now(S);
        Watch* W = Find(List, FsContext);
        if (!W) {
            W = Fresh;
            Fresh = nullptr;
            W->FsContext = FsContext;
            W->Folder = Folder;
            W->Filter = Filter;
            W->Tree = Tree;
            W->Ignore = Ignore;
            W->Buffer = Buffer;
            W->Room = Bytes;
            Buffer = nullptr;
            InitializeListHead(&W->Waiting);
            InsertTailList(List, &W->Link);
        }
        IoMarkIrpPending(I);
        if (W->Ended) {
            I->IoStatus.Status = STATUS_DELETE_PENDING;
            I->IoStatus.Information = 0;
            Complete = true;
        } else if (W->Any && !W->Half) {
            Fill(*W, I);
            Complete = true;
        } else {
            I->Tail.Overlay.DriverContext[0] = S;
            InsertTailList(&W->Waiting, &I->Tail.Overlay.ListEntry);
            IoSetCancelRoutine(I, Cancel);
            if (I->Cancel && IoSetCancelRoutine(I, nullptr)) {
                RemoveEntryList(&I->Tail.Overlay.ListEntry);
                I->IoStatus.Status = STATUS_CANCELLED;
                I->IoStatus.Information = 0;
                Complete = true;
            }
        }
    }
    Free(Fresh);
    Free(Buffer);
    if (Complete)
        IoCompleteRequest(I, IO_NO_INCREMENT);
}
void NTAPI FsRtlNotifyFullChangeDirectory(PNOTIFY_SYNC S, PLIST_ENTRY List, PVOID FsContext, PSTRING Folder, BOOLEAN Tree, BOOLEAN Ignore, ULONG Filter, PIRP I,
                                          PCHECK_FOR_TRAVERSE_ACCESS Traverse, PSECURITY_SUBJECT_CONTEXT Subject)
{
    FsRtlNotifyFilterChangeDirectory(S, List, FsContext, Folder, Tree, Ignore, Filter, I, Traverse, Subject, nullptr);
}
void NTAPI FsRtlNotifyFilterReportChange(PNOTIFY_SYNC S, PLIST_ENTRY List, PSTRING Target, USHORT NameOffset, PSTRING, PSTRING Normalized, ULONG Filter, ULONG Action, PVOID, PVOID)
{
    // The parent's name in the case in which folders are watched may be given apart.
    (void)Normalized;
    {
        Locked Now(S);
        for (LIST_ENTRY* E = List->Flink; E != List; E = E->Flink) {
            auto* W = CONTAINING_RECORD(E, Watch, Link);
            const WCHAR* Rest;
            u32 Bytes;
            if (!W->Ended && W->Filter & Filter && IsBelow(*W, *Target, NameOffset, Rest, Bytes))
                Append(*W, Rest, Bytes, Action);
        }
    }
    // One request at a time, so that the lock is not held while it is completed.
    for (;;) {
        PIRP Done = nullptr;
        {
            Locked Now(S);
            for (LIST_ENTRY* E = List->Flink; E != List && !Done; E = E->Flink) {
                auto* W = CONTAINING_RECORD(E, Watch, Link);
                if (W->Any && !W->Half && (Done = TakeWaiting(*W)))
                    Fill(*W, Done);
            }
        }
        if (!Done)
            return;
        IoCompleteRequest(Done, IO_NO_INCREMENT);
    }
}
void NTAPI FsRtlNotifyFullReportChange(PNOTIFY_SYNC S, PLIST_ENTRY List, PSTRING Target, USHORT NameOffset, PSTRING Stream, PSTRING Normalized, ULONG Filter, ULONG Action, PVOID Context)
{
    FsRtlNotifyFilterReportChange(S, List, Target, NameOffset, Stream, Normalized, Filter, Action, Context, nullptr);
}
void NTAPI FsRtlNotifyCleanup(PNOTIFY_SYNC S, PLIST_ENTRY List, PVOID FsContext)
{
    for (;;) {
        PIRP Waits = nullptr;
        Watch* Gone = nullptr;
        {
            Locked Now(S);
            Watch* W = Find(List, FsContext);
            if (!W)
                return;
            W->Ended = true;
            Waits = TakeWaiting(*W);
            if (!Waits && IsListEmpty(&W->Waiting)) {
                RemoveEntryList(&W->Link);
                Gone = W;
            }
        }
        if (Waits) {
            EndOne(Waits, STATUS_NOTIFY_CLEANUP);
        } else if (Gone) {
            Free(Gone->Buffer);
            Free(Gone);
            return;
        } else {
            NtYieldExecution();         // one is being cancelled
        }
    }
}

}
