// iphlpapi of a machine whose only network interface is its loopback: 127.0.0.1 and ::1, no routes, no connections.
#include <winsock2.h>
#include <ws2tcpip.h>

#include "win32/common/win.hpp"

#include <iphlpapi.h>
#include <netioapi.h>

namespace {

constexpr NET_IFINDEX Index = 1;
constexpr WCHAR Name[] = L"loopback_0", Alias[] = L"Loopback Pseudo-Interface 1", Description[] = L"Software Loopback Interface 1";
constexpr char GuidText[] = "{E2A4D7B2-1A9C-4C59-9C4B-5D3F6B0C7E11}";
constexpr GUID Id = { 0xE2A4D7B2, 0x1A9C, 0x4C59, { 0x9C, 0x4B, 0x5D, 0x3F, 0x6B, 0x0C, 0x7E, 0x11 } };
constexpr ULONG Speed = 1073741824;

NET_LUID Luid()
{
    NET_LUID Value = {};
    Value.Info.IfType = IF_TYPE_SOFTWARE_LOOPBACK;
    return Value;
}

// Parts of one caller-supplied block, one behind the other, 8-byte aligned.
class Block {
public:
    explicit Block(void* Memory) : At_(static_cast<u8*>(Memory)) {}
    template <typename T> T* Take(usize Count = 1)
    {
        T* Part = reinterpret_cast<T*>(At_ + Used_);
        Used_ += AlignUp(sizeof(T) * Count, 8);
        return Part;
    }
    template <typename T, usize Count> T* Copy(const T (&Text)[Count])
    {
        T* Part = Take<T>(Count);
        if (At_) {
            __builtin_memcpy(Part, Text, sizeof(Text));
        }
        return Part;
    }
    bool Writes() const { return At_ != nullptr; }
    usize Used() const { return Used_; }

private:
    u8* At_;
    usize Used_ = 0;
};

usize FillAddresses(void* Memory, ULONG Family, ULONG Flags)
{
    Block B(Memory);
    auto* A = B.Take<IP_ADAPTER_ADDRESSES>();
    char* Adapter = B.Copy(GuidText);
    WCHAR* Empty = B.Copy(L"");
    WCHAR* Described = B.Copy(Description);
    WCHAR* Friendly = B.Copy(Alias);
    if (B.Writes()) {
        __builtin_memset(A, 0, sizeof(*A));
        A->Length = sizeof(*A);
        A->IfIndex = A->Ipv6IfIndex = Index;
        A->AdapterName = Adapter;
        A->DnsSuffix = Empty;
        A->Description = Described;
        A->FriendlyName = Friendly;
        A->Flags = IP_ADAPTER_IPV4_ENABLED | IP_ADAPTER_IPV6_ENABLED;
        A->Mtu = ~0u;
        A->IfType = IF_TYPE_SOFTWARE_LOOPBACK;
        A->OperStatus = IfOperStatusUp;
        A->TransmitLinkSpeed = A->ReceiveLinkSpeed = Speed;
        A->Ipv4Metric = A->Ipv6Metric = 75;
        A->Luid = Luid();
        A->NetworkGuid = Id;
        A->ConnectionType = NET_IF_CONNECTION_DEDICATED;
        for (int i = 0; i < 16; ++i) {
            A->ZoneIndices[i] = Index;
        }
    }
    if (Flags & GAA_FLAG_SKIP_UNICAST) {
        return B.Used();
    }
    IP_ADAPTER_UNICAST_ADDRESS* Previous = nullptr;
    auto Add = [&](int One, const void* Address, int Size, UINT8 Prefix) {
        if (Family != AF_UNSPEC && Family != ULONG(One)) {
            return;
        }
        auto* U = B.Take<IP_ADAPTER_UNICAST_ADDRESS>();
        auto* Bytes = B.Take<u8>(usize(Size));
        if (!B.Writes()) {
            return;
        }
        __builtin_memcpy(Bytes, Address, usize(Size));
        __builtin_memset(U, 0, sizeof(*U));
        U->Length = sizeof(*U);
        U->Flags = IP_ADAPTER_ADDRESS_DNS_ELIGIBLE;
        U->Address.lpSockaddr = reinterpret_cast<sockaddr*>(Bytes);
        U->Address.iSockaddrLength = Size;
        U->PrefixOrigin = IpPrefixOriginWellKnown;
        U->SuffixOrigin = IpSuffixOriginWellKnown;
        U->DadState = IpDadStatePreferred;
        U->ValidLifetime = U->PreferredLifetime = U->LeaseLifetime = ~0u;
        U->OnLinkPrefixLength = Prefix;
        (Previous ? Previous->Next : A->FirstUnicastAddress) = U;
        Previous = U;
    };
    sockaddr_in6 V6 = {};
    V6.sin6_family = AF_INET6;
    reinterpret_cast<u8*>(&V6.sin6_addr)[15] = 1;
    sockaddr_in V4 = {};
    V4.sin_family = AF_INET;
    reinterpret_cast<u8*>(&V4.sin_addr)[0] = 127;
    reinterpret_cast<u8*>(&V4.sin_addr)[3] = 1;
    Add(AF_INET6, &V6, sizeof(V6), 128);
    Add(AF_INET, &V4, sizeof(V4), 8);
    return B.Used();
}

// Tables of the old style, all with a count in front, that have no rows here.
DWORD EmptyTable(void* Table, PULONG Size, ULONG Least)
{
    if (!Size) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Table || *Size < Least) {
        *Size = Least;
        return ERROR_INSUFFICIENT_BUFFER;
    }
    *static_cast<DWORD*>(Table) = 0;
    return NO_ERROR;
}

