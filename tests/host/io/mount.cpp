// The boot archive: every damage is found, none is believed.
#include <random>

#include "ntos/io/ramfs/ramfs.hpp"
#include "tests/host/io/io_test.hpp"

using namespace io_test;

namespace {

Status Mount(const std::vector<u8>& Archive, u64 Size = ~u64(0))
{
    auto V = MUST(io::ramfs::Volume::Create(L"\\??\\X:", 1));
    // A copy that ends where it says, so that reading beyond is seen.
    std::vector<u8> Copy(Archive.begin(), Archive.begin() + std::min<u64>(Size, Archive.size()));
    return V->Mount(Copy.data(), Copy.size(), FirstBootFrame);
}

std::vector<u8> Good()
{
    return MakeArchive({ { "a", "", FILE_ATTRIBUTE_DIRECTORY }, { "a/b", "data", 0 }, { "a/c", "", FILE_ATTRIBUTE_DIRECTORY }, { "a/c/d", std::string(9000, 'x'), 0 } });
}

TEST(Mounting, GoodAndEmpty)
{
    EXPECT_STATUS(Mount(Good()).Code(), STATUS_SUCCESS);
    EXPECT_STATUS(Mount(MakeArchive({})).Code(), STATUS_SUCCESS);
    EXPECT_STATUS(Mount({}).Code(), STATUS_FILE_CORRUPT_ERROR);
    EXPECT_STATUS(Mount(Good(), 4096).Code(), STATUS_FILE_CORRUPT_ERROR);
}

TEST(Mounting, BadNames)
{
    EXPECT_STATUS(Mount(MakeArchive({ { "a/b", "x", 0 } })).Code(), STATUS_FILE_CORRUPT_ERROR);      // no parent
    EXPECT_STATUS(Mount(MakeArchive({ { "a", "x", 0 }, { "A", "x", 0 } })).Code(), STATUS_FILE_CORRUPT_ERROR);
    EXPECT_STATUS(Mount(MakeArchive({ { "a", "x", 0 }, { "a/b", "x", 0 } })).Code(), STATUS_FILE_CORRUPT_ERROR);     // parent is a file
    for (const char* Name : { "", "/", "a/", "/a", "a\\b", "..", ".", "a:b", "a*b", "\xFF", "\xC3", "\xE2\x82", "\xED\xA0\x80", "\xC0\x80", "\xF5\x80\x80\x80" })
        EXPECT_STATUS(Mount(MakeArchive({ { Name, "x", 0 } })).Code(), STATUS_FILE_CORRUPT_ERROR) << Name;
    EXPECT_STATUS(Mount(MakeArchive({ { "\xF0\x9F\x98\x80", "x", 0 } })).Code(), STATUS_SUCCESS);
    EXPECT_STATUS(Mount(MakeArchive({ { std::string(256, 'n'), "x", 0 } })).Code(), STATUS_FILE_CORRUPT_ERROR);
}

TEST(Mounting, VersionAndDamage)
{
    auto A = Good();
    A[8] = 2;
    EXPECT_STATUS(Mount(A).Code(), STATUS_REVISION_MISMATCH);
    // Any byte of header, entries and names changed: mounted, or refused; nothing else.
    std::mt19937 Random(1);
    auto B = Good();
    usize Meta = sizeof(wire::bootfs::Header) + 4 * sizeof(wire::bootfs::Entry) + 16;
    for (int I = 0; I < 20000; ++I) {
        auto C = B;
        for (u32 N = 1 + Random() % 3; N; --N)
            C[Random() % Meta] = Random() % 4 ? u8(Random()) : u8(0xFF);
        (void)Mount(C).Ok();
    }
}

}
