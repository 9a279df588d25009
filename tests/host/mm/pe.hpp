// Image files made for tests: valid ones, to be broken in one place.
#pragma once
#include <string.h>

#include <vector>

#include "abi/nt/image.hpp"

namespace test {
using namespace nt;

struct PeSection {
    const char* Name;
    u32 Address, VirtualSize, Offset, RawSize, Characteristics;
};

class Pe {
public:
    static constexpr u32 HeaderAt = 0x80;
    explicit Pe(std::vector<PeSection> Sections = Usual(), u32 SizeOfImage = 0x5000, u32 FileAlignment = 0x200, u32 SectionAlignment = 0x1000)
    {
        u32 End = 0x400;
        for (auto& S : Sections)
            if (S.RawSize && S.Offset + S.RawSize > End)
                End = S.Offset + S.RawSize;
        Bytes.resize(End);
        Dos().e_magic = IMAGE_DOS_SIGNATURE;
        Dos().e_lfanew = HeaderAt;
        auto& H = Nt();
        H.Signature = IMAGE_NT_SIGNATURE;
        H.FileHeader.Machine = IMAGE_FILE_MACHINE_AMD64;
        H.FileHeader.NumberOfSections = u16(Sections.size());
        H.FileHeader.SizeOfOptionalHeader = sizeof(IMAGE_OPTIONAL_HEADER64);
        H.FileHeader.Characteristics = IMAGE_FILE_EXECUTABLE_IMAGE;
        auto& O = H.OptionalHeader;
        O.Magic = IMAGE_NT_OPTIONAL_HDR64_MAGIC;
        O.AddressOfEntryPoint = 0x1010;
        O.ImageBase = 0x1'4000'0000;
        O.SectionAlignment = SectionAlignment;
        O.FileAlignment = FileAlignment;
        O.SizeOfImage = SizeOfImage;
        O.SizeOfHeaders = 0x400;
        O.NumberOfRvaAndSizes = 16;
        O.Subsystem = 3;
        for (u32 I = 0; I < Sections.size(); ++I) {
            auto& S = Section(I);
            memcpy(S.Name, Sections[I].Name, strnlen(Sections[I].Name, 8));
            S.VirtualAddress = Sections[I].Address;
            S.Misc.VirtualSize = Sections[I].VirtualSize;
            S.PointerToRawData = Sections[I].Offset;
            S.SizeOfRawData = Sections[I].RawSize;
            S.Characteristics = Sections[I].Characteristics;
            for (u32 B = 0; B < Sections[I].RawSize; ++B)
                Bytes[Sections[I].Offset + B] = u8(I + 1);
        }
    }
    // Makes it one for x86, in the same room.
    void Narrow(u32 Base = 0x400000)
    {
        IMAGE_OPTIONAL_HEADER64 O = Nt().OptionalHeader;
        IMAGE_OPTIONAL_HEADER32 H {};
        H.Magic = IMAGE_NT_OPTIONAL_HDR32_MAGIC;
        H.AddressOfEntryPoint = O.AddressOfEntryPoint;
        H.ImageBase = Base;
        H.SectionAlignment = O.SectionAlignment;
        H.FileAlignment = O.FileAlignment;
        H.SizeOfImage = O.SizeOfImage;
        H.SizeOfHeaders = O.SizeOfHeaders;
        H.NumberOfRvaAndSizes = O.NumberOfRvaAndSizes;
        H.Subsystem = O.Subsystem;
        memcpy(H.DataDirectory, O.DataDirectory, sizeof(H.DataDirectory));
        Nt().FileHeader.Machine = IMAGE_FILE_MACHINE_I386;
        memset(&Nt().OptionalHeader, 0, sizeof(O));
        memcpy(&Nt().OptionalHeader, &H, sizeof(H));
    }
    // Gives it a CLI header with these flags at the start of its first section.
    void Manage(u32 Flags, u16 Major = 2, u16 Minor = 5)
    {
        IMAGE_COR20_HEADER C { .cb = sizeof(C), .MajorRuntimeVersion = Major, .MinorRuntimeVersion = Minor, .MetaData = {}, .Flags = Flags, .EntryPointToken = 0,
                               .Resources = {}, .StrongNameSignature = {}, .CodeManagerTable = {}, .VTableFixups = {}, .ExportAddressTableJumps = {},
                               .ManagedNativeHeader = {} };
        memcpy(&Bytes[0x400], &C, sizeof(C));
        Nt().OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR] = { 0x1000, sizeof(C) };
    }
    // Code, data with zeroes behind it, shared data.
    static std::vector<PeSection> Usual()
    {
        return { { ".text", 0x1000, 0x321, 0x400, 0x400, IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ },
                 { ".data", 0x2000, 0x1800, 0x800, 0x200, IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE },
                 { ".shared", 0x4000, 0x100, 0xA00, 0x200, IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_SHARED } };
    }
    IMAGE_DOS_HEADER& Dos() { return *reinterpret_cast<IMAGE_DOS_HEADER*>(Bytes.data()); }
    IMAGE_NT_HEADERS64& Nt() { return *reinterpret_cast<IMAGE_NT_HEADERS64*>(&Bytes[HeaderAt]); }
    IMAGE_SECTION_HEADER& Section(u32 I) { return *reinterpret_cast<IMAGE_SECTION_HEADER*>(&Bytes[HeaderAt + sizeof(IMAGE_NT_HEADERS64) + I * sizeof(IMAGE_SECTION_HEADER)]); }

    std::vector<u8> Bytes;
};

}
