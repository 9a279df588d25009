// What the hive tests share: files in memory that can lose power, and a model of a registry tree.
#pragma once
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "lib/regf/regf.hpp"
#include "tests/host/support/gtest.hpp"

namespace test {

using namespace nt;
using Bytes = std::vector<u8>;

wchar_t UpCase(wchar_t C);
std::u16string Upper(const std::u16string& Name);
inline regf::Text T(const std::u16string& S) { return { reinterpret_cast<const wchar_t*>(S.data()), S.size() }; }
inline std::u16string U(regf::Text S) { return std::u16string(S.begin(), S.end()); }

// A few files with one power supply. A write is pending until its file is flushed. When the power goes (after a number of operations), every
// sector of every pending write is on the medium or not, as Fate decides.
class Machine {
public:
    enum class Fate { Lost, Kept, Mixed };
    struct Disk final : regf::File {
        Machine* M = nullptr;
        Bytes Durable, Seen;
        struct Write {
            u64 Offset;
            Bytes Data;
            bool IsSize = false;
        };
        std::vector<Write> Pending;
        Result<u64> Size() override { return u64(Seen.size()); }
        Status ReadAt(u64 Offset, void* To, usize Count) override;
        Status WriteAt(u64 Offset, const void* From, usize Count) override;
        Status Extend(u64 Count) override;
        Status Flush() override;
    };
    Disk Files[3];
    u64 Operations = 0, Limit = ~u64(0);
    u32 SectorBytes = 512;
    bool Dead = false;
    Machine();
    // The power comes back: what is on the media is decided.
    void Restart(Fate How, u32 Seed);

private:
    bool Spend();
};

struct ModelValue {
    std::u16string Name;
    u32 Type;
    Bytes Data;
    bool operator==(const ModelValue&) const = default;
};
struct ModelKey {
    std::u16string Name, Class;
    std::map<std::u16string, std::unique_ptr<ModelKey>> Children;       // by upper-case name
    std::vector<ModelValue> Values;
    Bytes Descriptor;
    u64 Time = 0;
};
std::unique_ptr<ModelKey> Copy(const ModelKey& K);
bool Same(const ModelKey& A, const ModelKey& B);
// What a hive holds, read through its interface.
std::unique_ptr<ModelKey> ReadAll(const regf::Hive& H, u32 Key);
// One random change of both.
void RandomChange(std::mt19937& Random, regf::Hive& H, ModelKey& Model);
Bytes SomeDescriptor(u32 Number);

extern u32 Reports;
regf::Environment Around();
std::unique_ptr<regf::Hive> NewHive(ModelKey& Model);

}
