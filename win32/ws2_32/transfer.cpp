// Sending, receiving, waiting and ioctls. No data ever comes or goes.
#include "win32/ws2_32/socket.hpp"

#include <mswsock.h>

using namespace ws;

namespace {

int Send(SOCKET Handle, const sockaddr* To, int Size)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (S->Type == SOCK_STREAM || !To) {
        return Fail(WSAENOTCONN);
    }
    if (S->ShutWrite) {
        return Fail(WSAESHUTDOWN);
    }
    int Error = Reach(*S, To, Size);
    return Fail(Error ? Error : WSAENETDOWN);
}

int Receive(SOCKET Handle)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    if (S->Type == SOCK_STREAM) {
        return Fail(WSAENOTCONN);
    }
    if (S->ShutRead) {
        return Fail(WSAESHUTDOWN);
    }
    return Fail(!S->Bound ? WSAEINVAL : S->NonBlocking ? WSAEWOULDBLOCK : WSAENETDOWN);
}

// The functions SIO_GET_EXTENSION_FUNCTION_POINTER hands out. An overlapped operation that fails at once reports no completion.
BOOL PASCAL ConnectExtension(SOCKET Handle, const sockaddr* To, int Size, PVOID, DWORD, LPDWORD, LPOVERLAPPED)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (S) {
        int Error = S->Bound ? Reach(*S, To, Size) : WSAEINVAL;
        Fail(Error ? Error : WSAECONNREFUSED);
    }
    return FALSE;
}
BOOL PASCAL AcceptExtension(SOCKET Handle, SOCKET, PVOID, DWORD, DWORD, DWORD, LPDWORD, LPOVERLAPPED)
{
    win::Guard Hold(Lock);
    if (Find(Handle)) {
        Fail(WSAEINVAL);
    }
    return FALSE;
}
BOOL PASCAL DisconnectExtension(SOCKET Handle, LPOVERLAPPED, DWORD, DWORD)
{
    win::Guard Hold(Lock);
    if (Find(Handle)) {
        Fail(WSAENOTCONN);
    }
    return FALSE;
}
BOOL PASCAL TransmitExtension(SOCKET Handle, HANDLE, DWORD, DWORD, LPOVERLAPPED, LPTRANSMIT_FILE_BUFFERS, DWORD)
{
    return DisconnectExtension(Handle, nullptr, 0, 0);
}
int PASCAL ReceiveMessageExtension(SOCKET Handle, LPWSAMSG, LPDWORD, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Receive(Handle);
}
int PASCAL SendMessageExtension(SOCKET Handle, LPWSAMSG Message, DWORD, LPDWORD, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Message ? Send(Handle, Message->name, Message->namelen) : Fail(WSAEFAULT);
}
void PASCAL AcceptAddresses(PVOID, DWORD, DWORD, DWORD, sockaddr** Local, LPINT LocalSize, sockaddr** Remote, LPINT RemoteSize)
{
    *Local = *Remote = nullptr;
    *LocalSize = *RemoteSize = 0;
}

void* Extension(const GUID& Id)
{
    static const struct {
        GUID Id;
        void* Function;
    } Known[] = {
        { WSAID_CONNECTEX, reinterpret_cast<void*>(ConnectExtension) },
        { WSAID_ACCEPTEX, reinterpret_cast<void*>(AcceptExtension) },
        { WSAID_GETACCEPTEXSOCKADDRS, reinterpret_cast<void*>(AcceptAddresses) },
        { WSAID_DISCONNECTEX, reinterpret_cast<void*>(DisconnectExtension) },
        { WSAID_TRANSMITFILE, reinterpret_cast<void*>(TransmitExtension) },
        { WSAID_WSARECVMSG, reinterpret_cast<void*>(ReceiveMessageExtension) },
        { WSAID_WSASENDMSG, reinterpret_cast<void*>(SendMessageExtension) },
    };
    for (auto& K : Known) {
        if (__builtin_memcmp(&K.Id, &Id, sizeof(Id)) == 0) {
            return K.Function;
        }
    }
    return nullptr;
}

