// What the FAT tests share: a disk in memory that remembers its writes, volumes made by mkfs.fat, a model of their files.
#pragma once
#include <map>
#include <random>
#include <string>
#include <vector>

#include "lib/fat/fat.hpp"
#include "tests/host/support/gtest.hpp"

namespace test {

using namespace nt;
using Bytes = std::vector<u8>;

inline fat::Text T(const std::u16string& S) { return { reinterpret_cast<const wchar_t*>(S.data()), S.size() }; }
inline std::u16string U(fat::Text S) { return std::u16string(S.begin(), S.end()); }
wchar_t UpCase(wchar_t C);
std::u16string Upper(std::u16string S);

struct Disk final : fat::Device {
    Bytes Data;
    struct Write {
        u64 Offset;
        Bytes Data;
    };
    std::vector<Write> Log;
    bool Keep = false;                  // whether writes are remembered
    u64 Size() override { return Data.size(); }
    Status ReadAt(u64 Offset, void* To, usize Count) override;
    Status WriteAt(u64 Offset, const void* From, usize Count) override;
    Status Flush() override { return STATUS_SUCCESS; }
};

bool HaveTools();
std::string Scratch(const std::string& Name);
void Save(const std::string& Path, const Bytes& B);
Bytes Load(const std::string& Path);
void Load(const std::string& Path, Bytes& To);       // where there was another: its room is used again
int RunTool(const std::string& Command);            // its exit code; output goes away
Bytes MakeVolume(u32 Bits, u32 KiloBytes, const std::string& More = "");
// fsck.fat without changing anything finds nothing wrong.
bool IsClean(const Bytes& Image);

struct Tree {
    struct Item {
        std::u16string Name;            // as it was given
        bool IsFolder = false;
        Bytes Data;
        std::map<std::u16string, Item> Inside;          // by upper-case name
    };
    Item Root { u"", true, {}, {} };
};
bool Same(const Tree::Item& A, const Tree::Item& B);
// Everything on a volume.
Tree::Item ReadAll(fat::Volume& V, const fat::Entry& At);
void RandomChange(std::mt19937& Random, fat::Volume& V, Tree& Model, u32 LargestFile);

}
