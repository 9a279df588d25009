#pragma once
#include "win32/ws2_32/ws.hpp"

namespace ws {

// What a socket remembers. It never gets connected: nothing listens and there is no way out of the machine.
struct Socket {
    Socket* Next;
    SOCKET Handle;
    int Family, Type, Protocol;
    bool NonBlocking, Bound, ShutRead, ShutWrite;
    int LocalSize;
    sockaddr_storage Local;
    struct {
        BOOL ReuseAddress, KeepAlive, Broadcast, Exclusive, NoDelay, V6Only, OobInline, DontRoute, ConditionalAccept;
        int SendBuffer, ReceiveBuffer, SendTimeout, ReceiveTimeout, Ttl;
        linger Linger;
    } Options;
    WSAEVENT Event;
    long EventMask;
};

extern SRWLOCK Lock;
// Lock is held. Null, with WSAENOTSOCK, for a handle that is no socket of ours.
Socket* Find(SOCKET Handle);

// Checks a destination: 0 if it is one of this machine, or the error of trying to reach it.
int Reach(const Socket& S, const sockaddr* To, int Size);

}
