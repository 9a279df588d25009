// Information services: files, volumes, extended attributes.
#include <string.h>

#include "ntos/io/completion.hpp"
#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"

namespace io {

static constexpr u32 MaximumAnswer = 128 * 1024;        // no answer is larger; larger buffers are used in part

namespace {

// What each class needs: the least length, rights. Length 0: the class cannot be queried (set).
struct ClassRule {
    u16 Query, Set;
    ACCESS_MASK QueryAccess, SetAccess;
};

}

static ClassRule RuleOf(u32 Class)
{
    constexpr ACCESS_MASK Ra = FILE_READ_ATTRIBUTES, Wa = FILE_WRITE_ATTRIBUTES, Wd = FILE_WRITE_DATA;
    switch (Class) {
    case FileBasicInformation:
        // Setting: the file looks at the right itself.
        return { sizeof(FILE_BASIC_INFORMATION), sizeof(FILE_BASIC_INFORMATION), Ra, 0 };
    case FileStandardInformation:
        return { sizeof(FILE_STANDARD_INFORMATION), 0, 0, 0 };
    case FileInternalInformation:
        return { sizeof(FILE_INTERNAL_INFORMATION), 0, 0, 0 };
    case FileEaInformation:
        return { sizeof(FILE_EA_INFORMATION), 0, 0, 0 };
    case FileAccessInformation:
        return { sizeof(FILE_ACCESS_INFORMATION), 0, 0, 0 };
    case FileNameInformation:
    case FileNormalizedNameInformation:
        return { sizeof(FILE_NAME_INFORMATION), 0, 0, 0 };
    case FileAlternateNameInformation:
        return { sizeof(FILE_NAME_INFORMATION), 0, 0, 0 };
    case FileRenameInformation:
    case FileRenameInformationEx:
        return { 0, sizeof(FILE_RENAME_INFORMATION), 0, DELETE_ACCESS };
    case FileLinkInformation:
    case FileLinkInformationEx:
        return { 0, sizeof(FILE_RENAME_INFORMATION), 0, 0 };
    case FileDispositionInformation:
        return { 0, sizeof(FILE_DISPOSITION_INFORMATION), 0, DELETE_ACCESS };
    case FileDispositionInformationEx:
        return { 0, sizeof(FILE_DISPOSITION_INFORMATION_EX), 0, DELETE_ACCESS };
    case FilePositionInformation:
        return { sizeof(FILE_POSITION_INFORMATION), sizeof(FILE_POSITION_INFORMATION), 0, 0 };
    case FileModeInformation:
        return { sizeof(FILE_MODE_INFORMATION), sizeof(FILE_MODE_INFORMATION), 0, 0 };
    case FileAlignmentInformation:
        return { sizeof(FILE_ALIGNMENT_INFORMATION), 0, 0, 0 };
    case FileAllInformation:
        return { sizeof(FILE_ALL_INFORMATION), 0, Ra, 0 };
    case FileAllocationInformation:
        return { 0, sizeof(FILE_ALLOCATION_INFORMATION), 0, Wd };
    case FileEndOfFileInformation:
        return { 0, sizeof(FILE_END_OF_FILE_INFORMATION), 0, Wd };
    case FileStreamInformation:
        return { sizeof(FILE_STREAM_INFORMATION), 0, 0, 0 };
    case FilePipeInformation:
        return { sizeof(FILE_PIPE_INFORMATION), sizeof(FILE_PIPE_INFORMATION), Ra, Wa };
    case FilePipeLocalInformation:
        return { sizeof(FILE_PIPE_LOCAL_INFORMATION), 0, Ra, 0 };
    case FileMailslotQueryInformation:
        return { sizeof(FILE_MAILSLOT_QUERY_INFORMATION), 0, 0, 0 };
    case FileMailslotSetInformation:
        return { 0, sizeof(FILE_MAILSLOT_SET_INFORMATION), 0, 0 };
    case FileCompressionInformation:
        return { sizeof(FILE_COMPRESSION_INFORMATION), 0, 0, 0 };
    case FileCompletionInformation:
        return { 0, sizeof(FILE_COMPLETION_INFORMATION), 0, 0 };
    case FileNetworkOpenInformation:
        return { sizeof(FILE_NETWORK_OPEN_INFORMATION), 0, Ra, 0 };
    case FileAttributeTagInformation:
        return { sizeof(FILE_ATTRIBUTE_TAG_INFORMATION), 0, Ra, 0 };
    case FileValidDataLengthInformation:
        return { 0, sizeof(FILE_VALID_DATA_LENGTH_INFORMATION), 0, Wd };
    case FileShortNameInformation:
        return { 0, sizeof(FILE_NAME_INFORMATION), 0, DELETE_ACCESS };
    case FileIoCompletionNotificationInformation:
        return { sizeof(FILE_IO_COMPLETION_NOTIFICATION_INFORMATION), sizeof(FILE_IO_COMPLETION_NOTIFICATION_INFORMATION), 0, 0 };
    case FileIoPriorityHintInformation:
        return { sizeof(FILE_IO_PRIORITY_HINT_INFORMATION), sizeof(FILE_IO_PRIORITY_HINT_INFORMATION), 0, 0 };
    case FileHardLinkInformation:
        return { sizeof(FILE_LINKS_INFORMATION), 0, 0, 0 };
    case FileIsRemoteDeviceInformation:
        return { sizeof(FILE_IS_REMOTE_DEVICE_INFORMATION), 0, 0, 0 };
    case FileNumaNodeInformation:
        return { sizeof(FILE_NUMA_NODE_INFORMATION), 0, 0, 0 };
    case FileStandardLinkInformation:
        return { sizeof(FILE_STANDARD_LINK_INFORMATION), 0, 0, 0 };
    case FileIdInformation:
        return { sizeof(FILE_ID_INFORMATION), 0, 0, 0 };
    case FileStatInformation:
        return { sizeof(FILE_STAT_INFORMATION), 0, Ra, 0 };
    case FileCaseSensitiveInformation:
        return { sizeof(FILE_CASE_SENSITIVE_INFORMATION), sizeof(FILE_CASE_SENSITIVE_INFORMATION), Ra, Wa };
    default:
        return {};
    }
}

Status QueryWithoutMedium(File& F, const FILE_BASIC_INFORMATION& Basic, const FILE_STANDARD_INFORMATION& Standard, FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    switch (Class) {
    case FileStandardInformation:
        To.Fixed(Standard);
        return To.Result();
    case FileBasicInformation:
        To.Fixed(Basic);
        return To.Result();
    case FileAllInformation: {
        FILE_ALL_INFORMATION A {};
        A.BasicInformation = Basic;
        A.StandardInformation = Standard;
        To.Bytes(&A, offsetof(FILE_ALL_INFORMATION, NameInformation));
        [[fallthrough]];
    }
    case FileNameInformation: {
        ob::String Text = TRY(F.RelativeName());
        u32 Bytes = u32(Text.View().Length * 2);
        To.Bytes(&Bytes, 4);
        To.Bytes(Text.View().Data, Bytes);
        return To.Result();
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

// The classes the I/O manager answers itself. STATUS_NOT_IMPLEMENTED: not one of them.
Status QueryCommon(File& F, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    switch (Class) {
    case FileAccessInformation:
        To.Fixed(FILE_ACCESS_INFORMATION { Granted });
        break;
    case FilePositionInformation:
        To.Fixed(FILE_POSITION_INFORMATION { { .QuadPart = i64(F.Position) } });
        break;
    case FileModeInformation:
        To.Fixed(FILE_MODE_INFORMATION { F.Mode() });
        break;
    case FileAlignmentInformation:
        To.Fixed(FILE_ALIGNMENT_INFORMATION { 0 });
        break;
    case FileIoCompletionNotificationInformation:
        To.Fixed(FILE_IO_COMPLETION_NOTIFICATION_INFORMATION { F.NotificationFlags_ });
        break;
    case FileIoPriorityHintInformation:
        To.Fixed(FILE_IO_PRIORITY_HINT_INFORMATION { 2 });
        break;
    case FileIsRemoteDeviceInformation:
        To.Fixed(FILE_IS_REMOTE_DEVICE_INFORMATION { false });
        break;
    case FileNumaNodeInformation:
        To.Fixed(FILE_NUMA_NODE_INFORMATION { 0 });
        break;
    case FileAllInformation: {
        if (F.TakesRequests())
            return STATUS_NOT_IMPLEMENTED;
        TRY(F.QueryInformation(Class, To));
        FILE_ALL_INFORMATION A;
        memcpy(&A, To.Data(), offsetof(FILE_ALL_INFORMATION, NameInformation));
        A.AccessInformation.AccessFlags = Granted;
        A.PositionInformation.CurrentByteOffset.QuadPart = i64(F.Position);
        A.ModeInformation.Mode = F.Mode();
        A.AlignmentInformation.AlignmentRequirement = 0;
        memcpy(To.Data(), &A, offsetof(FILE_ALL_INFORMATION, NameInformation));
        break;
    }
    default:
        return STATUS_NOT_IMPLEMENTED;
    }
    return To.Result();
}

// The file of a handle with the rights a class needs. The packaged DLLs open files for deletion, or just to wait, and then ask for or set their
// attributes by that handle, which NT would refuse: for basic information the two attribute rights are also had if the file's descriptor would grant
// them to the caller now.
static Result<ob::AnyReference> ReferenceForClass(ke::Caller& Caller, HANDLE Handle, u32 Class, ACCESS_MASK Access)
{
    if (Class != FileBasicInformation)
        return ob::ReferenceType(Caller, Handle, Access, File::Type);
    constexpr ACCESS_MASK AttributeRights = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES;
    auto Found = TRY(ob::ReferenceType(Caller, Handle, Access & ~AttributeRights, File::Type));
    if (ACCESS_MASK Missing = Access & AttributeRights & ~Found.Granted)
        (void)TRY(ob::CheckAccess(Caller, *Found.Target, Missing));
    return Found;
}

static Status QueryFile(ke::Caller& Caller, svc::QueryInformationFile& Call)
{
    u32 Class = Call.FileInformationClass, Length = Call.Length;
    ClassRule Rule = RuleOf(Class);
    if (!Rule.Query)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < Rule.Query)
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Found = TRY(ReferenceForClass(Caller, Call.FileHandle, Class, Rule.QueryAccess));
    File& F = static_cast<File&>(*Found.Target);
    TRY(Call.IoStatusBlock.Probe(Caller));
    ++Caller.Process().Io.OtherOperationCount;
    Scratch Room;
    u32 Bytes = Length < MaximumAnswer ? Length : MaximumAnswer;
    InfoBuffer Answer(TRY(Room.Get(Bytes)), Bytes);
    Status S = QueryCommon(F, Found.Granted, FILE_INFORMATION_CLASS(Class), Answer);
    if (S == STATUS_NOT_IMPLEMENTED && F.TakesRequests())
        return STATUS_CANT_WAIT;
    if (S == STATUS_NOT_IMPLEMENTED)
        S = F.QueryInformation(FILE_INFORMATION_CLASS(Class), Answer);
    if (IsError(S))
        return S;
    if (Answer.Used())
        TRY(Call.FileInformation.Write(Caller, Answer.Data(), Answer.Used()));
    TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, Answer.Used()));
    return S;
}

static Status SetCommon(ke::Caller& Caller, File& F, u32 Class, std::span<const u8> From, bool& Handled)
{
    Handled = true;
    switch (Class) {
    case FilePositionInformation: {
        i64 At;
        memcpy(&At, From.data(), 8);
        if (At < 0)
            return STATUS_INVALID_PARAMETER;
        F.Position = u64(At);
        F.PositionSet();
        return STATUS_SUCCESS;
    }
    case FileModeInformation: {
        u32 Mode;
        memcpy(&Mode, From.data(), 4);
        constexpr u32 Synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
        if ((Mode & ~(FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | Synchronous)) || (Mode & Synchronous) == Synchronous || !(Mode & Synchronous) != !F.IsSynchronous())
            return STATUS_INVALID_PARAMETER;
        F.SetMode(Mode);
        return STATUS_SUCCESS;
    }
    case FileCompletionInformation: {
        FILE_COMPLETION_INFORMATION C;
        memcpy(&C, From.data(), sizeof(C));
        Ref<CompletionPort> Port = TRY(ob::Reference<CompletionPort>(Caller, C.Port, IO_COMPLETION_MODIFY_STATE));
        return SetCompletion(F, RefPtr<CompletionPort>(std::move(Port)), u64(C.Key));
    }
    case FileIoCompletionNotificationInformation: {
        u32 Flags;
        memcpy(&Flags, From.data(), 4);
        return SetNotificationFlags(F, Flags);
    }
    case FileIoPriorityHintInformation: {
        u32 Hint;
        memcpy(&Hint, From.data(), 4);
        return Hint > 4 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;    // there is one priority
    }
    }
    Handled = false;
    return STATUS_SUCCESS;
}

static Status SetFile(ke::Caller& Caller, svc::SetInformationFile& Call)
{
    u32 Class = Call.FileInformationClass, Length = Call.Length;
    ClassRule Rule = RuleOf(Class);
    if (!Rule.Set)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < Rule.Set)
        return STATUS_INFO_LENGTH_MISMATCH;
    auto Found = TRY(ReferenceForClass(Caller, Call.FileHandle, Class, Rule.SetAccess));
    File& F = static_cast<File&>(*Found.Target);
    TRY(Call.IoStatusBlock.Probe(Caller));
    if (Length > MaximumAnswer)
        return STATUS_INVALID_PARAMETER;
    ++Caller.Process().Io.OtherOperationCount;
    Scratch Room;
    u8* From = TRY(Room.Get(Length));
    TRY(Call.FileInformation.Read(Caller, From, Length));
    bool Handled;
    Status S = SetCommon(Caller, F, Class, { From, Length }, Handled);
    if (!Handled && F.TakesRequests())
        return STATUS_CANT_WAIT;
    if (!Handled)
        S = F.SetInformation(Caller, Found.Granted, FILE_INFORMATION_CLASS(Class), { From, Length });
    if (IsError(S))
        return S;
    TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, 0));
    return S;
}

