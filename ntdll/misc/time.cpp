// Time without a system call, from the clock page of KUSER_SHARED_DATA; time zones from the registry.
#include "ntdll/heap/heap.hpp"
#include "ntdll/ntdll.hpp"

namespace {

u64 Tsc()
{
    u32 Low, High;
    asm volatile("rdtsc" : "=a"(Low), "=d"(High));
    return u64(High) << 32 | Low;
}

// Field + time since the page's base, in 100 ns. Before the Executive has set the clock up the multiplier is 0.
template <u64 abi::ClockPage::*Base> i64 Now()
{
    const abi::ClockPage& C = Kuser().Clock;
    for (;;) {
        u32 Sequence = __atomic_load_n(&C.Sequence, __ATOMIC_ACQUIRE);
        u64 Start = C.TscBase, Multiplier = C.Multiplier, Value = C.*Base;
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (Sequence & 1 || Sequence != __atomic_load_n(&C.Sequence, __ATOMIC_RELAXED))
            continue;
        u64 Ticks = Tsc() - Start;
        if (i64(Ticks) < 0)             // another processor's counter may be a little behind
            Ticks = 0;
        return i64(Value + u64((unsigned __int128)Ticks * Multiplier >> 32));
    }
}

i64 Load(const volatile abi::KSYSTEM_TIME& T)
{
    for (;;) {
        i32 High = T.High1Time;
        u32 Low = T.LowPart;
        if (High == T.High2Time)
            return i64(High) << 32 | Low;
        CpuRelax();
    }
}

constexpr i64 QpcFrequency = 10000000;

// Not inlined: the compiler guards calls, not stores.
[[gnu::noinline]] void Put(LARGE_INTEGER* To, i64 Value)
{
    To->QuadPart = Value;
    asm volatile("" ::: "memory");
}

}

i64 RtlpInterruptTime() { return Now<&abi::ClockPage::InterruptTimeBase>(); }