int Control(SOCKET Handle, DWORD Code, const void* In, DWORD InSize, void* Out, DWORD OutSize, DWORD& Done)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    Done = 0;
    auto Give = [&](const void* From, DWORD Size) {
        if (!Out || OutSize < Size) {
            return Fail(WSAEFAULT);
        }
        __builtin_memcpy(Out, From, Size);
        Done = Size;
        return 0;
    };
    switch (Code) {
    case u32(FIONBIO):
        if (!In || InSize < sizeof(u_long)) {
            return Fail(WSAEFAULT);
        }
        S->NonBlocking = *static_cast<const u_long*>(In) != 0;
        return 0;
    case u32(FIONREAD): {
        u_long None = 0;
        return Give(&None, sizeof(None));
    }
    case u32(SIOCATMARK): {
        BOOL Yes = TRUE;
        return Give(&Yes, sizeof(Yes));
    }
    case SIO_GET_EXTENSION_FUNCTION_POINTER: {
        if (!In || InSize < sizeof(GUID)) {
            return Fail(WSAEFAULT);
        }
        void* Function = Extension(*static_cast<const GUID*>(In));
        return Function ? Give(&Function, sizeof(Function)) : Fail(WSAEINVAL);
    }
    case SIO_BASE_HANDLE:
    case 0x48000026: // SIO_BSP_HANDLE_POLL and its kin: there is no layered provider below
    case 0x4800001D:
        return Give(&S->Handle, sizeof(S->Handle));
    case SIO_KEEPALIVE_VALS:
    case SIO_UDP_CONNRESET:
        return 0;
    default:
        return Fail(WSAEOPNOTSUPP);
    }
}

}

EXPORT int WINAPI send(SOCKET Handle, const char*, int, int) { return Send(Handle, nullptr, 0); }
EXPORT int WINAPI sendto(SOCKET Handle, const char*, int, int, const sockaddr* To, int Size) { return Send(Handle, To, Size); }
EXPORT int WINAPI recv(SOCKET Handle, char*, int, int) { return Receive(Handle); }
EXPORT int WINAPI recvfrom(SOCKET Handle, char*, int, int, sockaddr*, int*) { return Receive(Handle); }
EXPORT int WINAPI WSASend(SOCKET Handle, LPWSABUF, DWORD, LPDWORD, DWORD, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Send(Handle, nullptr, 0);
}
EXPORT int WINAPI WSASendTo(SOCKET Handle, LPWSABUF, DWORD, LPDWORD, DWORD, const sockaddr* To, int Size, LPWSAOVERLAPPED,
                            LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Send(Handle, To, Size);
}
EXPORT int WINAPI WSASendMsg(SOCKET Handle, LPWSAMSG Message, DWORD, LPDWORD, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Message ? Send(Handle, Message->name, Message->namelen) : Fail(WSAEFAULT);
}
EXPORT int WINAPI WSARecv(SOCKET Handle, LPWSABUF, DWORD, LPDWORD, LPDWORD, LPWSAOVERLAPPED, LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Receive(Handle);
}
EXPORT int WINAPI WSARecvFrom(SOCKET Handle, LPWSABUF, DWORD, LPDWORD, LPDWORD, sockaddr*, LPINT, LPWSAOVERLAPPED,
                              LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    return Receive(Handle);
}
EXPORT int WINAPI WSARecvDisconnect(SOCKET Handle, LPWSABUF) { return shutdown(Handle, SD_RECEIVE); }
EXPORT int WINAPI WSASendDisconnect(SOCKET Handle, LPWSABUF) { return shutdown(Handle, SD_SEND); }

EXPORT int WINAPI ioctlsocket(SOCKET Handle, long Code, u_long* Value)
{
    DWORD Done;
    if (!Value) {
        return Fail(WSAEFAULT);
    }
    return Control(Handle, DWORD(Code), Value, sizeof(*Value), Value, sizeof(*Value), Done);
}
EXPORT int WINAPI WSAIoctl(SOCKET Handle, DWORD Code, LPVOID In, DWORD InSize, LPVOID Out, DWORD OutSize, LPDWORD Done, LPWSAOVERLAPPED,
                           LPWSAOVERLAPPED_COMPLETION_ROUTINE)
{
    DWORD Count = 0;
    int Result = Control(Handle, Code, In, InSize, Out, OutSize, Count);
    if (Done) {
        *Done = Count;
    }
    return Result;
}