// --- volumes

static u32 LeastVolume(u32 Class)
{
    switch (Class) {
    case FileFsVolumeInformation:
        return sizeof(FILE_FS_VOLUME_INFORMATION);
    case FileFsSizeInformation:
        return sizeof(FILE_FS_SIZE_INFORMATION);
    case FileFsDeviceInformation:
        return sizeof(FILE_FS_DEVICE_INFORMATION);
    case FileFsAttributeInformation:
        return sizeof(FILE_FS_ATTRIBUTE_INFORMATION);
    case FileFsControlInformation:
        return sizeof(FILE_FS_CONTROL_INFORMATION);
    case FileFsFullSizeInformation:
        return sizeof(FILE_FS_FULL_SIZE_INFORMATION);
    case FileFsObjectIdInformation:
        return sizeof(FILE_FS_OBJECTID_INFORMATION);
    case FileFsSectorSizeInformation:
        return sizeof(FILE_FS_SECTOR_SIZE_INFORMATION);
    default:
        return 0;
    }
}

Status File::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    if (Class != FileFsDeviceInformation)
        return STATUS_INVALID_DEVICE_REQUEST;
    To.Fixed(FILE_FS_DEVICE_INFORMATION { Device_->DeviceType, Device_->Characteristics });
    return STATUS_SUCCESS;
}