extern "C" {

// These two are services on Windows: a bad pointer is a status, not an exception.
NTSTATUS NTAPI NtQuerySystemTime(LARGE_INTEGER* Time)
{
    __try {
        Put(Time, Load(Kuser().SystemTime));    // as of the last tick, like the times of files
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return STATUS_ACCESS_VIOLATION;
    }
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI ZwQuerySystemTime(LARGE_INTEGER* Time) { return NtQuerySystemTime(Time); }
LONGLONG NTAPI RtlGetSystemTimePrecise() { return Now<&abi::ClockPage::SystemTimeBase>(); }

// The counter runs at 10 MHz, as on every recent Windows.
NTSTATUS NTAPI NtQueryPerformanceCounter(LARGE_INTEGER* Counter, LARGE_INTEGER* Frequency)
{
    __try {
        Put(Counter, Now<&abi::ClockPage::InterruptTimeBase>());
        if (Frequency)
            Put(Frequency, QpcFrequency);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return STATUS_ACCESS_VIOLATION;
    }
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI ZwQueryPerformanceCounter(LARGE_INTEGER* Counter, LARGE_INTEGER* Frequency) { return NtQueryPerformanceCounter(Counter, Frequency); }
BOOLEAN NTAPI RtlQueryPerformanceCounter(LARGE_INTEGER* Counter)
{
    Counter->QuadPart = Now<&abi::ClockPage::InterruptTimeBase>();
    return 1;
}
BOOLEAN NTAPI RtlQueryPerformanceFrequency(LARGE_INTEGER* Frequency)
{
    Frequency->QuadPart = QpcFrequency;
    return 1;
}
ULONG NTAPI NtGetTickCount() { return ULONG(Now<&abi::ClockPage::InterruptTimeBase>() / 10000); }
ULONG NTAPI ZwGetTickCount() { return NtGetTickCount(); }
u64 NTAPI RtlGetInterruptTimePrecise(LARGE_INTEGER* Counter)
{
    i64 Time = RtlpInterruptTime();
    Counter->QuadPart = Time;
    return u64(Time);
}

// --- time zones: UTC = local + bias

NTSTATUS NTAPI RtlLocalTimeToSystemTime(const LARGE_INTEGER* Local, LARGE_INTEGER* System)
{
    System->QuadPart = Local->QuadPart + Load(Kuser().TimeZoneBias);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlSystemTimeToLocalTime(const LARGE_INTEGER* System, LARGE_INTEGER* Local)
{
    Local->QuadPart = System->QuadPart - Load(Kuser().TimeZoneBias);
    return STATUS_SUCCESS;
}

struct TIME_FIELDS16 {
    u16 Year, Month, DayOfWeek, Day, Hour, Minute, Second, Milliseconds;
};
struct RTL_DYNAMIC_TIME_ZONE_INFORMATION {
    LONG Bias;
    WCHAR StandardName[32];
    TIME_FIELDS16 StandardDate;
    LONG StandardBias;
    WCHAR DaylightName[32];
    TIME_FIELDS16 DaylightDate;
    LONG DaylightBias;
    WCHAR TimeZoneKeyName[128];
    BOOLEAN DynamicDaylightTimeDisabled;
};
static_assert(sizeof(RTL_DYNAMIC_TIME_ZONE_INFORMATION) == 432);

NTSTATUS NTAPI RtlQueryDynamicTimeZoneInformation(RTL_DYNAMIC_TIME_ZONE_INFORMATION* Info)
{
    *Info = {};
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, L"\\Registry\\Machine\\System\\CurrentControlSet\\Control\\TimeZoneInformation");
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Path, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Key;
    NTSTATUS Status = NtOpenKey(&Key, 0x20019, &Attributes);
    if (Status < 0) {
        // No zone is configured: UTC.
        auto Set = [](WCHAR* To, const WCHAR* From) {
            while ((*To++ = *From++)) { }
        };
        Set(Info->StandardName, L"UTC");
        Set(Info->DaylightName, L"UTC");
        Set(Info->TimeZoneKeyName, L"UTC");
        return STATUS_SUCCESS;
    }
    auto Read = [&](const WCHAR* Name, PVOID To, u32 Bytes) {
        alignas(8) u8 Buffer[12 + 256];
        UNICODE_STRING Value;
        RtlInitUnicodeString(&Value, Name);
        ULONG Used;
        // KEY_VALUE_PARTIAL_INFORMATION: title, type, length, data
        if (NtQueryValueKey(Key, &Value, 2, Buffer, sizeof(Buffer), &Used) < 0)
            return;
        u32 Length = *At<u32>(Buffer, 8);
        __builtin_memcpy(To, Buffer + 12, Length < Bytes ? Length : Bytes);
    };
    Read(L"Bias", &Info->Bias, 4);
    Read(L"StandardName", Info->StandardName, 62);
    Read(L"StandardStart", &Info->StandardDate, 16);
    Read(L"StandardBias", &Info->StandardBias, 4);
    Read(L"DaylightName", Info->DaylightName, 62);
    Read(L"DaylightStart", &Info->DaylightDate, 16);
    Read(L"DaylightBias", &Info->DaylightBias, 4);
    Read(L"TimeZoneKeyName", Info->TimeZoneKeyName, 254);
    ULONG Disabled = 0;
    Read(L"DynamicDaylightTimeDisabled", &Disabled, 4);
    Info->DynamicDaylightTimeDisabled = Disabled != 0;
    NtClose(Key);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlQueryTimeZoneInformation(PVOID Info)
{
    RTL_DYNAMIC_TIME_ZONE_INFORMATION Whole;
    NTSTATUS Status = RtlQueryDynamicTimeZoneInformation(&Whole);
    if (Status >= 0)
        __builtin_memcpy(Info, &Whole, 172);
    return Status;
}
NTSTATUS NTAPI RtlSetDynamicTimeZoneInformation(const RTL_DYNAMIC_TIME_ZONE_INFORMATION*) { return STATUS_PRIVILEGE_NOT_HELD; }
NTSTATUS NTAPI RtlSetTimeZoneInformation(const void*) { return STATUS_PRIVILEGE_NOT_HELD; }

}
