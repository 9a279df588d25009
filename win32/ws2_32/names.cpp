// Host, service and protocol names. There is no DNS: numeric addresses, "localhost" and the machine's own name are known,
// everything else is WSAHOST_NOT_FOUND.
#include "win32/ws2_32/text.hpp"
#include "win32/ws2_32/ws.hpp"

using namespace ws;

namespace ws {

static DWORD Slot = FLS_OUT_OF_INDEXES;

bool MakeNameSlot()
{
    Slot = win::ThreadSlot([](void* Data) { win::Free(Data); });
    return Slot != FLS_OUT_OF_INDEXES;
}

}

namespace {

struct Service {
    const char* Name;
    u16 Port;
    const char* Protocol; // null: both
};
const Service Services[] = {
    { "echo", 7, nullptr },
    { "discard", 9, nullptr },
    { "ftp-data", 20, "tcp" },
    { "ftp", 21, "tcp" },
    { "ssh", 22, "tcp" },
    { "telnet", 23, "tcp" },
    { "smtp", 25, "tcp" },
    { "time", 37, nullptr },
    { "domain", 53, nullptr },
    { "tftp", 69, "udp" },
    { "http", 80, "tcp" },
    { "kerberos", 88, nullptr },
    { "pop3", 110, "tcp" },
    { "ntp", 123, "udp" },
    { "imap", 143, "tcp" },
    { "snmp", 161, "udp" },
    { "ldap", 389, "tcp" },
    { "https", 443, nullptr },
    { "microsoft-ds", 445, nullptr },
    { "syslog", 514, "udp" },
    { "ldaps", 636, "tcp" },
    { "imaps", 993, "tcp" },
    { "pop3s", 995, "tcp" },
};
struct Protocol {
    const char* Name;
    const char* Alias;
    short Number;
};
const Protocol Protocols[] = {
    { "ip", "IP", 0 },    { "icmp", "ICMP", 1 },  { "tcp", "TCP", 6 },
    { "udp", "UDP", 17 }, { "ipv6", "IPv6", 41 }, { "ipv6-icmp", "IPv6-ICMP", 58 },
};

// What the calls that return pointers to static data point into: one record a thread.
struct PerThread {
    hostent Host;
    char* HostAliases[1];
    char* HostAddresses[2];
    char Address[16];
    char HostName[256];
    servent Serv;
    char* ServAliases[1];
    protoent Proto;
    char* ProtoAliases[2];
};
PerThread* Mine()
{
    auto Data = static_cast<PerThread*>(FlsGetValue(Slot));
    if (!Data) {
        Data = static_cast<PerThread*>(win::Allocate(sizeof(PerThread)));
        if (!Data) {
            Fail(WSA_NOT_ENOUGH_MEMORY);
            return nullptr;
        }
        FlsSetValue(Slot, Data);
    }
    return Data;
}

bool Same(const char* A, const char* B) { return lstrcmpiA(A, B) == 0; }

const Service* FindService(const char* Name, u16 Port, const char* Protocol)
{
    for (const Service& S : Services) {
        if ((Name ? Same(S.Name, Name) : S.Port == Port) && (!Protocol || !S.Protocol || Same(S.Protocol, Protocol))) {
            return &S;
        }
    }
    return nullptr;
}

servent* Give(const Service* S, const char* Protocol)
{
    PerThread* Data = Mine();
    if (!S || !Data) {
        Fail(S ? WSA_NOT_ENOUGH_MEMORY : WSANO_DATA);
        return nullptr;
    }
    Data->Serv = { const_cast<char*>(S->Name), Data->ServAliases,
                   const_cast<char*>(S->Protocol ? S->Protocol
                                     : Protocol  ? Protocol
                                                 : "tcp"),
                   short(htons(S->Port)) };
    return &Data->Serv;
}

protoent* Give(const Protocol& P)
{
    PerThread* Data = Mine();
    if (!Data) {
        return nullptr;
    }
    Data->ProtoAliases[0] = const_cast<char*>(P.Alias);
    Data->ProtoAliases[1] = nullptr;
    Data->Proto = { const_cast<char*>(P.Name), Data->ProtoAliases, P.Number };
    return &Data->Proto;
}

bool OwnName(const char* Name)
{
    char Own[256];
    return Same(Name, "localhost") || (gethostname(Own, sizeof(Own)) == 0 && Same(Name, Own));
}

constexpr u8 Loopback4[4] = { 127, 0, 0, 1 };
constexpr u8 Loopback6[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

hostent* GiveHost(const char* Name, const u8* Address, int Family)
{
    PerThread* Data = Mine();
    if (!Data) {
        return nullptr;
    }
    int Size = Family == AF_INET ? 4 : 16;
    lstrcpynA(Data->HostName, Name, sizeof(Data->HostName));
    __builtin_memcpy(Data->Address, Address, usize(Size));
    Data->HostAddresses[0] = Data->Address;
    Data->Host = { Data->HostName, Data->HostAliases, short(Family), short(Size), Data->HostAddresses };
    return &Data->Host;
}

// One result of getaddrinfo in UTF-16 or ANSI: record, address and name are one allocation.
template <typename Info, typename Char> struct Found {
    Info Record;
    union {
        sockaddr_in V4;
        sockaddr_in6 V6;
    } Address;
    Char Name[1];
};

template <typename Info, typename Char>
int Append(Info**& End, int Family, const u8* Address, u16 Port, u32 Scope, int Type, int Protocol, const Char* Canonical)
{
    usize Length = 0;
    while (Canonical && Canonical[Length]) {
        ++Length;
    }
    auto F = static_cast<Found<Info, Char>*>(win::Allocate(sizeof(Found<Info, Char>) + Length * sizeof(Char)));
    if (!F) {
        return WSA_NOT_ENOUGH_MEMORY;
    }
    F->Record.ai_family = Family;
    F->Record.ai_socktype = Type;
    F->Record.ai_protocol = Protocol;
    F->Record.ai_addr = reinterpret_cast<sockaddr*>(&F->Address);
    if (Family == AF_INET) {
        F->Address.V4.sin_family = AF_INET;
        F->Address.V4.sin_port = htons(Port);
        __builtin_memcpy(&F->Address.V4.sin_addr, Address, 4);
        F->Record.ai_addrlen = sizeof(sockaddr_in);
    } else {
        F->Address.V6.sin6_family = AF_INET6;
        F->Address.V6.sin6_port = htons(Port);
        F->Address.V6.sin6_scope_id = Scope;
        __builtin_memcpy(&F->Address.V6.sin6_addr, Address, 16);
        F->Record.ai_addrlen = sizeof(sockaddr_in6);
    }
    if (Canonical) {
        for (usize i = 0; i < Length; ++i) {
            F->Name[i] = Canonical[i];
        }
        F->Record.ai_canonname = F->Name;
    }
    *End = &F->Record;
    End = &F->Record.ai_next;
    return 0;
}

template <typename Info> void Release(Info* List)
{
    while (List) {
        Info* Next = List->ai_next;
        win::Free(List);
        List = Next;
    }
}

// The port of a service given by number or name; 0 or an error of getaddrinfo.
template <typename Char> int PortOf(const Char* Name, int Flags, int Type, u16& Port)
{
    Port = 0;
    if (!Name || !*Name) {
        return 0;
    }
    u64 Number;
    const Char* At = Name;
    if (ParseNumber(At, 10, 65535, Number) && !*At) {
        Port = u16(Number);
        return 0;
    }
    if (Flags & AI_NUMERICSERV) {
        return WSAHOST_NOT_FOUND;
    }
    char Narrow[64];
    usize i = 0;
    for (; Name[i] && i + 1 < sizeof(Narrow); ++i) {
        Narrow[i] = char(Name[i]);
    }
    Narrow[i] = 0;
    const Service* S = FindService(Narrow, 0, Type == SOCK_DGRAM ? "udp" : Type == SOCK_STREAM ? "tcp" : nullptr);
    if (!S) {
        return WSATYPE_NOT_FOUND;
    }
    Port = S->Port;
    return 0;
}

template <typename Info, typename Char> int Resolve(const Char* Node, const Char* Service, const Info* Hints, Info** Out)
{
    if (!Out) {
        return WSAEINVAL;
    }
    *Out = nullptr;
    if (!Started()) {
        return WSANOTINITIALISED;
    }
    if (!Node && !Service) {
        return WSAHOST_NOT_FOUND;
    }
    int Flags = Hints ? Hints->ai_flags : 0, Family = Hints ? Hints->ai_family : AF_UNSPEC;
    int Type = Hints ? Hints->ai_socktype : 0, Protocol = Hints ? Hints->ai_protocol : 0;
    if (Hints && (Hints->ai_addrlen || Hints->ai_canonname || Hints->ai_addr || Hints->ai_next)) {
        return WSANO_RECOVERY;
    }
    if (Family != AF_UNSPEC && Family != AF_INET && Family != AF_INET6) {
        return WSAEAFNOSUPPORT;
    }
    if ((Flags & AI_CANONNAME) && !Node) {
        return WSAEINVAL;
    }
    u16 Port;
    if (int Error = PortOf(Service, Flags, Type, Port)) {
        return Error;
    }
    u8 V4[4] = {}, V6[16] = {};
    bool Has4 = false, Has6 = false;
    u64 Scope = 0;
    const Char* Canonical = nullptr;
    char Narrow[256];
    if (!Node) {
        Has4 = Has6 = true;
        if (!(Flags & AI_PASSIVE)) {
            __builtin_memcpy(V4, Loopback4, 4);
            __builtin_memcpy(V6, Loopback6, 16);
        }
    } else {
        const Char* At = Node;
        if (ParseIpv4Loose(At, V4) && !*At) {
            Has4 = true;
        } else {
            At = Node;
            Has6 = ParseIpv6(At, V6) && (*At != '%' || ParseNumber(++At, 10, 0xFFFFFFFF, Scope)) && !*At;
        }
        if (!Has4 && !Has6) {
            if (Flags & AI_NUMERICHOST) {
                return WSAHOST_NOT_FOUND;
            }
            usize i = 0;
            for (; Node[i] && i + 1 < sizeof(Narrow); ++i) {
                Narrow[i] = char(Node[i]);
            }
            Narrow[i] = 0;
            if (i && !OwnName(Narrow)) {
                return WSAHOST_NOT_FOUND;
            }
            __builtin_memcpy(V4, Loopback4, 4);
            __builtin_memcpy(V6, Loopback6, 16);
            Has4 = Has6 = true;
        }
        Canonical = (Flags & AI_CANONNAME) ? Node : nullptr;
    }
    Has4 = Has4 && Family != AF_INET6;
    Has6 = Has6 && Family != AF_INET;
    if (!Has4 && !Has6) {
        return Node ? WSAHOST_NOT_FOUND : WSANO_DATA;
    }
    Info** End = Out;
    int Error = 0;
    if (Has6) {
        Error = Append(End, AF_INET6, V6, Port, u32(Scope), Type, Protocol, Canonical);
        Canonical = nullptr;
    }
    if (Has4 && !Error) {
        Error = Append(End, AF_INET, V4, Port, 0, Type, Protocol, Canonical);
    }
    if (Error) {
        Release(*Out);
        *Out = nullptr;
    }
    return Error;
}

template <typename Char> int NameOf(const SOCKADDR* Address, int Size, Char* Host, DWORD HostSize, Char* Serv, DWORD ServSize, int Flags)
{
    if (!Started()) {
        return WSANOTINITIALISED;
    }
    bool Is4 = Address && Address->sa_family == AF_INET, Is6 = Address && Address->sa_family == AF_INET6;
    if ((!Is4 && !Is6) || Size < int(Is4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6))) {
        return Address && !Is4 && !Is6 ? WSAEAFNOSUPPORT : WSAEFAULT;
    }
    auto V4 = reinterpret_cast<const sockaddr_in*>(Address);
    auto V6 = reinterpret_cast<const sockaddr_in6*>(Address);
    auto Give = [](Char* Out, DWORD Room, const Char* Text, usize Length) {
        if (!Out || !Room) {
            return 0;
        }
        if (Room < Length + 1) {
            return int(WSAEFAULT);
        }
        __builtin_memcpy(Out, Text, Length * sizeof(Char));
        Out[Length] = 0;
        return 0;
    };
    Char Text[256];
    if (Host && HostSize) {
        auto Bytes = Is4 ? reinterpret_cast<const u8*>(&V4->sin_addr) : reinterpret_cast<const u8*>(&V6->sin6_addr);
        bool Self = Is4 ? Bytes[0] == 127 : __builtin_memcmp(Bytes, Loopback6, 16) == 0;
        usize Length = 0;
        if (Self && !(Flags & NI_NUMERICHOST)) {
            char Own[256];
            if (gethostname(Own, sizeof(Own))) {
                return WSAHOST_NOT_FOUND;
            }
            for (; Own[Length]; ++Length) {
                Text[Length] = Char(Own[Length]);
            }
        } else {
            if (Flags & NI_NAMEREQD) {
                return WSAHOST_NOT_FOUND;
            }
            Length = usize((Is4 ? FormatIpv4(Bytes, Text) : FormatIpv6(Bytes, Text)) - Text);
            if (Is6 && V6->sin6_scope_id) {
                Text[Length++] = '%';
                Length = usize(PutNumber(Text + Length, V6->sin6_scope_id, 10) - Text);
            }
        }
        if (int Error = Give(Host, HostSize, Text, Length)) {
            return Error;
        }
    }
    if (Serv && ServSize) {
        u16 Port = ntohs(Is4 ? V4->sin_port : V6->sin6_port);
        const Service* S = (Flags & NI_NUMERICSERV) ? nullptr : FindService(nullptr, Port, (Flags & NI_DGRAM) ? "udp" : "tcp");
        usize Length = 0;
        if (S) {
            for (; S->Name[Length]; ++Length) {
                Text[Length] = Char(S->Name[Length]);
            }
        } else {
            Length = usize(PutNumber(Text, Port, 10) - Text);
        }
        return Give(Serv, ServSize, Text, Length);
    }
    return 0;
}

int Told(int Error)
{
    if (Error) {
        SetLastError(DWORD(Error));
    }
    return Error;
}

}