static Status QueryVolumeService(ke::Caller& Caller, svc::QueryVolumeInformationFile& Call)
{
    u32 Class = Call.FsInformationClass, Length = Call.Length;
    u32 Least = LeastVolume(Class);
    if (!Least)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < Least)
        return STATUS_INFO_LENGTH_MISMATCH;
    Ref<File> F = TRY(ob::Reference<File>(Caller, Call.FileHandle, Class == FileFsControlInformation ? FILE_READ_DATA : 0));
    TRY(Call.IoStatusBlock.Probe(Caller));
    Scratch Room;
    u32 Bytes = Length < 1024 ? Length : 1024;
    InfoBuffer Answer(TRY(Room.Get(Bytes)), Bytes);
    if (F->IsDirectOpen() && Class != FileFsDeviceInformation)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (F->TakesRequests() && Class != FileFsDeviceInformation)
        return STATUS_CANT_WAIT;
    Status S = F->QueryVolume(FSINFOCLASS(Class), Answer);
    if (IsError(S))
        return S;
    TRY(Call.FsInformation.Write(Caller, Answer.Data(), Answer.Used()));
    TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, Answer.Used()));
    return S;
}

static Status SetVolumeService(ke::Caller& Caller, svc::SetVolumeInformationFile& Call)
{
    u32 Class = Call.FsInformationClass, Length = Call.Length;
    if (Class != FileFsLabelInformation && Class != FileFsControlInformation && Class != FileFsObjectIdInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < (Class == FileFsLabelInformation ? sizeof(FILE_FS_LABEL_INFORMATION) : 48))
        return STATUS_INFO_LENGTH_MISMATCH;
    Ref<File> F = TRY(ob::Reference<File>(Caller, Call.FileHandle, FILE_WRITE_DATA));
    TRY(Call.IoStatusBlock.Probe(Caller));
    u8 From[256] = {};
    u32 Bytes = Length < sizeof(From) ? Length : u32(sizeof(From));
    TRY(Call.FsInformation.Read(Caller, From, Bytes));
    if (F->TakesRequests())
        return STATUS_CANT_WAIT;
    Status S = F->SetVolume(FSINFOCLASS(Class), { From, Bytes });
    if (IsError(S))
        return S;
    TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, 0));
    return S;
}

