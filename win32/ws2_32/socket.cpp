// Making, naming and closing sockets, and connecting them: to this machine is refused, for nothing can listen; anything
// else is an unreachable network.
#include "win32/ws2_32/socket.hpp"

#include "win32/ws2_32/protocols.hpp"

namespace ws {

SRWLOCK Lock = SRWLOCK_INIT;

namespace {

Socket* Sockets;
u16 NextPort = 49152;

bool Loopback(const sockaddr* Address)
{
    if (Address->sa_family == AF_INET) {
        return reinterpret_cast<const u8*>(&reinterpret_cast<const sockaddr_in*>(Address)->sin_addr)[0] == 127;
    }
    auto Bytes = reinterpret_cast<const u8*>(&reinterpret_cast<const sockaddr_in6*>(Address)->sin6_addr);
    for (int i = 0; i < 15; ++i) {
        if (Bytes[i]) {
            return false;
        }
    }
    return Bytes[15] == 1;
}
bool Unspecified(const sockaddr* Address)
{
    usize Size = Address->sa_family == AF_INET ? 4 : 16;
    auto Bytes = Size == 4 ? reinterpret_cast<const u8*>(&reinterpret_cast<const sockaddr_in*>(Address)->sin_addr)
                           : reinterpret_cast<const u8*>(&reinterpret_cast<const sockaddr_in6*>(Address)->sin6_addr);
    for (usize i = 0; i < Size; ++i) {
        if (Bytes[i]) {
            return false;
        }
    }
    return true;
}
int AddressSize(int Family) { return Family == AF_INET ? int(sizeof(sockaddr_in)) : int(sizeof(sockaddr_in6)); }
// The port is at the same place in both families.
u16& PortOf(sockaddr* Address) { return reinterpret_cast<sockaddr_in*>(Address)->sin_port; }

bool PortTaken(const Socket& S, u16 Port)
{
    for (Socket* Other = Sockets; Other; Other = Other->Next) {
        if (Other != &S && Other->Bound && Other->Type == S.Type && PortOf(reinterpret_cast<sockaddr*>(&Other->Local)) == Port &&
            !(Other->Options.ReuseAddress && S.Options.ReuseAddress)) {
            return true;
        }
    }
    return false;
}

int Bind(Socket& S, const sockaddr* Address, int Size)
{
    if (!Address || Size < AddressSize(S.Family)) {
        return WSAEFAULT;
    }
    if (Address->sa_family != S.Family) {
        return WSAEAFNOSUPPORT;
    }
    if (S.Bound) {
        return WSAEINVAL;
    }
    if (!Loopback(Address) && !Unspecified(Address)) {
        return WSAEADDRNOTAVAIL;
    }
    sockaddr_storage Local = {};
    __builtin_memcpy(&Local, Address, usize(AddressSize(S.Family)));
    u16& Port = PortOf(reinterpret_cast<sockaddr*>(&Local));
    if (Port == 0) {
        for (int Tries = 0; Tries < 16384; ++Tries) {
            u16 Candidate = __builtin_bswap16(NextPort);
            NextPort = NextPort == 65535 ? u16(49152) : u16(NextPort + 1);
            if (!PortTaken(S, Candidate)) {
                Port = Candidate;
                break;
            }
        }
        if (Port == 0) {
            return WSAENOBUFS;
        }
    } else if (PortTaken(S, Port)) {
        return WSAEADDRINUSE;
    }
    S.Local = Local;
    S.LocalSize = AddressSize(S.Family);
    S.Bound = true;
    return 0;
}

// A file object that can be waited for and given to a completion port, but neither read nor written.
HANDLE NewHandle(bool Inherit)
{
    SECURITY_ATTRIBUTES Security = { sizeof(Security), nullptr, Inherit };
    HANDLE Handle = CreateFileW(L"\\\\.\\NUL", SYNCHRONIZE, FILE_SHARE_READ | FILE_SHARE_WRITE, &Security, OPEN_EXISTING,
                                FILE_FLAG_OVERLAPPED, nullptr);
    return Handle == INVALID_HANDLE_VALUE ? nullptr : Handle;
}

SOCKET Create(int Family, int Type, int Protocol, DWORD Flags)
{
    if (!Started()) {
        return INVALID_SOCKET;
    }
    if (Family == AF_UNSPEC && (Type || Protocol)) {
        Family = AF_INET;
    }
    if (Family != AF_INET && Family != AF_INET6) {
        Fail(WSAEAFNOSUPPORT);
        return INVALID_SOCKET;
    }
    if (Type == 0) {
        Type = Protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
    }
    if (Type != SOCK_STREAM && Type != SOCK_DGRAM) {
        Fail(Type == SOCK_RAW ? WSAEACCES : WSAESOCKTNOSUPPORT);
        return INVALID_SOCKET;
    }
    int Proper = Type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (Protocol && Protocol != Proper) {
        Fail(WSAEPROTONOSUPPORT);
        return INVALID_SOCKET;
    }
    auto S = static_cast<Socket*>(win::Allocate(sizeof(Socket)));
    HANDLE Handle = S ? NewHandle(!(Flags & WSA_FLAG_NO_HANDLE_INHERIT)) : nullptr;
    if (!Handle) {
        win::Free(S);
        Fail(WSAENOBUFS);
        return INVALID_SOCKET;
    }
    S->Handle = SOCKET(Handle);
    S->Family = Family;
    S->Type = Type;
    S->Protocol = Proper;
    S->Options.SendBuffer = S->Options.ReceiveBuffer = 65536;
    S->Options.Ttl = 128;
    S->Options.V6Only = TRUE;
    win::Guard Hold(Lock);
    // The handle of a socket that was closed behind our back may come again.
    for (Socket** At = &Sockets; *At; At = &(*At)->Next) {
        if ((*At)->Handle == S->Handle) {
            Socket* Stale = *At;
            *At = Stale->Next;
            win::Free(Stale);
            break;
        }
    }
    S->Next = Sockets;
    Sockets = S;
    return S->Handle;
}

}

Socket* Find(SOCKET Handle)
{
    if (!Started()) {
        return nullptr;
    }
    for (Socket* S = Sockets; S; S = S->Next) {
        if (S->Handle == Handle) {
            return S;
        }
    }
    SetLastError(WSAENOTSOCK);
    return nullptr;
}

int Reach(const Socket& S, const sockaddr* To, int Size)
{
    if (!To || Size < AddressSize(S.Family)) {
        return WSAEFAULT;
    }
    if (To->sa_family != S.Family) {
        return WSAEAFNOSUPPORT;
    }
    if (Unspecified(To) || reinterpret_cast<const sockaddr_in*>(To)->sin_port == 0) {
        return WSAEADDRNOTAVAIL;
    }
    if (S.Family == AF_INET6) {
        // A mapped address goes where the IPv4 one goes.
        auto Bytes = reinterpret_cast<const u8*>(&reinterpret_cast<const sockaddr_in6*>(To)->sin6_addr);
        bool Mapped = Bytes[10] == 0xFF && Bytes[11] == 0xFF;
        for (int i = 0; i < 10; ++i) {
            Mapped = Mapped && !Bytes[i];
        }
        if (Mapped) {
            return S.Options.V6Only ? WSAEADDRNOTAVAIL : Bytes[12] == 127 ? 0 : WSAENETUNREACH;
        }
    }
    return Loopback(To) ? 0 : WSAENETUNREACH;
}

}

