// Names for file systems: parts, wild cards, what FAT and HPFS allow.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

namespace {

constexpr WCHAR DosStar = L'<', DosQm = L'>', DosDot = L'"';
constexpr usize MostPattern = 1024;

template <typename C> bool IsWild(C Of)
{
    return Of == C('*') || Of == C('?') || Of == C(DosStar) || Of == C(DosQm) || Of == C(DosDot);
}

// Whether Name matches Pattern. The set of places in the pattern that the name so far may have led to, a bit each.
//   *  any characters      ?  one character      <  any characters up to the last dot     >  one character, or none at a dot or the end     "  a dot, or the end
template <typename C, typename Up> bool Matches(const C* Pattern, usize PatternLength, const C* Name, usize Length, Up Upper)
{
    if (PatternLength == 1 && Pattern[0] == C('*'))
        return true;
    if (PatternLength > MostPattern - 1)
        return false;
    usize LastDot = Length;
    for (usize I = 0; I < Length; ++I)
        if (Name[I] == C('.'))
            LastDot = I;
    constexpr usize Words = MostPattern / 64;
    u64 Now[Words] = { 1 }, Next[Words];
    usize Used = PatternLength / 64 + 1;
    for (usize At = 0;; ++At) {
        bool AtEnd = At == Length, Any = false;
        C N = AtEnd ? C(0) : Upper(Name[At]);
        memset(Next, 0, Used * 8);
        // Upwards: what a place reaches without a character is seen in the same pass.
        for (usize I = 0; I <= PatternLength; ++I) {
            if (!(Now[I / 64] >> (I % 64) & 1))
                continue;
            if (I == PatternLength) {
                if (AtEnd)
                    return true;
                break;
            }
            C P = Pattern[I];
            auto Go = [&](u64* To, usize Place) {
                To[Place / 64] |= u64(1) << (Place % 64);
                Any |= To == Next;
            };
            if (P == C('*')) {
                Go(Now, I + 1);
                if (!AtEnd)
                    Go(Next, I);
            } else if (P == C(DosStar)) {
                Go(Now, I + 1);
                if (!AtEnd && At != LastDot)
                    Go(Next, I);
                else if (!AtEnd)
                    Go(Next, I + 1);
            } else if (P == C(DosQm)) {
                if (AtEnd || N == C('.'))
                    Go(Now, I + 1);
                if (!AtEnd && N != C('.'))
                    Go(Next, I + 1);
            } else if (P == C(DosDot)) {
                if (AtEnd)
                    Go(Now, I + 1);
                else if (N == C('.'))
                    Go(Next, I + 1);
            } else if (!AtEnd && (P == C('?') || Upper(P) == N)) {
                Go(Next, I + 1);
            }
        }
        if (AtEnd || !Any)
            return false;
        memcpy(Now, Next, Used * 8);
    }
}

// FIRST\REST.
template <typename S> void Dissect(S Path, S* First, S* Rest, usize CharacterBytes, bool (*IsSlash)(const S&, usize))
{
    *First = {};
    *Rest = {};
    usize Length = Path.Length / CharacterBytes, At = 0;
    if (!Length)
        return;
    if (IsSlash(Path, 0))
        At = 1;
    usize End = At;
    while (End < Length && !IsSlash(Path, End))
        ++End;
    auto Part = [&](usize From, usize To) {
        S P = Path;
        P.Buffer = Path.Buffer + From;
        P.Length = P.MaximumLength = USHORT((To - From) * CharacterBytes);
        return P;
    };
    *First = Part(At, End);
    if (End < Length)
        *Rest = Part(End + 1, Length);
}

// What single characters are good for: FSRTL_*_LEGAL bits by character.
constexpr UCHAR Fat = 1, Hpfs = 2, Ntfs = 4, Wild = 8;
struct Legal {
    UCHAR Of[128];
    constexpr Legal() : Of()
    {
        for (int C = 0x20; C < 0x80; ++C)
            Of[C] = Fat | Hpfs | Ntfs | 0x10;       // 0x10: legal in a stream's name
        for (int C = 1; C < 0x20; ++C)
            Of[C] = 0x10;
        for (const char* P = "\"<>"; *P; ++P)
            Of[int(*P)] = Wild | 0x10;
        for (const char* P = "*?"; *P; ++P)
            Of[int(*P)] = Wild;
        for (const char* P = "/:\\"; *P; ++P)
            Of[int(*P)] = 0;
        Of[int('|')] = 0x10;
        for (const char* P = "+,;=[]"; *P; ++P)
            Of[int(*P)] = Hpfs | Ntfs | 0x10;
    }
};
constexpr Legal Characters;

bool IsLegal(ANSI_STRING Name, BOOLEAN WildCards, UCHAR Kind, bool PathAllowed, bool LeadingSlash, bool EightThree)
{
    if (LeadingSlash) {
        if (!Name.Length || Name.Buffer[0] != '\\')
            return false;
        ++Name.Buffer;
        --Name.Length;
    }
    if (PathAllowed) {
        for (;;) {
            ANSI_STRING First, Rest;
            Dissect<ANSI_STRING>(Name, &First, &Rest, 1, [](const ANSI_STRING& S, usize I) { return S.Buffer[I] == '\\'; });
            if (!IsLegal(First, WildCards, Kind, false, false, EightThree))
                return false;
            if (!Rest.Length)
                return true;
            Name = Rest;
        }
    }
    if (!Name.Length || Name.Length > (EightThree ? 12 : 255))
        return false;
    if ((Name.Length == 1 && Name.Buffer[0] == '.') || (Name.Length == 2 && Name.Buffer[0] == '.' && Name.Buffer[1] == '.'))
        return EightThree;
    usize Dots = 0, Base = 0, Extension = 0;
    for (USHORT I = 0; I < Name.Length; ++I) {
        auto C = UCHAR(Name.Buffer[I]);
        if (C < 0x80 && !(Characters.Of[C] & (Kind | (WildCards ? Wild : 0))))
            return false;
        if (C == '.')
            ++Dots;
        else
            ++(Dots ? Extension : Base);
    }
    char Last = Name.Buffer[Name.Length - 1];
    if (!EightThree)
        return Last != '.' && Last != ' ';
    if (WildCards && (memchr(Name.Buffer, '*', Name.Length) || memchr(Name.Buffer, '<', Name.Length)))
        return true;
    return Dots <= 1 && Base >= 1 && Base <= 8 && Extension <= 3 && Last != '.' && Last != ' ' && Name.Buffer[0] != ' ' && (!Dots || Name.Buffer[Base - 1] != ' ');
}

}

