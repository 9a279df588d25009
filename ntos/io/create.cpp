// Opening: NtCreateFile and the services that open by name.
#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"

namespace io {

const GENERIC_MAPPING FileMapping { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS };
const ob::TypeInfo Device::Type { .Name = L"Device", .ValidAccess = FILE_ALL_ACCESS, .Mapping = { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS } };
const ob::TypeInfo File::Type { .Name = L"File", .ValidAccess = FILE_ALL_ACCESS, .Mapping = { FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS } };

ACCESS_MASK MapFileAccess(ACCESS_MASK Desired)
{
    ACCESS_MASK Mapped = Desired & 0x0FFFFFFF;
    if (Desired & GENERIC_READ)
        Mapped |= FileMapping.GenericRead;
    if (Desired & GENERIC_WRITE)
        Mapped |= FileMapping.GenericWrite;
    if (Desired & GENERIC_EXECUTE)
        Mapped |= FileMapping.GenericExecute;
    if (Desired & GENERIC_ALL)
        Mapped |= FileMapping.GenericAll;
    return Mapped;
}

Result<ACCESS_MASK> CheckDeviceAccess(ob::OpenRequest& Request, Device& D, ACCESS_MASK Desired)
{
    return se::AccessCheck(D.Security(), Request.Caller.Thread().EffectiveToken(), Desired, FileMapping);
}

Result<ob::ParseResult> Device::Parse(ob::OpenRequest& Request, ob::Name Rest)
{
    if (Request.Type != &File::Type || !Request.Extra) {
        if (Rest.Data)
            return STATUS_OBJECT_TYPE_MISMATCH;
        ob::ParseResult R;
        R.Found = RefPtr<ob::Object>(this);
        return R;
    }
    return Open(Request, *static_cast<CreateParameters*>(Request.Extra), nullptr, Rest, Rest.Data && Rest.IsEmpty());
}

Result<ob::ParseResult> File::Parse(ob::OpenRequest& Request, ob::Name Rest)
{
    if (Request.Type != &Type || !Request.Extra)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return Device_->Open(Request, *static_cast<CreateParameters*>(Request.Extra), this, Rest, false);
}

Result<ob::String> File::QueryName()
{
    ob::String Whole = TRY(Device_->QueryName());
    ob::String Rest = TRY(RelativeName());
    for (wchar_t C : Rest.Characters())
        TRY(Whole.Characters().Push(C));
    return Whole;
}

Status NameDevice(Ref<Device> New, ob::Name Path)
{
    return ob::InsertKernel(std::move(New), Path, true);
}

Result<Ref<File>> OpenFile(ke::Caller& Caller, ob::Attributes& Wanted, CreateParameters& How)
{
    if (!Wanted.IsGiven)
        return STATUS_INVALID_PARAMETER;
    ob::OpenRequest Request { Caller, Wanted, How.Access, &How, &File::Type };
    Ref<ob::Object> Found = TRY(ob::Lookup(Request));
    if (&Found->GetType() != &File::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return Ref<File>::Adopt(static_cast<File&>(*Found.Leak()));
}

Result<TargetFolder> OpenTargetFolder(ke::Caller& Caller, HANDLE Root, ob::Name Path)
{
    ob::Attributes Wanted;
    if (Root)
        Wanted.Root = TRY(ob::ReferenceType(Caller, Root, 0, File::Type)).Target;
    Wanted.Path = TRY(ob::String::Copy(Path));
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    CreateParameters How;
    How.Access = FILE_WRITE_DATA | SYNCHRONIZE;
    How.Share = FILE_SHARE_VALID_FLAGS;
    How.Options = FILE_OPEN_FOR_BACKUP_INTENT;
    How.TargetFolder = true;
    Ref<File> Folder = TRY(OpenFile(Caller, Wanted, How));
    // The last component, whatever links the path went through.
    usize At = Path.Length;
    while (At && Path.Data[At - 1] != L'\\')
        --At;
    return TargetFolder { std::move(Folder), TRY(ob::String::Copy(Path.From(At))) };
}

static Status CheckParameters(const CreateParameters& How)
{
    constexpr u32 Synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    constexpr u32 WithFolder = FILE_DIRECTORY_FILE | Synchronous | FILE_WRITE_THROUGH | FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_FOR_BACKUP_INTENT | FILE_DELETE_ON_CLOSE |
                               FILE_OPEN_FOR_FREE_SPACE_QUERY | FILE_OPEN_BY_FILE_ID | FILE_NO_COMPRESSION | FILE_OPEN_REPARSE_POINT | FILE_OPEN_NO_RECALL |
                               FILE_NO_INTERMEDIATE_BUFFERING | FILE_SEQUENTIAL_ONLY | FILE_RANDOM_ACCESS | FILE_OPEN_REMOTE_INSTANCE | FILE_CREATE_TREE_CONNECTION;
    if ((How.Attributes & ~FILE_ATTRIBUTE_VALID_FLAGS) || (How.Share & ~FILE_SHARE_VALID_FLAGS) || How.Disposition > FILE_OVERWRITE_IF || (How.Options & ~FILE_VALID_OPTION_FLAGS))
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & Synchronous) && !(How.Access & (SYNCHRONIZE | MAXIMUM_ALLOWED)))
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & Synchronous) == Synchronous)
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & FILE_DELETE_ON_CLOSE) && !(How.Access & (DELETE_ACCESS | MAXIMUM_ALLOWED)))
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & FILE_DIRECTORY_FILE) && !(How.Options & FILE_NON_DIRECTORY_FILE) &&
        ((How.Options & ~WithFolder) || (How.Disposition != FILE_CREATE && How.Disposition != FILE_OPEN && How.Disposition != FILE_OPEN_IF)))
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & FILE_COMPLETE_IF_OPLOCKED) && (How.Options & FILE_RESERVE_OPFILTER))
        return STATUS_INVALID_PARAMETER;
    if ((How.Options & FILE_NO_INTERMEDIATE_BUFFERING) && (How.Access & FILE_APPEND_DATA) && !(How.Access & FILE_WRITE_DATA))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

