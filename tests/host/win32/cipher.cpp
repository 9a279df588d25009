// Published vectors: FIPS 197 appendix C, SP 800-38A appendix F, the GCM specification's test cases, RFC 8439.
#include <gtest/gtest.h>

#include <set>

#include "tests/host/win32/hex.hpp"
#include "win32/crypto/aes.hpp"
#include "win32/crypto/chacha.hpp"

using namespace crypto;

TEST(Aes, Fips197)
{
    auto Plain = FromHex("00112233445566778899aabbccddeeff");
    auto Key = FromHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    const char* Want[] = { "69c4e0d86a7b0430d8cdb78070b4c55a", "dda97ca4864cdfe06eaf70a0ec0d7191", "8ea2b7ca516745bfeafc49904b496089" };
    for (usize i = 0; i < 3; ++i) {
        Aes Cipher;
        ASSERT_TRUE(Cipher.SetKey(Key.data(), 16 + 8 * i));
        u8 Out[16];
        Cipher.Encrypt(Plain.data(), Out);
        EXPECT_EQ(ToHex(Out, 16), Want[i]);
        Cipher.Decrypt(Out, Out);
        EXPECT_EQ(ToHex(Out, 16), ToHex(Plain.data(), 16));
    }
    Aes Cipher;
    EXPECT_FALSE(Cipher.SetKey(Key.data(), 15));
}

TEST(Aes, CbcAndCfb8OfSp80038a)
{
    auto Key = FromHex("2b7e151628aed2a6abf7158809cf4f3c");
    auto Plain = FromHex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
    Aes Cipher;
    ASSERT_TRUE(Cipher.SetKey(Key.data(), Key.size()));
    auto Iv = FromHex("000102030405060708090a0b0c0d0e0f");
    std::vector<u8> Out(32), Back(32);
    auto Work = Iv;
    CbcEncrypt(Cipher, Work.data(), Plain.data(), Out.data(), 32);
    EXPECT_EQ(ToHex(Out.data(), 32), "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2");
    Work = Iv;
    CbcDecrypt(Cipher, Work.data(), Out.data(), Back.data(), 16);
    CbcDecrypt(Cipher, Work.data(), Out.data() + 16, Back.data() + 16, 16);
    EXPECT_EQ(Back, Plain);
    Work = Iv;
    CbcDecrypt(Cipher, Work.data(), Out.data(), Out.data(), 32);
    EXPECT_EQ(Out, Plain);

    Work = Iv;
    Cfb8Encrypt(Cipher, Work.data(), Plain.data(), Out.data(), 18);
    EXPECT_EQ(ToHex(Out.data(), 18), "3b79424c9c0dd436bace9e0ed4586a4f32b9");
    Work = Iv;
    Cfb8Decrypt(Cipher, Work.data(), Out.data(), Out.data(), 18);
    EXPECT_EQ(ToHex(Out.data(), 18), ToHex(Plain.data(), 18));
}

namespace {

struct Case {
    const char *Key, *Nonce, *Associated, *Plain, *Text, *Tag;
};
const char Block60[] =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
const Case Cases[] = {
    { "00000000000000000000000000000000", "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a" },
    { "00000000000000000000000000000000", "000000000000000000000000", "", "00000000000000000000000000000000",
      "0388dace60b6a392f328c2b971b2fe78", "ab6e47d42cec13bdf53a67b21257bddf" },
    { "feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", Block60,
      "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
      "5bc94fbc3221a5db94fae95ae7121a47" },
    // An eight-byte nonce goes through the hash.
    { "feffe9928665731c6d6a8f9467308308", "cafebabefacedbad", "feedfacedeadbeeffeedfacedeadbeefabaddad2", Block60,
      "61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f4598",
      "3612d2e79e3b0785561be14aaca2fccb" },
    { "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
      "feedfacedeadbeeffeedfacedeadbeefabaddad2", Block60,
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
      "76fc6ece0f4e1768cddf8853bb2d551b" },
};

}

TEST(Aes, Gcm)
{
    for (const Case& C : Cases) {
        auto Key = FromHex(C.Key), Nonce = FromHex(C.Nonce), Associated = FromHex(C.Associated), Plain = FromHex(C.Plain);
        Aes Cipher;
        ASSERT_TRUE(Cipher.SetKey(Key.data(), Key.size()));
        for (usize Piece : { usize(1), usize(7), usize(16), usize(1000) }) {
            std::vector<u8> Out(Plain.size()), Back(Plain.size());
            Gcm Mode;
            Mode.Start(Cipher, Nonce.data(), Nonce.size(), Associated.data(), Associated.size());
            for (usize At = 0; At < Plain.size(); At += Piece) {
                Mode.Encrypt(Plain.data() + At, Out.data() + At, std::min(Piece, Plain.size() - At));
            }
            u8 Tag[16];
            Mode.Tag(Tag);
            EXPECT_EQ(ToHex(Out.data(), Out.size()), C.Text);
            EXPECT_EQ(ToHex(Tag, 16), C.Tag);
            Mode.Start(Cipher, Nonce.data(), Nonce.size(), Associated.data(), Associated.size());
            Mode.Decrypt(Out.data(), Back.data(), Out.size());
            Mode.Tag(Tag);
            EXPECT_EQ(Back, Plain);
            EXPECT_EQ(ToHex(Tag, 16), C.Tag);
        }
    }
}

TEST(ChaCha, Rfc8439)
{
    auto Key = FromHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    auto Nonce = FromHex("000000090000004a00000000");
    u8 Out[64];
    ChaChaBlock(Key.data(), 1, Nonce.data(), Out);
    EXPECT_EQ(ToHex(Out, 64), "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
                              "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

TEST(ChaCha, GeneratorNeverRepeats)
{
    u8 Seed[64] = { 1, 2, 3 };
    Generator One, Two;
    One.Reseed(Seed);
    Two.Reseed(Seed);
    std::set<std::vector<u8>> Seen;
    for (int i = 0; i < 100; ++i) {
        std::vector<u8> A(16), B(16);
        One.Fill(A.data(), 16);
        Two.Fill(B.data(), 16);
        EXPECT_EQ(A, B); // the same seed gives the same stream
        EXPECT_TRUE(Seen.insert(A).second);
    }
    // Every byte of the seed matters.
    for (usize i = 0; i < 64; ++i) {
        u8 Other[64];
        memcpy(Other, Seed, 64);
        Other[i] ^= 0x80;
        Generator Changed;
        Changed.Reseed(Other);
        std::vector<u8> A(16);
        Changed.Fill(A.data(), 16);
        EXPECT_TRUE(Seen.insert(A).second) << i;
    }
}
