// Checked access to a mapped image.
#include "ntdll/loader/loader.hpp"

namespace ldr {

Result<Image> Image::Check(PVOID Base, u64 MappedSize)
{
    if (MappedSize < sizeof(IMAGE_DOS_HEADER))
        return STATUS_INVALID_IMAGE_FORMAT;
    auto& Dos = *static_cast<IMAGE_DOS_HEADER*>(Base);
    if (Dos.e_magic != IMAGE_DOS_SIGNATURE || Dos.e_lfanew < 0 || u64(Dos.e_lfanew) + sizeof(IMAGE_NT_HEADERS64) > MappedSize)
        return STATUS_INVALID_IMAGE_FORMAT;
    auto& Nt = *At<IMAGE_NT_HEADERS64>(Base, Dos.e_lfanew);
    if (Nt.Signature != IMAGE_NT_SIGNATURE || Nt.FileHeader.Machine != IMAGE_FILE_MACHINE_AMD64
        || Nt.OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
        return STATUS_INVALID_IMAGE_FORMAT;
    if (AlignUp<u64>(Nt.OptionalHeader.SizeOfImage, PageSize) > AlignUp(MappedSize, PageSize) || !Nt.OptionalHeader.SizeOfImage)
        return STATUS_INVALID_IMAGE_FORMAT;
    return Image(Base);
}

const char* Image::String(u64 Rva) const
{
    if (Rva >= Size())
        return nullptr;
    const char* Start = At<const char>(Base_, Rva);
    for (u64 I = 0; I < Size() - Rva; ++I) {
        if (!Start[I])
            return Start;
    }
    return nullptr;
}

u8* Image::RawDirectory(u32 Index, u32& Bytes, u32 Least) const
{
    auto& Optional = Headers()->OptionalHeader;
    Bytes = 0;
    if (Index >= Optional.NumberOfRvaAndSizes || Index >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES)
        return nullptr;
    auto [Rva, Size] = Optional.DataDirectory[Index];
    if (!Rva || Size < 1 || !Has(Rva, Size < Least ? Least : Size))
        return nullptr;
    Bytes = Size;
    return At<u8>(Base_, Rva);
}

}
