// What is told about files and the volume.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"
#include "ntos/mm/mm.hpp"

namespace io::ramfs {

static LARGE_INTEGER Large(u64 V)
{
    LARGE_INTEGER L;
    L.QuadPart = i64(V);
    return L;
}

static FILE_BASIC_INFORMATION Basic(const Node& N)
{
    FILE_BASIC_INFORMATION B {};
    B.CreationTime = Large(N.Created);
    B.LastAccessTime = Large(N.Accessed);
    B.LastWriteTime = Large(N.Written);
    B.ChangeTime = Large(N.Changed);
    B.FileAttributes = N.Reported();
    return B;
}

static FILE_STANDARD_INFORMATION Standard(const Node& N, const Entry& E)
{
    FILE_STANDARD_INFORMATION S {};
    S.AllocationSize = Large(N.AllocatedBytes());
    S.EndOfFile = Large(N.Size);
    S.NumberOfLinks = N.LinkCount();
    S.DeletePending = E.DeletePending;
    S.Directory = N.IsFolder;
    return S;
}

static void PutName(InfoBuffer& To, ob::Name Name)
{
    ULONG Bytes = ULONG(Name.Length * 2);
    To.Bytes(&Bytes, 4);
    To.Bytes(Name.Data, Bytes);
}

static FILE_ID_128 WideId(u64 Id)
{
    FILE_ID_128 W {};
    memcpy(W.Identifier, &Id, 8);
    return W;
}

Result<ob::String> OpenNode::QueryName()
{
    // By the drive letter, not the device: that is what the Win32 library used here takes apart.
    ob::String S;
    TRY(S.Append(On().DosName()));
    TRY(S.Append(TRY(RelativeName()).View()));
    return S;
}

Status OpenNode::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    Node& N = *Node_;
    switch (Class) {
    case FileBasicInformation:
        To.Fixed(Basic(N));
        break;
    case FileStandardInformation:
        To.Fixed(Standard(N, *Entry_));
        break;
    case FileStandardLinkInformation: {
        FILE_STANDARD_LINK_INFORMATION L { N.LinkCount(), u32(N.Names.Count()), Entry_->DeletePending, N.IsFolder };
        To.Fixed(L);
        break;
    }
    case FileInternalInformation:
        To.Fixed(FILE_INTERNAL_INFORMATION { Large(N.Id) });
        break;
    case FileEaInformation:
        To.Fixed(FILE_EA_INFORMATION { N.Rare ? ULONG(N.Rare->Ea.Size()) : 0 });
        break;
    case FileNameInformation:
    case FileNormalizedNameInformation:
        PutName(To, TRY(RelativeName()).View());
        break;
    case FileAllInformation: {
        FILE_ALL_INFORMATION A {};
        A.BasicInformation = Basic(N);
        A.StandardInformation = Standard(N, *Entry_);
        A.InternalInformation.IndexNumber = Large(N.Id);
        A.EaInformation.EaSize = N.Rare ? ULONG(N.Rare->Ea.Size()) : 0;
        To.Bytes(&A, offsetof(FILE_ALL_INFORMATION, NameInformation));      // the I/O manager puts in its own parts
        PutName(To, TRY(RelativeName()).View());
        break;
    }
    case FileNetworkOpenInformation: {
        FILE_NETWORK_OPEN_INFORMATION I {};
        FILE_BASIC_INFORMATION B = Basic(N);
        I.CreationTime = B.CreationTime;
        I.LastAccessTime = B.LastAccessTime;
        I.LastWriteTime = B.LastWriteTime;
        I.ChangeTime = B.ChangeTime;
        I.FileAttributes = B.FileAttributes;
        I.AllocationSize = Large(N.AllocatedBytes());
        I.EndOfFile = Large(N.Size);
        To.Fixed(I);
        break;
    }
    case FileAttributeTagInformation:
        To.Fixed(FILE_ATTRIBUTE_TAG_INFORMATION { N.Reported(), N.ReparseTag() });
        break;
    case FileCompressionInformation: {
        FILE_COMPRESSION_INFORMATION C {};
        C.CompressedFileSize = Large(N.AllocatedBytes());
        To.Fixed(C);
        break;
    }
    case FileStreamInformation: {
        if (N.IsFolder)
            break;
        static constexpr wchar_t Main[] = L"::$DATA";
        FILE_STREAM_INFORMATION S {};
        S.StreamNameLength = 14;
        S.StreamSize = Large(N.Size);
        S.StreamAllocationSize = Large(N.AllocatedBytes());
        To.Bytes(&S, offsetof(FILE_STREAM_INFORMATION, StreamName));
        To.Bytes(Main, 14);
        break;
    }
    case FileAlternateNameInformation:
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case FileIdInformation:
        To.Fixed(FILE_ID_INFORMATION { On().Serial, WideId(N.Id) });
        break;
    case FileStatInformation: {
        FILE_STAT_INFORMATION S {};
        FILE_BASIC_INFORMATION B = Basic(N);
        S.FileId = Large(N.Id);
        S.CreationTime = B.CreationTime;
        S.LastAccessTime = B.LastAccessTime;
        S.LastWriteTime = B.LastWriteTime;
        S.ChangeTime = B.ChangeTime;
        S.AllocationSize = Large(N.AllocatedBytes());
        S.EndOfFile = Large(N.Size);
        S.FileAttributes = B.FileAttributes;
        S.ReparseTag = N.ReparseTag();
        S.NumberOfLinks = N.LinkCount();
        S.EffectiveAccess = OpenedAccess();
        To.Fixed(S);
        break;
    }
    case FileHardLinkInformation: {
        // Entries as far as they fit; BytesNeeded tells the rest.
        u32 Count = 0, Last = 0;
        u32 Needed = 8;
        u32 At = 8;
        bool Fits = true;
        for (Entry* E = N.Names.First(); E; E = N.Names.Next(*E)) {
            u32 Size = u32(offsetof(FILE_LINK_ENTRY_INFORMATION, FileName) + E->Name().Length * 2);
            Needed = AlignUp(Needed, 8) + Size;
            u32 Here = AlignUp(At, 8);
            Fits = Fits && Here + Size <= To.Room();
            if (!Fits)
                continue;
            FILE_LINK_ENTRY_INFORMATION L {};
            L.ParentFileId = E->Folder ? i64(E->Folder->Id) : i64(N.Id);
            L.FileNameLength = ULONG(E->Name().Length);
            memcpy(To.Data() + Here, &L, offsetof(FILE_LINK_ENTRY_INFORMATION, FileName));
            memcpy(To.Data() + Here + offsetof(FILE_LINK_ENTRY_INFORMATION, FileName), E->Name().Data, E->Name().Length * 2);
            if (Count) {
                u32 Next = Here - Last;
                memcpy(To.Data() + Last, &Next, 4);
            }
            Last = Here;
            At = Here + Size;
            ++Count;
        }
        memcpy(To.Data(), &Needed, 4);
        memcpy(To.Data() + 4, &Count, 4);
        To.Skip(At);
        return Fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
    }
    case FileCaseSensitiveInformation:
        To.Fixed(FILE_CASE_SENSITIVE_INFORMATION { 0 });
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    return To.Result();
}

// --- listing

namespace {

// Where the parts of an entry of some class are.
struct Shape {
    u32 NameAt;                         // the structure's size without the name
    bool Names, Ea, Tag, Short;
    u32 IdAt;                           // 0: none
    bool WideId;
};

}

static const Shape* ShapeOf(FILE_INFORMATION_CLASS Class)
{
    static constexpr Shape Directory { 64, false, false, false, false, 0, false }, Full { 68, false, true, false, false, 0, false },
        IdFull { 80, false, true, false, false, 72, false }, Both { 94, false, true, false, true, 0, false }, IdBoth { 104, false, true, false, true, 96, false },
        IdExtd { 88, false, true, true, false, 72, true }, IdExtdBoth { 114, false, true, true, true, 72, true }, Names { 12, true, false, false, false, 0, false };
    switch (Class) {
    case FileDirectoryInformation:
        return &Directory;
    case FileFullDirectoryInformation:
        return &Full;
    case FileIdFullDirectoryInformation:
        return &IdFull;
    case FileBothDirectoryInformation:
        return &Both;
    case FileIdBothDirectoryInformation:
        return &IdBoth;
    case FileIdExtdDirectoryInformation:
        return &IdExtd;
    case FileIdExtdBothDirectoryInformation:
        return &IdExtdBoth;
    case FileNamesInformation:
        return &Names;
    default:
        return nullptr;
    }
}

// One entry at To (zeroed, Shape.NameAt bytes and then the name's).
static void PutEntry(u8* To, const Shape& S, ob::Name Name, const Node& N, usize NameBytes)
{
    u32 Length = u32(Name.Length * 2);
    if (S.Names) {
        memcpy(To + 8, &Length, 4);
    } else {
        FILE_DIRECTORY_INFORMATION D {};
        D.CreationTime = Large(N.Created);
        D.LastAccessTime = Large(N.Accessed);
        D.LastWriteTime = Large(N.Written);
        D.ChangeTime = Large(N.Changed);
        D.EndOfFile = Large(N.Size);
        D.AllocationSize = Large(N.IsFolder ? 0 : N.AllocatedBytes());
        D.FileAttributes = N.Reported();
        D.FileNameLength = Length;
        memcpy(To, &D, 64);
        u32 Tag = N.Rare ? N.ReparseTag() : 0;
        // EaSize; of a reparse point it is its tag, where there is no field of its own.
        u32 Ea = S.Tag || !Tag ? (N.Rare ? u32(N.Rare->Ea.Size()) : 0) : Tag;
        if (S.Ea)
            memcpy(To + 64, &Ea, 4);
        if (S.Tag)
            memcpy(To + 68, &Tag, 4);
        if (S.IdAt)
            memcpy(To + S.IdAt, &N.Id, 8);
    }
    memcpy(To + S.NameAt, Name.Data, NameBytes);
}

Status OpenNode::List(ListRequest& L)
{
    const Shape* S = ShapeOf(L.Class);
    if (!S)
        return STATUS_INVALID_INFO_CLASS;
    Node& N = *Node_;
    if (!N.IsFolder)
        return STATUS_INVALID_PARAMETER;
    bool First = !Listing_;
    if (First || L.Restart) {
        if (First || L.HasPattern)
            TRY(Pattern_.Set(L.HasPattern ? L.Pattern : ob::Name()));
        Listing_ = true;
        ListStep_ = 0;
        ListAt_ = 0;
        ListLast_.Reset();
        ListGeneration_ = N.Generation();
    }
    // The folder may have changed since: go on behind the last name told.
    if (ListGeneration_ != N.Generation()) {
        ListGeneration_ = N.Generation();
        ListAt_ = 0;
        if (ListLast_) {
            ListAt_ = N.Position(ListLast_->Upper());
            if (Entry* At = N.At(ListAt_); At && ob::Equal(At->Upper(), ListLast_->Upper(), false))
                ++ListAt_;
        }
    }
    bool IsRoot = Entry_.Get() == &On().RootEntry();
    u32 LastOffset = 0;
    L.Used = 0;
    for (;;) {
        ob::Name Name;
        Node* About = nullptr;
        Entry* E = nullptr;
        usize NextAt = ListAt_;
        u32 NextStep = ListStep_;
        if (ListStep_ < 2) {
            NextStep = ListStep_ + 1;
            static constexpr wchar_t Dots[] = L"..";
            Name = { Dots, ListStep_ + 1 };
            About = ListStep_ == 0 || !Entry_->Folder ? &N : Entry_->Folder;
            if (IsRoot || !Pattern_.Matches(Name)) {
                ListStep_ = NextStep;
                continue;
            }
        } else {
            if (Pattern_.IsLiteral()) {
                // At most one: found, not searched.
                E = ListAt_ == 0 && !ListLast_ ? N.Find(Pattern_.Text()) : nullptr;
                NextAt = N.Count();
            } else {
                while ((E = N.At(NextAt)) && !Pattern_.Matches(E->Upper()))
                    ++NextAt;
                ++NextAt;
            }
            if (!E)
                break;
            Name = E->Name();
            About = E->Target.Get();
        }
        u32 Start = L.Used ? AlignUp(L.Used, 8) : 0;
        usize Bytes = Name.Length * 2;
        if (Start + S->NameAt + Bytes > L.Room) {
            if (L.Used)
                return STATUS_SUCCESS;
            // Not even one fits: what does, and where it stands stays.
            usize Fits = L.Room > S->NameAt ? L.Room - S->NameAt : 0;
            if (L.Room >= S->NameAt)
                PutEntry(L.Buffer, *S, Name, *About, Fits & ~usize(1));
            L.Used = L.Room;
            return STATUS_BUFFER_OVERFLOW;
        }
        PutEntry(L.Buffer + Start, *S, Name, *About, Bytes);
        if (L.Used) {
            u32 Next = Start - LastOffset;
            memcpy(L.Buffer + LastOffset, &Next, 4);
        }
        LastOffset = Start;
        L.Used = u32(Start + S->NameAt + Bytes);
        ListStep_ = NextStep;
        ListAt_ = NextAt;
        if (E)
            ListLast_ = RefPtr<Entry>(E);
        if (L.Single)
            return STATUS_SUCCESS;
    }
    if (L.Used)
        return STATUS_SUCCESS;
    return First ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

// --- the volume

Status QueryVolumeInformation(Volume& V, FSINFOCLASS Class, InfoBuffer& To)
{
    constexpr u32 SectorsPerUnit = 8, BytesPerSector = 512;
    mm::MemoryInfo Memory = mm::QueryMemory();
    switch (Class) {
    case FileFsVolumeInformation: {
        FILE_FS_VOLUME_INFORMATION I {};
        I.VolumeCreationTime = Large(V.Mounted);
        I.VolumeSerialNumber = V.Serial;
        I.VolumeLabelLength = ULONG(V.Label.View().Length * 2);
        I.SupportsObjects = true;
        To.Bytes(&I, offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel));
        To.Bytes(V.Label.View().Data, I.VolumeLabelLength);
        break;
    }
    case FileFsSizeInformation: {
        FILE_FS_SIZE_INFORMATION I { Large(Memory.TotalPages), Large(Memory.FreePages), SectorsPerUnit, BytesPerSector };
        To.Fixed(I);
        break;
    }
    case FileFsFullSizeInformation: {
        FILE_FS_FULL_SIZE_INFORMATION I { Large(Memory.TotalPages), Large(Memory.FreePages), Large(Memory.FreePages), SectorsPerUnit, BytesPerSector };
        To.Fixed(I);
        break;
    }
    case FileFsDeviceInformation:
        // As the packaged kernelbase knows a disk with files (docs/DIFFERENCES.md).
        To.Fixed(FILE_FS_DEVICE_INFORMATION { FILE_DEVICE_DISK_FILE_SYSTEM, V.Characteristics });
        break;
    case FileFsAttributeInformation: {
        // "NTFS": programs choose by the name what they may ask for.
        static constexpr wchar_t FileSystem[] = L"NTFS";
        FILE_FS_ATTRIBUTE_INFORMATION I {};
        I.FileSystemAttributes = FILE_CASE_SENSITIVE_SEARCH | FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK | FILE_PERSISTENT_ACLS | FILE_SUPPORTS_SPARSE_FILES |
                                 FILE_SUPPORTS_REPARSE_POINTS | FILE_SUPPORTS_OBJECT_IDS | FILE_SUPPORTS_HARD_LINKS | FILE_SUPPORTS_EXTENDED_ATTRIBUTES |
                                 FILE_SUPPORTS_OPEN_BY_FILE_ID | FILE_SUPPORTS_POSIX_UNLINK_RENAME;
        I.MaximumComponentNameLength = MaximumName;
        I.FileSystemNameLength = 8;
        To.Bytes(&I, offsetof(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName));
        To.Bytes(FileSystem, 8);
        break;
    }
    case FileFsSectorSizeInformation: {
        FILE_FS_SECTOR_SIZE_INFORMATION I { BytesPerSector, 4096, 4096, 4096, 3, 0, 0 };
        To.Fixed(I);
        break;
    }
    case FileFsObjectIdInformation: {
        FILE_FS_OBJECTID_INFORMATION I {};
        memcpy(I.ObjectId, &V.Serial, 4);
        memcpy(I.ObjectId + 8, &V.Mounted, 8);
        To.Fixed(I);
        break;
    }
    case FileFsControlInformation: {
        FILE_FS_CONTROL_INFORMATION I {};
        I.DefaultQuotaLimit = I.DefaultQuotaThreshold = Large(~u64(0));
        To.Fixed(I);
        break;
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    return To.Result();
}

Status OpenNode::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    return QueryVolumeInformation(On(), Class, To);
}

Status OpenNode::SetVolume(FSINFOCLASS Class, std::span<const u8> From)
{
    if (Class != FileFsLabelInformation)
        return Class == FileFsControlInformation || Class == FileFsObjectIdInformation ? STATUS_INVALID_DEVICE_REQUEST : STATUS_INVALID_INFO_CLASS;
    // The volume's own name: through the volume or its root folder only.
    if (Entry_->Folder || !Node_->IsFolder)
        return STATUS_INVALID_PARAMETER;
    u32 Bytes;
    memcpy(&Bytes, From.data(), 4);
    if (Bytes > From.size() - 4 || (Bytes & 1) || Bytes > 64)
        return STATUS_INVALID_VOLUME_LABEL;
    ob::String New;
    TRY(New.Characters().Resize(Bytes / 2));
    if (Bytes)
        memcpy(New.Characters().Data(), From.data() + 4, Bytes);
    On().Label = std::move(New);
    return STATUS_SUCCESS;
}

Status OpenVolume::QueryVolume(FSINFOCLASS Class, InfoBuffer& To)
{
    return QueryVolumeInformation(static_cast<Volume&>(GetDevice()), Class, To);
}

Status OpenVolume::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    return STATUS_INVALID_PARAMETER;
}

}
