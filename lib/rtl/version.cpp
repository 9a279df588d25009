// Which Windows this says it is, and comparing with what a program wants.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr ULONG VER_PLATFORM_WIN32_NT = 2, VER_SUITE_SINGLEUSERTS = 0x100, VER_NT_WORKSTATION = 1, PRODUCT_PROFESSIONAL = 0x30;

// Three bits per member of a condition mask, in the order of the VER_ bits.
u32 ConditionOf(u64 Mask, ULONG Type) { return u32(Mask >> (3 * __builtin_ctz(Type))) & 7; }

bool Compare(u32 Have, u32 Want, u32 Condition)
{
    switch (Condition) {
    case VER_EQUAL: return Have == Want;
    case VER_GREATER: return Have > Want;
    case VER_GREATER_EQUAL: return Have >= Want;
    case VER_LESS: return Have < Want;
    case VER_LESS_EQUAL: return Have <= Want;
    default: return false;
    }
}

}

extern "C" {

NTSTATUS NTAPI RtlGetVersion(OSVERSIONINFOEXW* Info)
{
    const PEB* Process = rtl::platform::Peb();
    Info->dwMajorVersion = Process->OSMajorVersion;
    Info->dwMinorVersion = Process->OSMinorVersion;
    Info->dwBuildNumber = Process->OSBuildNumber;
    Info->dwPlatformId = VER_PLATFORM_WIN32_NT;
    const UNICODE_STRING& Pack = Process->CSDVersion;
    usize Count = Pack.Buffer ? Pack.Length / 2 : 0;
    if (Count > 127)
        Count = 127;
    CRT(memcpy)(Info->szCSDVersion, Pack.Buffer, Count * 2);
    Info->szCSDVersion[Count] = 0;
    if (Info->dwOSVersionInfoSize >= sizeof(OSVERSIONINFOEXW)) {
        Info->wServicePackMajor = Process->OSCSDVersion >> 8;
        Info->wServicePackMinor = Process->OSCSDVersion & 0xFF;
        Info->wSuiteMask = VER_SUITE_SINGLEUSERTS;
        Info->wProductType = VER_NT_WORKSTATION;
        Info->wReserved = 0;
    }
    return STATUS_SUCCESS;
}

void NTAPI RtlGetNtVersionNumbers(ULONG* Major, ULONG* Minor, ULONG* Build)
{
    const PEB* Process = rtl::platform::Peb();
    if (Major)
        *Major = Process->OSMajorVersion;
    if (Minor)
        *Minor = Process->OSMinorVersion;
    if (Build)
        *Build = 0xF0000000 | Process->OSBuildNumber;       // a free (not a checked) build
}

BOOLEAN NTAPI RtlGetNtProductType(ULONG* Type)
{
    *Type = VER_NT_WORKSTATION;
    return true;
}

BOOLEAN NTAPI RtlGetProductInfo(ULONG Major, ULONG, ULONG, ULONG, ULONG* Product)
{
    if (!Product)
        return false;
    *Product = Major >= 6 ? PRODUCT_PROFESSIONAL : 0;
    return Major >= 6;
}

NTSTATUS NTAPI RtlVerifyVersionInfo(const OSVERSIONINFOEXW* Want, ULONG Types, ULONGLONG Mask)
{
    if (!Types || !Mask || !(Mask & ((u64(1) << 24) - 1)))
        return STATUS_INVALID_PARAMETER;
    OSVERSIONINFOEXW Have;
    Have.dwOSVersionInfoSize = sizeof(Have);
    RtlGetVersion(&Have);
    if (Types & VER_PRODUCT_TYPE && !Compare(Have.wProductType, Want->wProductType, ConditionOf(Mask, VER_PRODUCT_TYPE)))
        return STATUS_REVISION_MISMATCH;
    if (Types & VER_SUITENAME) {
        u32 Both = Have.wSuiteMask & Want->wSuiteMask;
        switch (ConditionOf(Mask, VER_SUITENAME)) {
        case VER_AND:
            if (Both != Want->wSuiteMask)
                return STATUS_REVISION_MISMATCH;
            break;
        case VER_OR:
            if (!Both && Want->wSuiteMask)
                return STATUS_REVISION_MISMATCH;
            break;
        default:
            return STATUS_INVALID_PARAMETER;
        }
    }
    if (Types & VER_PLATFORMID && !Compare(Have.dwPlatformId, Want->dwPlatformId, ConditionOf(Mask, VER_PLATFORMID)))
        return STATUS_REVISION_MISMATCH;
    if (Types & VER_BUILDNUMBER && !Compare(Have.dwBuildNumber, Want->dwBuildNumber, ConditionOf(Mask, VER_BUILDNUMBER)))
        return STATUS_REVISION_MISMATCH;
    // The four parts of the version are one number: the first that differs decides, under the condition of the first asked for.
    struct Part {
        ULONG Type;
        u32 Have, Want;
    } Parts[] = { { VER_MAJORVERSION, Have.dwMajorVersion, Want->dwMajorVersion }, { VER_MINORVERSION, Have.dwMinorVersion, Want->dwMinorVersion },
                  { VER_SERVICEPACKMAJOR, Have.wServicePackMajor, Want->wServicePackMajor },
                  { VER_SERVICEPACKMINOR, Have.wServicePackMinor, Want->wServicePackMinor } };
    bool Decides = true;
    u32 Last = 0;
    bool Holds = true;
    for (const Part& P : Parts) {
        if (!(Types & P.Type) || !Decides)
            continue;
        u32 Condition = ConditionOf(Mask, P.Type);
        if (P.Type == VER_MAJORVERSION || !Last)
            Last = Condition;
        else if (Last != VER_EQUAL && Condition != VER_EQUAL)
            Condition = Last;
        Last = Condition;
        Holds = Compare(P.Have, P.Want, Condition);
        Decides = P.Have == P.Want && Condition != VER_EQUAL ? true : P.Have == P.Want;
        if (Condition == VER_GREATER || Condition == VER_LESS)
            Holds = Holds && P.Have != P.Want;
        if (!Holds && !Decides)
            return STATUS_REVISION_MISMATCH;
    }
    return Holds ? STATUS_SUCCESS : STATUS_REVISION_MISMATCH;
}

ULONGLONG NTAPI VerSetConditionMask(ULONGLONG Mask, ULONG Types, UCHAR Condition)
{
    Condition &= 7;
    if (!Types || !Condition)
        return Mask;
    // Only the highest of several types takes it.
    constexpr ULONG Order[] = { VER_PRODUCT_TYPE, VER_SUITENAME, VER_SERVICEPACKMAJOR, VER_SERVICEPACKMINOR, VER_PLATFORMID, VER_BUILDNUMBER, VER_MAJORVERSION, VER_MINORVERSION };
    for (ULONG Type : Order)
        if (Types & Type)
            return Mask | u64(Condition) << (3 * __builtin_ctz(Type));
    return Mask;
}

}