Status CheckEaList(std::span<const u8> List)
{
    for (usize At = 0;;) {
        if (List.size() - At < offsetof(FILE_FULL_EA_INFORMATION, EaName) + 1)
            return STATUS_EA_LIST_INCONSISTENT;
        FILE_FULL_EA_INFORMATION Ea;
        memcpy(&Ea, &List[At], offsetof(FILE_FULL_EA_INFORMATION, EaName));
        usize Size = offsetof(FILE_FULL_EA_INFORMATION, EaName) + Ea.EaNameLength + 1 + Ea.EaValueLength;
        if (Size > List.size() - At || List[At + offsetof(FILE_FULL_EA_INFORMATION, EaName) + Ea.EaNameLength] != 0 || !Ea.EaNameLength)
            return STATUS_EA_LIST_INCONSISTENT;
        if (!Ea.NextEntryOffset)
            return STATUS_SUCCESS;
        if (Ea.NextEntryOffset != AlignUp(Size, 4) || Ea.NextEntryOffset >= List.size() - At)
            return STATUS_EA_LIST_INCONSISTENT;
        At += Ea.NextEntryOffset;
    }
}

// A file that is found, and what the caller gets on it.
struct Found {
    Ref<File> Opened;
    ACCESS_MASK Granted;
    u32 Information, HandleFlags;
};

static Result<Found> FindFile(ke::Caller& Caller, ob::Attributes& Wanted, CreateParameters& How, RefPtr<ob::Object>* NotReady = nullptr)
{
    ++Caller.Process().Io.OtherOperationCount;
    auto Got = OpenFile(Caller, Wanted, How);
    if (!Got.Ok()) {
        if (NotReady)
            *NotReady = std::move(How.NotReady);
        return Got.GetStatus();
    }
    Ref<File> Opened = Got.Take();
    return Found { std::move(Opened), How.Granted, How.Information, u32(Wanted.Flags & OBJ_INHERIT) };
}

// Handle and status block have been probed.
static Status Answer(ke::Caller& Caller, Found& Of, ke::UserPtr<HANDLE> HandleOut, ke::UserPtr<IO_STATUS_BLOCK> BlockOut)
{
    HANDLE Handle = TRY(ob::GrantHandle(Caller, std::move(Of.Opened), Of.Granted, Of.HandleFlags));
    Status S = HandleOut.Write(Caller, Handle);
    if (S.Ok())
        S = WriteStatusBlock(Caller.Process(), BlockOut.Address(), STATUS_SUCCESS, Of.Information);
    if (!S.Ok())
        (void)Caller.Process().Handles().Close(Handle);
    return S;
}

