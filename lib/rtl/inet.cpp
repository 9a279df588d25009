// Internet addresses as text, with Windows' habits: shortened and octal IPv4 forms, ports and scopes.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

template <typename C> int HexDigit(C Ch)
{
    if (Ch >= '0' && Ch <= '9')
        return Ch - '0';
    if (Ch >= 'a' && Ch <= 'f')
        return Ch - 'a' + 10;
    return Ch >= 'A' && Ch <= 'F' ? Ch - 'A' + 10 : 99;
}

USHORT Swap(u32 Value) { return __builtin_bswap16(USHORT(Value)); }

// --- writing ----------------------------------------------------------------------------------------------------------

struct Text {
    char S[72];
    u32 Count = 0;

    void Put(char Ch) { S[Count++] = Ch; }
    void Number(u32 Value, u32 Base)
    {
        char Digits[12];
        u32 N = 0;
        do
            Digits[N++] = "0123456789abcdef"[Value % Base];
        while (Value /= Base);
        while (N)
            Put(Digits[--N]);
    }
    void Ipv4(const UCHAR* Bytes)
    {
        for (u32 I = 0; I < 4; ++I) {
            if (I)
                Put('.');
            Number(Bytes[I], 10);
        }
    }
    void Ipv6(const IN6_ADDR& A)
    {
        // IPv4 at the end: mapped, translated or compatible addresses, and ISATAP's.
        u32 Word[8];
        for (u32 I = 0; I < 8; ++I)
            Word[I] = Swap(A.Words[I]);
        bool LowZero = !Word[0] && !Word[1] && !Word[2] && !Word[3];
        bool Mapped = LowZero && Word[6] && ((!Word[4] && (!Word[5] || Word[5] == 0xFFFF)) || (Word[4] == 0xFFFF && !Word[5]));
        bool Isatap = Word[5] == 0x5EFE && !(Word[4] & ~0x200u);
        u32 Words = Mapped || Isatap ? 6 : 8;
        // The first of the longest runs of zeros is left out, if it is longer than one.
        u32 Gap = 8, GapLength = 1;
        for (u32 I = 0; I < Words; ++I) {
            u32 Length = 0;
            while (I + Length < Words && !Word[I + Length])
                ++Length;
            if (Length > GapLength) {
                Gap = I;
                GapLength = Length;
            }
            I += Length ? Length - 1 : 0;
        }
        for (u32 I = 0; I < Words;) {
            if (I == Gap) {
                Put(':');
                Put(':');
                I += GapLength;
                continue;
            }
            if (I && I != Gap + GapLength)
                Put(':');
            Number(Word[I++], 16);
        }
        if (Words == 6) {
            if (S[Count - 1] != ':')
                Put(':');
            Ipv4(A.Bytes + 12);
        }
    }
    template <typename C> NTSTATUS Deliver(C* To, ULONG* Size) const
    {
        ULONG Room = *Size;
        *Size = Count + 1;
        if (Room <= Count)
            return STATUS_INVALID_PARAMETER;
        Copy(To);
        return STATUS_SUCCESS;
    }
    // Where the terminator is; all ones if there is nowhere to write to.
    template <typename C> C* Copy(C* To) const
    {
        if (!To)
            return reinterpret_cast<C*>(~u64(0));
        for (u32 I = 0; I < Count; ++I)
            To[I] = C(S[I]);
        To[Count] = 0;
        return To + Count;
    }
};

template <typename C> C* Ipv4ToString(const IN_ADDR* Address, C* To)
{
    Text T;
    T.Ipv4(Address->Bytes);
    return T.Copy(To);
}
template <typename C> NTSTATUS Ipv4ToStringEx(const IN_ADDR* Address, USHORT Port, C* To, ULONG* Size)
{
    if (!Address || !To || !Size)
        return STATUS_INVALID_PARAMETER;
    Text T;
    T.Ipv4(Address->Bytes);
    if (Port) {
        T.Put(':');
        T.Number(Swap(Port), 10);
    }
    return T.Deliver(To, Size);
}
template <typename C> C* Ipv6ToString(const IN6_ADDR* Address, C* To)
{
    Text T;
    T.Ipv6(*Address);
    if (To)
        To[45] = 0;                     // Windows fills the buffer that such an address needs at most
    return T.Copy(To);
}
template <typename C> NTSTATUS Ipv6ToStringEx(const IN6_ADDR* Address, ULONG Scope, USHORT Port, C* To, ULONG* Size)
{
    if (!Address || !To || !Size)
        return STATUS_INVALID_PARAMETER;
    Text T;
    if (Port)
        T.Put('[');
    T.Ipv6(*Address);
    if (Scope) {
        T.Put('%');
        T.Number(Scope, 10);
    }
    if (Port) {
        T.Put(']');
        T.Put(':');
        T.Number(Swap(Port), 10);
    }
    return T.Deliver(To, Size);
}