using namespace ws;

namespace {

int Connect(SOCKET Handle, const sockaddr* To, int Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    int Error = Reach(*S, To, Size);
    if (Error) {
        return Fail(Error);
    }
    return Fail(S->Type == SOCK_STREAM ? WSAECONNREFUSED : WSAENETDOWN);
}

}

EXPORT SOCKET WINAPI socket(int Family, int Type, int Protocol) { return Create(Family, Type, Protocol, 0); }
EXPORT SOCKET WINAPI WSASocketW(int Family, int Type, int Protocol, LPWSAPROTOCOL_INFOW Info, GROUP, DWORD Flags)
{
    if (Info) {
        Family = Family == FROM_PROTOCOL_INFO || !Family ? Info->iAddressFamily : Family;
        Type = Type == FROM_PROTOCOL_INFO || !Type ? Info->iSocketType : Type;
        Protocol = Protocol == FROM_PROTOCOL_INFO || !Protocol ? Info->iProtocol : Protocol;
    }
    return Create(Family, Type, Protocol, Flags);
}
EXPORT SOCKET WINAPI WSASocketA(int Family, int Type, int Protocol, LPWSAPROTOCOL_INFOA Info, GROUP Group, DWORD Flags)
{
    // The A and W records differ only behind the fields that count.
    return WSASocketW(Family, Type, Protocol, reinterpret_cast<LPWSAPROTOCOL_INFOW>(Info), Group, Flags);
}
EXPORT int WINAPI closesocket(SOCKET Handle)
{
    win::Guard Hold(Lock);
    if (!Find(Handle)) {
        return SOCKET_ERROR;
    }
    for (Socket** At = &Sockets; *At; At = &(*At)->Next) {
        if ((*At)->Handle == Handle) {
            Socket* S = *At;
            *At = S->Next;
            win::Free(S);
            break;
        }
    }
    CloseHandle(HANDLE(Handle));
    return 0;
}

