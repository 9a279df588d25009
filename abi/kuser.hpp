// The page at 0x7FFE0000 that every process sees read-only: Windows' KUSER_SHARED_DATA (the fields programs read, at
// their documented offsets) and, from 0x800 on, what ntdll needs to answer time without a call. The Executive writes
// it at every clock tick; readers of multi-word fields use the HIGH1/HIGH2 protocol, of the clock the sequence number.
#pragma once
#include "abi/nt/basic.hpp"

namespace abi {

inline constexpr u64 KuserAddress = 0x7FFE0000;

struct KSYSTEM_TIME {
    u32 LowPart;
    i32 High1Time;
    i32 High2Time;
};

// Time is linear in the TSC: value = Base + ((Tsc - TscBase) * Multiplier >> 32), in 100 ns units.
// Read: s = Sequence (even), copy, re-read Sequence; again if it changed.
struct ClockPage {
    u32 Sequence;
    u32 Reserved;
    u64 TscBase;
    u64 Multiplier;             // 100 ns per TSC tick, 32.32 fixed point
    u64 SystemTimeBase;         // NT time (since 1601, UTC) at TscBase
    u64 InterruptTimeBase;      // since boot, at TscBase
    u64 TscFrequency;           // Hz
};

struct KuserSharedData {
    u32 TickCountLowDeprecated;     // 0x000
    u32 TickCountMultiplier;        // 0x004  (ticks -> ms) << 24
    KSYSTEM_TIME InterruptTime;     // 0x008
    KSYSTEM_TIME SystemTime;        // 0x014
    KSYSTEM_TIME TimeZoneBias;      // 0x020
    u16 ImageNumberLow;             // 0x02C
    u16 ImageNumberHigh;            // 0x02E
    wchar_t NtSystemRoot[260];      // 0x030
    u32 MaxStackTraceDepth;         // 0x238
    u32 CryptoExponent;             // 0x23C
    u32 TimeZoneId;                 // 0x240
    u32 LargePageMinimum;           // 0x244
    u32 AitSamplingValue;           // 0x248
    u32 AppCompatFlag;              // 0x24C
    u64 RNGSeedVersion;             // 0x250
    u32 GlobalValidationRunlevel;   // 0x258
    i32 TimeZoneBiasStamp;          // 0x25C
    u32 NtBuildNumber;              // 0x260
    u32 NtProductType;              // 0x264
    u8 ProductTypeIsValid;          // 0x268
    u8 Reserved0;
    u16 NativeProcessorArchitecture; // 0x26A
    u32 NtMajorVersion;             // 0x26C
    u32 NtMinorVersion;             // 0x270
    u8 ProcessorFeatures[64];       // 0x274
    u32 Reserved1;                  // 0x2B4
    u32 Reserved3;                  // 0x2B8
    u32 TimeSlip;                   // 0x2BC
    u32 AlternativeArchitecture;    // 0x2C0
    u32 BootId;                     // 0x2C4
    i64 SystemExpirationDate;       // 0x2C8
    u32 SuiteMask;                  // 0x2D0
    u8 KdDebuggerEnabled;           // 0x2D4
    u8 MitigationPolicies;          // 0x2D5
    u16 CyclesPerYield;             // 0x2D6
    u32 ActiveConsoleId;            // 0x2D8
    u32 DismountCount;              // 0x2DC
    u32 ComPlusPackage;             // 0x2E0
    u32 LastSystemRITEventTickCount; // 0x2E4
    u32 NumberOfPhysicalPages;      // 0x2E8
    u8 SafeBootMode;                // 0x2EC
    u8 VirtualizationFlags;         // 0x2ED
    u8 Reserved12[2];               // 0x2EE
    u32 SharedDataFlags;            // 0x2F0
    u32 DataFlagsPad;               // 0x2F4
    u64 TestRetInstruction;         // 0x2F8
    i64 QpcFrequency;               // 0x300
    u32 SystemCall;                 // 0x308
    u32 Reserved2;                  // 0x30C
    u64 SystemCallPad[2];           // 0x310
    KSYSTEM_TIME TickCount;         // 0x320
    u32 TickCountPad;               // 0x32C
    u32 Cookie;                     // 0x330
    u32 CookiePad;                  // 0x334
    i64 ConsoleSessionForegroundProcessId; // 0x338
    u64 TimeUpdateLock;             // 0x340
    u64 BaselineSystemTimeQpc;      // 0x348
    u64 BaselineInterruptTimeQpc;   // 0x350
    u64 QpcSystemTimeIncrement;     // 0x358
    u64 QpcInterruptTimeIncrement;  // 0x360
    u8 Shifts[2];                   // 0x368
    u16 UnparkedProcessorCount;     // 0x36A
    u32 EnclaveFeatureMask[4];      // 0x36C
    u32 TelemetryCoverageRound;     // 0x37C
    u16 UserModeGlobalLogger[16];   // 0x380
    u32 ImageFileExecutionOptions;  // 0x3A0
    u32 LangGenerationCount;        // 0x3A4
    u64 Reserved4;                  // 0x3A8
    u64 InterruptTimeBias;          // 0x3B0
    u64 QpcBias;                    // 0x3B8
    u32 ActiveProcessorCount;       // 0x3C0
    u8 ActiveGroupCount;            // 0x3C4
    u8 Reserved9;                   // 0x3C5
    u16 QpcData;                    // 0x3C6
    i64 TimeZoneBiasEffectiveStart; // 0x3C8
    i64 TimeZoneBiasEffectiveEnd;   // 0x3D0
    u64 XStateEnabledFeatures;      // 0x3D8  (head of XSTATE_CONFIGURATION)
    u64 XStateEnabledVolatileFeatures; // 0x3E0
    u32 XStateSize;                 // 0x3E8
    u32 XStateFlags;                // 0x3EC: 1 XSAVEOPT, 2 XSAVEC
    struct {
        u32 Offset, Size;
    } XStateFeatures[64];           // 0x3F0
    u8 Rest[0x800 - 0x5F0];
    ClockPage Clock;                // 0x800
};
static_assert(__builtin_offsetof(KuserSharedData, NtSystemRoot) == 0x30);
static_assert(__builtin_offsetof(KuserSharedData, NtBuildNumber) == 0x260);
static_assert(__builtin_offsetof(KuserSharedData, ProcessorFeatures) == 0x274);
static_assert(__builtin_offsetof(KuserSharedData, SystemExpirationDate) == 0x2C8);
static_assert(__builtin_offsetof(KuserSharedData, TickCount) == 0x320);
static_assert(__builtin_offsetof(KuserSharedData, Cookie) == 0x330);
static_assert(__builtin_offsetof(KuserSharedData, ActiveProcessorCount) == 0x3C0);
static_assert(__builtin_offsetof(KuserSharedData, XStateEnabledFeatures) == 0x3D8);
static_assert(__builtin_offsetof(KuserSharedData, Clock) == 0x800);

}