// --- extended attributes

static Status QueryEa(ke::Caller& Caller, svc::QueryEaFile& Call)
{
    Ref<File> F = TRY(ob::Reference<File>(Caller, Call.FileHandle, FILE_READ_EA));
    TRY(Call.IoStatusBlock.Probe(Caller));
    Vector<u8> Names;
    if (Call.EaList && Call.EaListLength) {
        if (Call.EaListLength > MaximumEaBytes)
            return STATUS_INVALID_PARAMETER;
        TRY(Names.Resize(Call.EaListLength));
        TRY(Call.EaList.Read(Caller, Names.Data(), Names.Size()));
    }
    u32 Index = 0;
    if (Call.EaIndex)
        Index = TRY(Call.EaIndex.Read(Caller));
    Scratch Room;
    u32 Bytes = Call.Length < MaximumAnswer ? u32(Call.Length) : MaximumAnswer;
    InfoBuffer Answer(TRY(Room.Get(Bytes)), Bytes);
    Status S = F->QueryEa(Caller, Answer, Call.ReturnSingleEntry, Names.Span(), Call.EaIndex ? &Index : nullptr, Call.RestartScan);
    // Where there is none the whole buffer is cleared, as NTFS does.
    if (S == STATUS_NO_EAS_ON_FILE && Bytes)
        TRY(Call.Buffer.Write(Caller, Answer.Data(), Bytes));
    if (IsError(S))
        return S;
    TRY(Call.Buffer.Write(Caller, Answer.Data(), Answer.Used()));
    TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, Answer.Used()));
    return S;
}

