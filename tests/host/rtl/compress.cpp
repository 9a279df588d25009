#include <random>
#include <vector>

#include "tests/host/rtl/process.hpp"

namespace {
constexpr USHORT Lznt1 = 2;
}

TEST(Compress, RoundTrip)
{
    ULONG WorkSize, FragmentSize;
    ASSERT_EQ(RtlGetCompressionWorkSpaceSize(Lznt1, &WorkSize, &FragmentSize), STATUS_SUCCESS);
    std::vector<u8> Work(WorkSize);
    std::mt19937 Random(9);
    for (int Kind = 0; Kind < 4; ++Kind)
        for (ULONG Size : { 1u, 2u, 100u, 4095u, 4096u, 4097u, 20000u }) {
            std::vector<u8> Data(Size), Packed(Size + Size / 4096 * 2 + 16), Back(Size + 1, 0x5A);
            for (ULONG I = 0; I < Size; ++I)
                Data[I] = u8(Kind == 0 ? 0 : Kind == 1 ? Random() : Kind == 2 ? "neptune "[I % 8] : Random() % 3);
            ULONG PackedSize = 0, BackSize = 0;
            ASSERT_EQ(RtlCompressBuffer(Lznt1, Data.data(), Size, Packed.data(), ULONG(Packed.size()), 4096, &PackedSize, Work.data()), STATUS_SUCCESS);
            if (Kind != 1 && Size > 100)
                EXPECT_LT(PackedSize, Size / 2);
            ASSERT_EQ(RtlDecompressBuffer(Lznt1, Back.data(), Size, Packed.data(), PackedSize, &BackSize), STATUS_SUCCESS);
            ASSERT_EQ(BackSize, Size);
            ASSERT_EQ(Back[Size], 0x5A);
            Back.resize(Size);
            ASSERT_EQ(Back, Data);
            if (Size > 5000) {
                ULONG Piece = 0;
                ASSERT_EQ(RtlDecompressFragment(Lznt1, Back.data(), 100, Packed.data(), PackedSize, 4090, &Piece, Work.data()), STATUS_SUCCESS);
                EXPECT_EQ(Piece, 100u);
                EXPECT_TRUE(std::equal(Back.begin(), Back.begin() + 100, Data.begin() + 4090));
            }
            EXPECT_EQ(RtlCompressBuffer(Lznt1, Data.data(), Size, Packed.data(), 1, 4096, &PackedSize, Work.data()), STATUS_BUFFER_TOO_SMALL);
        }
}
// Noise decompresses to something or is refused, within its buffers.
TEST(Compress, Fuzz)
{
    std::mt19937 Random(10);
    for (int Round = 0; Round < 20000; ++Round) {
        std::vector<u8> Noise(Random() % 64), Out(Random() % 5000);
        for (u8& Byte : Noise)
            Byte = u8(Random());
        if (Noise.size() > 2) {
            Noise[0] = u8(Noise.size() - 3);
            Noise[1] = 0xB0;
        }
        ULONG Size;
        RtlDecompressBuffer(Lznt1, Out.data(), ULONG(Out.size()), Noise.data(), ULONG(Noise.size()), &Size);
        RtlDecompressFragment(Lznt1, Out.data(), ULONG(Out.size()), Noise.data(), ULONG(Noise.size()), Random() % 9000, &Size, nullptr);
    }
}
