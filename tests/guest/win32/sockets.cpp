// ws2_32, iphlpapi and dnsapi on a machine without a network.
#include <winsock2.h>
#include <ws2tcpip.h>

#include "tests/guest/win32/tap.hpp"

#include <iphlpapi.h>
#include <mswsock.h>

namespace {

sockaddr_in Address(const char* Text, u_short Port)
{
    sockaddr_in A = {};
    A.sin_family = AF_INET;
    A.sin_port = htons(Port);
    inet_pton(AF_INET, Text, &A.sin_addr);
    return A;
}
int ConnectTo(SOCKET S, const char* Text)
{
    sockaddr_in A = Address(Text, 9);
    return connect(S, reinterpret_cast<sockaddr*>(&A), sizeof(A)) ? WSAGetLastError() : 0;
}

void Names()
{
    char Host[256], Text[64];
    CHECK_EQ(gethostname(Host, sizeof(Host)), 0);
    ADDRINFOA Hints = {}, *List = nullptr;
    Hints.ai_socktype = SOCK_STREAM;
    CHECK_EQ(getaddrinfo("10.1.2.3", "80", &Hints, &List), 0);
    CHECK(List && List->ai_family == AF_INET && !List->ai_next && List->ai_socktype == SOCK_STREAM);
    CHECK_EQ(ntohs(reinterpret_cast<sockaddr_in*>(List->ai_addr)->sin_port), 80);
    freeaddrinfo(List);
    CHECK_EQ(getaddrinfo("localhost", "https", nullptr, &List), 0);
    freeaddrinfo(List);
    Hints.ai_flags = AI_NUMERICHOST;
    CHECK_EQ(getaddrinfo("localhost", nullptr, &Hints, &List), WSAHOST_NOT_FOUND);
    CHECK_EQ(getaddrinfo("no.such.host.invalid", nullptr, nullptr, &List), WSAHOST_NOT_FOUND);
    sockaddr_in A = Address("127.0.0.1", 443);
    CHECK_EQ(getnameinfo(reinterpret_cast<sockaddr*>(&A), sizeof(A), Host, sizeof(Host), Text, sizeof(Text), NI_NUMERICHOST), 0);
    CHECK_TEXTA(Host, "127.0.0.1");
    CHECK_TEXTA(Text, "https");
    CHECK_EQ(inet_addr("1.2.3.4"), 0x04030201u);
    CHECK_TEXTA(inet_ntoa(A.sin_addr), "127.0.0.1");
    DWORD Room = sizeof(Text);
    CHECK_EQ(WSAAddressToStringA(reinterpret_cast<sockaddr*>(&A), sizeof(A), nullptr, Text, &Room), 0);
    CHECK_TEXTA(Text, "127.0.0.1:443");
    CHECK_EQ(Room, 14u);
    servent* Service = getservbyname("http", "tcp");
    CHECK(Service && ntohs(u_short(Service->s_port)) == 80);
    hostent* Found = gethostbyname("127.0.0.1");
    CHECK(Found && Found->h_length == 4);
    CHECK(!gethostbyname("no.such.host.invalid") && WSAGetLastError() == WSAHOST_NOT_FOUND);
}

void Sockets()
{
    SOCKET S = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    CHECK(S != INVALID_SOCKET);
    CHECK_EQ(ConnectTo(S, "127.0.0.1"), WSAECONNREFUSED);
    CHECK_EQ(ConnectTo(S, "8.8.8.8"), WSAENETUNREACH);
    int Value = 0, Size = sizeof(Value);
    CHECK_EQ(getsockopt(S, SOL_SOCKET, SO_TYPE, reinterpret_cast<char*>(&Value), &Size), 0);
    CHECK_EQ(Value, SOCK_STREAM);
    Value = 1;
    CHECK_EQ(setsockopt(S, IPPROTO_TCP, TCP_NODELAY, reinterpret_cast<char*>(&Value), sizeof(Value)), 0);
    u_long On = 1;
    CHECK_EQ(ioctlsocket(S, FIONBIO, &On), 0);
    char Byte;
    CHECK(recv(S, &Byte, 1, 0) == -1 && WSAGetLastError() == WSAENOTCONN);
    CHECK(send(S, "x", 1, 0) == -1 && WSAGetLastError() == WSAENOTCONN);
    sockaddr_in A = Address("127.0.0.1", 0), Name = {};
    CHECK_EQ(bind(S, reinterpret_cast<sockaddr*>(&A), sizeof(A)), 0);
    Size = sizeof(Name);
    CHECK_EQ(getsockname(S, reinterpret_cast<sockaddr*>(&Name), &Size), 0);
    CHECK(Name.sin_port != 0);
    CHECK(getpeername(S, reinterpret_cast<sockaddr*>(&Name), &Size) == -1 && WSAGetLastError() == WSAENOTCONN);
    CHECK(listen(S, 1) == -1);
    CHECK_EQ(SetHandleInformation(HANDLE(S), HANDLE_FLAG_INHERIT, 0), TRUE);
    HANDLE Port = CreateIoCompletionPort(HANDLE(S), nullptr, 1, 0);
    CHECK(Port != nullptr);
    CloseHandle(Port);
    GUID Id = WSAID_CONNECTEX;
    LPFN_CONNECTEX ConnectEx = nullptr;
    DWORD Done;
    CHECK_EQ(WSAIoctl(S, SIO_GET_EXTENSION_FUNCTION_POINTER, &Id, sizeof(Id), &ConnectEx, sizeof(ConnectEx), &Done, nullptr, nullptr), 0);
    CHECK(ConnectEx != nullptr);
    CHECK_EQ(closesocket(S), 0);
    CHECK(closesocket(S) == -1 && WSAGetLastError() == WSAENOTSOCK);
    CHECK(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP) == INVALID_SOCKET && WSAGetLastError() == WSAEPROTONOSUPPORT);
    CHECK(socket(1234, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSAEAFNOSUPPORT);

    SOCKET U = socket(AF_INET, SOCK_DGRAM, 0);
    fd_set Set = { 1, { U } };
    timeval Soon = { 0, 20000 };
    CHECK_EQ(select(0, &Set, nullptr, nullptr, &Soon), 0);
    CHECK_EQ(Set.fd_count, 0u);
    CHECK(select(0, nullptr, nullptr, nullptr, &Soon) == -1 && WSAGetLastError() == WSAEINVAL);
    closesocket(U);
}

void Interfaces()
{
    ULONG Size = 0;
    CHECK_EQ(GetAdaptersAddresses(AF_UNSPEC, 0, nullptr, nullptr, &Size), ULONG(ERROR_BUFFER_OVERFLOW));
    auto List = static_cast<IP_ADAPTER_ADDRESSES*>(HeapAlloc(GetProcessHeap(), 0, Size));
    CHECK_EQ(GetAdaptersAddresses(AF_UNSPEC, 0, nullptr, List, &Size), ULONG(NO_ERROR));
    CHECK(List->IfType == IF_TYPE_SOFTWARE_LOOPBACK && List->FirstUnicastAddress && !List->Next);
    HeapFree(GetProcessHeap(), 0, List);
    DWORD Index = 0;
    CHECK_EQ(GetBestInterface(0x08080808, &Index), DWORD(ERROR_NETWORK_UNREACHABLE));
}

}

void Test()
{
    WSADATA Data;
    CHECK(socket(AF_INET, SOCK_STREAM, 0) == INVALID_SOCKET && WSAGetLastError() == WSANOTINITIALISED);
    CHECK_EQ(WSAStartup(MAKEWORD(2, 2), &Data), 0);
    CHECK_EQ(Data.wVersion, MAKEWORD(2, 2));
    Names();
    Sockets();
    Interfaces();
    CHECK_EQ(WSACleanup(), 0);
    CHECK(WSACleanup() == SOCKET_ERROR);
}
