// Byte-range locks, change notification, reparse points. Watchers hear of what is done through this volume; the server does not tell of the host's own changes.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

NTSTATUS WidePath(const Path& Where, Vector<wchar_t>& To)
{
    To.Clear();
    Vector<wchar_t> Each;
    for (usize At = 0; At < Where.Size() || !At;) {
        usize End = At;
        while (End < Where.Size() && Where[End] != '/')
            ++End;
        if (!To.Push(L'\\').Ok() || !ninep::ToWindows({ Where.Data() + At, End - At }, Each).Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        for (wchar_t C : Each)
            if (!To.Push(C).Ok())
                return STATUS_INSUFFICIENT_RESOURCES;
        At = End + 1;
    }
    return STATUS_SUCCESS;
}

void Report(Share& S, const Path& Where, ULONG Filter, ULONG Action)
{
    Vector<wchar_t> Name;
    if (IsListEmpty(&S.Watches) || !NT_SUCCESS(WidePath(Where, Name)) || Name.Size() * 2 > 0xFFF0)
        return;
    USHORT Bytes = USHORT(Name.Size() * 2), At = Bytes;
    while (At && Name[At / 2 - 1] != L'\\')
        At -= 2;
    STRING Whole { Bytes, Bytes, reinterpret_cast<PCHAR>(Name.Data()) };
    FsRtlNotifyFullReportChange(S.WatchSync, &S.Watches, &Whole, At, nullptr, nullptr, Filter, Action, nullptr);
}

// Completes the request itself.
NTSTATUS NotifyChange(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    NTSTATUS Status = !O || O->IsVolume || !O->Of->IsFolder ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    if (NT_SUCCESS(Status)) {
        Turn Mine(S.Lock);
        if (O->Of->DeletePending)
            Status = STATUS_DELETE_PENDING;
        else if (O->WatchName.IsEmpty())
            Status = WidePath(O->Where, O->WatchName);
        O->WatchText = { USHORT(O->WatchName.Size() * 2), USHORT(O->WatchName.Size() * 2), O->WatchName.Data() };
    }
    if (!NT_SUCCESS(Status)) {
        I->IoStatus.Status = Status;
        IoCompleteRequest(I, IO_NO_INCREMENT);
        return Status;
    }
    FsRtlNotifyFullChangeDirectory(S.WatchSync, &S.Watches, O, reinterpret_cast<PSTRING>(&O->WatchText), (L->Flags & SL_WATCH_TREE) != 0, FALSE,
                                   L->Parameters.NotifyDirectory.CompletionFilter, I, nullptr, nullptr);
    return STATUS_PENDING;
}

// Completes the request itself.
NTSTATUS LockControl(Share&, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (O && !O->IsVolume && !O->Of->IsFolder)
        return FsRtlProcessFileLock(&O->Of->Locks, I, nullptr);
    I->IoStatus.Status = STATUS_INVALID_PARAMETER;
    IoCompleteRequest(I, IO_NO_INCREMENT);
    return STATUS_INVALID_PARAMETER;
}

// FSCTL_GET_REPARSE_POINT: where a symbolic link leads.
NTSTATUS FsControl(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    auto& P = L->Parameters.FileSystemControl;
    Opening* O = OpeningOf(L->FileObject);
    if (L->MinorFunction != IRP_MN_USER_FS_REQUEST || P.FsControlCode != FSCTL_GET_REPARSE_POINT)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (!O || O->IsVolume)
        return STATUS_INVALID_PARAMETER;
    if (!O->Of->IsLink)
        return STATUS_NOT_A_REPARSE_POINT;
    Path Target;
    Vector<wchar_t> Wide, Each;
    NTSTATUS Status = Code(S.Server.ReadLink(O->F, Target));
    if (!NT_SUCCESS(Status))
        return Status;
    bool Absolute = Target.Size() && Target[0] == '/';
    for (usize At = 0; At < Target.Size();) {
        usize End = At;
        while (End < Target.Size() && Target[End] != '/')
            ++End;
        Chars Part(Target.Data() + At, End - At);
        if (At && !Wide.Push(L'\\').Ok())
            return STATUS_INSUFFICIENT_RESOURCES;
        if (IsDots(Part)) {
            for (char C : Part)
                if (!Wide.Push(wchar_t(C)).Ok())
                    return STATUS_INSUFFICIENT_RESOURCES;
        } else {
            if (!ninep::ToWindows(Part, Each).Ok())
                return STATUS_INSUFFICIENT_RESOURCES;
            for (wchar_t C : Each)
                if (!Wide.Push(C).Ok())
                    return STATUS_INSUFFICIENT_RESOURCES;
        }
        At = End + 1;
    }
    if (Absolute && (Wide.IsEmpty() || Wide[0] != L'\\') && !Wide.Push(L'\\').Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    // REPARSE_DATA_BUFFER: the name twice, as what is followed and as what is shown.
    constexpr ULONG Header = 8, Fixed = 12;
    ULONG Name = ULONG(Wide.Size() * sizeof(WCHAR)), Bytes = Header + Fixed + Name * 2;
    auto* To = static_cast<u8*>(I->AssociatedIrp.SystemBuffer);
    if (Name > 0x3FF0)
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (P.OutputBufferLength < Bytes || !To)
        return STATUS_BUFFER_TOO_SMALL;
    struct {
        ULONG Tag;
        USHORT Length, Reserved, SubstituteAt, SubstituteBytes, PrintAt, PrintBytes;
        ULONG Flags;
    } R { 0xA000000C, USHORT(Fixed + Name * 2), 0, 0, USHORT(Name), USHORT(Name), USHORT(Name), 1 };      // SYMLINK_FLAG_RELATIVE
    static_assert(sizeof(R) == Header + Fixed);
    memcpy(To, &R, sizeof(R));
    memcpy(To + sizeof(R), Wide.Data(), Name);
    memcpy(To + sizeof(R) + Name, Wide.Data(), Name);
    I->IoStatus.Information = Bytes;
    return STATUS_SUCCESS;
}

}