EXPORT int WINAPI bind(SOCKET Handle, const sockaddr* Address, int Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    int Error = S ? Bind(*S, Address, Size) : 0;
    return !S ? SOCKET_ERROR : Error ? Fail(Error) : 0;
}
EXPORT int WINAPI connect(SOCKET Handle, const sockaddr* To, int Size) { return Connect(Handle, To, Size); }
EXPORT int WINAPI WSAConnect(SOCKET Handle, const sockaddr* To, int Size, LPWSABUF, LPWSABUF, LPQOS, LPQOS)
{
    return Connect(Handle, To, Size);
}
EXPORT int WINAPI listen(SOCKET Handle, int)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    return !S ? SOCKET_ERROR : Fail(S->Type != SOCK_STREAM ? WSAEOPNOTSUPP : !S->Bound ? WSAEINVAL : WSAENETDOWN);
}
EXPORT SOCKET WINAPI WSAAccept(SOCKET Handle, sockaddr*, LPINT, LPCONDITIONPROC, DWORD_PTR)
{
    win::Guard Hold(Lock);
    if (Socket* S = Find(Handle)) {
        Fail(S->Type != SOCK_STREAM ? WSAEOPNOTSUPP : WSAEINVAL); // it does not listen
    }
    return INVALID_SOCKET;
}
EXPORT SOCKET WINAPI accept(SOCKET Handle, sockaddr* Address, int* Size) { return WSAAccept(Handle, Address, Size, nullptr, 0); }

EXPORT int WINAPI getsockname(SOCKET Handle, sockaddr* Out, int* Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (!S->Bound || !Out || !Size || *Size < S->LocalSize) {
        return Fail(!S->Bound ? WSAEINVAL : WSAEFAULT);
    }
    __builtin_memcpy(Out, &S->Local, usize(S->LocalSize));
    *Size = S->LocalSize;
    return 0;
}
EXPORT int WINAPI getpeername(SOCKET Handle, sockaddr*, int*)
{
    win::Guard Hold(Lock);
    return Find(Handle) ? Fail(WSAENOTCONN) : SOCKET_ERROR;
}
EXPORT int WINAPI shutdown(SOCKET Handle, int How)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (How < SD_RECEIVE || How > SD_BOTH) {
        return Fail(WSAEINVAL);
    }
    if (S->Type == SOCK_STREAM) {
        return Fail(WSAENOTCONN);
    }
    S->ShutRead = S->ShutRead || How != SD_SEND;
    S->ShutWrite = S->ShutWrite || How != SD_RECEIVE;
    return 0;
}

EXPORT int WINAPI WSADuplicateSocketW(SOCKET Handle, DWORD, LPWSAPROTOCOL_INFOW)
{
    win::Guard Hold(Lock);
    return Find(Handle) ? Fail(WSAEOPNOTSUPP) : SOCKET_ERROR;
}
EXPORT int WINAPI WSADuplicateSocketA(SOCKET Handle, DWORD Process, LPWSAPROTOCOL_INFOA)
{
    return WSADuplicateSocketW(Handle, Process, nullptr);
}
