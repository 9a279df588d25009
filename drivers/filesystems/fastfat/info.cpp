// What is told of files, and what may be changed.
#include "fastfat.hpp"

namespace fastfat {

namespace {

template <typename T> NTSTATUS Fixed(const T& Value, void* To, ULONG Room, ULONG_PTR& Information)
{
    if (Room < sizeof(T))
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(To, &Value, sizeof(T));
    Information = sizeof(T);
    return STATUS_SUCCESS;
}

// A name behind its length, as much as fits.
NTSTATUS Name(const WCHAR* Text, u32 Bytes, u8* To, ULONG Room, ULONG Before, ULONG_PTR& Information)
{
    if (Room < Before + 4)
        return STATUS_BUFFER_TOO_SMALL;
    memcpy(To + Before, &Bytes, 4);
    u32 Fits = Bytes < Room - Before - 4 ? Bytes : u32(Room - Before - 4);
    memcpy(To + Before + 4, Text, Fits);
    Information = Before + 4 + Fits;
    return Fits < Bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

FILE_BASIC_INFORMATION Basic(const Fcb& F)
{
    FILE_BASIC_INFORMATION B {};
    if (F.IsRoot()) {
        B.FileAttributes = FILE_ATTRIBUTE_DIRECTORY;
        return B;
    }
    B.CreationTime = ToTime(F.Entry.Created);
    B.LastAccessTime = ToTime(F.Entry.Accessed);
    B.LastWriteTime = B.ChangeTime = ToTime(F.Entry.Written);
    B.FileAttributes = AttributesOf(F.Entry);
    return B;
}

FILE_STANDARD_INFORMATION Standard(const Fcb& F)
{
    FILE_STANDARD_INFORMATION S {};
    S.AllocationSize = F.Header.AllocationSize;
    S.EndOfFile = F.Header.FileSize;
    S.NumberOfLinks = F.DeletePending ? 0 : 1;
    S.DeletePending = F.DeletePending;
    S.Directory = F.IsFolder();
    return S;
}

}

NTSTATUS QueryInformation(Volume& V, Fcb& F, FILE_OBJECT* File, FILE_INFORMATION_CLASS Class, void* To, ULONG Room, ULONG_PTR& Information)
{
    (void)V;
    if (F.IsVolume && Class != FileStandardInformation && Class != FilePositionInformation)
        return STATUS_INVALID_PARAMETER;
    auto* Bytes = static_cast<u8*>(To);
    switch (int(Class)) {
    case FileBasicInformation: return Fixed(Basic(F), To, Room, Information);
    case FileStandardInformation: return Fixed(Standard(F), To, Room, Information);
    case FileInternalInformation: return Fixed(IdOf(F), To, Room, Information);
    case FileEaInformation: return Fixed(ULONG(0), To, Room, Information);
    case FilePositionInformation: return Fixed(File->CurrentByteOffset, To, Room, Information);
    case FileNameInformation:
    case 48:                            // FileNormalizedNameInformation
        return Name(F.Name.Buffer, F.Name.Length, Bytes, Room, 0, Information);
    case FileAlternateNameInformation: {
        if (F.IsRoot())
            return STATUS_OBJECT_NAME_NOT_FOUND;
        WCHAR Short[13];
        u32 N = 0;
        for (u32 I = 0; I < 11; ++I) {
            if (I == 8 && F.Entry.Short[8] != ' ')
                Short[N++] = L'.';
            if (F.Entry.Short[I] != ' ')
                Short[N++] = fat::FromOem(I == 0 && F.Entry.Short[0] == 0x05 ? 0xE5 : F.Entry.Short[I]);
        }
        return Name(Short, N * 2, Bytes, Room, 0, Information);
    }
    case FileAllInformation: {
        constexpr ULONG NameAt = offsetof(FILE_ALL_INFORMATION, NameInformation);
        if (Room < sizeof(FILE_ALL_INFORMATION))
            return STATUS_BUFFER_TOO_SMALL;
        FILE_ALL_INFORMATION A {};
        A.BasicInformation = Basic(F);
        A.StandardInformation = Standard(F);
        A.InternalInformation.IndexNumber.QuadPart = LONGLONG(IdOf(F));
        A.PositionInformation.CurrentByteOffset = File->CurrentByteOffset;
        memcpy(To, &A, NameAt);
        return Name(F.Name.Buffer, F.Name.Length, Bytes, Room, NameAt, Information);
    }
    case FileNetworkOpenInformation: {
        FILE_NETWORK_OPEN_INFORMATION N {};
        FILE_BASIC_INFORMATION B = Basic(F);
        N.CreationTime = B.CreationTime;
        N.LastAccessTime = B.LastAccessTime;
        N.LastWriteTime = B.LastWriteTime;
        N.ChangeTime = B.ChangeTime;
        N.AllocationSize = F.Header.AllocationSize;
        N.EndOfFile = F.Header.FileSize;
        N.FileAttributes = B.FileAttributes;
        return Fixed(N, To, Room, Information);
    }
    case FileAttributeTagInformation: {
        FILE_ATTRIBUTE_TAG_INFORMATION T { F.IsRoot() ? ULONG(FILE_ATTRIBUTE_DIRECTORY) : AttributesOf(F.Entry), 0 };
        return Fixed(T, To, Room, Information);
    }
    case FileStreamInformation: {
        if (F.IsFolder())
            return STATUS_SUCCESS;
        constexpr u32 NameAt = 24, NameBytes = 14;
        if (Room < NameAt + NameBytes)
            return STATUS_BUFFER_OVERFLOW;
        struct {
            ULONG Next, NameLength;
            LARGE_INTEGER Size, Allocated;
        } S { 0, NameBytes, F.Header.FileSize, F.Header.AllocationSize };
        memcpy(To, &S, NameAt);
        memcpy(Bytes + NameAt, L"::$DATA", NameBytes);
        Information = NameAt + NameBytes;
        return STATUS_SUCCESS;
    }
    case FileCompressionInformation: {
        FILE_COMPRESSION_INFORMATION C {};
        C.CompressedFileSize = F.Header.AllocationSize;
        return Fixed(C, To, Room, Information);
    }
    case FileStandardLinkInformation: {
        struct {
            ULONG Links, Names;
            BOOLEAN DeletePending, Directory;
        } L { 1, 1, F.DeletePending, F.IsFolder() };
        return Fixed(L, To, Room, Information);
    }
    default: return STATUS_INVALID_PARAMETER;
    }
}

// --- changes

static NTSTATUS SetBasic(Fcb& F, Ccb& C, const FILE_BASIC_INFORMATION& B)
{
    if (F.IsRoot())
        return STATUS_INVALID_PARAMETER;
    ULONG Filter = 0;
    if (B.FileAttributes) {
        if (B.FileAttributes & FILE_ATTRIBUTE_DIRECTORY ? !F.IsFolder() : false)
            return STATUS_INVALID_PARAMETER;
        if (B.FileAttributes & FILE_ATTRIBUTE_TEMPORARY && F.IsFolder())
            return STATUS_INVALID_PARAMETER;
        F.Entry.Attributes = u8((B.FileAttributes & (fat::ReadOnly | fat::Hidden | fat::System | fat::Archive)) | (F.IsFolder() ? u8(fat::Folder) : 0));
        Filter |= FILE_NOTIFY_CHANGE_ATTRIBUTES;
    }
    auto Set = [&](LARGE_INTEGER Time, fat::Stamp& To, ULONG Which) {
        if (!Time.QuadPart || Time.QuadPart == -1 || Time.QuadPart == -2)
            return;
        To = FromTime(Time);
        C.UserTimes = true;
        Filter |= Which;
    };
    Set(B.CreationTime, F.Entry.Created, FILE_NOTIFY_CHANGE_CREATION);
    Set(B.LastAccessTime, F.Entry.Accessed, FILE_NOTIFY_CHANGE_LAST_ACCESS);
    Set(B.LastWriteTime, F.Entry.Written, FILE_NOTIFY_CHANGE_LAST_WRITE);
    if (!Filter)
        return STATUS_SUCCESS;
    F.Changed = true;
    Changed(*F.Of);
    if (Status S = WriteBack(F); !S.Ok())
        return S.Code();
    Report(F, Filter, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

static NTSTATUS SetDisposition(Volume& V, Fcb& F, bool Delete, bool IgnoreReadOnly)
{
    if (!Delete) {
        F.DeletePending = false;
        return STATUS_SUCCESS;
    }
    if (F.IsRoot() || (F.Entry.Attributes & fat::ReadOnly && !IgnoreReadOnly))
        return STATUS_CANNOT_DELETE;
    if (F.IsFolder()) {
        u32 Slot = 0;
        auto Inside = V.Fat->Next(F.Entry, Slot);
        if (Inside.Ok())
            return STATUS_DIRECTORY_NOT_EMPTY;
        if (Inside.Code() != STATUS_NO_MORE_FILES)
            return Inside.Code();
    } else if (!MmFlushImageSection(&F.Sections, MmFlushForDelete)) {
        return STATUS_CANNOT_DELETE;
    }
    F.DeletePending = true;
    return STATUS_SUCCESS;
}

static bool HasOpenBelow(Volume& V, const Fcb& Folder)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        if (F->Opens)
            for (Fcb* Above = F->Parent; Above; Above = Above->Parent)
                if (Above == &Folder)
                    return true;
    return false;
}

static void RenameBelow(Volume& V, Fcb& Folder)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next) {
        if (F->Parent != &Folder)
            continue;
        NameFcb(*F).Ignore();           // without memory the old name is told
        if (F->IsFolder())
            RenameBelow(V, *F);
    }
}

static NTSTATUS Rename(Volume& V, Fcb& F, FILE_OBJECT* TargetFile, const u8* From, ULONG Bytes, ULONG Flags)
{
    constexpr ULONG NameAt = offsetof(FILE_RENAME_INFORMATION, FileName);
    ULONG NameBytes;
    if (Bytes < NameAt)
        return STATUS_INVALID_PARAMETER;
    memcpy(&NameBytes, From + offsetof(FILE_RENAME_INFORMATION, FileNameLength), 4);
    if (!NameBytes || NameBytes & 1 || NameBytes > Bytes - NameAt)
        return STATUS_INVALID_PARAMETER;
    const WCHAR* Name = reinterpret_cast<const WCHAR*>(From + NameAt);
    Fcb* To = F.Parent;
    if (TargetFile) {
        To = FcbOf(TargetFile);
        Name = TargetFile->FileName.Buffer;
        NameBytes = TargetFile->FileName.Length;
    }
    if (F.IsRoot() || F.IsVolume)
        return STATUS_INVALID_PARAMETER;
    if (!To || To->Of != &V || !To->IsFolder())
        return STATUS_NOT_SAME_DEVICE;
    if (F.DeletePending || To->DeletePending)
        return STATUS_DELETE_PENDING;
    u32 Length = NameBytes / 2;
    for (u32 I = 0; I < Length; ++I)
        if (Name[I] < 0x20 || wcschr(L"\"*/:<>?|\\", Name[I]))
            return STATUS_OBJECT_NAME_INVALID;
    if (F.IsFolder() && HasOpenBelow(V, F))
        return STATUS_ACCESS_DENIED;
    if (Status S = WriteBack(F); !S.Ok())
        return S.Code();
    fat::Text New { reinterpret_cast<const wchar_t*>(Name), Length };
    bool Replace = Flags & 1;
    auto Old = V.Fat->Find(To->Entry, New);
    if (!Old.Ok() && Old.Code() != STATUS_OBJECT_NAME_NOT_FOUND)
        return Old.Code();
    if (Old.Ok() && !(Old->Parent == F.Entry.Parent && Old->Slot == F.Entry.Slot)) {
        if (!Replace)
            return STATUS_OBJECT_NAME_COLLISION;
        Fcb* Open = FindFcb(V, Old.Value()).Value();
        if (Old->IsFolder() || (Old->Attributes & fat::ReadOnly && !(Flags & 0x40)) || (Open && Open->Opens))
            return STATUS_ACCESS_DENIED;
        if (Open && !MmFlushImageSection(&Open->Sections, MmFlushForDelete))
            return STATUS_ACCESS_DENIED;
        if (Open) {
            Open->Deleted = Open->DeletePending = true;
            FILE_OBJECT Any {};         // nobody has it open: only its cached data is there
            LARGE_INTEGER Nothing {};
            Any.SectionObjectPointer = &Open->Sections;
            CcUninitializeCacheMap(&Any, &Nothing, nullptr);
            WaitStill(*Open);
        }
        if (Status S = V.Fat->Remove(Open ? Open->Entry : Old.Value()); !S.Ok())
            return S.Code();
        Changed(V);
    }
    UNICODE_STRING Before = F.Name;
    Before.Buffer = static_cast<WCHAR*>(Allocate(F.Name.Length));
    if (!Before.Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    memcpy(Before.Buffer, F.Name.Buffer, F.Name.Length);
    Status S = V.Fat->Rename(F.Entry, To->Entry, New);
    Changed(V);
    if (!S.Ok()) {
        Free(Before.Buffer);
        return S.Code();
    }
    ULONG Kind = F.IsFolder() ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME;
    bool Same = To == F.Parent;
    if (!Same) {
        Fcb* Above = F.Parent;
        F.Parent = To;
        ++To->References;
        Release(Above);
    }
    NameFcb(F).Ignore();                // without memory the old name is told
    RenameBelow(V, F);
    ReportName(V, Before, Kind, Same ? FILE_ACTION_RENAMED_OLD_NAME : FILE_ACTION_REMOVED);
    Report(F, Kind, Same ? FILE_ACTION_RENAMED_NEW_NAME : FILE_ACTION_ADDED);
    Free(Before.Buffer);
    return STATUS_SUCCESS;
}

NTSTATUS SetInformation(Volume& V, Fcb& F, FILE_OBJECT* File, IO_STACK_LOCATION* S, const void* From, ULONG Bytes)
{
    auto& P = S->Parameters.SetFile;
    if (F.IsVolume)
        return P.FileInformationClass == FilePositionInformation ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    auto Needs = [&](usize N) { return Bytes >= N; };
    switch (int(P.FileInformationClass)) {
    case FileBasicInformation:
        if (!Needs(sizeof(FILE_BASIC_INFORMATION)))
            return STATUS_INFO_LENGTH_MISMATCH;
        return SetBasic(F, *CcbOf(File), *static_cast<const FILE_BASIC_INFORMATION*>(From));
    case FileDispositionInformation: return Needs(1) ? SetDisposition(V, F, *static_cast<const u8*>(From), false) : STATUS_INFO_LENGTH_MISMATCH;
    case 64: {                          // FileDispositionInformationEx
        ULONG Flags;
        if (!Needs(4))
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(&Flags, From, 4);
        if (Flags & ~0x1Fu)
            return STATUS_INVALID_PARAMETER;
        if (Flags & 2)                  // POSIX semantics: not on this file system
            return STATUS_NOT_SUPPORTED;
        if (Flags & 8) {                // only the delete-on-close of this open
            CcbOf(File)->DeleteOnClose = Flags & 1;
            return STATUS_SUCCESS;
        }
        return SetDisposition(V, F, Flags & 1, Flags & 0x10);
    }
    case FileRenameInformation: return Rename(V, F, P.FileObject, static_cast<const u8*>(From), Bytes, P.ReplaceIfExists);
    case 65: {                          // FileRenameInformationEx
        ULONG Flags;
        if (!Needs(4))
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(&Flags, From, 4);
        return Flags & 2 ? STATUS_NOT_SUPPORTED : Rename(V, F, P.FileObject, static_cast<const u8*>(From), Bytes, Flags);
    }
    case FileEndOfFileInformation: {
        LARGE_INTEGER Size;
        if (!Needs(8))
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(&Size, From, 8);
        if (F.IsFolder())
            return STATUS_INVALID_DEVICE_REQUEST;
        if (Size.QuadPart < 0)
            return STATUS_INVALID_PARAMETER;
        if (Size.QuadPart < F.Header.FileSize.QuadPart && !MmCanFileBeTruncated(&F.Sections, &Size))
            return STATUS_USER_MAPPED_FILE;
        NTSTATUS Status = SetSize(F, File, u64(Size.QuadPart));
        if (Status >= 0)
            Report(F, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED);
        return Status;
    }
    case FileAllocationInformation: {
        LARGE_INTEGER Size;
        if (!Needs(8))
            return STATUS_INFO_LENGTH_MISMATCH;
        memcpy(&Size, From, 8);
        if (F.IsFolder())
            return STATUS_INVALID_DEVICE_REQUEST;
        // Less than the file is long cuts it; more is what it will get when it is written.
        if (Size.QuadPart < F.Header.FileSize.QuadPart)
            return MmCanFileBeTruncated(&F.Sections, &Size) ? SetSize(F, File, u64(Size.QuadPart)) : STATUS_USER_MAPPED_FILE;
        return u64(Size.QuadPart) > 0xFFFFFFFF ? STATUS_DISK_FULL : STATUS_SUCCESS;
    }
    case FileValidDataLengthInformation: return STATUS_INVALID_PARAMETER;
    case FileLinkInformation: return STATUS_INVALID_DEVICE_REQUEST;     // there are no hard links
    case FilePositionInformation: return STATUS_SUCCESS;
    default: return STATUS_INVALID_PARAMETER;
    }
}

}
