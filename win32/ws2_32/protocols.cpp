// The four protocols: TCP and UDP over IPv4 and IPv6, as WSAEnumProtocols lists them.
#include "win32/ws2_32/protocols.hpp"

namespace ws {
namespace {

struct Row {
    int Family, Type, Protocol, MinAddress, MaxAddress;
    DWORD Catalog;
    const char* Name;
};
const Row Rows[] = {
    { AF_INET, SOCK_STREAM, IPPROTO_TCP, 16, 16, 1001, "MSAFD Tcpip [TCP/IP]" },
    { AF_INET, SOCK_DGRAM, IPPROTO_UDP, 16, 16, 1002, "MSAFD Tcpip [UDP/IP]" },
    { AF_INET6, SOCK_STREAM, IPPROTO_TCP, 28, 28, 1004, "MSAFD Tcpip [TCP/IPv6]" },
    { AF_INET6, SOCK_DGRAM, IPPROTO_UDP, 28, 28, 1005, "MSAFD Tcpip [UDP/IPv6]" },
};

template <typename Info> void Fill(const Row& R, Info& Out)
{
    Out = {};
    Out.dwServiceFlags1 =
        XP1_IFS_HANDLES |
        (R.Type == SOCK_STREAM ? XP1_GUARANTEED_DELIVERY | XP1_GUARANTEED_ORDER | XP1_GRACEFUL_CLOSE | XP1_EXPEDITED_DATA
                               : XP1_CONNECTIONLESS | XP1_MESSAGE_ORIENTED | XP1_SUPPORT_BROADCAST | XP1_SUPPORT_MULTIPOINT);
    Out.dwProviderFlags = PFL_MATCHES_PROTOCOL_ZERO;
    Out.ProviderId = { 0xE70F1AA0, 0xAB8B, 0x11CF, { 0x8C, 0xA3, 0x00, 0x80, 0x5F, 0x48, 0xA1, 0x92 } };
    Out.dwCatalogEntryId = R.Catalog;
    Out.ProtocolChain.ChainLen = 1;
    Out.iVersion = 2;
    Out.iAddressFamily = R.Family;
    Out.iMaxSockAddr = R.MaxAddress;
    Out.iMinSockAddr = R.MinAddress;
    Out.iSocketType = R.Type;
    Out.iProtocol = R.Protocol;
    Out.iNetworkByteOrder = BIGENDIAN;
    Out.iSecurityScheme = SECURITY_PROTOCOL_NONE;
    Out.dwMessageSize = R.Type == SOCK_STREAM ? 0 : 65527;
    auto* To = Out.szProtocol;
    for (const char* From = R.Name; *From; ++From) {
        *To++ = static_cast<unsigned char>(*From);
    }
}

template <typename Info> bool One(int Family, int Type, Info& Out)
{
    for (const Row& R : Rows) {
        if (R.Family == Family && R.Type == Type) {
            Fill(R, Out);
            return true;
        }
    }
    return false;
}

template <typename Info> int List(const int* Wanted, Info* Out, LPDWORD Size)
{
    if (!Started()) {
        return SOCKET_ERROR;
    }
    if (!Size) {
        return ws::Fail(WSAEFAULT);
    }
    auto Want = [&](const Row& R) {
        for (const int* At = Wanted; At && *At; ++At) {
            if (*At == R.Protocol) {
                return true;
            }
        }
        return !Wanted;
    };
    DWORD Count = 0;
    for (const Row& R : Rows) {
        Count += Want(R);
    }
    DWORD Needed = Count * DWORD(sizeof(Info));
    if (*Size < Needed || (!Out && Needed)) {
        *Size = Needed;
        return ws::Fail(WSAENOBUFS);
    }
    for (const Row& R : Rows) {
        if (Want(R)) {
            Fill(R, *Out++);
        }
    }
    return int(Count);
}

}

bool Describe(int Family, int Type, WSAPROTOCOL_INFOW& Out) { return One(Family, Type, Out); }
bool Describe(int Family, int Type, WSAPROTOCOL_INFOA& Out) { return One(Family, Type, Out); }

}

EXPORT int WINAPI WSAEnumProtocolsW(LPINT Wanted, LPWSAPROTOCOL_INFOW Out, LPDWORD Size) { return ws::List(Wanted, Out, Size); }
EXPORT int WINAPI WSAEnumProtocolsA(LPINT Wanted, LPWSAPROTOCOL_INFOA Out, LPDWORD Size) { return ws::List(Wanted, Out, Size); }