// --- reading ----------------------------------------------------------------------------------------------------------

// A number as IPv4 parts, ports and scopes have it: hexadecimal or octal by its prefix unless Strict. S ends up behind
// what was read, also on failure.
template <typename C> bool Number(const C*& S, bool Strict, ULONG* Value)
{
    u32 Base = 10;
    if (*S == '.') {
        ++S;
        return false;
    }
    if (S[0] == '0') {
        if (S[1] == 'x' || S[1] == 'X')
            Base = 16;
        else if (S[1] >= '0' && S[1] <= '9')
            Base = 8;
        if (Base != 10) {
            S += Base == 16 ? 2 : 1;
            if (Strict)
                return false;
        }
    }
    ULONG Total = 0;
    bool Any = false;
    for (int Digit; (Digit = HexDigit(*S)) < int(Base); ++S) {
        ULONG Next = Total * Base + ULONG(Digit);
        Any = true;
        if (Next < Total)
            return false;
        Total = Next;
    }
    if (Any)
        *Value = Total;
    return Any;
}

template <typename C> bool PortNumber(const C*& S, USHORT* Port)
{
    ULONG Value;
    if (!Number(S, false, &Value) || !Value || Value > 0xFFFF || *S)
        return false;
    *Port = Swap(Value);
    return true;
}

// One to four parts; the last fills what the others leave.
template <typename C> bool Ipv4(const C*& S, bool Strict, IN_ADDR* Address)
{
    ULONG Parts[4];
    u32 Count = 0;
    for (;;) {
        if (!Number(S, Strict, &Parts[Count]))
            return false;
        ++Count;
        if (*S != '.')
            break;
        if (Count == 4)
            return false;
        ++S;
    }
    if (Strict && Count < 4)
        return false;
    u64 LastLimit = u64(1) << (8 * (5 - Count));
    for (u32 I = 0; I + 1 < Count; ++I)
        if (Parts[I] > 0xFF)
            return false;
    if (Parts[Count - 1] >= LastLimit)
        return false;
    for (u32 I = 0; I + 1 < Count; ++I)
        Address->Bytes[I] = UCHAR(Parts[I]);
    for (u32 I = Count - 1; I < 4; ++I)
        Address->Bytes[I] = UCHAR(Parts[Count - 1] >> (8 * (3 - I)));
    return true;
}

template <typename C> NTSTATUS Ipv4FromString(const C* S, BOOLEAN Strict, const C** End, IN_ADDR* Address)
{
    bool Good = Ipv4(S, Strict, Address);
    *End = S;
    if (Good && *S == ':') {            // a port is looked at, though nobody asked for it
        USHORT Port;
        const C* Behind = S + 1;
        if (!PortNumber(Behind, &Port)) {
            *End = Behind;
            return STATUS_INVALID_PARAMETER;
        }
    }
    return Good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}
template <typename C> NTSTATUS Ipv4FromStringEx(const C* S, BOOLEAN Strict, IN_ADDR* Address, USHORT* Port)
{
    if (!S || !Address || !Port || !Ipv4(S, Strict, Address))
        return STATUS_INVALID_PARAMETER;
    USHORT Found = 0;
    if (*S == ':') {
        ++S;
        if (!PortNumber(S, &Found))
            return STATUS_INVALID_PARAMETER;
        *Port = Found;
        return STATUS_SUCCESS;
    }
    if (*S)
        return STATUS_INVALID_PARAMETER;
    *Port = 0;
    return STATUS_SUCCESS;
}

