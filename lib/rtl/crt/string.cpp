// Byte strings. Case means ASCII case.
#include "lib/rtl/crt/text.hpp"

extern "C" {

#if __STDC_HOSTED__
usize CRT(strlen)(const char* S)
{
    usize N = 0;
    while (S[N])
        ++N;
    return N;
}
#elif defined(__SSE2__)
// Aligned 16-byte loads never cross into a page that the string does not reach.
usize CRT(strlen)(const char* S)
{
    using V = char __attribute__((vector_size(16)));
    auto Address = reinterpret_cast<u64>(S);
    auto* P = reinterpret_cast<const V*>(Address & ~15ull);
    u32 Zeros = u32(__builtin_ia32_pmovmskb128(*P == V {})) >> (Address & 15);
    if (Zeros)
        return __builtin_ctz(Zeros);
    for (;;) {
        ++P;
        Zeros = u32(__builtin_ia32_pmovmskb128(*P == V {}));
        if (Zeros)
            return reinterpret_cast<u64>(P) - Address + __builtin_ctz(Zeros);
    }
}
#else
usize CRT(strlen)(const char* S)
{
    using Word = u64 __attribute__((may_alias));
    const char* P = S;
    for (; reinterpret_cast<u64>(P) & 7; ++P)
        if (!*P)
            return P - S;
    for (;; P += 8) {
        u64 Value = *reinterpret_cast<const Word*>(P);
        if (u64 Zeros = (Value - 0x0101010101010101) & ~Value & 0x8080808080808080)
            return P - S + (__builtin_ctzll(Zeros) >> 3);
    }
}
#endif

usize CRT(strnlen)(const char* S, usize Limit) { return crt::LengthAtMost(S, Limit); }
char* CRT(strcpy)(char* To, const char* From) { return crt::Copy(To, From); }
char* CRT(strncpy)(char* To, const char* From, usize Count) { return crt::CopyAtMost(To, From, Count); }
char* CRT(strcat)(char* To, const char* From)
{
    crt::Copy(To + CRT(strlen)(To), From);
    return To;
}
char* CRT(strncat)(char* To, const char* From, usize Count) { return crt::AppendAtMost(To, From, Count); }

int CRT(strcmp)(const char* A, const char* B)
{
    while (*A && *A == *B)
        ++A, ++B;
    return *A == *B ? 0 : u8(*A) < u8(*B) ? -1 : 1;
}
int CRT(strncmp)(const char* A, const char* B, usize Count)
{
    for (; Count; --Count, ++A, ++B) {
        if (*A != *B)
            return u8(*A) < u8(*B) ? -1 : 1;
        if (!*A)
            break;
    }
    return 0;
}
int CRT(_stricmp)(const char* A, const char* B) { return crt::CompareNoCase(A, B, ~usize(0)); }
int CRT(_strcmpi)(const char* A, const char* B) { return crt::CompareNoCase(A, B, ~usize(0)); }
int CRT(_strnicmp)(const char* A, const char* B, usize Count) { return crt::CompareNoCase(A, B, Count); }

char* CRT(strchr)(const char* S, int C) { return const_cast<char*>(crt::Find(S, char(C))); }
char* CRT(strrchr)(const char* S, int C) { return const_cast<char*>(crt::FindLast(S, char(C))); }
char* CRT(strstr)(const char* S, const char* What) { return const_cast<char*>(crt::FindText(S, What)); }
char* CRT(strpbrk)(const char* S, const char* Set)
{
    S += crt::Span(S, Set, false);
    return *S ? const_cast<char*>(S) : nullptr;
}
usize CRT(strspn)(const char* S, const char* Set) { return crt::Span(S, Set, true); }
usize CRT(strcspn)(const char* S, const char* Set) { return crt::Span(S, Set, false); }
char* CRT(strtok_s)(char* S, const char* Delimiters, char** Next)
{
    return Delimiters && Next ? crt::Token(S, Delimiters, Next) : nullptr;
}
char* CRT(_strlwr)(char* S) { return crt::Lower(S); }
char* CRT(_strupr)(char* S) { return crt::Upper(S); }
int CRT(_strlwr_s)(char* S, usize Room) { return crt::CaseChecked(S, Room, crt::Lower<char>); }
int CRT(_strupr_s)(char* S, usize Room) { return crt::CaseChecked(S, Room, crt::Upper<char>); }
int CRT(strcpy_s)(char* To, usize Room, const char* From) { return crt::CopyChecked(To, Room, From); }
int CRT(strncpy_s)(char* To, usize Room, const char* From, usize Count) { return crt::CopyAtMostChecked(To, Room, From, Count); }
int CRT(strcat_s)(char* To, usize Room, const char* From) { return crt::AppendChecked(To, Room, From, 0, false); }
int CRT(strncat_s)(char* To, usize Room, const char* From, usize Count) { return crt::AppendChecked(To, Room, From, Count, true); }

}
