// getsockopt and setsockopt.
#include "win32/ws2_32/protocols.hpp"
#include "win32/ws2_32/socket.hpp"

using namespace ws;

namespace {

// The remembered value of an option that is a whole number or BOOL; null if it is none of those.
int* Number(Socket& S, int Level, int Name)
{
    auto& O = S.Options;
    if (Level == SOL_SOCKET) {
        switch (Name) {
        case SO_REUSEADDR:
            return &O.ReuseAddress;
        case SO_KEEPALIVE:
            return &O.KeepAlive;
        case SO_BROADCAST:
            return S.Type == SOCK_DGRAM ? &O.Broadcast : nullptr;
        case SO_EXCLUSIVEADDRUSE:
            return &O.Exclusive;
        case SO_OOBINLINE:
            return &O.OobInline;
        case SO_DONTROUTE:
            return &O.DontRoute;
        case SO_CONDITIONAL_ACCEPT:
            return &O.ConditionalAccept;
        case SO_SNDBUF:
            return &O.SendBuffer;
        case SO_RCVBUF:
            return &O.ReceiveBuffer;
        case SO_SNDTIMEO:
            return &O.SendTimeout;
        case SO_RCVTIMEO:
            return &O.ReceiveTimeout;
        default:
            return nullptr;
        }
    }
    if (Level == IPPROTO_TCP && S.Type == SOCK_STREAM && Name == TCP_NODELAY) {
        return &O.NoDelay;
    }
    if (Level == IPPROTO_IP && S.Family == AF_INET && Name == IP_TTL) {
        return &O.Ttl;
    }
    if (Level == IPPROTO_IPV6 && S.Family == AF_INET6) {
        return Name == IPV6_V6ONLY ? &O.V6Only : Name == IPV6_UNICAST_HOPS ? &O.Ttl : nullptr;
    }
    return nullptr;
}

}

EXPORT int WINAPI getsockopt(SOCKET Handle, int Level, int Name, char* Out, int* Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (!Out || !Size) {
        return Fail(WSAEFAULT);
    }
    auto Give = [&](const void* From, int Length) {
        if (*Size < Length) {
            return Fail(WSAEFAULT);
        }
        __builtin_memcpy(Out, From, usize(Length));
        *Size = Length;
        return 0;
    };
    if (int* Value = Number(*S, Level, Name)) {
        // A caller with one byte of room gets a flag.
        if (*Size >= 1 && *Size < 4) {
            return Give(Value, 1);
        }
        return Give(Value, sizeof(*Value));
    }
    int Value = 0;
    if (Level == SOL_SOCKET) {
        switch (Name) {
        case SO_TYPE:
            return Give(&S->Type, sizeof(int));
        case SO_ERROR:
        case SO_ACCEPTCONN:
        case SO_DEBUG:
            return Give(&Value, sizeof(int));
        case 0x700C:    // SO_CONNECT_TIME
            Value = -1; // not connected
            return Give(&Value, sizeof(int));
        case SO_MAX_MSG_SIZE:
            Value = S->Type == SOCK_STREAM ? -1 : 65507;
            return Give(&Value, sizeof(int));
        case SO_LINGER:
            return Give(&S->Options.Linger, sizeof(linger));
        case SO_DONTLINGER:
            Value = !S->Options.Linger.l_onoff;
            return Give(&Value, sizeof(int));
        case SO_PROTOCOL_INFOW: {
            WSAPROTOCOL_INFOW Info;
            Describe(S->Family, S->Type, Info);
            return Give(&Info, sizeof(Info));
        }
        case SO_PROTOCOL_INFOA: {
            WSAPROTOCOL_INFOA Info;
            Describe(S->Family, S->Type, Info);
            return Give(&Info, sizeof(Info));
        }
        default:
            break;
        }
    }
    return Fail(WSAENOPROTOOPT);
}

EXPORT int WINAPI setsockopt(SOCKET Handle, int Level, int Name, const char* In, int Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (Level == SOL_SOCKET && Name == SO_LINGER) {
        if (!In || Size < int(sizeof(linger))) {
            return Fail(WSAEFAULT);
        }
        __builtin_memcpy(&S->Options.Linger, In, sizeof(linger));
        return 0;
    }
    if (!In || Size < 1) {
        return Fail(WSAEFAULT);
    }
    int Value = 0;
    __builtin_memcpy(&Value, In, usize(Size < 4 ? Size : 4));
    if (Level == SOL_SOCKET && Name == SO_DONTLINGER) {
        S->Options.Linger.l_onoff = u_short(!Value);
        return 0;
    }
    int* Place = Number(*S, Level, Name);
    if (!Place) {
        return Fail(WSAENOPROTOOPT);
    }
    auto& O = S->Options;
    if ((Place == &O.ReuseAddress && O.Exclusive && Value) || (Place == &O.Exclusive && (O.ReuseAddress || S->Bound) && Value)) {
        return Fail(WSAEINVAL);
    }
    *Place = Value;
    return 0;
}
