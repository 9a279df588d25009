// Walking a PE image in memory. Everything taken from the image is checked against its size as the headers tell it (and
// with RtlImageNtHeaderEx, against the caller's).
#include "lib/rtl/rtl.hpp"

namespace {

constexpr ULONG NoRangeCheck = 1;
constexpr u32 GreatestHeaderOffset = 256 * MiB;

const IMAGE_SECTION_HEADER* Sections(const IMAGE_NT_HEADERS* Headers)
{
    return reinterpret_cast<const IMAGE_SECTION_HEADER*>(reinterpret_cast<const u8*>(&Headers->OptionalHeader) + Headers->FileHeader.SizeOfOptionalHeader);
}

const IMAGE_DATA_DIRECTORY* Directory(const IMAGE_NT_HEADERS* Headers, USHORT Entry, u32* HeaderSize)
{
    if (Headers->OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR64_MAGIC) {
        *HeaderSize = Headers->OptionalHeader.SizeOfHeaders;
        usize Present = (Headers->FileHeader.SizeOfOptionalHeader - 112u) / sizeof(IMAGE_DATA_DIRECTORY);
        if (Headers->FileHeader.SizeOfOptionalHeader < 112 || Entry >= Headers->OptionalHeader.NumberOfRvaAndSizes || Entry >= Present)
            return nullptr;
        return &Headers->OptionalHeader.DataDirectory[Entry];
    }
    if (Headers->OptionalHeader.Magic == IMAGE_NT_OPTIONAL_HDR32_MAGIC) {
        auto* Small = reinterpret_cast<const IMAGE_NT_HEADERS32*>(Headers);
        *HeaderSize = Small->OptionalHeader.SizeOfHeaders;
        usize Present = (Small->FileHeader.SizeOfOptionalHeader - 96u) / sizeof(IMAGE_DATA_DIRECTORY);
        if (Small->FileHeader.SizeOfOptionalHeader < 96 || Entry >= Small->OptionalHeader.NumberOfRvaAndSizes || Entry >= Present)
            return nullptr;
        return &Small->OptionalHeader.DataDirectory[Entry];
    }
    return nullptr;
}

}

extern "C" {

NTSTATUS NTAPI RtlImageNtHeaderEx(ULONG Flags, PVOID Base, ULONGLONG Size, IMAGE_NT_HEADERS** Headers)
{
    if (!Headers)
        return STATUS_INVALID_PARAMETER;
    *Headers = nullptr;
    if ((Flags & ~NoRangeCheck) || !Base || Base == reinterpret_cast<PVOID>(~u64(0)))
        return STATUS_INVALID_PARAMETER;
    bool Check = !(Flags & NoRangeCheck);
    if (Check && Size < sizeof(IMAGE_DOS_HEADER))
        return STATUS_INVALID_IMAGE_FORMAT;
    auto* Dos = static_cast<IMAGE_DOS_HEADER*>(Base);
    if (Dos->e_magic != IMAGE_DOS_SIGNATURE)
        return STATUS_INVALID_IMAGE_FORMAT;
    u32 At = u32(Dos->e_lfanew);
    if (At >= GreatestHeaderOffset || (Check && (At >= Size || Size - At < sizeof(DWORD) + sizeof(IMAGE_FILE_HEADER))))
        return STATUS_INVALID_IMAGE_FORMAT;
    auto* Found = reinterpret_cast<IMAGE_NT_HEADERS*>(static_cast<u8*>(Base) + At);
    if (Found->Signature != IMAGE_NT_SIGNATURE)
        return STATUS_INVALID_IMAGE_FORMAT;
    *Headers = Found;
    return STATUS_SUCCESS;
}

IMAGE_NT_HEADERS* NTAPI RtlImageNtHeader(PVOID Base)
{
    IMAGE_NT_HEADERS* Headers = nullptr;
    RtlImageNtHeaderEx(NoRangeCheck, Base, 0, &Headers);
    return Headers;
}

IMAGE_SECTION_HEADER* NTAPI RtlImageRvaToSection(const IMAGE_NT_HEADERS* Headers, PVOID, ULONG Rva)
{
    const IMAGE_SECTION_HEADER* Section = Sections(Headers);
    for (u32 I = 0; I < Headers->FileHeader.NumberOfSections; ++I, ++Section)
        if (Rva >= Section->VirtualAddress && Rva - Section->VirtualAddress < Section->SizeOfRawData)
            return const_cast<IMAGE_SECTION_HEADER*>(Section);
    return nullptr;
}

PVOID NTAPI RtlImageRvaToVa(const IMAGE_NT_HEADERS* Headers, PVOID Base, ULONG Rva, IMAGE_SECTION_HEADER** Known)
{
    IMAGE_SECTION_HEADER* Section = Known ? *Known : nullptr;
    if (!Section || Rva < Section->VirtualAddress || Rva - Section->VirtualAddress >= Section->SizeOfRawData) {
        Section = RtlImageRvaToSection(Headers, Base, Rva);
        if (!Section)
            return nullptr;
        if (Known)
            *Known = Section;
    }
    return static_cast<u8*>(Base) + Section->PointerToRawData + (Rva - Section->VirtualAddress);
}

// Bit 0 of the base marks an image mapped as a file.
PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN Mapped, USHORT Entry, ULONG* Size)
{
    *Size = 0;
    if (reinterpret_cast<u64>(Base) & 1) {
        Base = reinterpret_cast<PVOID>(reinterpret_cast<u64>(Base) & ~u64(1));
        Mapped = false;
    }
    IMAGE_NT_HEADERS* Headers = RtlImageNtHeader(Base);
    if (!Headers)
        return nullptr;
    u32 HeaderSize = 0;
    const IMAGE_DATA_DIRECTORY* Found = Directory(Headers, Entry, &HeaderSize);
    if (!Found || !Found->VirtualAddress)
        return nullptr;
    PVOID Data;
    if (Mapped || Found->VirtualAddress < HeaderSize)
        Data = static_cast<u8*>(Base) + Found->VirtualAddress;
    else
        Data = RtlImageRvaToVa(Headers, Base, Found->VirtualAddress, nullptr);
    if (Data)
        *Size = Found->Size;
    return Data;
}

}
