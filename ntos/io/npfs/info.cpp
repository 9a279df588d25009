// An end of a pipe: what it tells about itself.
#include "ntos/io/npfs/npfs.hpp"

#include <string.h>

#include "ntos/io/issue.hpp"

namespace io::npfs {

Result<ob::String> PipeEnd::RelativeName()
{
    if (I_->Name->Anonymous)
        return STATUS_OBJECT_PATH_INVALID;
    ob::String S;
    TRY(S.Append(L"\\"));
    TRY(S.Append(I_->Name->Text.View()));
    return S;
}

Status PipeEnd::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    PipeName& N = *I_->Name;
    FILE_STANDARD_INFORMATION Standard {};
    Standard.AllocationSize.QuadPart = i64(In().Quota) + Out().Quota;
    Standard.EndOfFile.QuadPart = i64(In().Bytes());
    Standard.NumberOfLinks = 1;
    Standard.DeletePending = true;
    FILE_BASIC_INFORMATION Basic {};
    Basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    switch (Class) {
    case FilePipeInformation:
        To.Fixed(FILE_PIPE_INFORMATION { ReadMode_, CompletionMode_ });
        break;
    case FilePipeLocalInformation: {
        FILE_PIPE_LOCAL_INFORMATION L { N.Type, N.Configuration, N.MaximumInstances, N.Count, I_->Inbound.Quota, u32(In().Bytes()), I_->Outbound.Quota,
                                        Out().Room(), State(), IsServer_ ? FILE_PIPE_SERVER_END : FILE_PIPE_CLIENT_END };
        To.Fixed(L);
        break;
    }
    case FileInternalInformation:
        To.Fixed(FILE_INTERNAL_INFORMATION { { .QuadPart = i64(reinterpret_cast<u64>(I_.Get()) >> 4 & 0xFFFFFFFF) } });
        break;
    case FileEaInformation:
        To.Fixed(FILE_EA_INFORMATION { 0 });
        break;
    default:
        return QueryWithoutMedium(*this, Basic, Standard, Class, To);
    }
    return To.Result();
}

Status PipeEnd::SetInformation(ke::Caller&, ACCESS_MASK, FILE_INFORMATION_CLASS Class, std::span<const u8> From)
{
    if (Detached())
        return STATUS_PIPE_DISCONNECTED;
    if (Class != FilePipeInformation)
        return Class == FileBasicInformation ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    FILE_PIPE_INFORMATION I;
    memcpy(&I, From.data(), sizeof(I));
    if (I.ReadMode > 1 || I.CompletionMode > 1 || (I.ReadMode == FILE_PIPE_MESSAGE_MODE && I_->Name->Type != FILE_PIPE_MESSAGE_TYPE))
        return STATUS_INVALID_PARAMETER;
    // Somebody waits: not now.
    if (I.CompletionMode == FILE_PIPE_COMPLETE_OPERATION && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION && In().HasReaders())
        return STATUS_PIPE_BUSY;
    ReadMode_ = I.ReadMode;
    CompletionMode_ = I.CompletionMode;
    return STATUS_SUCCESS;
}

Status PipeEnd::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    if (Class == FileFsAttributeInformation) {
        static constexpr wchar_t Npfs[] = L"NPFS";
        FILE_FS_ATTRIBUTE_INFORMATION A {};
        A.FileSystemAttributes = FILE_CASE_PRESERVED_NAMES;
        A.MaximumComponentNameLength = 0x7FFF;
        A.FileSystemNameLength = 8;
        To.Bytes(&A, offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName));
        To.Bytes(Npfs, 8);
        return To.Result();
    }
    if (Class == FileFsVolumeInformation) {
        static constexpr wchar_t Label[] = L"NamedPipe";
        FILE_FS_VOLUME_INFORMATION V {};
        V.VolumeLabelLength = 18;
        To.Bytes(&V, offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel));
        To.Bytes(Label, 18);
        return To.Result();
    }
    return File::QueryVolume(Class, To);
}

}