static Status SetEa(ke::Caller& Caller, svc::SetEaFile& Call)
{
    Ref<File> F = TRY(ob::Reference<File>(Caller, Call.FileHandle, FILE_WRITE_EA));
    TRY(Call.IoStatusBlock.Probe(Caller));
    if (Call.Length > MaximumEaBytes)
        return STATUS_EA_TOO_LARGE;
    Vector<u8> List;
    TRY(List.Resize(Call.Length));
    TRY(Call.Buffer.Read(Caller, List.Data(), List.Size()));
    TRY(F->SetEa(List.Span()));
    return WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), STATUS_SUCCESS, 0);
}

// For files that take requests: STATUS_CANT_WAIT from one of the functions above, which have checked the arguments.
static ke::Task<> AsRequest(ke::Caller& Caller, Operation What, HANDLE Handle, ke::UserPtr<IO_STATUS_BLOCK> Block, ke::UserBuffer Buffer, u32 Length, u32 Class)
{
    auto Make = [&](Issue& I) -> Result<Ref<Request>> {
        bool Query = What == Operation::QueryInformation || What == Operation::QueryVolume;
        if (Length > MaximumAnswer && !Query)
            return STATUS_INVALID_PARAMETER;
        Ref<Request> R = TRY(I.Make(What));
        R->InputAddress = I.Granted;
        R->WaitAlways();
        R->Code = Class;
        if (Query) {
            R->Data.Address = Buffer.Address();
            R->Data.Length = Length < MaximumAnswer ? Length : MaximumAnswer;
            TRY(mm::ProbeForWrite(Caller.Process(), R->Data.Address, R->Data.Length));
        } else {
            TRY(R->Input.Resize(Length));
            TRY(Buffer.Read(Caller, R->Input.Data(), Length));
        }
        return R;
    };
    auto I = Issue::Begin(Caller, Handle, 0, nullptr, nullptr, nullptr, Block);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = Make(I.Value());
    return R.Ok() ? I.Value().Run(R.Take()) : ke::Task<>(R.GetStatus());
}