static ke::Task<> CreateAndAnswer(ke::Caller& Caller, Found Of, ke::UserPtr<HANDLE> HandleOut, ke::UserPtr<IO_STATUS_BLOCK> BlockOut)
{
    CO_TRY(co_await Issue::RunCreate(Caller, Of.Opened, Of.Information));
    co_return Answer(Caller, Of, HandleOut, BlockOut);
}

// The part that all creating services share.
static ke::Task<> Finish(ke::Caller& Caller, Result<Found> Of, ke::UserPtr<HANDLE> HandleOut, ke::UserPtr<IO_STATUS_BLOCK> BlockOut)
{
    if (!Of.Ok())
        return ke::Task<>(Of.GetStatus());
    if (Of.Value().Opened->NeedsCreate())
        return CreateAndAnswer(Caller, Of.Take(), HandleOut, BlockOut);
    return ke::Task<>(Answer(Caller, Of.Value(), HandleOut, BlockOut));
}

static Result<Found> CreateFile(ke::Caller& Caller, svc::CreateFile& Call, RefPtr<ob::Object>& NotReady)
{
    TRY(Call.FileHandle.Probe(Caller));
    TRY(Call.IoStatusBlock.Probe(Caller));
    CreateParameters How;
    How.Access = MapFileAccess(Call.DesiredAccess);
    How.Attributes = Call.FileAttributes;
    How.Share = Call.ShareAccess;
    How.Disposition = Call.CreateDisposition;
    How.Options = Call.CreateOptions;
    TRY(CheckParameters(How));
    if (Call.AllocationSize) {
        i64 Size = TRY(Call.AllocationSize.Read(Caller)).QuadPart;
        if (Size < 0)
            return STATUS_INVALID_PARAMETER;
        How.AllocationSize = u64(Size);
    }
    Vector<u8> Ea;
    if (Call.EaBuffer && Call.EaLength) {
        if (Call.EaLength > MaximumEaBytes)
            return STATUS_EA_TOO_LARGE;
        TRY(Ea.Resize(Call.EaLength));
        TRY(Call.EaBuffer.Read(Caller, Ea.Data(), Ea.Size()));
        TRY(CheckEaList(Ea.Span()));
        How.Ea = Ea.Span();
    }
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    return FindFile(Caller, Wanted, How, &NotReady);
}

static Result<Found> OpenFileService(ke::Caller& Caller, svc::OpenFile& Call, RefPtr<ob::Object>& NotReady)
{
    TRY(Call.FileHandle.Probe(Caller));
    TRY(Call.IoStatusBlock.Probe(Caller));
    CreateParameters How;
    How.Access = MapFileAccess(Call.DesiredAccess);
    How.Share = Call.ShareAccess;
    How.Options = Call.OpenOptions;
    TRY(CheckParameters(How));
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    return FindFile(Caller, Wanted, How, &NotReady);
}

// Opens, and if the device must be made ready first, does that and opens again.
template <auto Open, typename C> static ke::Task<> OpenAgain(ke::Caller& Caller, C& Call, Ref<ob::Object> NotReady)
{
    CO_TRY(co_await static_cast<Device&>(*NotReady).MakeReady());
    RefPtr<ob::Object> Still;
    auto Of = Open(Caller, Call, Still);
    if (Still && Of.GetStatus() == STATUS_RETRY)
        co_return STATUS_DEVICE_NOT_READY;
    co_return co_await Finish(Caller, std::move(Of), Call.FileHandle, Call.IoStatusBlock);
}

template <auto Open, typename C> static ke::Task<> OpenReady(ke::Caller& Caller, C& Call)
{
    RefPtr<ob::Object> NotReady;
    auto Of = Open(Caller, Call, NotReady);
    if (NotReady && Of.GetStatus() == STATUS_RETRY)
        return OpenAgain<Open>(Caller, Call, Ref<ob::Object>(*NotReady));
    return Finish(Caller, std::move(Of), Call.FileHandle, Call.IoStatusBlock);
}

// Opens and closes it again.
static ke::Task<> DeleteOpened(ke::Caller& Caller, Ref<File> F)
{
    u32 Information = 0;
    CO_TRY(co_await Issue::RunCreate(Caller, F, Information));
    co_return co_await Issue::Close(Caller, F);
}

