// Names: comparing without case as NT does, owned copies.
#include "ntos/ob/upcase.hpp"

#include <string.h>

#include "ntos/ob/ob.hpp"

namespace ob {

wchar_t UpCase(wchar_t C)
{
    if (C < 0x80) [[likely]]
        return C >= L'a' && C <= L'z' ? wchar_t(C - 0x20) : C;
    return wchar_t(C + UpCaseDelta[UpCasePage[u16(C) >> 8]][C & 255]);
}

bool Equal(Name A, Name B, bool IgnoreCase)
{
    return A.Length == B.Length && Compare(A, B, IgnoreCase) == 0;
}

int Compare(Name A, Name B, bool IgnoreCase)
{
    usize Shorter = A.Length < B.Length ? A.Length : B.Length;
    for (usize I = 0; I < Shorter; ++I) {
        wchar_t X = A.Data[I], Y = B.Data[I];
        if (X == Y)
            continue;
        if (IgnoreCase) {
            X = UpCase(X);
            Y = UpCase(Y);
            if (X == Y)
                continue;
        }
        return u16(X) < u16(Y) ? -1 : 1;
    }
    return A.Length < B.Length ? -1 : A.Length > B.Length;
}

Result<String> String::Copy(Name From)
{
    String S;
    TRY(S.Append(From));
    return S;
}

Status String::Append(Name More)
{
    usize Before = Text_.Size();
    if (!More.Length)
        return STATUS_SUCCESS;
    if (More.Length > (usize(1) << 24))
        return STATUS_NAME_TOO_LONG;
    TRY(Text_.Resize(Before + More.Length));
    memcpy(Text_.Data() + Before, More.Data, More.Length * sizeof(wchar_t));
    return STATUS_SUCCESS;
}

}
