// Patterns and share modes.
#include "ntos/io/fsrtl.hpp"
#include "tests/host/io/io_test.hpp"

namespace {

bool Matches(const wchar_t* Pattern, const wchar_t* Name)
{
    auto Length = [](const wchar_t* S) {
        usize N = 0;
        while (S[N])
            ++N;
        return N;
    };
    io::Pattern P;
    EXPECT_TRUE(P.Set({ Pattern, Length(Pattern) }).Ok());
    return P.Matches({ Name, Length(Name) });
}

TEST(Pattern, Plain)
{
    EXPECT_TRUE(Matches(L"*", L"ANY.THING"));
    EXPECT_TRUE(Matches(L"", L"X"));
    EXPECT_TRUE(Matches(L"abc", L"ABC"));
    EXPECT_FALSE(Matches(L"abc", L"ABCD"));
    EXPECT_TRUE(Matches(L"a*c", L"ABBBC"));
    EXPECT_FALSE(Matches(L"a*c", L"ABBBCD"));
    EXPECT_TRUE(Matches(L"*.t*.t*", L"TEST1.TA.TORNADO.TXT"));
    EXPECT_TRUE(Matches(L"*st1*", L"TEST1.TXT"));
    EXPECT_TRUE(Matches(L"h?l?o*t.dat", L"HELLOTHISISATEST.DAT"));
    EXPECT_TRUE(Matches(L"**a**", L"XAX"));
}

TEST(Pattern, AsWin32MasksMean)
{
    EXPECT_TRUE(Matches(L"*.*", L"NODOT"));
    EXPECT_TRUE(Matches(L"a.*", L"A"));
    EXPECT_TRUE(Matches(L"a.*", L"A.B"));
    EXPECT_FALSE(Matches(L"a.*", L"AB"));
    EXPECT_TRUE(Matches(L"*.", L"NODOT"));
    EXPECT_FALSE(Matches(L"*.", L"WITH.DOT"));
    EXPECT_TRUE(Matches(L"a??", L"AB"));
    EXPECT_TRUE(Matches(L"a??.txt", L"AB.TXT"));
    EXPECT_FALSE(Matches(L"?est???", L"TEST1.TXT"));
    EXPECT_TRUE(Matches(L"????????.???", L"A.B"));
}

TEST(Pattern, DosForms)
{
    EXPECT_TRUE(Matches(L"<.TXT", L"A.B.TXT"));
    EXPECT_TRUE(Matches(L"<", L"ABC"));
    EXPECT_FALSE(Matches(L"<", L"A.C"));
    EXPECT_TRUE(Matches(L"A\"", L"A"));
    EXPECT_TRUE(Matches(L"A\"*", L"A.X"));
    EXPECT_TRUE(Matches(L">>>", L"AB"));
}

TEST(Pattern, LongOnesEnd)
{
    std::vector<wchar_t> P, N(255, L'A');
    for (int I = 0; I < 511; ++I)
        P.push_back(I % 2 ? L'A' : L'*');
    io::Pattern Many;
    EXPECT_TRUE(Many.Set({ P.data(), P.size() }).Ok());
    EXPECT_TRUE(Many.Matches({ N.data(), N.size() }));
    N.back() = L'B';
    EXPECT_FALSE(io::Pattern().MatchesAll() && Many.Matches({ N.data(), 254 }));
    P.push_back(L'*');
    EXPECT_FALSE(Many.Set({ P.data(), P.size() }).Ok());
}

TEST(Share, Rules)
{
    io::ShareCounts S;
    auto Read = io::ShareCounts::From(FILE_READ_DATA, FILE_SHARE_READ), Write = io::ShareCounts::From(FILE_WRITE_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE);
    EXPECT_TRUE(S.Check(Read).Ok());
    S.Add(Read);
    EXPECT_TRUE(S.Check(Read).Ok());
    EXPECT_FALSE(S.Check(Write).Ok());
    EXPECT_TRUE(S.Check(io::ShareCounts::From(FILE_READ_ATTRIBUTES, 0)).Ok());
    S.Remove(Read);
    S.Add(Write);
    EXPECT_FALSE(S.Check(Read).Ok());
    EXPECT_TRUE(S.Check(Write).Ok());
    S.Remove(Write);
    EXPECT_EQ(S.Openers, 0u);
}

}
