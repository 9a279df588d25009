// Mapping PE files as image sections.
#include <string.h>
#include <sys/mman.h>

#include <fstream>
#include <iterator>

#include "tests/host/ntdll/runner.hpp"

namespace runner {

NTSTATUS MapImage(const std::string& Path, uint64_t& Base, uint64_t& Size)
{
    std::ifstream In(Path, std::ios::binary);
    std::vector<char> File((std::istreambuf_iterator<char>(In)), {});
    if (File.size() < sizeof(IMAGE_DOS_HEADER))
        return STATUS_INVALID_IMAGE_NOT_MZ;
    auto* Dos = reinterpret_cast<IMAGE_DOS_HEADER*>(File.data());
    if (Dos->e_magic != IMAGE_DOS_SIGNATURE || uint64_t(Dos->e_lfanew) + sizeof(IMAGE_NT_HEADERS64) > File.size())
        return STATUS_INVALID_IMAGE_NOT_MZ;
    auto* Nt = reinterpret_cast<IMAGE_NT_HEADERS64*>(File.data() + Dos->e_lfanew);
    if (Nt->Signature != IMAGE_NT_SIGNATURE || Nt->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC)
        return STATUS_INVALID_IMAGE_FORMAT;
    Size = AlignUp<uint64_t>(Nt->OptionalHeader.SizeOfImage, PageSize);
    Base = Reserve(Nt->OptionalHeader.ImageBase, Size);
    if (!Base)
        Base = Reserve(0, Size);
    if (!Base)
        return STATUS_NO_MEMORY;
    Mapping M { Base, Size, true, Path, std::vector<ULONG>(Size / PageSize, PAGE_NOACCESS) };
    auto* Memory = reinterpret_cast<char*>(Base);
    mprotect(Memory, Size, PROT_READ | PROT_WRITE);
    memcpy(Memory, File.data(), std::min<uint64_t>(Nt->OptionalHeader.SizeOfHeaders, File.size()));
    M.Pages[0] = PAGE_READONLY;
    auto* Sections = IMAGE_FIRST_SECTION(Nt);
    for (int I = 0; I < Nt->FileHeader.NumberOfSections; ++I) {
        auto& S = Sections[I];
        uint64_t Virtual = S.Misc.VirtualSize ? S.Misc.VirtualSize : S.SizeOfRawData;
        uint64_t Raw = std::min<uint64_t>(S.SizeOfRawData, AlignUp(Virtual, PageSize));
        if (S.VirtualAddress + Virtual > Size)
            return STATUS_INVALID_IMAGE_FORMAT;
        if (S.PointerToRawData < File.size())
            memcpy(Memory + S.VirtualAddress, File.data() + S.PointerToRawData, std::min<uint64_t>(Raw, File.size() - S.PointerToRawData));
        bool Execute = S.Characteristics & IMAGE_SCN_MEM_EXECUTE, Write = S.Characteristics & IMAGE_SCN_MEM_WRITE;
        ULONG Protection = Execute ? (Write ? PAGE_EXECUTE_WRITECOPY : PAGE_EXECUTE_READ) : Write ? PAGE_WRITECOPY : PAGE_READONLY;
        for (uint64_t P = S.VirtualAddress / PageSize; P < AlignUp(S.VirtualAddress + Virtual, PageSize) / PageSize; ++P)
            M.Pages[P] = Protection;
    }
    for (uint64_t P = 0; P < M.Pages.size(); ++P)
        mprotect(Memory + P * PageSize, PageSize, HostProtection(M.Pages[P]));
    bool Moved = Base != Nt->OptionalHeader.ImageBase;
    The.Mappings[Base] = std::move(M);
    return Moved ? STATUS_IMAGE_NOT_AT_BASE : STATUS_SUCCESS;
}

uint64_t FindExport(uint64_t Base, const char* Name)
{
    auto* Nt = reinterpret_cast<IMAGE_NT_HEADERS64*>(Base + reinterpret_cast<IMAGE_DOS_HEADER*>(Base)->e_lfanew);
    auto* Exports = reinterpret_cast<IMAGE_EXPORT_DIRECTORY*>(Base + Nt->OptionalHeader.DataDirectory[0].VirtualAddress);
    auto* Names = reinterpret_cast<uint32_t*>(Base + Exports->AddressOfNames);
    auto* Ordinals = reinterpret_cast<uint16_t*>(Base + Exports->AddressOfNameOrdinals);
    auto* Functions = reinterpret_cast<uint32_t*>(Base + Exports->AddressOfFunctions);
    for (uint32_t I = 0; I < Exports->NumberOfNames; ++I) {
        if (!strcmp(reinterpret_cast<char*>(Base + Names[I]), Name))
            return Base + Functions[Ordinals[I]];
    }
    return 0;
}

}