extern "C" {

// Exported by address: what file systems' macros look into.
const UCHAR* const FsRtlLegalAnsiCharacterArray = Characters.Of;

BOOLEAN NTAPI FsRtlIsNameInExpression(PUNICODE_STRING Expression, PUNICODE_STRING Name, BOOLEAN IgnoreCase, PWCHAR Table)
{
    auto Plain = [](WCHAR C) { return C; };
    auto ByTable = [Table](WCHAR C) { return Table[C]; };
    auto Upcase = [](WCHAR C) { return RtlUpcaseUnicodeChar(C); };
    usize P = Expression->Length / 2, N = Name->Length / 2;
    if (!P || !N)
        return !P && !N;
    return !IgnoreCase ? Matches(Expression->Buffer, P, Name->Buffer, N, Plain) : Table ? Matches(Expression->Buffer, P, Name->Buffer, N, ByTable) : Matches(Expression->Buffer, P, Name->Buffer, N, Upcase);
}
BOOLEAN NTAPI FsRtlIsDbcsInExpression(PANSI_STRING Expression, PANSI_STRING Name)
{
    auto Plain = [](CHAR C) { return C; };
    if (!Expression->Length || !Name->Length)
        return !Expression->Length && !Name->Length;
    return Matches(Expression->Buffer, Expression->Length, Name->Buffer, Name->Length, Plain);
}
BOOLEAN NTAPI FsRtlAreNamesEqual(PCUNICODE_STRING A, PCUNICODE_STRING B, BOOLEAN IgnoreCase, PCWCH Table)
{
    if (A->Length != B->Length)
        return FALSE;
    for (USHORT I = 0; I < A->Length / 2; ++I) {
        WCHAR X = A->Buffer[I], Y = B->Buffer[I];
        if (X != Y && (!IgnoreCase || (Table ? Table[X] != Table[Y] : RtlUpcaseUnicodeChar(X) != RtlUpcaseUnicodeChar(Y))))
            return FALSE;
    }
    return TRUE;
}
void NTAPI FsRtlDissectName(UNICODE_STRING Path, PUNICODE_STRING First, PUNICODE_STRING Rest)
{
    Dissect<UNICODE_STRING>(Path, First, Rest, 2, [](const UNICODE_STRING& S, usize I) { return S.Buffer[I] == L'\\'; });
}
void NTAPI FsRtlDissectDbcs(ANSI_STRING Path, PANSI_STRING First, PANSI_STRING Rest)
{
    Dissect<ANSI_STRING>(Path, First, Rest, 1, [](const ANSI_STRING& S, usize I) { return S.Buffer[I] == '\\'; });
}
BOOLEAN NTAPI FsRtlDoesNameContainWildCards(PUNICODE_STRING Name)
{
    for (USHORT I = 0; I < Name->Length / 2; ++I)
        if (IsWild(Name->Buffer[I]))
            return TRUE;
    return FALSE;
}
BOOLEAN NTAPI FsRtlDoesDbcsContainWildCards(PANSI_STRING Name)
{
    for (USHORT I = 0; I < Name->Length; ++I)
        if (IsWild(Name->Buffer[I]))
            return TRUE;
    return FALSE;
}
BOOLEAN NTAPI FsRtlIsFatDbcsLegal(ANSI_STRING Name, BOOLEAN WildCards, BOOLEAN Path, BOOLEAN LeadingSlash) { return IsLegal(Name, WildCards, Fat, Path, LeadingSlash, true); }
BOOLEAN NTAPI FsRtlIsHpfsDbcsLegal(ANSI_STRING Name, BOOLEAN WildCards, BOOLEAN Path, BOOLEAN LeadingSlash) { return IsLegal(Name, WildCards, Hpfs, Path, LeadingSlash, false); }

}
