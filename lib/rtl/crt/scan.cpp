// Formatted input. ntdll's sscanf knows no floating point: such a conversion fails.
#include "lib/rtl/crt/text.hpp"

namespace {

bool IsSpace(char C) { return CRT(isspace)(u8(C)); }

int DigitOf(char C)
{
    if (C >= '0' && C <= '9')
        return C - '0';
    C = crt::AsciiLower(C);
    return C >= 'a' && C <= 'z' ? C - 'a' + 10 : 99;
}

struct Scanner {
    const char* S;
    const char* F;
    int Assigned = 0;

    struct Directive {
        bool Suppress = false;
        i32 Width = INT32_MAX;
        u8 Bytes = 4;
        bool Wide = false;
    };

    Directive Parse()
    {
        Directive D;
        if (*F == '*') {
            D.Suppress = true;
            ++F;
        }
        if (*F >= '0' && *F <= '9') {
            D.Width = 0;
            for (; *F >= '0' && *F <= '9'; ++F)
                if (D.Width < 100'000'000)
                    D.Width = D.Width * 10 + (*F - '0');
        }
        for (;; ++F) {
            if (*F == 'h')
                D.Bytes = D.Bytes == 2 ? 1 : 2;
            else if (*F == 'l' && F[1] == 'l')
                D.Bytes = 8, ++F;
            else if (*F == 'l' || *F == 'w')
                D.Wide = true;
            else if (*F == 'L' || *F == 'z' || *F == 't' || *F == 'j')
                D.Bytes = 8;
            else if (*F == 'I' && F[1] == '6' && F[2] == '4')
                D.Bytes = 8, F += 2;
            else if (*F == 'I' && F[1] == '3' && F[2] == '2')
                F += 2;
            else if (*F == 'I')
                D.Bytes = 8;
            else
                return D;
        }
    }

    void SkipSpace()
    {
        while (IsSpace(*S))
            ++S;
    }

    bool Integer(const Directive& D, u32 Base, void* To)
    {
        SkipSpace();
        i32 Left = D.Width;
        bool Negative = false, Any = false;
        if (Left > 0 && (*S == '-' || *S == '+')) {
            Negative = *S++ == '-';
            --Left;
        }
        if (Left > 1 && (Base == 0 || Base == 16) && *S == '0' && (S[1] | 0x20) == 'x') {
            S += 2;
            Left -= 2;
            Base = 16;
        }
        if (!Base)
            Base = *S == '0' ? 8 : 10;
        u64 Value = 0;
        for (; Left > 0 && DigitOf(*S) < int(Base); ++S, --Left) {
            Value = Value * Base + u64(DigitOf(*S));
            Any = true;
        }
        if (!Any)
            return false;
        if (Negative)
            Value = 0 - Value;
        if (To)
            CRT(memcpy)(To, &Value, D.Bytes);
        return true;
    }

    template <typename C> bool Text(const Directive& D, bool (*Stop)(char, const char*), const char* Set, bool Terminate, C* To)
    {
        i32 N = 0;
        for (; N < D.Width && *S && !Stop(*S, Set); ++N, ++S)
            if (To)
                To[N] = C(u8(*S));
        if (!N)
            return false;
        if (To && Terminate)
            To[N] = 0;
        return true;
    }
};

// Set points behind "[" (and "^"); a "]" in front belongs to it.
bool InSet(char C, const char* Set)
{
    const char* P = Set;
    do {
        if (P[1] == '-' && P[2] && P[2] != ']') {
            u8 From = u8(P[0]), To = u8(P[2]);
            if (From <= To ? u8(C) >= From && u8(C) <= To : u8(C) >= To && u8(C) <= From)
                return true;
            P += 3;
        } else if (*P++ == C) {
            return true;
        }
    } while (*P && *P != ']');
    return false;
}

}

extern "C" int CRT(sscanf)(const char* Input, const char* Format, ...)
{
    va_list Args;
    va_start(Args, Format);
    Scanner Scan { Input, Format };
    const char*& F = Scan.F;
    const char*& S = Scan.S;
    bool Done = false;
    for (; *F && !Done; ++F) {
        if (IsSpace(*F)) {
            Scan.SkipSpace();
            continue;
        }
        if (*F != '%' || F[1] == '%') {
            if (*F == '%')
                ++F;
            if (*S != *F)
                break;
            ++S;
            continue;
        }
        ++F;
        Scanner::Directive D = Scan.Parse();
        char Kind = *F;
        if (!Kind)
            break;
        if (Kind == 'n') {
            if (!D.Suppress) {
                u64 Position = u64(S - Input);
                CRT(memcpy)(va_arg(Args, void*), &Position, D.Bytes);
            }
            continue;
        }
        if (Kind != 'c' && Kind != '[' && Kind != 'C')
            Scan.SkipSpace();
        if (!*S) {
            if (!Scan.Assigned)
                Scan.Assigned = -1;
            break;
        }
        void* To = D.Suppress ? nullptr : va_arg(Args, void*);
        bool Good = false;
        switch (Kind) {
        case 'd':
        case 'u': Good = Scan.Integer(D, 10, To); break;
        case 'i': Good = Scan.Integer(D, 0, To); break;
        case 'o': Good = Scan.Integer(D, 8, To); break;
        case 'x':
        case 'X': Good = Scan.Integer(D, 16, To); break;
        case 'p':
            D.Bytes = 8;
            Good = Scan.Integer(D, 16, To);
            break;
        case 'c':
        case 'C': {
            if (D.Width == INT32_MAX)
                D.Width = 1;
            auto Never = [](char, const char*) { return false; };
            Good = D.Wide || Kind == 'C' ? Scan.Text(D, +Never, nullptr, false, static_cast<wchar_t*>(To))
                                         : Scan.Text(D, +Never, nullptr, false, static_cast<char*>(To));
            break;
        }
        case 's':
        case 'S': {
            auto AtSpace = [](char C, const char*) { return IsSpace(C); };
            Good = D.Wide || Kind == 'S' ? Scan.Text(D, +AtSpace, nullptr, true, static_cast<wchar_t*>(To))
                                         : Scan.Text(D, +AtSpace, nullptr, true, static_cast<char*>(To));
            break;
        }
        case '[': {
            bool Not = F[1] == '^';
            const char* Set = F += Not ? 2 : 1;
            if (!*F) {
                Done = true;
                break;
            }
            for (++F; *F && *F != ']';)
                ++F;
            if (!*F) {
                Done = true;
                break;
            }
            auto In = [](char C, const char* P) { return InSet(C, P); };
            auto Out = [](char C, const char* P) { return !InSet(C, P); };
            bool (*Stop)(char, const char*) = Not ? +In : +Out;
            Good = D.Wide ? Scan.Text(D, Stop, Set, true, static_cast<wchar_t*>(To)) : Scan.Text(D, Stop, Set, true, static_cast<char*>(To));
            break;
        }
        default:
            Good = false;
        }
        if (!Good)
            break;
        if (!D.Suppress)
            ++Scan.Assigned;
    }
    va_end(Args);
    return Scan.Assigned;
}
