// UTF-16 strings. Case means ASCII case here; only towupper and towlower (ctype.cpp) know more.
#include "lib/rtl/crt/text.hpp"

extern "C" {

#if defined(__SSE2__) && !__STDC_HOSTED__
usize CRT(wcslen)(const wchar_t* S)
{
    using V = short __attribute__((vector_size(16)));
    using B = char __attribute__((vector_size(16)));
    auto Address = reinterpret_cast<u64>(S);
    if (Address & 1) {                  // nothing aligned to read
        usize N = 0;
        while (S[N])
            ++N;
        return N;
    }
    auto* P = reinterpret_cast<const V*>(Address & ~15ull);
    u32 Zeros = u32(__builtin_ia32_pmovmskb128(B(*P == V {}))) >> (Address & 15);
    if (Zeros)
        return __builtin_ctz(Zeros) >> 1;
    for (;;) {
        ++P;
        Zeros = u32(__builtin_ia32_pmovmskb128(B(*P == V {})));
        if (Zeros)
            return (reinterpret_cast<u64>(P) - Address + __builtin_ctz(Zeros)) >> 1;
    }
}
#else
usize CRT(wcslen)(const wchar_t* S)
{
    usize N = 0;
    while (S[N])
        ++N;
    return N;
}
#endif

usize CRT(wcsnlen)(const wchar_t* S, usize Limit) { return crt::LengthAtMost(S, Limit); }
wchar_t* CRT(wcscpy)(wchar_t* To, const wchar_t* From) { return crt::Copy(To, From); }
wchar_t* CRT(wcsncpy)(wchar_t* To, const wchar_t* From, usize Count) { return crt::CopyAtMost(To, From, Count); }
wchar_t* CRT(wcscat)(wchar_t* To, const wchar_t* From)
{
    crt::Copy(To + CRT(wcslen)(To), From);
    return To;
}
wchar_t* CRT(wcsncat)(wchar_t* To, const wchar_t* From, usize Count) { return crt::AppendAtMost(To, From, Count); }

int CRT(wcscmp)(const wchar_t* A, const wchar_t* B)
{
    while (*A && *A == *B)
        ++A, ++B;
    return *A == *B ? 0 : u16(*A) < u16(*B) ? -1 : 1;
}
int CRT(wcsncmp)(const wchar_t* A, const wchar_t* B, usize Count)
{
    for (; Count; --Count, ++A, ++B) {
        if (*A != *B)
            return u16(*A) < u16(*B) ? -1 : 1;
        if (!*A)
            break;
    }
    return 0;
}
int CRT(_wcsicmp)(const wchar_t* A, const wchar_t* B) { return crt::CompareNoCase(A, B, ~usize(0)); }
int CRT(_wcsnicmp)(const wchar_t* A, const wchar_t* B, usize Count) { return crt::CompareNoCase(A, B, Count); }

wchar_t* CRT(wcschr)(const wchar_t* S, wchar_t C) { return const_cast<wchar_t*>(crt::Find(S, C)); }
wchar_t* CRT(wcsrchr)(const wchar_t* S, wchar_t C) { return const_cast<wchar_t*>(crt::FindLast(S, C)); }
wchar_t* CRT(wcsstr)(const wchar_t* S, const wchar_t* What) { return const_cast<wchar_t*>(crt::FindText(S, What)); }
wchar_t* CRT(wcspbrk)(const wchar_t* S, const wchar_t* Set)
{
    S += crt::Span(S, Set, false);
    return *S ? const_cast<wchar_t*>(S) : nullptr;
}
usize CRT(wcsspn)(const wchar_t* S, const wchar_t* Set) { return crt::Span(S, Set, true); }
usize CRT(wcscspn)(const wchar_t* S, const wchar_t* Set) { return crt::Span(S, Set, false); }

// ntdll's wcstok keeps its place in one variable for the whole process: not for use by several threads, as on Windows.
wchar_t* CRT(wcstok)(wchar_t* S, const wchar_t* Delimiters)
{
    static wchar_t* Next;
    return crt::Token(S, Delimiters, &Next);
}
wchar_t* CRT(wcstok_s)(wchar_t* S, const wchar_t* Delimiters, wchar_t** Next)
{
    return Delimiters && Next ? crt::Token(S, Delimiters, Next) : nullptr;
}
wchar_t* CRT(_wcslwr)(wchar_t* S) { return crt::Lower(S); }
wchar_t* CRT(_wcsupr)(wchar_t* S) { return crt::Upper(S); }
int CRT(_wcslwr_s)(wchar_t* S, usize Room) { return crt::CaseChecked(S, Room, crt::Lower<wchar_t>); }
int CRT(_wcsupr_s)(wchar_t* S, usize Room) { return crt::CaseChecked(S, Room, crt::Upper<wchar_t>); }
int CRT(wcscpy_s)(wchar_t* To, usize Room, const wchar_t* From) { return crt::CopyChecked(To, Room, From); }
int CRT(wcsncpy_s)(wchar_t* To, usize Room, const wchar_t* From, usize Count) { return crt::CopyAtMostChecked(To, Room, From, Count); }
int CRT(wcscat_s)(wchar_t* To, usize Room, const wchar_t* From) { return crt::AppendChecked(To, Room, From, 0, false); }
int CRT(wcsncat_s)(wchar_t* To, usize Room, const wchar_t* From, usize Count) { return crt::AppendChecked(To, Room, From, Count, true); }

}