void FillRow(MIB_IFROW& R)
{
    R = {};
    lstrcpyW(R.wszName, L"\\DEVICE\\TCPIP_{E2A4D7B2-1A9C-4C59-9C4B-5D3F6B0C7E11}");
    R.dwIndex = Index;
    R.dwType = IF_TYPE_SOFTWARE_LOOPBACK;
    R.dwMtu = 1500;
    R.dwSpeed = Speed;
    R.dwAdminStatus = MIB_IF_ADMIN_STATUS_UP;
    R.dwOperStatus = IF_OPER_STATUS_OPERATIONAL;
    const char Text[] = "Software Loopback Interface 1";
    R.dwDescrLen = sizeof(Text);
    __builtin_memcpy(R.bDescr, Text, sizeof(Text));
}

void FillRow(MIB_IF_ROW2& R)
{
    __builtin_memset(&R, 0, sizeof(R));
    R.InterfaceLuid = Luid();
    R.InterfaceIndex = Index;
    R.InterfaceGuid = Id;
    lstrcpyW(R.Alias, Alias);
    lstrcpyW(R.Description, Description);
    R.Mtu = ~0u;
    R.Type = IF_TYPE_SOFTWARE_LOOPBACK;
    R.AccessType = NET_IF_ACCESS_LOOPBACK;
    R.DirectionType = NET_IF_DIRECTION_SENDRECEIVE;
    R.OperStatus = IfOperStatusUp;
    R.AdminStatus = NET_IF_ADMIN_STATUS_UP;
    R.MediaConnectState = MediaConnectStateConnected;
    R.ConnectionType = NET_IF_CONNECTION_DEDICATED;
    R.TransmitLinkSpeed = R.ReceiveLinkSpeed = Speed;
}

// Nothing ever changes, so a subscription is a token that is never used.
DWORD Subscribe(PHANDLE Handle)
{
    if (!Handle) {
        return ERROR_INVALID_PARAMETER;
    }
    *Handle = HANDLE(win::Allocate(1));
    return *Handle ? NO_ERROR : ERROR_NOT_ENOUGH_MEMORY;
}

}

EXPORT ULONG WINAPI GetAdaptersAddresses(ULONG Family, ULONG Flags, PVOID, PIP_ADAPTER_ADDRESSES Out, PULONG Size)
{
    if (!Size || (Family != AF_UNSPEC && Family != AF_INET && Family != AF_INET6)) {
        return ERROR_INVALID_PARAMETER;
    }
    ULONG Needed = ULONG(FillAddresses(nullptr, Family, Flags));
    if (!Out || *Size < Needed) {
        *Size = Needed;
        return ERROR_BUFFER_OVERFLOW;
    }
    *Size = Needed;
    FillAddresses(Out, Family, Flags);
    return NO_ERROR;
}
// The loopback is not in this list.
EXPORT DWORD WINAPI GetAdaptersInfo(PIP_ADAPTER_INFO, PULONG Size) { return Size ? ERROR_NO_DATA : ERROR_INVALID_PARAMETER; }
EXPORT DWORD WINAPI GetInterfaceInfo(PIP_INTERFACE_INFO, PULONG Size) { return Size ? ERROR_NO_DATA : ERROR_INVALID_PARAMETER; }
EXPORT DWORD WINAPI GetNumberOfInterfaces(PDWORD Count) { return Count ? (*Count = 1, NO_ERROR) : ERROR_INVALID_PARAMETER; }

