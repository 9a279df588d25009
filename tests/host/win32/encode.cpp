// base64, hexadecimal and DER.
#include <gtest/gtest.h>

#include "tests/host/win32/hex.hpp"
#include "win32/crypt32/der.hpp"
#include "win32/crypt32/encode.hpp"

using namespace crypt32;

namespace {

std::string Decode64(const std::string& Text)
{
    std::string Out;
    return crypt32::FromBase64(Text.data(), Text.size(), [&](u8 B) { Out += char(B); }) ? Out : "bad";
}
std::string Encode64(const std::string& Text)
{
    std::string Out;
    ToBase64(reinterpret_cast<const u8*>(Text.data()), Text.size(), [&](char C) { Out += C; }, [&] { Out += '|'; });
    return Out;
}
std::string Oid(const char* Hex)
{
    auto Bytes = ::FromHex(Hex);
    Element E;
    E.Data = Bytes.data();
    E.Size = Bytes.size();
    char Out[40];
    return OidText(E, Out, sizeof(Out)) ? Out : "bad";
}
u64 Seconds(u8 Tag, const std::string& Text)
{
    Element E;
    E.Tag = Tag;
    E.Data = reinterpret_cast<const u8*>(Text.data());
    E.Size = Text.size();
    u64 Value;
    return TimeValue(E, Value) ? Value / 10000000 : 0;
}

}

TEST(Base64, Rfc4648)
{
    const char* Pairs[][2] = { { "", "" },         { "f", "Zg==|" },        { "fo", "Zm8=|" },
                               { "foo", "Zm9v|" }, { "foob", "Zm9vYg==|" }, { "foobar", "Zm9vYmFy|" } };
    for (auto& P : Pairs) {
        EXPECT_EQ(Encode64(P[0]), P[1]);
        std::string Text = P[1];
        EXPECT_EQ(Decode64(Text.substr(0, Text.find('|'))), P[0]);
    }
    EXPECT_EQ(Encode64(std::string(48, 'x')).find('|'), 64u);
    EXPECT_EQ(Encode64(std::string(49, 'x')).size(), 64u + 1 + 4 + 1);
    EXPECT_EQ(Decode64(" Z m\r\n9v "), "foo");
    for (const char* Bad : { "Z", "Zg=", "Zg===", "Z=g=", "Zm9v!", "Zg==Zg==" }) {
        EXPECT_EQ(Decode64(Bad), "bad") << Bad;
    }
}

TEST(Der, Elements)
{
    auto Data = ::FromHex("30 06 02 01 05 04 01 ff  05 00");
    Reader R(Data.data(), Data.size());
    Element Sequence, E;
    ASSERT_TRUE(R.Next(DerSequence, Sequence));
    EXPECT_EQ(Sequence.WholeSize, 8u);
    Reader Inner(Sequence);
    EXPECT_FALSE(Inner.Next(DerOctets, E)); // another tag stays
    ASSERT_TRUE(Inner.Next(DerInteger, E));
    EXPECT_EQ(E.Data[0], 5);
    ASSERT_TRUE(Inner.Next(DerOctets, E));
    EXPECT_TRUE(Inner.Empty());
    ASSERT_TRUE(R.Next(E));
    EXPECT_EQ(E.Size, 0u);
    EXPECT_FALSE(R.Next(E));
}

TEST(Der, WrongLengthsAreRefused)
{
    for (const char* Bad : { "", "30", "3001", "3080",
                             "308100"
                             "ff",
                             "3085000000000100", "30840fffffff00", "1f0100", "3082ffff" }) {
        auto Data = ::FromHex(Bad);
        Reader R(Data.data(), Data.size());
        Element E;
        bool Good = R.Next(E);
        EXPECT_TRUE(!Good || E.Size == 0) << Bad;
    }
    // Every cut of a good element is bad.
    auto Data = ::FromHex("308201020000");
    Data.resize(4 + 0x102);
    for (usize Size = 0; Size < Data.size(); ++Size) {
        std::vector<u8> Part(Data.begin(), Data.begin() + long(Size));
        Reader R(Part.data(), Part.size());
        Element E;
        EXPECT_FALSE(R.Next(E)) << Size;
    }
}

TEST(Der, Oids)
{
    EXPECT_EQ(Oid("2a864886f70d"), "1.2.840.113549");
    EXPECT_EQ(Oid("550406"), "2.5.4.6");
    EXPECT_EQ(Oid("8837"), "2.999");
    EXPECT_EQ(Oid(""), "bad");
    EXPECT_EQ(Oid("2a86"), "bad");
    EXPECT_EQ(Oid("2affffffffffffffffffff7f"), "bad");
}

TEST(Der, Times)
{
    constexpr u64 Unix = 11644473600;
    EXPECT_EQ(Seconds(DerUtcTime, "700101000000Z"), Unix);
    EXPECT_EQ(Seconds(DerUtcTime, "000229120000Z"), Unix + 951825600);
    EXPECT_EQ(Seconds(DerUtcTime, "491231235959Z"), Unix + 2524607999);
    EXPECT_EQ(Seconds(DerTime, "20500101000000Z"), Unix + 2524608000);
    EXPECT_EQ(Seconds(DerTime, "99991231235959Z"), Unix + 253402300799);
    EXPECT_EQ(Seconds(DerTime, "20501301000000Z"), 0u);
    EXPECT_EQ(Seconds(DerTime, "2050010100000Z"), 0u);
    EXPECT_EQ(Seconds(DerUtcTime, "70010100000aZ"), 0u);
}