EXPORT int WINAPI gethostname(char* Out, int Size)
{
    char Name[256];
    DWORD Length = sizeof(Name);
    if (!Out) {
        return Fail(WSAEFAULT);
    }
    if (!GetComputerNameExA(ComputerNameDnsHostname, Name, &Length) || int(Length) >= Size) {
        return Fail(WSAEFAULT);
    }
    lstrcpyA(Out, Name);
    return 0;
}
EXPORT int WINAPI GetHostNameW(PWSTR Out, int Size)
{
    WCHAR Name[256];
    DWORD Length = 256;
    if (!Out || !GetComputerNameExW(ComputerNameDnsHostname, Name, &Length) || int(Length) >= Size) {
        return Fail(WSAEFAULT);
    }
    lstrcpyW(Out, Name);
    return 0;
}

EXPORT INT WINAPI getaddrinfo(PCSTR Node, PCSTR Service, const ADDRINFOA* Hints, PADDRINFOA* Out)
{
    return Told(Resolve(Node, Service, Hints, Out));
}
EXPORT INT WINAPI GetAddrInfoW(PCWSTR Node, PCWSTR Service, const ADDRINFOW* Hints, PADDRINFOW* Out)
{
    return Told(Resolve(Node, Service, Hints, Out));
}
EXPORT VOID WINAPI freeaddrinfo(PADDRINFOA List) { Release(List); }
EXPORT VOID WINAPI FreeAddrInfoW(PADDRINFOW List) { Release(List); }
EXPORT INT WINAPI getnameinfo(const SOCKADDR* Address, socklen_t Size, PCHAR Host, DWORD HostSize, PCHAR Serv, DWORD ServSize, INT Flags)
{
    return Told(NameOf(Address, Size, Host, HostSize, Serv, ServSize, Flags));
}
EXPORT INT WINAPI GetNameInfoW(const SOCKADDR* Address, socklen_t Size, PWCHAR Host, DWORD HostSize, PWCHAR Serv, DWORD ServSize, INT Flags)
{
    return Told(NameOf(Address, Size, Host, HostSize, Serv, ServSize, Flags));
}

