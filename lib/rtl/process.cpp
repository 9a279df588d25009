// What lives in the PEB, the TEB and the shared-data page.
#include "abi/kuser.hpp"
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

using rtl::platform::Peb;
using rtl::platform::Teb;

namespace {

constexpr u32 ErrorModeBits = 0x70;     // RTL_SEM_FAILCRITICALERRORS, _NOGPFAULTERRORBOX, _NOALIGNMENTFAULTEXCEPT

const abi::KuserSharedData& Kuser() { return *reinterpret_cast<const abi::KuserSharedData*>(abi::KuserAddress); }

// The cookie both hides the pointer and says how far to rotate it.
u64 RotateRight(u64 Value, u32 By) { return By ? Value >> By | Value << (64 - By) : Value; }
u64 RotateLeft(u64 Value, u32 By) { return By ? Value << By | Value >> (64 - By) : Value; }

}

extern "C" {

PEB* NTAPI RtlGetCurrentPeb() { return Peb(); }
void NTAPI RtlAcquirePebLock() { rtl::platform::LockPeb(); }
void NTAPI RtlReleasePebLock() { rtl::platform::UnlockPeb(); }

ULONG NTAPI RtlGetLastWin32Error() { return Teb()->LastErrorValue; }
void NTAPI RtlSetLastWin32Error(ULONG Error) { Teb()->LastErrorValue = Error; }
void NTAPI RtlRestoreLastWin32Error(ULONG Error) { Teb()->LastErrorValue = Error; }
NTSTATUS NTAPI RtlGetLastNtStatus() { return Teb()->LastStatusValue; }
void NTAPI RtlSetLastWin32ErrorAndNtStatusFromNtStatus(NTSTATUS Status) { Teb()->LastErrorValue = RtlNtStatusToDosError(Status); }

ULONG NTAPI RtlGetThreadErrorMode() { return Teb()->HardErrorMode; }
NTSTATUS NTAPI RtlSetThreadErrorMode(ULONG Mode, ULONG* Old)
{
    if (Mode & ~ErrorModeBits)
        return STATUS_INVALID_PARAMETER_1;
    if (Old)
        *Old = Teb()->HardErrorMode;
    Teb()->HardErrorMode = Mode;
    return STATUS_SUCCESS;
}

PVOID NTAPI RtlEncodePointer(PVOID Pointer)
{
    u32 Cookie = rtl::platform::ProcessCookie();
    return reinterpret_cast<PVOID>(RotateRight(reinterpret_cast<u64>(Pointer) ^ Cookie, Cookie & 0x3F));
}
PVOID NTAPI RtlDecodePointer(PVOID Pointer)
{
    u32 Cookie = rtl::platform::ProcessCookie();
    return reinterpret_cast<PVOID>(RotateLeft(reinterpret_cast<u64>(Pointer), Cookie & 0x3F) ^ Cookie);
}
PVOID NTAPI RtlEncodeSystemPointer(PVOID Pointer)
{
    u32 Cookie = Kuser().Cookie;
    return reinterpret_cast<PVOID>(RotateRight(reinterpret_cast<u64>(Pointer) ^ Cookie, Cookie & 0x3F));
}
PVOID NTAPI RtlDecodeSystemPointer(PVOID Pointer)
{
    u32 Cookie = Kuser().Cookie;
    return reinterpret_cast<PVOID>(RotateLeft(reinterpret_cast<u64>(Pointer), Cookie & 0x3F) ^ Cookie);
}

void NTAPI RtlPushFrame(PVOID Frame)
{
    auto* Active = static_cast<TEB_ACTIVE_FRAME*>(Frame);
    Active->Previous = Teb()->ActiveFrame;
    Teb()->ActiveFrame = Active;
}
void NTAPI RtlPopFrame(PVOID Frame) { Teb()->ActiveFrame = static_cast<TEB_ACTIVE_FRAME*>(Frame)->Previous; }
PVOID NTAPI RtlGetFrame() { return Teb()->ActiveFrame; }

HANDLE NTAPI RtlGetCurrentTransaction() { return Teb()->CurrentTransactionHandle; }
BOOLEAN NTAPI RtlSetCurrentTransaction(HANDLE Transaction)
{
    Teb()->CurrentTransactionHandle = Transaction;
    return true;
}

BOOLEAN NTAPI RtlIsProcessorFeaturePresent(ULONG Feature)
{
    return Feature < sizeof(Kuser().ProcessorFeatures) && Kuser().ProcessorFeatures[Feature];
}

// Bias is what the system slept.
BOOLEAN NTAPI RtlQueryUnbiasedInterruptTime(ULONGLONG* Time)
{
    if (!Time) {
        RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_INVALID_PARAMETER);
        return 0;
    }
    const volatile abi::KSYSTEM_TIME& Now = Kuser().InterruptTime;
    u32 Low;
    i32 High;
    do {
        High = Now.High1Time;
        Low = Now.LowPart;
    } while (High != Now.High2Time);
    *Time = (u64(u32(High)) << 32 | Low) - Kuser().InterruptTimeBias;
    return 1;
}

// 0: the application sees placeholders for what they are.
CHAR NTAPI RtlQueryProcessPlaceholderCompatibilityMode() { return Peb()->PlaceholderCompatibilityMode; }

}