// Renaming and linking: the folder the file goes to is opened first, if the name has one, and the request brings that file.
static ke::Task<> MoveByRequest(ke::Caller& Caller, svc::SetInformationFile& Call)
{
    Issue I = CO_TRY(Issue::Begin(Caller, Call.FileHandle, 0, nullptr, nullptr, nullptr, Call.IoStatusBlock));
    u32 Length = Call.Length;
    if (Length > 0xFFFF + sizeof(FILE_RENAME_INFORMATION))
        co_return STATUS_INVALID_PARAMETER;
    Ref<Request> R = CO_TRY(I.Make(Operation::SetInformation));
    R->WaitAlways();
    R->Code = Call.FileInformationClass;
    CO_TRY(R->Input.Resize(Length));
    CO_TRY(Call.FileInformation.Read(Caller, R->Input.Data(), Length));
    constexpr usize NameAt = offsetof(FILE_RENAME_INFORMATION, FileName);
    FILE_RENAME_INFORMATION Info;
    memcpy(&Info, R->Input.Data(), NameAt);
    if (!Info.FileNameLength || (Info.FileNameLength & 1) || Info.FileNameLength > Length - NameAt)
        co_return STATUS_INVALID_PARAMETER;
    ob::String Path;
    CO_TRY(Path.Characters().Resize(Info.FileNameLength / 2));
    memcpy(Path.Characters().Data(), R->Input.Data() + NameAt, Info.FileNameLength);
    bool HasFolder = false;
    for (wchar_t C : Path.Characters())
        HasFolder |= C == L'\\';
    if (HasFolder || Info.RootDirectory) {
        TargetFolder To = CO_TRY(OpenTargetFolder(Caller, Info.RootDirectory, Path));
        if (&To.Folder->GetDevice() != &I.Target->GetDevice() || !To.Folder->NeedsCreate())
            co_return STATUS_NOT_SAME_DEVICE;
        u32 Information = 0;
        CO_TRY(co_await Issue::RunCreate(Caller, To.Folder, Information));
        R->Other = std::move(To.Folder);
    }
    Status S = co_await I.Run(R);
    if (R->Other)
        CO_TRY(co_await Issue::Close(Caller, Ref<File>(*R->Other)));
    co_return S;
}

// STATUS_CANT_WAIT: ToOpen is to be opened and asked.
static Status QueryByName(ke::Caller& Caller, svc::QueryInformationByName& Call, RefPtr<File>& ToOpen)
{
    u32 Class = Call.FileInformationClass, Length = Call.Length;
    if (Class != FileStatInformation && Class != FileCaseSensitiveInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (Length < RuleOf(Class).Query)
        return STATUS_INFO_LENGTH_MISMATCH;
    TRY(Call.IoStatusBlock.Probe(Caller));
    CreateParameters How;
    How.Access = FILE_READ_ATTRIBUTES;
    How.Share = FILE_SHARE_VALID_FLAGS;
    How.Options = FILE_OPEN_REPARSE_POINT;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    Ref<File> F = TRY(OpenFile(Caller, Wanted, How));
    if (F->NeedsCreate()) {
        ToOpen = std::move(F);
        return STATUS_CANT_WAIT;
    }
    Scratch Room;
    InfoBuffer Answer(TRY(Room.Get(sizeof(FILE_STAT_INFORMATION))), sizeof(FILE_STAT_INFORMATION));
    TRY(F->QueryInformation(FILE_INFORMATION_CLASS(Class), Answer));
    TRY(Call.FileInformation.Write(Caller, Answer.Data(), Answer.Used()));
    return WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), STATUS_SUCCESS, Answer.Used());
}