static ke::Task<> DeleteFile(ke::Caller& Caller, svc::DeleteFile& Call)
{
    CreateParameters How;
    How.Access = DELETE_ACCESS;
    How.Share = FILE_SHARE_VALID_FLAGS;
    How.Options = FILE_DELETE_ON_CLOSE;
    auto Open = [&]() -> Result<Ref<File>> {
        ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
        return OpenFile(Caller, Wanted, How);
    };
    auto Opened = Open();
    if (!Opened.Ok())
        return ke::Task<>(Opened.GetStatus());
    // Others go at once with the object, and the file with it.
    return Opened.Value()->NeedsCreate() ? DeleteOpened(Caller, Opened.Take()) : ke::Task<>(Status(STATUS_SUCCESS));
}

// STATUS_CANT_WAIT: ToOpen is to be opened and asked.
static Status QueryByName(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Attributes, FILE_NETWORK_OPEN_INFORMATION& Info, RefPtr<File>& ToOpen)
{
    CreateParameters How;
    How.Access = FILE_READ_ATTRIBUTES;
    How.Share = FILE_SHARE_VALID_FLAGS;
    How.Options = FILE_OPEN_REPARSE_POINT;
    How.Query = &Info;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Attributes));
    if (!Wanted.IsGiven)
        return STATUS_INVALID_PARAMETER;
    ob::OpenRequest Request { Caller, Wanted, How.Access, &How, &File::Type };
    Ref<ob::Object> Found = TRY(ob::Lookup(Request));
    if (!How.Query)
        return STATUS_SUCCESS;          // answered on the way
    if (&Found->GetType() != &File::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    Ref<File> Opened = Ref<File>::Adopt(static_cast<File&>(*Found.Leak()));
    if (Opened->NeedsCreate()) {
        ToOpen = std::move(Opened);
        return STATUS_CANT_WAIT;
    }
    alignas(FILE_NETWORK_OPEN_INFORMATION) u8 Room[sizeof(Info)];
    InfoBuffer Buffer(Room, sizeof(Room));
    TRY(Opened->QueryInformation(FileNetworkOpenInformation, Buffer));
    memcpy(&Info, Room, sizeof(Info));
    return STATUS_SUCCESS;
}

// The same by opening the file and asking.
static ke::Task<> QueryOpened(ke::Caller& Caller, Ref<File> F, u64 To, bool BasicOnly)
{
    u32 Information = 0;
    CO_TRY(co_await Issue::RunCreate(Caller, F, Information));
    auto R = CO_TRY(Issue::MakeOwn(Caller, F, Operation::QueryInformation));
    R->Code = FileNetworkOpenInformation;
    R->Data.Length = sizeof(FILE_NETWORK_OPEN_INFORMATION);
    CO_TRY(co_await Issue::Await(Caller, R));
    FILE_NETWORK_OPEN_INFORMATION Info {};
    if (R->Reply.Size() < sizeof(Info))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    memcpy(&Info, R->Reply.Data(), sizeof(Info));
    if (BasicOnly) {
        FILE_BASIC_INFORMATION Basic { Info.CreationTime, Info.LastAccessTime, Info.LastWriteTime, Info.ChangeTime, Info.FileAttributes };
        CO_TRY(mm::CopyToUser(Caller.Process(), To, &Basic, sizeof(Basic)));
    } else {
        CO_TRY(mm::CopyToUser(Caller.Process(), To, &Info, sizeof(Info)));
    }
    co_return co_await Issue::Close(Caller, F);
}

static Result<Found> CreatePipe(ke::Caller& Caller, svc::CreateNamedPipeFile& Call)
{
    TRY(Call.FileHandle.Probe(Caller));
    TRY(Call.IoStatusBlock.Probe(Caller));
    CreateParameters How;
    How.Access = MapFileAccess(Call.DesiredAccess);
    How.Share = Call.ShareAccess;
    How.Disposition = Call.CreateDisposition;
    How.Options = Call.CreateOptions;
    TRY(CheckParameters(How));
    PipeParameters Pipe { Call.NamedPipeType, Call.ReadMode, Call.CompletionMode, Call.MaximumInstances, Call.InboundQuota, Call.OutboundQuota, 0 };
    if (!Call.DefaultTimeout)
        return STATUS_INVALID_PARAMETER;
    Pipe.DefaultTimeout = TRY(Call.DefaultTimeout.Read(Caller)).QuadPart;
    // CreateNamedPipe without a timeout means 50 ms; the packaged Win32 library leaves that to us.
    if (Pipe.DefaultTimeout == 0)
        Pipe.DefaultTimeout = -500'000;
    if (Pipe.DefaultTimeout > 0 || (How.Options & ~FILE_VALID_PIPE_OPTION_FLAGS) || !How.Share || (How.Share & FILE_SHARE_DELETE) ||
        (How.Disposition != FILE_OPEN && How.Disposition != FILE_CREATE && How.Disposition != FILE_OPEN_IF && How.Disposition != FILE_OVERWRITE_IF))
        return STATUS_INVALID_PARAMETER;
    if (How.Disposition == FILE_OVERWRITE_IF)       // what the Win32 library asks for anonymous pipes
        How.Disposition = FILE_OPEN_IF;
    if ((Pipe.Type & ~3u) || Pipe.ReadMode > 1 || Pipe.CompletionMode > 1 || !Pipe.MaximumInstances ||
        (Pipe.ReadMode == FILE_PIPE_MESSAGE_MODE && !(Pipe.Type & FILE_PIPE_MESSAGE_TYPE)))
        return STATUS_INVALID_PARAMETER;
    How.Pipe = &Pipe;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    return FindFile(Caller, Wanted, How);
}