EXPORT hostent* WINAPI gethostbyname(const char* Name)
{
    char Own[256];
    if (!Started()) {
        return nullptr;
    }
    if (!Name || !*Name) {
        if (gethostname(Own, sizeof(Own))) {
            return nullptr;
        }
        Name = Own;
    }
    u8 Address[4];
    const char* At = Name;
    if (ParseIpv4Loose(At, Address) && !*At) {
        return GiveHost(Name, Address, AF_INET);
    }
    if (OwnName(Name)) {
        return GiveHost(Name, Loopback4, AF_INET);
    }
    Fail(WSAHOST_NOT_FOUND);
    return nullptr;
}
EXPORT hostent* WINAPI gethostbyaddr(const char* Address, int Size, int Family)
{
    if (!Started()) {
        return nullptr;
    }
    auto Bytes = reinterpret_cast<const u8*>(Address);
    char Own[256];
    bool Self = Bytes && ((Family == AF_INET && Size >= 4 && Bytes[0] == 127) ||
                          (Family == AF_INET6 && Size >= 16 && __builtin_memcmp(Bytes, Loopback6, 16) == 0));
    if (Self && gethostname(Own, sizeof(Own)) == 0) {
        return GiveHost(Own, Bytes, Family);
    }
    Fail(!Bytes ? WSAEFAULT : Family != AF_INET && Family != AF_INET6 ? WSAEAFNOSUPPORT : WSAHOST_NOT_FOUND);
    return nullptr;
}
EXPORT servent* WINAPI getservbyname(const char* Name, const char* Protocol)
{
    return Started() ? Give(Name ? FindService(Name, 0, Protocol) : nullptr, Protocol) : nullptr;
}
EXPORT servent* WINAPI getservbyport(int Port, const char* Protocol)
{
    return Started() ? Give(FindService(nullptr, ntohs(u16(Port)), Protocol), Protocol) : nullptr;
}
EXPORT protoent* WINAPI getprotobyname(const char* Name)
{
    for (const Protocol& P : Protocols) {
        if (Name && (Same(P.Name, Name) || Same(P.Alias, Name))) {
            return Give(P);
        }
    }
    Fail(WSANO_DATA);
    return nullptr;
}
EXPORT protoent* WINAPI getprotobynumber(int Number)
{
    for (const Protocol& P : Protocols) {
        if (P.Number == Number) {
            return Give(P);
        }
    }
    Fail(WSANO_DATA);
    return nullptr;
}