template <typename C> struct Ipv6Reader {
    const C* S;
    const C* End = nullptr;             // where the caller is told the address ends
    IN6_ADDR* Address;
    i32 Bytes = 0, Gap = -1;
    bool TooBig = false, Hexadecimal = false;

    // A component, saturating. "0x" may stand before a hexadecimal one.
    bool Component(u32 Base, ULONG* Value)
    {
        if (HexDigit(*S) == 99)
            return false;
        const C* Start = S;
        if (Base == 16 && S[0] == '0' && (S[1] == 'x' || S[1] == 'X') && HexDigit(S[2]) < 16)
            S += 2;
        u64 Total = 0;
        for (int Digit; (Digit = HexDigit(*S)) < int(Base); ++S)
            Total = Total * Base + u64(Digit) > 0x7FFFFFFF ? 0x7FFFFFFF : Total * Base + u64(Digit);
        *Value = ULONG(Total);
        return S != Start;
    }
    bool HasComponent()
    {
        ULONG Value;
        const C* Start = S;
        bool Good = Component(16, &Value);
        S = Start;
        return Good;
    }
    bool HasDottedPart()
    {
        ULONG Value;
        const C* Start = S;
        bool Good = Component(10, &Value) && *S == '.';
        S = Start;
        return Good;
    }

    bool Fail()
    {
        End = S;
        return false;
    }
    // Moves what stands behind the gap to the end.
    bool Fill()
    {
        if (Gap < 0)
            return Bytes == 16;
        CRT(memmove)(Address->Bytes + 16 - (Bytes - Gap), Address->Bytes + Gap, usize(Bytes - Gap));
        CRT(memset)(Address->Bytes + Gap, 0, usize(16 - Bytes));
        return true;
    }

    bool Read()
    {
        if (S[0] == ':') {
            if (S[1] != ':')
                return Fail();
            ++S;
            Address->Words[0] = 0;
        }
        for (i32 Dotted = 0;;) {
            const C* Start;
            if (!Dotted && *S == ':') {
                if (Gap >= 0)
                    return Fail();
                Start = ++S;
                Gap = Bytes;
                if (Bytes == 14 || !HasComponent())
                    break;
            } else {
                Start = S;
            }
            if (!Dotted && Bytes <= (Gap >= 0 ? 10 : 12) && HasDottedPart())
                Dotted = 1;
            ULONG Value;
            if (Dotted) {
                if (!Component(10, &Value))
                    return Fail();
                if (S - Start > 3 || Value > 255) {
                    TooBig = true;
                } else {
                    if (*S != '.' && (Dotted < 4 || (Bytes < 15 && Gap < 0)))
                        return Fail();
                    Address->Bytes[Bytes++] = UCHAR(Value);
                }
                if (Dotted == 4 || *S != '.')
                    break;
                ++Dotted;
            } else {
                if (!Component(16, &Value))
                    return Fail();
                if (Start[0] == '0' && (Start[1] == 'x' || Start[1] == 'X')) {
                    // Such a component is the last and may be long; the address ends at its "x", says Windows.
                    End = Start + 1;
                    if (Bytes < 14 && Gap < 0)
                        return false;
                    Address->Words[Bytes / 2] = Swap(Value);
                    Bytes += 2;
                    Hexadecimal = true;
                    if (!Fill())
                        return Fail();
                    return true;
                }
                if (*S != ':' && Bytes < 14 && Gap < 0)
                    return Fail();
                if (S - Start > 4)
                    TooBig = true;
                else
                    Address->Words[Bytes / 2] = Swap(Value);
                Bytes += 2;
                if (*S != ':' || (Gap >= 0 && S[1] == ':'))
                    break;
            }
            if (Bytes == (Gap >= 0 ? 14 : 16))
                break;
            if (TooBig)
                return false;
            ++S;
        }
        End = S;
        if (TooBig)
            return false;
        return Fill() || Fail();
    }
};

