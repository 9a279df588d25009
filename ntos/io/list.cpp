// Folder services: listing, and being told of changes.
#include <string.h>

#include "ntos/io/completion.hpp"
#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"

namespace io {

static u32 LeastListing(u32 Class)
{
    switch (Class) {
    case FileDirectoryInformation:
        return sizeof(FILE_DIRECTORY_INFORMATION);
    case FileFullDirectoryInformation:
        return sizeof(FILE_FULL_DIR_INFORMATION);
    case FileIdFullDirectoryInformation:
        return sizeof(FILE_ID_FULL_DIR_INFORMATION);
    case FileBothDirectoryInformation:
        return sizeof(FILE_BOTH_DIR_INFORMATION);
    case FileIdBothDirectoryInformation:
        return sizeof(FILE_ID_BOTH_DIR_INFORMATION);
    case FileIdExtdDirectoryInformation:
        return sizeof(FILE_ID_EXTD_DIR_INFORMATION);
    case FileIdExtdBothDirectoryInformation:
        return sizeof(FILE_ID_EXTD_BOTH_DIR_INFORMATION);
    case FileNamesInformation:
        return sizeof(FILE_NAMES_INFORMATION);
    // Lists of special folders of NTFS, which no file here is: only the length is looked at first.
    case FileObjectIdInformation:
        return 72;
    case FileQuotaInformation:
        return 56;
    case FileReparsePointInformation:
        return 16;
    default:
        return 0;
    }
}

struct Listing {
    HANDLE File, Event;
    PVOID ApcRoutine, ApcContext;
    ke::UserPtr<IO_STATUS_BLOCK> Block;
    ke::UserBuffer Buffer;
    u32 Length, Class;
    bool Single, Restart;
    ke::UserPtr<UNICODE_STRING> Name;
};

// A mask as Win32 gives it becomes what FsRtlIsNameInExpression wants: on Windows kernelbase does that, the Win32 library used here does not.
static Status DosPattern(ob::String& Text)
{
    auto& C = Text.Characters();
    bool Wild = false, Dos = false;
    for (wchar_t W : C) {
        Wild |= W == L'*' || W == L'?';
        Dos |= W == L'<' || W == L'>' || W == L'"';
    }
    if (!Wild || Dos)
        return STATUS_SUCCESS;
    if (C.Size() == 3 && C[0] == L'*' && C[1] == L'.' && C[2] == L'*') {
        C.Pop();
        C.Pop();
        return STATUS_SUCCESS;
    }
    if (C.Size() >= 2 && C[C.Size() - 1] == L'.' && C[C.Size() - 2] == L'*') {
        C.Pop();
        C.Last() = L'<';
    }
    for (usize I = 0; I < C.Size(); ++I) {
        if (C[I] == L'?')
            C[I] = L'>';
        else if (C[I] == L'.' && I + 1 < C.Size() && (C[I + 1] == L'*' || C[I + 1] == L'?' || C[I + 1] == L'>'))
            C[I] = L'"';
    }
    return STATUS_SUCCESS;
}

// The same as a request to a driver.
static Result<Ref<Request>> MakeListing(ke::Caller& Caller, const Listing& L, Issue& I)
{
    Ref<Request> R = TRY(I.Make(Operation::QueryDirectory));
    if (L.Name) {
        ob::String Pattern = TRY(ob::CaptureString(Caller, L.Name));
        if (Pattern.View().Length > 511)
            return STATUS_OBJECT_NAME_INVALID;
        TRY(DosPattern(Pattern));
        TRY(R->Input.Resize(Pattern.View().Length * 2));
        memcpy(R->Input.Data(), Pattern.View().Data, R->Input.Size());
    }
    R->WaitAlways();
    R->Data.Address = L.Buffer.Address();
    R->Data.Length = L.Length < 65536 ? L.Length : 65536;
    TRY(mm::ProbeForWrite(Caller.Process(), R->Data.Address, R->Data.Length));
    R->Code = L.Class;
    R->LockLength = (L.Restart ? SL_RESTART_SCAN : 0) | (L.Single ? SL_RETURN_SINGLE_ENTRY : 0);
    return R;
}

static ke::Task<> ListByRequest(ke::Caller& Caller, const Listing& L)
{
    auto I = Issue::Begin(Caller, L.File, FILE_LIST_DIRECTORY, L.Event, L.ApcRoutine, L.ApcContext, L.Block);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = MakeListing(Caller, L, I.Value());
    return R.Ok() ? I.Value().Run(R.Take()) : ke::Task<>(R.GetStatus());
}

static Status ListFolder(ke::Caller& Caller, const Listing& L)
{
    u32 Least = LeastListing(L.Class);
    if (!Least)
        return STATUS_INVALID_INFO_CLASS;
    if (L.Length < Least)
        return STATUS_INFO_LENGTH_MISMATCH;
    Issue I = TRY(Issue::Begin(Caller, L.File, FILE_LIST_DIRECTORY, L.Event, L.ApcRoutine, L.ApcContext, L.Block));
    if (I.Target->TakesRequests())
        return STATUS_CANT_WAIT;
    ob::String Pattern;
    ListRequest R {};
    if (L.Name) {
        Pattern = TRY(ob::CaptureString(Caller, L.Name));
        R.HasPattern = !Pattern.IsEmpty();
        R.Pattern = Pattern.View();
    }
    Scratch Room;
    R.Room = L.Length < 65536 ? L.Length : 65536;
    R.Buffer = TRY(Room.Get(R.Room));
    R.Class = FILE_INFORMATION_CLASS(L.Class);
    R.Single = L.Single;
    R.Restart = L.Restart;
    Status S = I.Target->List(R);
    if (!IsError(S) && R.Used)
        TRY(L.Buffer.Write(Caller, R.Buffer, R.Used));
    return I.Finish(S, R.Used);
}

static Result<Ref<Request>> MakeNotify(ke::Caller& Caller, svc::NotifyChangeDirectoryFile& Call, Issue& I)
{
    u32 Filter = Call.CompletionFilter;
    if (!Filter || (Filter & ~FILE_NOTIFY_VALID_MASK))
        return STATUS_INVALID_PARAMETER;
    if (Call.Length)
        TRY(mm::ProbeForWrite(Caller.Process(), Call.Buffer.Address(), Call.Length));
    Ref<Request> R = TRY(I.Make(Operation::NotifyChange));
    R->Data.Address = Call.Buffer.Address();
    R->Data.Length = Call.Length;
    R->Code = Filter;
    R->WatchTree = Call.WatchTree;
    return R;
}

}