EXPORT BOOL WINAPI WSAGetOverlappedResult(SOCKET Handle, LPWSAOVERLAPPED Overlapped, LPDWORD Done, BOOL Wait, LPDWORD Flags)
{
    if (!Overlapped || !Done || !Flags) {
        Fail(WSA_INVALID_PARAMETER);
        return FALSE;
    }
    *Flags = 0;
    return GetOverlappedResult(HANDLE(Handle), Overlapped, Done, Wait);
}

EXPORT int WINAPI WSAEventSelect(SOCKET Handle, WSAEVENT Event, long Mask)
{
    win::Guard Hold(Lock);
    Socket* S = Find(Handle);
    if (!S) {
        return SOCKET_ERROR;
    }
    S->Event = Mask ? Event : nullptr;
    S->EventMask = Mask;
    if (Mask) {
        S->NonBlocking = true;
    }
    return 0;
}
EXPORT int WINAPI WSAEnumNetworkEvents(SOCKET Handle, WSAEVENT Event, LPWSANETWORKEVENTS Out)
{
    win::Guard Hold(Lock);
    if (!Find(Handle)) {
        return SOCKET_ERROR;
    }
    if (!Out) {
        return Fail(WSAEFAULT);
    }
    *Out = {};
    if (Event) {
        ResetEvent(Event);
    }
    return 0;
}

EXPORT int WINAPI __WSAFDIsSet(SOCKET Handle, fd_set* Set)
{
    for (u_int i = 0; Set && i < Set->fd_count; ++i) {
        if (Set->fd_array[i] == Handle) {
            return 1;
        }
    }
    return 0;
}

// Datagram sockets can always be written; nothing else ever becomes ready.
EXPORT int WINAPI select(int, fd_set* Read, fd_set* Write, fd_set* Except, PTIMEVAL Timeout)
{
    if (!Started()) {
        return SOCKET_ERROR;
    }
    u_int Total = (Read ? Read->fd_count : 0) + (Write ? Write->fd_count : 0) + (Except ? Except->fd_count : 0);
    if (!Total) {
        return Fail(WSAEINVAL);
    }
    fd_set* const Sets[] = { Read, Write, Except };
    {
        win::Guard Hold(Lock);
        for (fd_set* Set : Sets) {
            for (u_int i = 0; Set && i < Set->fd_count; ++i) {
                if (!Find(Set->fd_array[i])) {
                    return SOCKET_ERROR;
                }
            }
        }
        u_int Ready = 0;
        for (u_int i = 0; Write && i < Write->fd_count; ++i) {
            if (Find(Write->fd_array[i])->Type == SOCK_DGRAM) {
                Write->fd_array[Ready++] = Write->fd_array[i];
            }
        }
        if (Ready) {
            Write->fd_count = Ready;
            if (Read) {
                Read->fd_count = 0;
            }
            if (Except) {
                Except->fd_count = 0;
            }
            return int(Ready);
        }
    }
    if (!Timeout) {
        return Fail(WSAENETDOWN); // would never end
    }
    Sleep(DWORD(Timeout->tv_sec) * 1000 + DWORD(Timeout->tv_usec + 999) / 1000);
    for (fd_set* Set : Sets) {
        if (Set) {
            Set->fd_count = 0;
        }
    }
    return 0;
}

EXPORT int WINAPI WSAPoll(LPWSAPOLLFD Polls, ULONG Count, INT Timeout)
{
    if (!Started()) {
        return SOCKET_ERROR;
    }
    if (!Polls || !Count) {
        return Fail(WSAEINVAL);
    }
    int Ready = 0, Valid = 0;
    {
        win::Guard Hold(Lock);
        for (ULONG i = 0; i < Count; ++i) {
            Polls[i].revents = 0;
            if (Polls[i].fd == INVALID_SOCKET) {
                continue;
            }
            Socket* S = Find(Polls[i].fd);
            Valid += S != nullptr;
            Polls[i].revents = !S ? SHORT(POLLNVAL) : S->Type == SOCK_DGRAM ? SHORT(Polls[i].events & POLLWRNORM) : SHORT(0);
            Ready += Polls[i].revents != 0;
        }
    }
    if (!Valid) {
        return Fail(WSAENOTSOCK);
    }
    if (!Ready) {
        if (Timeout < 0) {
            return Fail(WSAENETDOWN);
        }
        Sleep(DWORD(Timeout));
    }
    return Ready;
}