static Result<Found> CreateMailslot(ke::Caller& Caller, svc::CreateMailslotFile& Call)
{
    TRY(Call.FileHandle.Probe(Caller));
    TRY(Call.IoStatusBlock.Probe(Caller));
    CreateParameters How;
    How.Access = MapFileAccess(Call.DesiredAccess);
    How.Share = FILE_SHARE_READ | FILE_SHARE_WRITE;
    How.Disposition = FILE_CREATE;
    How.Options = Call.CreateOptions;
    TRY(CheckParameters(How));
    if (How.Options & ~FILE_VALID_MAILSLOT_OPTION_FLAGS)
        return STATUS_INVALID_PARAMETER;
    MailslotParameters Slot { Call.MailslotQuota, Call.MaximumMessageSize, -1 };
    if (Call.ReadTimeout)
        Slot.ReadTimeout = TRY(Call.ReadTimeout.Read(Caller)).QuadPart;
    How.Mailslot = &Slot;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    return FindFile(Caller, Wanted, How);
}

}

using namespace io;

ke::Task<> NtCreateFile(ke::Caller& Caller, svc::CreateFile& Call)
{
    return OpenReady<io::CreateFile>(Caller, Call);
}

ke::Task<> NtOpenFile(ke::Caller& Caller, svc::OpenFile& Call)
{
    return OpenReady<OpenFileService>(Caller, Call);
}

ke::Task<> NtDeleteFile(ke::Caller& Caller, svc::DeleteFile& Call)
{
    return io::DeleteFile(Caller, Call);
}

ke::Task<> NtCreateNamedPipeFile(ke::Caller& Caller, svc::CreateNamedPipeFile& Call)
{
    return Finish(Caller, CreatePipe(Caller, Call), Call.FileHandle, Call.IoStatusBlock);
}

ke::Task<> NtCreateMailslotFile(ke::Caller& Caller, svc::CreateMailslotFile& Call)
{
    return Finish(Caller, CreateMailslot(Caller, Call), Call.FileHandle, Call.IoStatusBlock);
}

ke::Task<> NtQueryAttributesFile(ke::Caller& Caller, svc::QueryAttributesFile& Call)
{
    FILE_NETWORK_OPEN_INFORMATION Info {};
    RefPtr<File> ToOpen;
    Status S = QueryByName(Caller, Call.ObjectAttributes, Info, ToOpen);
    if (ToOpen)
        return QueryOpened(Caller, Ref<File>(*ToOpen), Call.FileInformation.Address(), true);
    if (!S.Ok())
        return ke::Task<>(S);
    FILE_BASIC_INFORMATION Basic { Info.CreationTime, Info.LastAccessTime, Info.LastWriteTime, Info.ChangeTime, Info.FileAttributes };
    return ke::Task<>(Call.FileInformation.Write(Caller, Basic));
}

ke::Task<> NtQueryFullAttributesFile(ke::Caller& Caller, svc::QueryFullAttributesFile& Call)
{
    FILE_NETWORK_OPEN_INFORMATION Info {};
    RefPtr<File> ToOpen;
    Status S = QueryByName(Caller, Call.ObjectAttributes, Info, ToOpen);
    if (ToOpen)
        return QueryOpened(Caller, Ref<File>(*ToOpen), Call.FileInformation.Address(), false);
    return ke::Task<>(S.Ok() ? Call.FileInformation.Write(Caller, Info) : S);
}