template <typename C> NTSTATUS Ipv6FromString(const C* S, const C** End, IN6_ADDR* Address)
{
    Ipv6Reader<C> R { S, nullptr, Address };
    bool Good = *S != '[' ? R.Read() : R.Fail();
    if (R.End)
        *End = R.End;
    return Good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

template <typename C> NTSTATUS Ipv6FromStringEx(const C* S, IN6_ADDR* Address, ULONG* Scope, USHORT* Port)
{
    if (!S || !Address || !Scope || !Port)
        return STATUS_INVALID_PARAMETER;
    bool Bracket = *S == '[';
    Ipv6Reader<C> R { S + Bracket, nullptr, Address };
    if (!R.Read() || R.Hexadecimal)
        return STATUS_INVALID_PARAMETER;
    ULONG ScopeValue = 0;
    USHORT PortValue = 0;
    S = R.S;
    if (*S == '%') {
        ++S;
        if (!Number(S, true, &ScopeValue))
            return STATUS_INVALID_PARAMETER;
    }
    if (Bracket) {
        if (*S++ != ']')
            return STATUS_INVALID_PARAMETER;
        if (*S == ':') {
            ++S;
            if (!PortNumber(S, &PortValue))
                return STATUS_INVALID_PARAMETER;
        }
    }
    if (*S)
        return STATUS_INVALID_PARAMETER;
    *Scope = ScopeValue;
    *Port = PortValue;
    return STATUS_SUCCESS;
}

}

extern "C" {

CHAR* NTAPI RtlIpv4AddressToStringA(const IN_ADDR* Address, CHAR* To) { return Ipv4ToString(Address, To); }
WCHAR* NTAPI RtlIpv4AddressToStringW(const IN_ADDR* Address, WCHAR* To) { return Ipv4ToString(Address, To); }
NTSTATUS NTAPI RtlIpv4AddressToStringExA(const IN_ADDR* Address, USHORT Port, CHAR* To, ULONG* Size) { return Ipv4ToStringEx(Address, Port, To, Size); }
NTSTATUS NTAPI RtlIpv4AddressToStringExW(const IN_ADDR* Address, USHORT Port, WCHAR* To, ULONG* Size) { return Ipv4ToStringEx(Address, Port, To, Size); }
NTSTATUS NTAPI RtlIpv4StringToAddressA(const CHAR* S, BOOLEAN Strict, const CHAR** End, IN_ADDR* Address) { return Ipv4FromString(S, Strict, End, Address); }
NTSTATUS NTAPI RtlIpv4StringToAddressW(const WCHAR* S, BOOLEAN Strict, const WCHAR** End, IN_ADDR* Address) { return Ipv4FromString(S, Strict, End, Address); }
NTSTATUS NTAPI RtlIpv4StringToAddressExA(const CHAR* S, BOOLEAN Strict, IN_ADDR* Address, USHORT* Port) { return Ipv4FromStringEx(S, Strict, Address, Port); }
NTSTATUS NTAPI RtlIpv4StringToAddressExW(const WCHAR* S, BOOLEAN Strict, IN_ADDR* Address, USHORT* Port) { return Ipv4FromStringEx(S, Strict, Address, Port); }
CHAR* NTAPI RtlIpv6AddressToStringA(const IN6_ADDR* Address, CHAR* To) { return Ipv6ToString(Address, To); }
WCHAR* NTAPI RtlIpv6AddressToStringW(const IN6_ADDR* Address, WCHAR* To) { return Ipv6ToString(Address, To); }
NTSTATUS NTAPI RtlIpv6AddressToStringExA(const IN6_ADDR* Address, ULONG Scope, USHORT Port, CHAR* To, ULONG* Size) { return Ipv6ToStringEx(Address, Scope, Port, To, Size); }
NTSTATUS NTAPI RtlIpv6AddressToStringExW(const IN6_ADDR* Address, ULONG Scope, USHORT Port, WCHAR* To, ULONG* Size) { return Ipv6ToStringEx(Address, Scope, Port, To, Size); }
NTSTATUS NTAPI RtlIpv6StringToAddressA(const CHAR* S, const CHAR** End, IN6_ADDR* Address) { return Ipv6FromString(S, End, Address); }
NTSTATUS NTAPI RtlIpv6StringToAddressW(const WCHAR* S, const WCHAR** End, IN6_ADDR* Address) { return Ipv6FromString(S, End, Address); }
NTSTATUS NTAPI RtlIpv6StringToAddressExA(const CHAR* S, IN6_ADDR* Address, ULONG* Scope, USHORT* Port) { return Ipv6FromStringEx(S, Address, Scope, Port); }
NTSTATUS NTAPI RtlIpv6StringToAddressExW(const WCHAR* S, IN6_ADDR* Address, ULONG* Scope, USHORT* Port) { return Ipv6FromStringEx(S, Address, Scope, Port); }

}
