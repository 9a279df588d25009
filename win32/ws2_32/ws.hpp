// ws2_32.dll without a network: names, addresses and socket objects work, what would need a wire fails as on a machine
// whose only network is gone. Sockets are handles of the NUL device, so that closing, inheriting and completion ports work.
#pragma once
#define WINSOCK_API_LINKAGE
#include <winsock2.h>
#include <ws2tcpip.h>

#include "win32/common/win.hpp"

namespace ws {

// Between the first WSAStartup and the last WSACleanup; sets WSANOTINITIALISED otherwise.
bool Started();

// Made while loading.
bool MakeNameSlot();
bool MakeTextSlot();

inline int Fail(int Error)
{
    SetLastError(DWORD(Error));
    return SOCKET_ERROR;
}

}
