// What the byte and wide versions of the string functions have in common, once, as templates over the character type.
#pragma once
#include "lib/rtl/crt/crt.hpp"

namespace crt {

template <typename C> constexpr C AsciiLower(C Ch) { return Ch >= 'A' && Ch <= 'Z' ? C(Ch + 32) : Ch; }
template <typename C> constexpr C AsciiUpper(C Ch) { return Ch >= 'a' && Ch <= 'z' ? C(Ch - 32) : Ch; }

inline u8 Code(char C) { return u8(C); }
inline u16 Code(wchar_t C) { return u16(C); }

template <typename C> usize LengthAtMost(const C* S, usize Limit)
{
    usize N = 0;
    while (N < Limit && S[N])
        ++N;
    return N;
}
inline usize Length(const char* S) { return CRT(strlen)(S); }
inline usize Length(const wchar_t* S) { return CRT(wcslen)(S); }

template <typename C> C* Copy(C* To, const C* From)
{
    for (C* T = To; (*T++ = *From++);)
        ;
    return To;
}
template <typename C> C* CopyAtMost(C* To, const C* From, usize Count)
{
    usize I = 0;
    for (; I < Count && From[I]; ++I)
        To[I] = From[I];
    for (; I < Count; ++I)
        To[I] = 0;
    return To;
}
template <typename C> C* AppendAtMost(C* To, const C* From, usize Count)
{
    C* T = To + Length(To);
    for (usize I = 0; I < Count && From[I]; ++I)
        *T++ = From[I];
    *T = 0;
    return To;
}
template <typename C> const C* Find(const C* S, C Ch)
{
    for (;; ++S) {
        if (*S == Ch)
            return S;
        if (!*S)
            return nullptr;
    }
}
template <typename C> const C* FindLast(const C* S, C Ch)
{
    const C* Last = nullptr;
    for (;; ++S) {
        if (*S == Ch)
            Last = S;
        if (!*S)
            return Last;
    }
}
template <typename C> const C* FindText(const C* S, const C* What)
{
    for (;; ++S) {
        usize I = 0;
        while (What[I] && S[I] == What[I])
            ++I;
        if (!What[I])
            return S;
        if (!*S)
            return nullptr;
    }
}
// Characters at the start of S that are all (Wanted) or none (!Wanted) in Set.
template <typename C> usize Span(const C* S, const C* Set, bool Wanted)
{
    usize N = 0;
    for (; S[N]; ++N) {
        bool In = false;
        for (const C* P = Set; *P && !In; ++P)
            In = *P == S[N];
        if (In != Wanted)
            break;
    }
    return N;
}
template <typename C> C* Token(C* S, const C* Delimiters, C** Next)
{
    if (!S)
        S = *Next;
    if (!S)
        return nullptr;
    S += Span(S, Delimiters, true);
    if (!*S) {
        *Next = S;
        return nullptr;
    }
    C* End = S + Span(S, Delimiters, false);
    if (*End)
        *End++ = 0;
    *Next = End;
    return S;
}
template <typename C> int CompareNoCase(const C* A, const C* B, usize Count)
{
    for (; Count; --Count, ++A, ++B) {
        int Difference = AsciiLower(Code(*A)) - AsciiLower(Code(*B));
        if (Difference || !*A)
            return Difference;
    }
    return 0;
}
template <typename C> C* Lower(C* S)
{
    for (C* P = S; *P; ++P)
        *P = AsciiLower(*P);
    return S;
}
template <typename C> C* Upper(C* S)
{
    for (C* P = S; *P; ++P)
        *P = AsciiUpper(*P);
    return S;
}

// --- the _s functions: on failure the destination, if there is any, becomes empty ------------------------------------

template <typename C> int CaseChecked(C* S, usize Room, C* (*Change)(C*))
{
    if (!S)
        return Invalid;
    if (LengthAtMost(S, Room) == Room) {
        if (Room)
            *S = 0;
        return Invalid;
    }
    Change(S);
    return 0;
}
template <typename C> int CopyChecked(C* To, usize Room, const C* From)
{
    if (!To || !Room)
        return Invalid;
    if (!From) {
        *To = 0;
        return Invalid;
    }
    usize Size = LengthAtMost(From, Room);
    if (Size == Room) {
        *To = 0;
        return Range;
    }
    CRT(memcpy)(To, From, (Size + 1) * sizeof(C));
    return 0;
}
// The part of strncpy_s and strncat_s that they share: To[At...] = From, at most Count characters.
template <typename C> int PlaceChecked(C* To, usize Room, usize At, const C* From, usize Count)
{
    for (usize I = 0;; ++I) {
        if (I == Count || !From[I]) {
            To[At + I] = 0;
            return 0;
        }
        if (At + I + 1 >= Room) {
            if (Count == Truncate) {
                To[At + I] = 0;
                return Truncated;
            }
            *To = 0;
            return Range;
        }
        To[At + I] = From[I];
    }
}
template <typename C> int CopyAtMostChecked(C* To, usize Room, const C* From, usize Count)
{
    if (!To && !Room && !Count)
        return 0;
    if (!To || !Room)
        return Invalid;
    if (!Count) {
        *To = 0;
        return 0;
    }
    if (!From) {
        *To = 0;
        return Invalid;
    }
    return PlaceChecked(To, Room, 0, From, Count);
}
template <typename C> int AppendChecked(C* To, usize Room, const C* From, usize Count, bool Counted)
{
    if (!To || !Room)
        return Invalid;
    if (!From && !(Counted && !Count)) {
        *To = 0;
        return Invalid;
    }
    usize At = LengthAtMost(To, Room);
    if (At == Room) {
        *To = 0;
        return Invalid;
    }
    if (!From)
        return 0;
    // An uncounted append never truncates: any count above the text's length but not Truncate says that.
    return PlaceChecked(To, Room, At, From, Counted ? Count : Truncate - 1);
}

}
