// What files are: IRP_MJ_QUERY_INFORMATION.
#include "drivers/filesystems/ninep/share.hpp"

namespace share {

namespace {

constexpr u64 Epoch = 11644473600;      // seconds from 1601 to 1970
constexpr ULONG SymLinkTag = 0xA000000C;        // IO_REPARSE_TAG_SYMLINK

// Classes mingw-w64's headers do not have.
enum : ULONG { StatInformation = 68, CaseSensitiveInformation = 71 };
struct StatInfo {
    LARGE_INTEGER FileId, CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
    ULONG FileAttributes, ReparseTag, NumberOfLinks;
    ACCESS_MASK EffectiveAccess;
};
struct IdInfo {
    u64 VolumeSerialNumber;
    u64 FileId[2];
};

struct Answer {
    u8* To;
    ULONG Room, Used = 0;
    NTSTATUS Put(const void* From, ULONG Bytes)
    {
        if (Bytes > Room - Used)
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(To + Used, From, Bytes);
        Used += Bytes;
        return STATUS_SUCCESS;
    }
};

ULONG AttributesOf(const Node& N) { return FileAttributes(N.Info) | (N.LinkToFolder ? FILE_ATTRIBUTE_DIRECTORY : 0); }

void Fill(FILE_BASIC_INFORMATION& B, const Node& N)
{
    const Attributes& A = N.Info;
    B.CreationTime = BornAt(A);
    B.LastAccessTime = NtTime(A.Accessed);
    B.LastWriteTime = NtTime(A.Modified);
    B.ChangeTime = NtTime(A.Changed);
    B.FileAttributes = AttributesOf(N);
}

void Fill(FILE_STANDARD_INFORMATION& T, const Node& N)
{
    T.AllocationSize.QuadPart = N.IsFolder ? 0 : AllocationOf(N.Info);
    T.EndOfFile.QuadPart = N.IsFolder ? 0 : LONGLONG(N.Info.Size);
    T.NumberOfLinks = N.IsFolder ? 1 : ULONG(N.Info.Links);
    if (N.DeletePending && T.NumberOfLinks)
        --T.NumberOfLinks;
    T.DeletePending = N.DeletePending;
    T.Directory = N.IsFolder || N.LinkToFolder;
}

// A counted name behind its length; as much as there is room for.
NTSTATUS PutName(Answer& A, const Path& Where)
{
    Vector<wchar_t> Name;
    if (NTSTATUS Status = WidePath(Where, Name); !NT_SUCCESS(Status))
        return Status;
    ULONG Bytes = ULONG(Name.Size() * sizeof(WCHAR));
    if (NTSTATUS Status = A.Put(&Bytes, sizeof(Bytes)); !NT_SUCCESS(Status))
        return Status;
    ULONG Fits = A.Room - A.Used < Bytes ? (A.Room - A.Used) & ~1u : Bytes;
    (void)A.Put(Name.Data(), Fits);
    return Fits < Bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

NTSTATUS Put(Opening& O, ULONG Class, Answer& A)
{
    Node& N = *O.Of;
    const Attributes& I = N.Info;
    switch (Class) {
    case FileBasicInformation: {
        FILE_BASIC_INFORMATION B {};
        Fill(B, N);
        return A.Put(&B, sizeof(B));
    }
    case FileStandardInformation: {
        FILE_STANDARD_INFORMATION T {};
        Fill(T, N);
        return A.Put(&T, sizeof(T));
    }
    case FileInternalInformation: return A.Put(&I.Id.Path, 8);
    case FileEaInformation: {
        FILE_EA_INFORMATION E {};
        return A.Put(&E, sizeof(E));
    }
    case FileNameInformation:
    case FileNormalizedNameInformation: return PutName(A, O.Where);
    case FileAlternateNameInformation: return STATUS_OBJECT_NAME_NOT_FOUND;
    case FileAllInformation: {
        FILE_ALL_INFORMATION All {};
        Fill(All.BasicInformation, N);
        Fill(All.StandardInformation, N);
        All.InternalInformation.IndexNumber.QuadPart = LONGLONG(I.Id.Path);
        if (NTSTATUS Status = A.Put(&All, FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation)); !NT_SUCCESS(Status))
            return Status;
        return PutName(A, O.Where);
    }
    case FileNetworkOpenInformation: {
        FILE_NETWORK_OPEN_INFORMATION W {};
        FILE_BASIC_INFORMATION B {};
        FILE_STANDARD_INFORMATION T {};
        Fill(B, N);
        Fill(T, N);
        W.CreationTime = B.CreationTime;
        W.LastAccessTime = B.LastAccessTime;
        W.LastWriteTime = B.LastWriteTime;
        W.ChangeTime = B.ChangeTime;
        W.AllocationSize = T.AllocationSize;
        W.EndOfFile = T.EndOfFile;
        W.FileAttributes = B.FileAttributes;
        return A.Put(&W, sizeof(W));
    }
    case FileAttributeTagInformation: {
        FILE_ATTRIBUTE_TAG_INFORMATION T { AttributesOf(N), I.IsSymLink() ? SymLinkTag : 0 };
        return A.Put(&T, sizeof(T));
    }
    case FileStreamInformation: {
        if (N.IsFolder)
            return STATUS_SUCCESS;
        static constexpr WCHAR Name[] = L"::$DATA";
        struct {
            FILE_STREAM_INFORMATION Stream;
            WCHAR Rest[8];
        } T {};
        T.Stream.StreamNameLength = 14;
        T.Stream.StreamSize.QuadPart = LONGLONG(I.Size);
        T.Stream.StreamAllocationSize.QuadPart = AllocationOf(I);
        memcpy(T.Stream.StreamName, Name, 14);
        return A.Put(&T, FIELD_OFFSET(FILE_STREAM_INFORMATION, StreamName) + 14);
    }
    case FileCompressionInformation: {
        FILE_COMPRESSION_INFORMATION C {};
        C.CompressedFileSize.QuadPart = N.IsFolder ? 0 : LONGLONG(I.Size);
        return A.Put(&C, sizeof(C));
    }
    case FileStandardLinkInformation: {
        FILE_STANDARD_LINK_INFORMATION T {};
        T.NumberOfAccessibleLinks = N.IsFolder ? 1 : ULONG(I.Links);
        T.TotalNumberOfLinks = T.NumberOfAccessibleLinks;
        T.DeletePending = N.DeletePending;
        T.Directory = N.IsFolder || N.LinkToFolder;
        return A.Put(&T, sizeof(T));
    }
    case FileIdInformation: {
        IdInfo T { 0, { I.Id.Path, 0 } };
        return A.Put(&T, sizeof(T));
    }
    case StatInformation: {
        FILE_BASIC_INFORMATION B {};
        FILE_STANDARD_INFORMATION S {};
        Fill(B, N);
        Fill(S, N);
        StatInfo T { { .QuadPart = LONGLONG(I.Id.Path) }, B.CreationTime, B.LastAccessTime, B.LastWriteTime, B.ChangeTime, S.AllocationSize, S.EndOfFile, B.FileAttributes,
                     I.IsSymLink() ? SymLinkTag : 0, S.NumberOfLinks, FILE_ALL_ACCESS };
        return A.Put(&T, sizeof(T));
    }
    case CaseSensitiveInformation: {
        ULONG Flags = 0;
        return N.IsFolder ? A.Put(&Flags, sizeof(Flags)) : STATUS_INVALID_PARAMETER;
    }
    default: return STATUS_INVALID_INFO_CLASS;
    }
}

}

LARGE_INTEGER NtTime(const ninep::Time& T)
{
    LARGE_INTEGER L;
    u64 Seconds = T.Seconds > 900000000000ull ? 0 : T.Seconds;
    L.QuadPart = LONGLONG((Seconds + Epoch) * 10000000 + T.Nanoseconds / 100);
    return L;
}

ninep::Time HostTime(LARGE_INTEGER T)
{
    u64 V = u64(T.QuadPart);
    if (V / 10000000 < Epoch)
        return {};
    return { V / 10000000 - Epoch, V % 10000000 * 100 };
}

// The server does not tell when a file was made: not after it was written or its attributes changed.
LARGE_INTEGER BornAt(const Attributes& A)
{
    LARGE_INTEGER Modified = NtTime(A.Modified), Changed = NtTime(A.Changed);
    return Modified.QuadPart < Changed.QuadPart ? Modified : Changed;
}

ULONG FileAttributes(const Attributes& A)
{
    if (A.IsFolder())
        return FILE_ATTRIBUTE_DIRECTORY;
    ULONG Of = FILE_ATTRIBUTE_ARCHIVE;
    if (A.IsSymLink())
        return Of | FILE_ATTRIBUTE_REPARSE_POINT;
    if (!(A.Mode & ninep::mode::AnyWrite))
        Of |= FILE_ATTRIBUTE_READONLY;
    return Of;
}

LONGLONG AllocationOf(const Attributes& A)
{
    u64 Blocks = A.Blocks > u64(INT64_MAX) / 512 ? 0 : A.Blocks * 512, Needed = (A.Size + 511) & ~511ull;
    return LONGLONG(Blocks > Needed ? Blocks : Needed);
}

NTSTATUS Refresh(Share& S, Opening& O)
{
    auto Now = S.Server.Query(O.F);
    if (Now.Ok()) {
        SetInfo(*O.Of, Now.Value());
        return STATUS_SUCCESS;
    }
    // Gone from its place, by the host or by itself: open all the same.
    return Now.Code() == STATUS_OBJECT_NAME_NOT_FOUND || Now.Code() == STATUS_NOT_A_DIRECTORY ? STATUS_SUCCESS : Now.Code();
}

NTSTATUS QueryInformation(Share& S, PIRP I, IO_STACK_LOCATION* L)
{
    Opening* O = OpeningOf(L->FileObject);
    if (!O || O->IsVolume)
        return STATUS_INVALID_PARAMETER;
    Turn Mine(S.Lock);
    ULONG Class = L->Parameters.QueryFile.FileInformationClass;
    bool OnlyName = Class == FileNameInformation || Class == FileNormalizedNameInformation || Class == FileAlternateNameInformation || Class == FileInternalInformation;
    NTSTATUS Status = OnlyName ? STATUS_SUCCESS : Refresh(S, *O);
    if (!NT_SUCCESS(Status))
        return Status;
    Answer A { static_cast<u8*>(I->AssociatedIrp.SystemBuffer), L->Parameters.QueryFile.Length };
    Status = Put(*O, Class, A);
    I->IoStatus.Information = NT_SUCCESS(Status) || Status == STATUS_BUFFER_OVERFLOW ? A.Used : 0;
    return Status;
}

}
