// Looking into PE images: the functions imagehlp and dbghelp share.
#include "win32/common/win.hpp"

#include <dbghelp.h>

extern "C" PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID Base);

EXPORT PIMAGE_SECTION_HEADER WINAPI ImageRvaToSection(PIMAGE_NT_HEADERS Headers, PVOID, ULONG Rva)
{
    PIMAGE_SECTION_HEADER S = IMAGE_FIRST_SECTION(Headers);
    for (WORD i = 0; i < Headers->FileHeader.NumberOfSections; ++i, ++S) {
        if (Rva >= S->VirtualAddress && Rva - S->VirtualAddress < S->SizeOfRawData) {
            return S;
        }
    }
    return nullptr;
}
EXPORT PVOID WINAPI ImageRvaToVa(PIMAGE_NT_HEADERS Headers, PVOID Base, ULONG Rva, PIMAGE_SECTION_HEADER* Last)
{
    PIMAGE_SECTION_HEADER S = Last && *Last && Rva >= (*Last)->VirtualAddress && Rva - (*Last)->VirtualAddress < (*Last)->SizeOfRawData
                                  ? *Last
                                  : ImageRvaToSection(Headers, Base, Rva);
    if (!S) {
        return nullptr;
    }
    if (Last) {
        *Last = S;
    }
    return static_cast<u8*>(Base) + S->PointerToRawData + (Rva - S->VirtualAddress);
}
EXPORT PVOID WINAPI ImageDirectoryEntryToDataEx(PVOID Base, BOOLEAN Mapped, USHORT Entry, PULONG Size, PIMAGE_SECTION_HEADER* Found)
{
    *Size = 0;
    if (Found) {
        *Found = nullptr;
    }
    PIMAGE_NT_HEADERS Headers = RtlImageNtHeader(Base);
    if (!Headers || Headers->OptionalHeader.Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC ||
        Entry >= Headers->OptionalHeader.NumberOfRvaAndSizes) {
        return nullptr;
    }
    auto& Directory = Headers->OptionalHeader.DataDirectory[Entry];
    if (!Directory.VirtualAddress) {
        return nullptr;
    }
    *Size = Directory.Size;
    if (Mapped || Directory.VirtualAddress < Headers->OptionalHeader.SizeOfHeaders) {
        return static_cast<u8*>(Base) + Directory.VirtualAddress;
    }
    return ImageRvaToVa(Headers, Base, Directory.VirtualAddress, Found);
}
EXPORT PVOID WINAPI ImageDirectoryEntryToData(PVOID Base, BOOLEAN Mapped, USHORT Entry, PULONG Size)
{
    return ImageDirectoryEntryToDataEx(Base, Mapped, Entry, Size, nullptr);
}

EXPORT BOOL WINAPI MakeSureDirectoryPathExists(PCSTR Path)
{
    char Copy[MAX_PATH];
    usize Length = win::Length(Path);
    if (Length >= MAX_PATH) {
        return win::Fail(ERROR_FILENAME_EXCED_RANGE);
    }
    // Everything up to the last backslash is a folder.
    for (usize i = 0; i < Length; ++i) {
        Copy[i] = Path[i];
        if (Path[i] == '\\' && i > 2) {
            Copy[i] = 0;
            if (!CreateDirectoryA(Copy, nullptr) && GetLastError() != ERROR_ALREADY_EXISTS) {
                return FALSE;
            }
            Copy[i] = '\\';
        }
    }
    return TRUE;
}
