// secur32 without security packages: no credentials can be had; who the user is can be asked.
#define SECURITY_WIN32
#include "win32/common/win.hpp"

#include <security.h>

namespace {

BOOL Give(const WCHAR* Text, LPWSTR Out, PULONG Size)
{
    ULONG Needed = ULONG(win::Length(Text)) + 1;
    if (!Size) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    if (*Size < Needed || !Out) {
        *Size = Needed;
        return win::Fail(ERROR_MORE_DATA);
    }
    lstrcpyW(Out, Text);
    *Size = Needed - 1;
    return TRUE;
}

// The package list is one block that FreeContextBuffer frees; it is never empty memory, so that freeing it works.
SECURITY_STATUS None(ULONG* Count, void** List)
{
    if (!Count || !List) {
        return SEC_E_INVALID_TOKEN;
    }
    *List = win::Allocate(sizeof(SecPkgInfoW));
    if (!*List) {
        return SEC_E_INSUFFICIENT_MEMORY;
    }
    *Count = 0;
    return SEC_E_OK;
}

}

EXPORT BOOLEAN WINAPI GetUserNameExW(EXTENDED_NAME_FORMAT Format, LPWSTR Out, PULONG Size)
{
    WCHAR User[257], Text[300] = {};
    DWORD Room = 257, Own = 32;
    switch (Format) {
    case NameSamCompatible:
        if (!GetComputerNameW(Text, &Own)) {
            return FALSE;
        }
        lstrcatW(Text, L"\\");
        break;
    case NameDisplay:
        break;
    case NameUnknown:
    case NameFullyQualifiedDN:
    case NameUniqueId:
    case NameCanonical:
    case NameUserPrincipal:
    case NameCanonicalEx:
    case NameServicePrincipal:
    case NameDnsDomain:
        return BOOLEAN(win::Fail(ERROR_NONE_MAPPED)); // these exist in a domain only
    default:
        return BOOLEAN(win::Fail(ERROR_INVALID_PARAMETER));
    }
    if (!GetUserNameW(User, &Room)) {
        return FALSE;
    }
    lstrcatW(Text, User);
    return BOOLEAN(Give(Text, Out, Size));
}
EXPORT BOOLEAN WINAPI GetUserNameExA(EXTENDED_NAME_FORMAT Format, LPSTR Out, PULONG Size)
{
    WCHAR Wide[300];
    ULONG Length = 300;
    if (!Size) {
        return BOOLEAN(win::Fail(ERROR_INVALID_PARAMETER));
    }
    if (!GetUserNameExW(Format, Wide, &Length)) {
        return FALSE;
    }
    ULONG Needed = ULONG(WideCharToMultiByte(CP_ACP, 0, Wide, -1, nullptr, 0, nullptr, nullptr));
    if (*Size < Needed || !Out) {
        *Size = Needed;
        return BOOLEAN(win::Fail(ERROR_MORE_DATA));
    }
    WideCharToMultiByte(CP_ACP, 0, Wide, -1, Out, int(*Size), nullptr, nullptr);
    *Size = Needed - 1;
    return TRUE;
}
EXPORT BOOLEAN WINAPI GetComputerObjectNameW(EXTENDED_NAME_FORMAT, LPWSTR, PULONG)
{
    return BOOLEAN(win::Fail(ERROR_CANT_ACCESS_DOMAIN_INFO));
}
EXPORT BOOLEAN WINAPI GetComputerObjectNameA(EXTENDED_NAME_FORMAT, LPSTR, PULONG)
{
    return BOOLEAN(win::Fail(ERROR_CANT_ACCESS_DOMAIN_INFO));
}
EXPORT BOOLEAN WINAPI TranslateNameW(LPCWSTR, EXTENDED_NAME_FORMAT, EXTENDED_NAME_FORMAT, LPWSTR, PULONG)
{
    return BOOLEAN(win::Fail(ERROR_NONE_MAPPED));
}
EXPORT BOOLEAN WINAPI TranslateNameA(LPCSTR, EXTENDED_NAME_FORMAT, EXTENDED_NAME_FORMAT, LPSTR, PULONG)
{
    return BOOLEAN(win::Fail(ERROR_NONE_MAPPED));
}