EXPORT DWORD WINAPI GetNetworkParams(PFIXED_INFO Out, PULONG Size)
{
    if (!Size) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Out || *Size < sizeof(*Out)) {
        *Size = sizeof(*Out);
        return ERROR_BUFFER_OVERFLOW;
    }
    __builtin_memset(Out, 0, sizeof(*Out));
    DWORD Room = sizeof(Out->HostName);
    GetComputerNameExA(ComputerNameDnsHostname, Out->HostName, &Room);
    Out->NodeType = BROADCAST_NODETYPE;
    return NO_ERROR;
}

EXPORT DWORD WINAPI GetIfTable(PMIB_IFTABLE Out, PULONG Size, BOOL)
{
    if (!Size) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Out || *Size < sizeof(*Out)) {
        *Size = sizeof(*Out);
        return ERROR_INSUFFICIENT_BUFFER;
    }
    Out->dwNumEntries = 1;
    FillRow(Out->table[0]);
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetIfEntry(PMIB_IFROW Row)
{
    if (!Row) {
        return ERROR_INVALID_PARAMETER;
    }
    if (Row->dwIndex != Index) {
        return ERROR_INVALID_DATA;
    }
    FillRow(*Row);
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetIfEntry2(PMIB_IF_ROW2 Row)
{
    if (!Row) {
        return ERROR_INVALID_PARAMETER;
    }
    if (Row->InterfaceIndex != Index && Row->InterfaceLuid.Value != Luid().Value) {
        return ERROR_FILE_NOT_FOUND;
    }
    FillRow(*Row);
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetIfTable2(PMIB_IF_TABLE2* Out)
{
    if (!Out) {
        return ERROR_INVALID_PARAMETER;
    }
    *Out = static_cast<PMIB_IF_TABLE2>(win::Allocate(sizeof(MIB_IF_TABLE2)));
    if (!*Out) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    (*Out)->NumEntries = 1;
    FillRow((*Out)->Table[0]);
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetIfTable2Ex(MIB_IF_TABLE_LEVEL, PMIB_IF_TABLE2* Out) { return GetIfTable2(Out); }
EXPORT VOID WINAPI FreeMibTable(PVOID Table) { win::Free(Table); }

EXPORT DWORD WINAPI GetIpAddrTable(PMIB_IPADDRTABLE Out, PULONG Size, BOOL)
{
    if (!Size) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Out || *Size < sizeof(*Out)) {
        *Size = sizeof(*Out);
        return ERROR_INSUFFICIENT_BUFFER;
    }
    __builtin_memset(Out, 0, sizeof(*Out));
    Out->dwNumEntries = 1;
    Out->table[0].dwAddr = 0x0100007F;
    Out->table[0].dwIndex = Index;
    Out->table[0].dwMask = 0x000000FF;
    Out->table[0].dwBCastAddr = 1;
    Out->table[0].dwReasmSize = 65535;
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetIpForwardTable(PMIB_IPFORWARDTABLE, PULONG Size, BOOL) { return Size ? ERROR_NO_DATA : ERROR_INVALID_PARAMETER; }
EXPORT DWORD WINAPI GetIpNetTable(PMIB_IPNETTABLE, PULONG Size, BOOL) { return Size ? ERROR_NO_DATA : ERROR_INVALID_PARAMETER; }
EXPORT DWORD WINAPI GetTcpTable(PMIB_TCPTABLE Out, PULONG Size, BOOL) { return EmptyTable(Out, Size, sizeof(DWORD)); }
EXPORT DWORD WINAPI GetUdpTable(PMIB_UDPTABLE Out, PULONG Size, BOOL) { return EmptyTable(Out, Size, sizeof(DWORD)); }
EXPORT DWORD WINAPI GetExtendedTcpTable(PVOID Out, PULONG Size, BOOL, ULONG, TCP_TABLE_CLASS, ULONG)
{
    return EmptyTable(Out, Size, sizeof(DWORD));
}
EXPORT DWORD WINAPI GetExtendedUdpTable(PVOID Out, PULONG Size, BOOL, ULONG, UDP_TABLE_CLASS, ULONG)
{
    return EmptyTable(Out, Size, sizeof(DWORD));
}

// No route leads anywhere but to the machine itself.
EXPORT DWORD WINAPI GetBestInterfaceEx(sockaddr* To, PDWORD Out)
{
    if (!To || !Out) {
        return ERROR_INVALID_PARAMETER;
    }
    bool Local = To->sa_family == AF_INET && reinterpret_cast<const u8*>(&reinterpret_cast<sockaddr_in*>(To)->sin_addr)[0] == 127;
    if (!Local) {
        return ERROR_NETWORK_UNREACHABLE;
    }
    *Out = Index;
    return NO_ERROR;
}
EXPORT DWORD WINAPI GetBestInterface(IPAddr To, PDWORD Out)
{
    sockaddr_in Address = {};
    Address.sin_family = AF_INET;
    __builtin_memcpy(&Address.sin_addr, &To, 4);
    return GetBestInterfaceEx(reinterpret_cast<sockaddr*>(&Address), Out);
}
EXPORT DWORD WINAPI GetBestRoute(DWORD, DWORD, PMIB_IPFORWARDROW) { return ERROR_NETWORK_UNREACHABLE; }
EXPORT DWORD WINAPI GetBestRoute2(NET_LUID*, NET_IFINDEX, const SOCKADDR_INET*, const SOCKADDR_INET*, ULONG, PMIB_IPFORWARD_ROW2,
                                  SOCKADDR_INET*)
{
    return ERROR_NETWORK_UNREACHABLE;
}

EXPORT DWORD WINAPI ConvertInterfaceIndexToLuid(NET_IFINDEX Which, PNET_LUID Out)
{
    return !Out ? ERROR_INVALID_PARAMETER : Which != Index ? ERROR_FILE_NOT_FOUND : (*Out = Luid(), NO_ERROR);
}
EXPORT DWORD WINAPI ConvertInterfaceLuidToIndex(const NET_LUID* Which, PNET_IFINDEX Out)
{
    return !Which || !Out ? ERROR_INVALID_PARAMETER : Which->Value != Luid().Value ? ERROR_FILE_NOT_FOUND : (*Out = Index, NO_ERROR);
}
EXPORT DWORD WINAPI ConvertInterfaceLuidToGuid(const NET_LUID* Which, GUID* Out)
{
    return !Which || !Out ? ERROR_INVALID_PARAMETER : Which->Value != Luid().Value ? ERROR_FILE_NOT_FOUND : (*Out = Id, NO_ERROR);
}
EXPORT DWORD WINAPI ConvertInterfaceLuidToNameW(const NET_LUID* Which, PWSTR Out, SIZE_T Room)
{
    if (!Which || Which->Value != Luid().Value) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Out || Room < sizeof(Name) / sizeof(WCHAR)) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    lstrcpyW(Out, Name);
    return NO_ERROR;
}
EXPORT DWORD WINAPI ConvertInterfaceLuidToAlias(const NET_LUID* Which, PWSTR Out, SIZE_T Room)
{
    if (!Which || Which->Value != Luid().Value) {
        return ERROR_INVALID_PARAMETER;
    }
    if (!Out || Room < sizeof(Alias) / sizeof(WCHAR)) {
        return ERROR_NOT_ENOUGH_MEMORY;
    }
    lstrcpyW(Out, Alias);
    return NO_ERROR;
}
EXPORT NET_IFINDEX WINAPI if_nametoindex(PCSTR Text) { return Text && lstrcmpiA(Text, "loopback_0") == 0 ? Index : 0; }
EXPORT PCHAR WINAPI if_indextoname(NET_IFINDEX Which, PCHAR Out) { return Which == Index ? lstrcpyA(Out, "loopback_0") : nullptr; }

EXPORT DWORD WINAPI NotifyIpInterfaceChange(ADDRESS_FAMILY, PIPINTERFACE_CHANGE_CALLBACK Callback, PVOID Data, BOOLEAN Initial,
                                            HANDLE* Handle)
{
    DWORD Error = Subscribe(Handle);
    if (!Error && Initial && Callback) {
        Callback(Data, nullptr, MibInitialNotification);
    }
    return Error;
}
EXPORT DWORD WINAPI NotifyUnicastIpAddressChange(ADDRESS_FAMILY, PUNICAST_IPADDRESS_CHANGE_CALLBACK Callback, PVOID Data, BOOLEAN Initial,
                                                 HANDLE* Handle)
{
    DWORD Error = Subscribe(Handle);
    if (!Error && Initial && Callback) {
        Callback(Data, nullptr, MibInitialNotification);
    }
    return Error;
}
EXPORT DWORD WINAPI NotifyRouteChange2(ADDRESS_FAMILY, PIPFORWARD_CHANGE_CALLBACK Callback, PVOID Data, BOOLEAN Initial, HANDLE* Handle)
{
    DWORD Error = Subscribe(Handle);
    if (!Error && Initial && Callback) {
        Callback(Data, nullptr, MibInitialNotification);
    }
    return Error;
}
EXPORT DWORD WINAPI CancelMibChangeNotify2(HANDLE Handle)
{
    win::Free(Handle);
    return Handle ? NO_ERROR : ERROR_INVALID_PARAMETER;
}
