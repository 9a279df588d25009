// Event tracing as a provider sees it when no session listens: registration succeeds, nothing is enabled, writes go nowhere. That is
// what Windows documents for providers without a consumer; there are no sessions on this system.
#include "ntdll/ntdll.hpp"

namespace {
constinit u64 NextRegistration = 1;
u64 NewHandle() { return __atomic_fetch_add(&NextRegistration, 1, __ATOMIC_RELAXED); }
constexpr ULONG InvalidParameter = 87, InvalidHandle = 6;
}

extern "C" {

ULONG NTAPI EtwEventRegister(const GUID* Provider, PVOID, PVOID, u64* Handle)
{
    if (!Provider || !Handle)
        return InvalidParameter;
    *Handle = NewHandle();
    return 0;
}
ULONG NTAPI EtwEventUnregister(u64 Handle) { return Handle ? 0 : InvalidHandle; }
ULONG NTAPI EtwEventSetInformation(u64 Handle, ULONG, PVOID, ULONG) { return Handle ? 0 : InvalidHandle; }
BOOLEAN NTAPI EtwEventEnabled(u64, const void*) { return 0; }
BOOLEAN NTAPI EtwEventProviderEnabled(u64, UCHAR, u64) { return 0; }
ULONG NTAPI EtwEventWrite(u64, const void*, ULONG, PVOID) { return 0; }
ULONG NTAPI EtwEventWriteEx(u64, const void*, u64, ULONG, const GUID*, const GUID*, ULONG, PVOID) { return 0; }
ULONG NTAPI EtwEventWriteFull(u64, const void*, USHORT, const GUID*, const GUID*, ULONG, PVOID) { return 0; }
ULONG NTAPI EtwEventWriteString(u64, UCHAR, u64, const WCHAR*) { return 0; }
ULONG NTAPI EtwEventWriteTransfer(u64, const void*, const GUID*, const GUID*, ULONG, PVOID) { return 0; }
ULONG NTAPI EtwEventWriteNoRegistration(const GUID*, const void*, ULONG, PVOID) { return 0; }

// 1 get, 2 set, 3 create, 4 get and set, 5 create and set
ULONG NTAPI EtwEventActivityIdControl(ULONG Code, GUID* Id)
{
    auto Create = [](GUID& Out) {
        u64 N = NewHandle();
        Out = { u32(RtlpInterruptTime()), u16(u64(Teb()->ClientId.UniqueProcess)), u16(u64(Teb()->ClientId.UniqueThread)), {} };
        __builtin_memcpy(Out.Data4, &N, 8);
    };
    if (!Id)
        return InvalidParameter;
    GUID& Mine = Teb()->ActivityId;
    GUID Old = Mine;
    switch (Code) {
    case 1:
        *Id = Mine;
        return 0;
    case 2:
        Mine = *Id;
        return 0;
    case 3:
        Create(*Id);
        return 0;
    case 4:
        Mine = *Id;
        *Id = Old;
        return 0;
    case 5:
        Create(Mine);
        *Id = Old;
        return 0;
    default:
        return InvalidParameter;
    }
}

ULONG NTAPI EtwRegisterTraceGuidsW(PVOID, PVOID, const GUID*, ULONG, PVOID, const WCHAR*, const WCHAR*, u64* Handle)
{
    if (!Handle)
        return InvalidParameter;
    *Handle = NewHandle();
    return 0;
}
ULONG NTAPI EtwRegisterTraceGuidsA(PVOID, PVOID, const GUID*, ULONG, PVOID, const char*, const char*, u64* Handle)
{
    if (!Handle)
        return InvalidParameter;
    *Handle = NewHandle();
    return 0;
}
ULONG NTAPI EtwUnregisterTraceGuids(u64 Handle) { return Handle ? 0 : InvalidHandle; }
u64 NTAPI EtwGetTraceLoggerHandle(PVOID) { return ~u64(0); }
ULONG NTAPI EtwGetTraceEnableFlags(u64) { return 0; }
UCHAR NTAPI EtwGetTraceEnableLevel(u64) { return 0; }
ULONG NTAPI EtwLogTraceEvent(u64, PVOID) { return InvalidHandle; }
ULONG EtwTraceMessage(u64, ULONG, const GUID*, USHORT, ...) { return InvalidHandle; }
ULONG NTAPI EtwTraceMessageVa(u64, ULONG, const GUID*, USHORT, __builtin_va_list) { return InvalidHandle; }

// Software-quality metrics: not collected.
BOOLEAN NTAPI WinSqmIsOptedIn() { return 0; }
BOOLEAN NTAPI WinSqmIsOptedInEx(ULONG) { return 0; }
HANDLE NTAPI WinSqmStartSession(const GUID*, ULONG, ULONG) { return nullptr; }
HANDLE NTAPI WinSqmStartSessionForPartner(const GUID*, ULONG, ULONG, ULONG) { return nullptr; }
void NTAPI WinSqmEndSession(HANDLE) { }
void NTAPI WinSqmIncrementDWORD(HANDLE, ULONG, ULONG) { }
void NTAPI WinSqmSetDWORD(HANDLE, ULONG, ULONG) { }
void NTAPI WinSqmSetString(HANDLE, ULONG, const WCHAR*) { }
void NTAPI WinSqmAddToStream(HANDLE, ULONG, ULONG, PVOID) { }

}