EXPORT SECURITY_STATUS WINAPI EnumerateSecurityPackagesW(ULONG* Count, PSecPkgInfoW* List)
{
    return None(Count, reinterpret_cast<void**>(List));
}
EXPORT SECURITY_STATUS WINAPI EnumerateSecurityPackagesA(ULONG* Count, PSecPkgInfoA* List)
{
    return None(Count, reinterpret_cast<void**>(List));
}
EXPORT SECURITY_STATUS WINAPI QuerySecurityPackageInfoW(SEC_WCHAR*, PSecPkgInfoW*) { return SEC_E_SECPKG_NOT_FOUND; }
EXPORT SECURITY_STATUS WINAPI QuerySecurityPackageInfoA(SEC_CHAR*, PSecPkgInfoA*) { return SEC_E_SECPKG_NOT_FOUND; }
EXPORT SECURITY_STATUS WINAPI AcquireCredentialsHandleW(SEC_WCHAR*, SEC_WCHAR*, ULONG, void*, void*, SEC_GET_KEY_FN, void*, PCredHandle,
                                                        PTimeStamp)
{
    return SEC_E_SECPKG_NOT_FOUND;
}
EXPORT SECURITY_STATUS WINAPI AcquireCredentialsHandleA(SEC_CHAR*, SEC_CHAR*, ULONG, void*, void*, SEC_GET_KEY_FN, void*, PCredHandle,
                                                        PTimeStamp)
{
    return SEC_E_SECPKG_NOT_FOUND;
}
EXPORT SECURITY_STATUS WINAPI FreeContextBuffer(PVOID Memory)
{
    win::Free(Memory);
    return SEC_E_OK;
}
// Nobody can have a valid credential or context handle.
EXPORT SECURITY_STATUS WINAPI FreeCredentialsHandle(PCredHandle) { return SEC_E_INVALID_HANDLE; }
EXPORT SECURITY_STATUS WINAPI DeleteSecurityContext(PCtxtHandle) { return SEC_E_INVALID_HANDLE; }
EXPORT SECURITY_STATUS WINAPI InitializeSecurityContextW(PCredHandle, PCtxtHandle, SEC_WCHAR*, ULONG, ULONG, ULONG, PSecBufferDesc, ULONG,
                                                         PCtxtHandle, PSecBufferDesc, ULONG*, PTimeStamp)
{
    return SEC_E_INVALID_HANDLE;
}
EXPORT SECURITY_STATUS WINAPI InitializeSecurityContextA(PCredHandle, PCtxtHandle, SEC_CHAR*, ULONG, ULONG, ULONG, PSecBufferDesc, ULONG,
                                                         PCtxtHandle, PSecBufferDesc, ULONG*, PTimeStamp)
{
    return SEC_E_INVALID_HANDLE;
}
EXPORT SECURITY_STATUS WINAPI AcceptSecurityContext(PCredHandle, PCtxtHandle, PSecBufferDesc, ULONG, ULONG, PCtxtHandle, PSecBufferDesc,
                                                    ULONG*, PTimeStamp)
{
    return SEC_E_INVALID_HANDLE;
}

EXPORT PSecurityFunctionTableW WINAPI InitSecurityInterfaceW()
{
    static SecurityFunctionTableW Table;
    Table.dwVersion = SECURITY_SUPPORT_PROVIDER_INTERFACE_VERSION;
    Table.EnumerateSecurityPackagesW = EnumerateSecurityPackagesW;
    Table.AcquireCredentialsHandleW = AcquireCredentialsHandleW;
    Table.FreeCredentialsHandle = FreeCredentialsHandle;
    Table.InitializeSecurityContextW = InitializeSecurityContextW;
    Table.AcceptSecurityContext = AcceptSecurityContext;
    Table.DeleteSecurityContext = DeleteSecurityContext;
    Table.FreeContextBuffer = FreeContextBuffer;
    Table.QuerySecurityPackageInfoW = QuerySecurityPackageInfoW;
    return &Table;
}
EXPORT PSecurityFunctionTableA WINAPI InitSecurityInterfaceA()
{
    static SecurityFunctionTableA Table;
    Table.dwVersion = SECURITY_SUPPORT_PROVIDER_INTERFACE_VERSION;
    Table.EnumerateSecurityPackagesA = EnumerateSecurityPackagesA;
    Table.AcquireCredentialsHandleA = AcquireCredentialsHandleA;
    Table.FreeCredentialsHandle = FreeCredentialsHandle;
    Table.InitializeSecurityContextA = InitializeSecurityContextA;
    Table.AcceptSecurityContext = AcceptSecurityContext;
    Table.DeleteSecurityContext = DeleteSecurityContext;
    Table.FreeContextBuffer = FreeContextBuffer;
    Table.QuerySecurityPackageInfoA = QuerySecurityPackageInfoA;
    return &Table;
}
