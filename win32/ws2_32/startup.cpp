// Starting and ending the use of sockets, byte order, events.
#include "win32/ws2_32/ws.hpp"

namespace {

volatile LONG Uses;

}

bool ws::Started()
{
    if (Uses > 0) {
        return true;
    }
    SetLastError(WSANOTINITIALISED);
    return false;
}

extern "C" BOOL NeptuneAttach(HINSTANCE) { return ws::MakeNameSlot() && ws::MakeTextSlot(); }

EXPORT int WINAPI WSAStartup(WORD Version, LPWSADATA Out)
{
    if (LOBYTE(Version) < 1) {
        return WSAVERNOTSUPPORTED;
    }
    if (!Out) {
        return WSAEFAULT;
    }
    *Out = {};
    WORD Highest = MAKEWORD(2, 2);
    bool Lower = LOBYTE(Version) < 2 || (LOBYTE(Version) == 2 && HIBYTE(Version) < 2);
    Out->wVersion = Lower ? Version : Highest;
    Out->wHighVersion = Highest;
    lstrcpyA(Out->szDescription, "WinSock 2.0");
    lstrcpyA(Out->szSystemStatus, "Running");
    Out->iMaxSockets = LOBYTE(Version) == 1 ? 32767 : 0;
    Out->iMaxUdpDg = LOBYTE(Version) == 1 ? 65467 : 0;
    InterlockedIncrement(&Uses);
    return 0;
}

EXPORT int WINAPI WSACleanup()
{
    if (InterlockedDecrement(&Uses) < 0) {
        InterlockedIncrement(&Uses);
        return ws::Fail(WSANOTINITIALISED);
    }
    return 0;
}

EXPORT BOOL WINAPI WSAIsBlocking() { return FALSE; }

EXPORT u_long WINAPI htonl(u_long Value) { return __builtin_bswap32(Value); }
EXPORT u_long WINAPI ntohl(u_long Value) { return __builtin_bswap32(Value); }
EXPORT u_short WINAPI htons(u_short Value) { return __builtin_bswap16(Value); }
EXPORT u_short WINAPI ntohs(u_short Value) { return __builtin_bswap16(Value); }
EXPORT int WINAPI WSAHtonl(SOCKET, u_long Value, u_long* Out) { return Out ? (*Out = htonl(Value), 0) : ws::Fail(WSAEFAULT); }
EXPORT int WINAPI WSANtohl(SOCKET, u_long Value, u_long* Out) { return Out ? (*Out = htonl(Value), 0) : ws::Fail(WSAEFAULT); }
EXPORT int WINAPI WSAHtons(SOCKET, u_short Value, u_short* Out) { return Out ? (*Out = htons(Value), 0) : ws::Fail(WSAEFAULT); }
EXPORT int WINAPI WSANtohs(SOCKET, u_short Value, u_short* Out) { return Out ? (*Out = htons(Value), 0) : ws::Fail(WSAEFAULT); }

EXPORT WSAEVENT WINAPI WSACreateEvent() { return CreateEventW(nullptr, TRUE, FALSE, nullptr); }
