// dnsapi without a name server.
#include "win32/common/win.hpp"

#include <windns.h>
#undef DnsRecordListFree

namespace {

constexpr DNS_STATUS NoServers = 9852; // DNS_ERROR_NO_DNS_SERVERS

template <typename Record> DNS_STATUS Nothing(Record** Out)
{
    if (!Out) {
        return ERROR_INVALID_PARAMETER;
    }
    *Out = nullptr;
    return NoServers;
}

}

EXPORT DNS_STATUS WINAPI DnsQuery_W(PCWSTR Name, WORD, DWORD, PIP4_ARRAY, PDNS_RECORD* Out, PVOID*)
{
    return Name ? Nothing(Out) : ERROR_INVALID_PARAMETER;
}
EXPORT DNS_STATUS WINAPI DnsQuery_A(PCSTR Name, WORD, DWORD, PIP4_ARRAY, PDNS_RECORD* Out, PVOID*)
{
    return Name ? Nothing(Out) : ERROR_INVALID_PARAMETER;
}
EXPORT DNS_STATUS WINAPI DnsQuery_UTF8(PCSTR Name, WORD, DWORD, PIP4_ARRAY, PDNS_RECORD* Out, PVOID*)
{
    return Name ? Nothing(Out) : ERROR_INVALID_PARAMETER;
}
EXPORT void WINAPI DnsFree(PVOID Data, DNS_FREE_TYPE)
{
    if (Data) {
        LocalFree(Data);
    }
}
EXPORT void WINAPI DnsRecordListFree(PDNS_RECORD List, DNS_FREE_TYPE) // our queries never give a list
{
    while (List) {
        PDNS_RECORD Next = List->pNext;
        LocalFree(List);
        List = Next;
    }
}
EXPORT BOOL WINAPI DnsNameCompare_W(LPWSTR A, LPWSTR B)
{
    if (!A || !B) {
        return FALSE;
    }
    // A dot at the end does not count.
    usize Left = win::Length(A), Right = win::Length(B);
    Left -= Left && A[Left - 1] == '.';
    Right -= Right && B[Right - 1] == '.';
    return CompareStringOrdinal(A, int(Left), B, int(Right), TRUE) == CSTR_EQUAL;
}
EXPORT BOOL WINAPI DnsNameCompare_A(LPSTR A, LPSTR B) { return DnsNameCompare_W(win::Wide(A), win::Wide(B)); }
EXPORT DNS_STATUS WINAPI DnsFlushResolverCache() { return TRUE; }
