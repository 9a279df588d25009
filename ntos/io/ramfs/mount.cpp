// Building the RAM volume from the boot archive. The archive is checked completely before anything is believed.
#include <string.h>

#include "abi/wire/bootfs.hpp"
#include "ntos/io/ramfs/ramfs.hpp"

namespace io {

namespace ramfs {

using wire::bootfs::Header;

// UTF-8 into UTF-16. STATUS_FILE_CORRUPT_ERROR for anything malformed.
static Status Decode(const u8* Text, usize Bytes, Vector<wchar_t>& Out)
{
    Out.Clear();
    for (usize I = 0; I < Bytes;) {
        u32 C = Text[I++];
        u32 More = C < 0x80 ? 0 : C >= 0xC2 && C < 0xE0 ? 1 : C >= 0xE0 && C < 0xF0 ? 2 : C >= 0xF0 && C < 0xF5 ? 3 : 4;
        if (More == 4 || More > Bytes - I)
            return STATUS_FILE_CORRUPT_ERROR;
        if (More)
            C &= 0x3F >> More;
        u32 Least = More == 2 ? 0x800 : More == 3 ? 0x10000 : 0;
        for (; More; --More) {
            if ((Text[I] & 0xC0) != 0x80)
                return STATUS_FILE_CORRUPT_ERROR;
            C = C << 6 | (Text[I++] & 0x3F);
        }
        if (C < Least || (C >= 0xD800 && C < 0xE000) || C > 0x10FFFF)
            return STATUS_FILE_CORRUPT_ERROR;
        if (C >= 0x10000) {
            TRY(Out.Push(wchar_t(0xD800 + ((C - 0x10000) >> 10))));
            C = 0xDC00 + (C & 0x3FF);
        }
        TRY(Out.Push(wchar_t(C)));
    }
    return STATUS_SUCCESS;
}

static Status CheckHeader(const u8* Archive, u64 Size, Header& H)
{
    if (Size < sizeof(Header))
        return STATUS_FILE_CORRUPT_ERROR;
    memcpy(&H, Archive, sizeof(H));
    if (H.Magic != wire::bootfs::Magic)
        return STATUS_FILE_CORRUPT_ERROR;
    if (H.Version != wire::bootfs::Version)
        return STATUS_REVISION_MISMATCH;
    if (H.TotalSize > Size || H.TotalSize < sizeof(H) || (H.TotalSize & PageMask) || H.EntryCount > (H.TotalSize - sizeof(H)) / sizeof(wire::bootfs::Entry))
        return STATUS_FILE_CORRUPT_ERROR;
    u64 EntriesEnd = sizeof(H) + u64(H.EntryCount) * sizeof(wire::bootfs::Entry);
    if (H.NamesOffset < EntriesEnd || H.NamesOffset > H.TotalSize || H.NamesSize > H.TotalSize - H.NamesOffset)
        return STATUS_FILE_CORRUPT_ERROR;
    return STATUS_SUCCESS;
}

Status Volume::Mount(const u8* Archive, u64 Size, mm::Pfn FirstFrame)
{
    Header H;
    TRY(CheckHeader(Archive, Size, H));
    u64 ContentStart = AlignUp(H.NamesOffset + H.NamesSize, PageSize);
    // Files must not be newer than what a program writes now.
    if (H.Created > ke::SystemTime())
        ke::SetSystemTime(H.Created);
    u64 Now = ke::SystemTime();
    Vector<wchar_t> Name;
    for (u32 I = 0; I < H.EntryCount; ++I) {
        wire::bootfs::Entry E;
        memcpy(&E, Archive + sizeof(H) + u64(I) * sizeof(E), sizeof(E));
        bool Folder = E.Attributes & FILE_ATTRIBUTE_DIRECTORY;
        if (E.NameOffset > H.NamesSize || E.NameLength > H.NamesSize - E.NameOffset || !E.NameLength || (E.Attributes & ~FILE_ATTRIBUTE_VALID_FLAGS))
            return STATUS_FILE_CORRUPT_ERROR;
        if (E.Size ? (Folder || (E.Offset & PageMask) || E.Offset < ContentStart || E.Offset > H.TotalSize || E.Size > H.TotalSize - E.Offset) : E.Offset != 0)
            return STATUS_FILE_CORRUPT_ERROR;
        TRY(Decode(Archive + H.NamesOffset + E.NameOffset, E.NameLength, Name));
        for (wchar_t& C : Name) {
            if (C == L'\\')
                return STATUS_FILE_CORRUPT_ERROR;
            if (C == L'/')
                C = L'\\';
        }
        Path P;
        if (!Resolve(Root(), Root_.Get(), { Name.Data(), Name.Size() }, P).Ok() || P.Found || P.TrailingBackslash || P.Link || !P.Folder)
            return STATUS_FILE_CORRUPT_ERROR;   // no parent, twice, or no name
        Ref<Node> N = TRY(Node::Create(Folder, E.Attributes & FILE_ATTRIBUTE_VALID_SET_FLAGS & ~FILE_ATTRIBUTE_NORMAL, NextId()));
        u64 Time = E.MTime ? E.MTime : Now;
        N->Created = N->Accessed = N->Written = N->Changed = Time;
        N->Size = E.Size;
        if (E.Size) {
            mm::PageStore* Data = TRY(N->NeedData());
            for (u64 Page = 0; Page < AlignUp(E.Size, PageSize) >> PageShift; ++Page)
                TRY(Data->AdoptBootPage(Page, FirstFrame + mm::Pfn((E.Offset >> PageShift) + Page)));
        }
        TRY(P.Folder->Insert(TRY(Entry::Create(P.Last, N))));
    }
    return STATUS_SUCCESS;
}

}

// The one volume; for OpenKernelFile.
static ramfs::Volume* BootVolume;

Status MountBootVolume(const u8* Archive, u64 Size, u32 FirstFrame)
{
    if (BootVolume)
        return STATUS_INVALID_DEVICE_STATE;
    Ref<ramfs::Volume> V = TRY(ramfs::Volume::Create(L"\\??\\C:", 0x4E455054));
    V->Label = TRY(ob::String::Copy(L"Neptune"));
    TRY(V->Mount(Archive, Size, FirstFrame));
    TRY(NameDevice(V, L"\\Device\\HarddiskVolume1"));
    TRY(ob::LinkKernel(L"\\GLOBAL??\\C:", L"\\Device\\HarddiskVolume1"));
    TRY(ob::LinkKernel(L"\\GLOBAL??\\Volume{4e455054-0000-4000-8000-000000000001}", L"\\Device\\HarddiskVolume1"));
    BootVolume = V.Leak();              // for ever
    return STATUS_SUCCESS;
}

static bool TakePrefix(ob::Name& Path, ob::Name Prefix)
{
    if (Path.Length <= Prefix.Length || !ob::Equal(Path.Up(Prefix.Length), Prefix, true) || Path.Data[Prefix.Length] != L'\\')
        return false;
    Path = Path.From(Prefix.Length);
    return true;
}

Result<Ref<File>> OpenKernelFile(ob::Name Path)
{
    if (!BootVolume)
        return STATUS_OBJECT_PATH_NOT_FOUND;
    ob::Name Rest = Path;
    if (TakePrefix(Rest, L"\\SystemRoot")) {
        ob::String Whole;
        TRY(Whole.Append(L"\\Windows"));
        TRY(Whole.Append(Rest));
        return BootVolume->OpenKernel(Whole.View());
    }
    if (TakePrefix(Rest, L"\\??\\C:") || TakePrefix(Rest, L"\\Device\\HarddiskVolume1"))
        return BootVolume->OpenKernel(Rest);
    return STATUS_OBJECT_PATH_NOT_FOUND;
}

Result<usize> ReadKernel(File& From, u64 Offset, void* To, usize Bytes)
{
    RefPtr<mm::PageStore> Data = From.DataStore();
    if (!Data)
        return STATUS_INVALID_DEVICE_REQUEST;
    u64 Size = From.DataSize();
    if (Offset >= Size)
        return usize(0);
    if (Bytes > Size - Offset)
        Bytes = Size - Offset;
    TRY(Data->Read(Offset, To, Bytes));
    return Bytes;
}

}