static ke::Task<> AskOpened(ke::Caller& Caller, Ref<File> F, svc::QueryInformationByName& Call)
{
    u32 Information = 0;
    CO_TRY(co_await Issue::RunCreate(Caller, F, Information));
    auto R = CO_TRY(Issue::MakeOwn(Caller, F, Operation::QueryInformation));
    R->Code = Call.FileInformationClass;
    R->Data.Length = sizeof(FILE_STAT_INFORMATION);
    CO_TRY(co_await Issue::Await(Caller, R));
    usize Bytes = R->Reply.Size() < Call.Length ? R->Reply.Size() : usize(Call.Length);
    CO_TRY(Call.FileInformation.Write(Caller, R->Reply.Data(), Bytes));
    CO_TRY(co_await Issue::Close(Caller, F));
    co_return WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), STATUS_SUCCESS, Bytes);
}

}

using namespace io;

ke::Task<> NtQueryInformationFile(ke::Caller& Caller, svc::QueryInformationFile& Call)
{
    Status S = QueryFile(Caller, Call);
    return S == STATUS_CANT_WAIT ? AsRequest(Caller, Operation::QueryInformation, Call.FileHandle, Call.IoStatusBlock, Call.FileInformation, Call.Length, Call.FileInformationClass) : ke::Task<>(S);
}

ke::Task<> NtSetInformationFile(ke::Caller& Caller, svc::SetInformationFile& Call)
{
    Status S = SetFile(Caller, Call);
    u32 Class = Call.FileInformationClass;
    if (S == STATUS_CANT_WAIT && (Class == FileRenameInformation || Class == FileRenameInformationEx || Class == FileLinkInformation || Class == FileLinkInformationEx))
        return MoveByRequest(Caller, Call);
    return S == STATUS_CANT_WAIT ? AsRequest(Caller, Operation::SetInformation, Call.FileHandle, Call.IoStatusBlock, Call.FileInformation, Call.Length, Call.FileInformationClass) : ke::Task<>(S);
}

ke::Task<> NtQueryInformationByName(ke::Caller& Caller, svc::QueryInformationByName& Call)
{
    RefPtr<File> ToOpen;
    Status S = io::QueryByName(Caller, Call, ToOpen);
    return ToOpen ? AskOpened(Caller, Ref<File>(*ToOpen), Call) : ke::Task<>(S);
}

ke::Task<> NtQueryVolumeInformationFile(ke::Caller& Caller, svc::QueryVolumeInformationFile& Call)
{
    Status S = QueryVolumeService(Caller, Call);
    return S == STATUS_CANT_WAIT ? AsRequest(Caller, Operation::QueryVolume, Call.FileHandle, Call.IoStatusBlock, Call.FsInformation, Call.Length, Call.FsInformationClass) : ke::Task<>(S);
}

ke::Task<> NtSetVolumeInformationFile(ke::Caller& Caller, svc::SetVolumeInformationFile& Call)
{
    Status S = SetVolumeService(Caller, Call);
    return S == STATUS_CANT_WAIT ? AsRequest(Caller, Operation::SetVolume, Call.FileHandle, Call.IoStatusBlock, Call.FsInformation, Call.Length, Call.FsInformationClass) : ke::Task<>(S);
}

ke::Task<> NtQueryEaFile(ke::Caller& Caller, svc::QueryEaFile& Call)
{
    return ke::Task<>(io::QueryEa(Caller, Call));
}

ke::Task<> NtSetEaFile(ke::Caller& Caller, svc::SetEaFile& Call)
{
    return ke::Task<>(io::SetEa(Caller, Call));
}
