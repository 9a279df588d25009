#include <vector>

#include "tests/host/rtl/process.hpp"

namespace {

// Headers and one section with a directory, as a file is.
std::vector<u8> Make()
{
    std::vector<u8> File(0x600);
    auto* Dos = reinterpret_cast<IMAGE_DOS_HEADER*>(File.data());
    Dos->e_magic = IMAGE_DOS_SIGNATURE;
    Dos->e_lfanew = 0x80;
    auto* Headers = reinterpret_cast<IMAGE_NT_HEADERS64*>(&File[0x80]);
    Headers->Signature = IMAGE_NT_SIGNATURE;
    Headers->FileHeader = { IMAGE_FILE_MACHINE_AMD64, 1, 0, 0, 0, sizeof(IMAGE_OPTIONAL_HEADER64), IMAGE_FILE_EXECUTABLE_IMAGE };
    Headers->OptionalHeader.Magic = IMAGE_NT_OPTIONAL_HDR64_MAGIC;
    Headers->OptionalHeader.SizeOfHeaders = 0x400;
    Headers->OptionalHeader.NumberOfRvaAndSizes = 2;
    Headers->OptionalHeader.DataDirectory[0] = { 0x1010, 0x28 };
    Headers->OptionalHeader.DataDirectory[2] = { 0x1020, 0x28 };
    auto* Section = IMAGE_FIRST_SECTION(Headers);
    Section->VirtualAddress = 0x1000;
    Section->Misc.VirtualSize = Section->SizeOfRawData = 0x200;
    Section->PointerToRawData = 0x400;
    return File;
}

}

TEST(Image, Directories)
{
    std::vector<u8> File = Make();
    IMAGE_NT_HEADERS* Headers;
    ASSERT_EQ(RtlImageNtHeaderEx(0, File.data(), File.size(), &Headers), STATUS_SUCCESS);
    ULONG Size;
    EXPECT_EQ(RtlImageDirectoryEntryToData(File.data(), false, 0, &Size), &File[0x410]);
    EXPECT_EQ(Size, 0x28u);
    EXPECT_EQ(RtlImageDirectoryEntryToData(File.data() + 1, true, 0, &Size), &File[0x410]);
    EXPECT_EQ(RtlImageDirectoryEntryToData(File.data(), false, 2, &Size), nullptr);     // beyond NumberOfRvaAndSizes
    EXPECT_EQ(RtlImageRvaToSection(Headers, File.data(), 0x1200), nullptr);
    EXPECT_EQ(RtlImageRvaToVa(Headers, File.data(), 0x11FF, nullptr), &File[0x5FF]);
}
TEST(Image, Refusals)
{
    std::vector<u8> File = Make();
    IMAGE_NT_HEADERS* Headers;
    EXPECT_EQ(RtlImageNtHeaderEx(0, File.data(), 0x90, &Headers), STATUS_INVALID_IMAGE_FORMAT);
    EXPECT_EQ(RtlImageNtHeaderEx(2, File.data(), File.size(), &Headers), STATUS_INVALID_PARAMETER);
    reinterpret_cast<IMAGE_DOS_HEADER*>(File.data())->e_lfanew = -8;
    EXPECT_EQ(RtlImageNtHeader(File.data()), nullptr);
    EXPECT_EQ(RtlImageNtHeader(nullptr), nullptr);
    File[0] = 0;
    EXPECT_EQ(RtlImageNtHeader(File.data()), nullptr);
}
