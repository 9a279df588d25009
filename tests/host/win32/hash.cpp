// Published vectors: RFC 1320, RFC 1321, FIPS 180 examples, RFC 2202, RFC 4231, RFC 6070.
#include <gtest/gtest.h>

#include "tests/host/win32/hex.hpp"
#include "win32/crypto/kdf.hpp"

using namespace crypto;

namespace {

template <typename Hash> std::string Digest(const std::string& Text, usize Piece = ~usize(0))
{
    Hash H;
    for (usize At = 0; At < Text.size(); At += Piece) {
        H.Update(Text.data() + At, std::min(Piece, Text.size() - At));
        if (Piece == ~usize(0)) {
            break;
        }
    }
    u8 Out[Hash::DigestSize];
    H.Finish(Out);
    return ToHex(Out, sizeof(Out));
}

template <typename Hash> std::string Mac(const std::vector<u8>& Key, const std::string& Text)
{
    Hmac<Hash> H(Key.data(), Key.size());
    H.Update(Text.data(), Text.size());
    u8 Out[Hash::DigestSize];
    H.Finish(Out);
    return ToHex(Out, sizeof(Out));
}

template <typename Hash> std::string Derive(const std::string& Password, const std::string& Salt, u64 Rounds, usize Size)
{
    std::vector<u8> Out(Size);
    Pbkdf2<Hash>(reinterpret_cast<const u8*>(Password.data()), Password.size(), reinterpret_cast<const u8*>(Salt.data()), Salt.size(),
                 Rounds, Out.data(), Size);
    return ToHex(Out.data(), Size);
}

const std::string Long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
const std::string Longer =
    "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";

}

TEST(Hash, Md4)
{
    EXPECT_EQ(Digest<Md4>(""), "31d6cfe0d16ae931b73c59d7e0c089c0");
    EXPECT_EQ(Digest<Md4>("abc"), "a448017aaf21d8525fc10ae87aa6729d");
    EXPECT_EQ(Digest<Md4>("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "e33b4ddc9c38f2199c3e7b164fcc0536");
}
TEST(Hash, Md5)
{
    EXPECT_EQ(Digest<Md5>(""), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(Digest<Md5>("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
    EXPECT_EQ(Digest<Md5>("12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
              "57edf4a22be3c955ac49da2e2107b67a");
}
TEST(Hash, Sha1)
{
    EXPECT_EQ(Digest<Sha1>("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(Digest<Sha1>(Long), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    EXPECT_EQ(Digest<Sha1>(std::string(1000000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}
TEST(Hash, Sha256)
{
    EXPECT_EQ(Digest<Sha256>(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(Digest<Sha256>("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(Digest<Sha256>(Long), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
TEST(Hash, Sha384)
{
    EXPECT_EQ(Digest<Sha384>("abc"), "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    EXPECT_EQ(Digest<Sha384>(Longer), "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039");
}
TEST(Hash, Sha512)
{
    EXPECT_EQ(Digest<Sha512>("abc"), "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    EXPECT_EQ(Digest<Sha512>(Longer), "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
                                      "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909");
}
TEST(Hash, PiecesDoNotMatter)
{
    std::string Text;
    for (int i = 0; i < 1000; ++i) {
        Text += char(i * 7);
    }
    for (usize Piece : { 1, 3, 63, 64, 65, 127, 128, 129 }) {
        EXPECT_EQ(Digest<Md5>(Text, Piece), Digest<Md5>(Text));
        EXPECT_EQ(Digest<Sha256>(Text, Piece), Digest<Sha256>(Text));
        EXPECT_EQ(Digest<Sha512>(Text, Piece), Digest<Sha512>(Text));
    }
}

TEST(Hmac, Rfc2202AndRfc4231)
{
    EXPECT_EQ(Mac<Md5>(std::vector<u8>(16, 0x0B), "Hi There"), "9294727a3638bb1c13f48ef8158bfc9d");
    EXPECT_EQ(Mac<Sha1>(std::vector<u8>(80, 0xAA), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "aa4ae5e15272d00e95705637ce8a3b55ed402112");
    std::vector<u8> Key(20, 0x0B);
    EXPECT_EQ(Mac<Sha256>(Key, "Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    EXPECT_EQ(Mac<Sha384>(Key, "Hi There"),
              "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6");
    EXPECT_EQ(Mac<Sha512>(Key, "Hi There"), "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
                                            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
    EXPECT_EQ(Mac<Sha256>(std::vector<u8>(131, 0xAA), "Test Using Larger Than Block-Size Key - Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Pbkdf2, Rfc6070)
{
    EXPECT_EQ(Derive<Sha1>("password", "salt", 1, 20), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
    EXPECT_EQ(Derive<Sha1>("password", "salt", 2, 20), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
    EXPECT_EQ(Derive<Sha1>("password", "salt", 4096, 20), "4b007901b765489abead49d926f721d065a429c1");
    EXPECT_EQ(Derive<Sha1>("passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096, 25),
              "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038");
}
