// inet_* and WSA*Address*: addresses as text.
#include "win32/ws2_32/text.hpp"
#include "win32/ws2_32/ws.hpp"

using namespace ws;

namespace {

template <typename Char> int Parse(int Family, const Char* Text, void* Out)
{
    if (!Text || !Out) {
        return Fail(WSAEFAULT);
    }
    u8 Address[16];
    bool Good;
    switch (Family) {
    case AF_INET:
        Good = ParseIpv4(Text, Address) && !*Text;
        break;
    case AF_INET6:
        Good = ParseIpv6(Text, Address) && !*Text;
        break;
    default:
        return Fail(WSAEAFNOSUPPORT);
    }
    if (Good) {
        __builtin_memcpy(Out, Address, Family == AF_INET ? 4 : 16);
    }
    return Good;
}

template <typename Char> const Char* Show(int Family, const void* Address, Char* Out, size_t Size)
{
    Char Text[MaxAddressText], *End;
    auto Bytes = static_cast<const u8*>(Address);
    switch (Family) {
    case AF_INET:
        End = FormatIpv4(Bytes, Text);
        break;
    case AF_INET6:
        End = FormatIpv6(Bytes, Text);
        break;
    default:
        SetLastError(WSAEAFNOSUPPORT);
        return nullptr;
    }
    *End++ = 0;
    if (!Out || Size < size_t(End - Text)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    __builtin_memcpy(Out, Text, usize(End - Text) * sizeof(Char));
    return Out;
}

// "1.2.3.4:80", "[::1%2]:80", without port and scope what they are when zero.
template <typename Char> int Describe(const SOCKADDR* Address, DWORD Size, Char* Out, DWORD* Room)
{
    if (!Address || !Room || (!Out && *Room)) {
        return Fail(WSAEFAULT);
    }
    Char Text[MaxAddressText + 24], *End = Text;
    u16 Port;
    if (Address->sa_family == AF_INET && Size >= sizeof(sockaddr_in)) {
        auto In = reinterpret_cast<const sockaddr_in*>(Address);
        End = FormatIpv4(reinterpret_cast<const u8*>(&In->sin_addr), End);
        Port = ntohs(In->sin_port);
    } else if (Address->sa_family == AF_INET6 && Size >= sizeof(sockaddr_in6)) {
        auto In = reinterpret_cast<const sockaddr_in6*>(Address);
        Port = ntohs(In->sin6_port);
        if (Port) {
            *End++ = '[';
        }
        End = FormatIpv6(reinterpret_cast<const u8*>(&In->sin6_addr), End);
        if (In->sin6_scope_id) {
            *End++ = '%';
            End = PutNumber(End, In->sin6_scope_id, 10);
        }
        if (Port) {
            *End++ = ']';
        }
    } else {
        return Fail(WSAEINVAL);
    }
    if (Port) {
        *End++ = ':';
        End = PutNumber(End, Port, 10);
    }
    *End++ = 0;
    DWORD Length = DWORD(End - Text);
    if (*Room < Length) {
        *Room = Length;
        return Fail(WSAEFAULT);
    }
    *Room = Length;
    __builtin_memcpy(Out, Text, Length * sizeof(Char));
    return 0;
}

template <typename Char> int Understand(const Char* Text, int Family, SOCKADDR* Out, int* Room)
{
    if (!Text || !Out || !Room) {
        return Fail(WSAEFAULT);
    }
    u64 Port = 0, Scope = 0;
    if (Family == AF_INET) {
        if (*Room < int(sizeof(sockaddr_in))) {
            *Room = sizeof(sockaddr_in);
            return Fail(WSAEFAULT);
        }
        u8 Address[4];
        if (!ParseIpv4Loose(Text, Address) || (*Text == ':' && !ParseNumber(++Text, 10, 65535, Port)) || *Text) {
            return Fail(WSAEINVAL);
        }
        auto To = reinterpret_cast<sockaddr_in*>(Out);
        *To = {};
        To->sin_family = AF_INET;
        To->sin_port = htons(u16(Port));
        __builtin_memcpy(&To->sin_addr, Address, 4);
        *Room = sizeof(*To);
        return 0;
    }
    if (Family != AF_INET6) {
        return Fail(WSAEAFNOSUPPORT);
    }
    if (*Room < int(sizeof(sockaddr_in6))) {
        *Room = sizeof(sockaddr_in6);
        return Fail(WSAEFAULT);
    }
    bool Brackets = *Text == '[';
    Text += Brackets;
    u8 Address[16];
    bool Good = ParseIpv6(Text, Address);
    if (Good && *Text == '%') {
        Good = ParseNumber(++Text, 10, 0xFFFFFFFF, Scope);
    }
    if (Good && Brackets) {
        Good = *Text++ == ']';
        if (Good && *Text == ':') {
            Good = ParseNumber(++Text, 10, 65535, Port);
        }
    }
    if (!Good || *Text) {
        return Fail(WSAEINVAL);
    }
    auto To = reinterpret_cast<sockaddr_in6*>(Out);
    *To = {};
    To->sin6_family = AF_INET6;
    To->sin6_port = htons(u16(Port));
    To->sin6_scope_id = u_long(Scope);
    __builtin_memcpy(&To->sin6_addr, Address, 16);
    *Room = sizeof(*To);
    return 0;
}

// inet_ntoa's result stays valid until the thread calls it again.
DWORD TextSlot = FLS_OUT_OF_INDEXES;

}

bool ws::MakeTextSlot()
{
    TextSlot = win::ThreadSlot([](void* Text) { win::Free(Text); });
    return TextSlot != FLS_OUT_OF_INDEXES;
}

EXPORT INT WINAPI inet_pton(INT Family, PCSTR Text, PVOID Out) { return Parse(Family, Text, Out); }
EXPORT INT WINAPI InetPtonW(INT Family, PCWSTR Text, PVOID Out) { return Parse(Family, Text, Out); }
EXPORT PCSTR WINAPI inet_ntop(INT Family, const VOID* Address, PSTR Out, size_t Size) { return Show(Family, Address, Out, Size); }
EXPORT PCWSTR WINAPI InetNtopW(INT Family, const VOID* Address, PWSTR Out, size_t Size) { return Show(Family, Address, Out, Size); }

EXPORT unsigned long WINAPI inet_addr(const char* Text)
{
    u8 Address[4];
    if (!Text) {
        Fail(WSAEFAULT);
        return INADDR_NONE;
    }
    if (Text[0] == ' ' && !Text[1]) {
        return 0;
    }
    // What follows a blank does not count.
    if (!ParseIpv4Loose(Text, Address) || (*Text && *Text != ' ' && *Text != '\t' && *Text != '\r' && *Text != '\n')) {
        return INADDR_NONE;
    }
    u32 Value;
    __builtin_memcpy(&Value, Address, 4);
    return Value;
}

EXPORT char* WINAPI inet_ntoa(in_addr Address)
{
    auto Text = static_cast<char*>(FlsGetValue(TextSlot));
    if (!Text) {
        Text = static_cast<char*>(win::Allocate(16));
        if (!Text) {
            Fail(WSA_NOT_ENOUGH_MEMORY);
            return nullptr;
        }
        FlsSetValue(TextSlot, Text);
    }
    *FormatIpv4(reinterpret_cast<const u8*>(&Address), Text) = 0;
    return Text;
}

EXPORT INT WINAPI WSAAddressToStringA(LPSOCKADDR Address, DWORD Size, LPWSAPROTOCOL_INFOA, LPSTR Out, LPDWORD Room)
{
    return Started() ? Describe(Address, Size, Out, Room) : SOCKET_ERROR;
}
EXPORT INT WINAPI WSAAddressToStringW(LPSOCKADDR Address, DWORD Size, LPWSAPROTOCOL_INFOW, LPWSTR Out, LPDWORD Room)
{
    return Started() ? Describe(Address, Size, Out, Room) : SOCKET_ERROR;
}
EXPORT INT WINAPI WSAStringToAddressA(LPSTR Text, INT Family, LPWSAPROTOCOL_INFOA, LPSOCKADDR Out, LPINT Room)
{
    return Started() ? Understand(Text, Family, Out, Room) : SOCKET_ERROR;
}
EXPORT INT WINAPI WSAStringToAddressW(LPWSTR Text, INT Family, LPWSAPROTOCOL_INFOW, LPSOCKADDR Out, LPINT Room)
{
    return Started() ? Understand(Text, Family, Out, Room) : SOCKET_ERROR;
}
