// Image files: what the headers say, checked, and where each page's bytes come from.
#include <string.h>

#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"

namespace mm {

using namespace nt;

Result<Ref<ImageMap>> ImageMap::Create(Ref<PageStore> File, u64 FileSize)
{
    ImageMap* Raw = new (std::nothrow) ImageMap(std::move(File));
    if (!Raw)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<ImageMap> Image = Ref<ImageMap>::Adopt(*Raw);
    TRY(Image->Parse(FileSize));
    return Image;
}

ImageMap::~ImageMap()
{
    --File_->ImageMappings;
    if (File_->SharedImage == this)
        File_->SharedImage = nullptr;
}

static Protection SectionProtection(u32 Characteristics)
{
    bool Execute = Characteristics & IMAGE_SCN_MEM_EXECUTE, Read = Characteristics & IMAGE_SCN_MEM_READ, Write = Characteristics & IMAGE_SCN_MEM_WRITE;
    bool Shared = Characteristics & IMAGE_SCN_MEM_SHARED;
    if (Write)
        return Shared ? (Execute ? Protection::ExecuteReadWrite : Protection::ReadWrite) : Execute ? Protection::ExecuteWriteCopy : Protection::WriteCopy;
    if (Execute)
        return Read ? Protection::ExecuteRead : Protection::Execute;
    return Read ? Protection::ReadOnly : Protection::NoAccess;
}

// Reads the optional header, of which a file may have only a part, and widens it. What the 32-bit one has besides, BaseOfData, nobody needs.
template <typename Header> static Status ReadOptional(PageStore& File, u64 At, usize Size, WORD Magic, IMAGE_OPTIONAL_HEADER64& To)
{
    Header H {};
    if (Size < __builtin_offsetof(Header, DataDirectory))
        return STATUS_INVALID_IMAGE_FORMAT;
    TRY(File.Read(At, &H, Size < sizeof(H) ? Size : sizeof(H)));
    if (H.Magic != Magic)
        return STATUS_INVALID_IMAGE_FORMAT;
    To = { .Magic = H.Magic, .MajorLinkerVersion = H.MajorLinkerVersion, .MinorLinkerVersion = H.MinorLinkerVersion, .SizeOfCode = H.SizeOfCode,
           .SizeOfInitializedData = H.SizeOfInitializedData, .SizeOfUninitializedData = H.SizeOfUninitializedData, .AddressOfEntryPoint = H.AddressOfEntryPoint,
           .BaseOfCode = H.BaseOfCode, .ImageBase = H.ImageBase, .SectionAlignment = H.SectionAlignment, .FileAlignment = H.FileAlignment,
           .MajorOperatingSystemVersion = H.MajorOperatingSystemVersion, .MinorOperatingSystemVersion = H.MinorOperatingSystemVersion,
           .MajorImageVersion = H.MajorImageVersion, .MinorImageVersion = H.MinorImageVersion, .MajorSubsystemVersion = H.MajorSubsystemVersion,
           .MinorSubsystemVersion = H.MinorSubsystemVersion, .Win32VersionValue = H.Win32VersionValue, .SizeOfImage = H.SizeOfImage,
           .SizeOfHeaders = H.SizeOfHeaders, .CheckSum = H.CheckSum, .Subsystem = H.Subsystem, .DllCharacteristics = H.DllCharacteristics,
           .SizeOfStackReserve = H.SizeOfStackReserve, .SizeOfStackCommit = H.SizeOfStackCommit, .SizeOfHeapReserve = H.SizeOfHeapReserve,
           .SizeOfHeapCommit = H.SizeOfHeapCommit, .LoaderFlags = H.LoaderFlags, .NumberOfRvaAndSizes = H.NumberOfRvaAndSizes, .DataDirectory = {} };
    memcpy(To.DataDirectory, H.DataDirectory, sizeof(To.DataDirectory));
    return STATUS_SUCCESS;
}

// What the CLI header says (ECMA-335 II.25.3.3): SECTION_IMAGE_COM_PLUS_ flags. A directory that leads nowhere is no header.
Result<u8> ImageMap::CliFlags(const IMAGE_DATA_DIRECTORY& Where) const
{
    constexpr DWORD IlOnly = 0x1, Needs32Bit = 0x2;
    IMAGE_COR20_HEADER Cli {};
    const Subsection* S = Where.Size >= sizeof(Cli) ? Find(Where.VirtualAddress >> u32(PageShift)) : nullptr;
    u64 In = S ? Where.VirtualAddress - (u64(S->FirstPage) << PageShift) : 0;
    if (!S || In + sizeof(Cli) > S->FileBytes)
        return u8(0);
    TRY(File_->Read(S->FileOffset + In, &Cli, sizeof(Cli)));
    if (!(Cli.Flags & IlOnly))
        return u8(0);
    bool Native = !(Cli.Flags & Needs32Bit) && (Cli.MajorRuntimeVersion > 2 || (Cli.MajorRuntimeVersion == 2 && Cli.MinorRuntimeVersion >= 5));
    return u8(SECTION_IMAGE_COM_PLUS_IL_ONLY | (Native ? SECTION_IMAGE_COM_PLUS_NATIVE_READY : 0));
}

Status ImageMap::Parse(u64 FileSize)
{
    FileSize_ = FileSize;
    IMAGE_DOS_HEADER Dos;
    if (FileSize < sizeof(Dos))
        return STATUS_INVALID_IMAGE_NOT_MZ;
    TRY(File_->Read(0, &Dos, sizeof(Dos)));
    if (Dos.e_magic != IMAGE_DOS_SIGNATURE)
        return STATUS_INVALID_IMAGE_NOT_MZ;
    u64 HeaderAt = u32(Dos.e_lfanew);
    IMAGE_NT_HEADERS64 Nt {};
    constexpr usize FixedPart = sizeof(Nt.Signature) + sizeof(Nt.FileHeader);
    if (HeaderAt & 3 || HeaderAt + FixedPart > FileSize)
        return STATUS_INVALID_IMAGE_PROTECT;        // a DOS program
    TRY(File_->Read(HeaderAt, &Nt, FixedPart));
    if (Nt.Signature != IMAGE_NT_SIGNATURE)
        return (Nt.Signature & 0xFFFF) == 0x454E ? STATUS_INVALID_IMAGE_WIN_16 : STATUS_INVALID_IMAGE_PROTECT;
    Info.Machine = Nt.FileHeader.Machine;
    bool Narrow = Nt.FileHeader.Machine == IMAGE_FILE_MACHINE_I386;
    if (!Narrow && Nt.FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (!(Nt.FileHeader.Characteristics & IMAGE_FILE_EXECUTABLE_IMAGE))
        return STATUS_INVALID_IMAGE_FORMAT;
    usize OptionalSize = Nt.FileHeader.SizeOfOptionalHeader;
    if (HeaderAt + FixedPart + OptionalSize > FileSize)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (Narrow)
        TRY(ReadOptional<IMAGE_OPTIONAL_HEADER32>(*File_, HeaderAt + FixedPart, OptionalSize, IMAGE_NT_OPTIONAL_HDR32_MAGIC, Nt.OptionalHeader));
    else
        TRY(ReadOptional<IMAGE_OPTIONAL_HEADER64>(*File_, HeaderAt + FixedPart, OptionalSize, IMAGE_NT_OPTIONAL_HDR64_MAGIC, Nt.OptionalHeader));
    const IMAGE_OPTIONAL_HEADER64& O = Nt.OptionalHeader;
    bool Power = O.FileAlignment && !(O.FileAlignment & (O.FileAlignment - 1)) && O.SectionAlignment && !(O.SectionAlignment & (O.SectionAlignment - 1));
    bool Flat = O.SectionAlignment < PageSize;      // native images with tiny alignment are mapped as one piece
    if (!Power || O.SectionAlignment < O.FileAlignment || (Flat && O.SectionAlignment != O.FileAlignment))
        return STATUS_INVALID_IMAGE_FORMAT;
    if (O.SizeOfImage == 0 || O.SizeOfImage > 0x7FFF0000 || O.ImageBase & (AllocationGranularity - 1) || O.SizeOfHeaders == 0 || O.SizeOfHeaders > O.SizeOfImage)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (O.AddressOfEntryPoint >= O.SizeOfImage)
        return STATUS_INVALID_IMAGE_FORMAT;
    u32 SectionCount = Nt.FileHeader.NumberOfSections;
    if (SectionCount > 96)
        return STATUS_INVALID_IMAGE_FORMAT;
    Pages = u32(AlignUp(u64(O.SizeOfImage), PageSize) >> PageShift);
    PreferredBase = O.ImageBase;

    u32 HeaderPages = u32(AlignUp(u64(O.SizeOfHeaders), PageSize) >> PageShift);
    if (Flat)
        HeaderPages = Pages;
    u32 HeaderBytes = Flat ? O.SizeOfImage : O.SizeOfHeaders;
    if (HeaderBytes > FileSize)
        HeaderBytes = u32(FileSize);
    TRY(Parts_.Push(Subsection { .FirstPage = 0, .Pages = HeaderPages, .FileOffset = 0, .FileBytes = HeaderBytes,
                                 .Protect = Flat ? Protection::ExecuteWriteCopy : Protection::ReadOnly, .Shared = false }));
    u64 SectionsAt = HeaderAt + FixedPart + OptionalSize;
    if (SectionsAt + SectionCount * sizeof(IMAGE_SECTION_HEADER) > FileSize)
        return STATUS_INVALID_IMAGE_FORMAT;
    u32 NextPage = HeaderPages;
    for (u32 I = 0; I < SectionCount && !Flat; ++I) {
        IMAGE_SECTION_HEADER S;
        TRY(File_->Read(SectionsAt + I * sizeof(S), &S, sizeof(S)));
        u64 Bytes = S.Misc.VirtualSize ? S.Misc.VirtualSize : S.SizeOfRawData;
        if (Bytes == 0)
            continue;
        // Sections lie one after the other, aligned, without holes but what alignment makes.
        if (S.VirtualAddress & PageMask || S.VirtualAddress >> PageShift < NextPage || S.VirtualAddress + Bytes > u64(Pages) << PageShift)
            return STATUS_INVALID_IMAGE_FORMAT;
        u32 Raw = S.PointerToRawData ? S.SizeOfRawData : 0;
        u32 Offset = S.PointerToRawData;
        if (O.FileAlignment >= 512)
            Offset &= ~511u;            // the loader of Windows rounds it down so
        if (Raw && u64(Offset) + Raw > FileSize)
            return STATUS_INVALID_IMAGE_FORMAT;
        u32 Count = u32(AlignUp(Bytes, PageSize) >> PageShift);
        if (Raw > Count << PageShift)
            Raw = Count << PageShift;
        TRY(Parts_.Push(Subsection { .FirstPage = S.VirtualAddress >> u32(PageShift), .Pages = Count, .FileOffset = Offset, .FileBytes = Raw,
                                     .Protect = SectionProtection(S.Characteristics), .Shared = bool(S.Characteristics & IMAGE_SCN_MEM_SHARED) }));
        NextPage = (S.VirtualAddress >> u32(PageShift)) + Count;
        if (S.Characteristics & (IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE))
            Info.ImageContainsCode = 1;
    }
    Info.TransferAddress = reinterpret_cast<PVOID>(O.ImageBase + O.AddressOfEntryPoint);
    Info.MaximumStackSize = O.SizeOfStackReserve ? O.SizeOfStackReserve : MiB;
    Info.CommittedStackSize = O.SizeOfStackCommit ? O.SizeOfStackCommit : PageSize;
    Info.SubSystemType = O.Subsystem;
    Info.SubSystemMajorVersion = O.MajorSubsystemVersion;
    Info.SubSystemMinorVersion = O.MinorSubsystemVersion;
    Info.MajorOperatingSystemVersion = O.MajorOperatingSystemVersion;
    Info.MinorOperatingSystemVersion = O.MinorOperatingSystemVersion;
    Info.ImageCharacteristics = Nt.FileHeader.Characteristics;
    Info.DllCharacteristics = O.DllCharacteristics;
    Info.LoaderFlags = O.LoaderFlags;
    Info.ImageFileSize = u32(FileSize);
    Info.CheckSum = O.CheckSum;
    if (Flat)
        Info.ImageFlags |= SECTION_IMAGE_MAPPED_FLAT;
    if (O.NumberOfRvaAndSizes > IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR)
        Info.ImageFlags |= TRY(CliFlags(O.DataDirectory[IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR]));
    return STATUS_SUCCESS;
}

const Subsection* ImageMap::Find(u32 Page) const
{
    usize Low = 0, High = Parts_.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        if (Parts_[Middle].FirstPage + Parts_[Middle].Pages <= Page)
            Low = Middle + 1;
        else
            High = Middle;
    }
    return Low < Parts_.Size() && Parts_[Low].FirstPage <= Page ? &Parts_[Low] : nullptr;
}

Result<Pfn> ImageMap::Page(u32 Index)
{
    const Subsection* S = Find(Index);
    if (!S)
        return STATUS_ACCESS_VIOLATION;
    u32 Offset = (Index - S->FirstPage) << PageShift;
    if (Offset >= S->FileBytes) {
        if (!S->Shared)
            return Result<Pfn>(u32(NoPfn));
    } else if (u64 At = u64(S->FileOffset) + Offset; !(At & PageMask) && !S->Shared && (S->FileBytes - Offset >= PageSize || u64(S->FileOffset) + S->FileBytes >= FileSize_)) {
        // The file's own page is the image's page (what follows the end of the file in it is zero; what else follows is not the image's).
        return File_->PageFrame(At >> PageShift, true);
    }
    if (!Copies_)
        Copies_ = RefPtr<PageStore>(TRY(PageStore::Create()));
    Pfn Frame = TRY(Copies_->PageFrame(Index, false));
    if (Frame != NoPfn)
        return Result<Pfn>(u32(Frame));
    Frame = TRY(Copies_->PageFrame(Index, true));
    if (Offset < S->FileBytes) {
        u32 Bytes = S->FileBytes - Offset < PageSize ? S->FileBytes - Offset : u32(PageSize);
        TRY(File_->Read(u64(S->FileOffset) + Offset, PageAddress(Frame), Bytes));
    }
    return Result<Pfn>(u32(Frame));
}

}