using namespace io;

ke::Task<> NtQueryDirectoryFile(ke::Caller& Caller, svc::QueryDirectoryFile& Call)
{
    Listing L { Call.FileHandle, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock, Call.FileInformation, Call.Length,
              Call.FileInformationClass, Call.ReturnSingleEntry != 0, Call.RestartScan != 0, Call.FileName };
    Status S = ListFolder(Caller, L);
    return S == STATUS_CANT_WAIT ? ListByRequest(Caller, L) : ke::Task<>(S);
}

ke::Task<> NtQueryDirectoryFileEx(ke::Caller& Caller, svc::QueryDirectoryFileEx& Call)
{
    u32 Flags = Call.QueryFlags;
    if (Flags & ~(SL_RESTART_SCAN | SL_RETURN_SINGLE_ENTRY | SL_RETURN_ON_DISK_ENTRIES_ONLY))
        return ke::Task<>(Status(Flags & (SL_INDEX_SPECIFIED | SL_NO_CURSOR_UPDATE) ? STATUS_NOT_SUPPORTED : STATUS_INVALID_PARAMETER));
    Listing L { Call.FileHandle, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock, Call.FileInformation, Call.Length,
              Call.FileInformationClass, (Flags & SL_RETURN_SINGLE_ENTRY) != 0, (Flags & SL_RESTART_SCAN) != 0, Call.FileName };
    Status S = ListFolder(Caller, L);
    return S == STATUS_CANT_WAIT ? ListByRequest(Caller, L) : ke::Task<>(S);
}

ke::Task<> NtNotifyChangeDirectoryFile(ke::Caller& Caller, svc::NotifyChangeDirectoryFile& Call)
{
    // The arguments are looked at before the file, other than with reads.
    if (Status S = Call.IoStatusBlock.Probe(Caller); !S.Ok())
        return ke::Task<>(S);
    auto I = Issue::Begin(Caller, Call.FileHandle, FILE_LIST_DIRECTORY, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = MakeNotify(Caller, Call, I.Value());
    if (!R.Ok())
        return ke::Task<>(R.GetStatus());
    return I.Value().Run(R.Take());
}
