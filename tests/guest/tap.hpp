// TAP for native programs: CHECK(condition) is a test, TAP_MAIN the program. Output goes to the standard output handle.
#pragma once
#include "abi/nt/image.hpp"
#include "abi/nt/io.hpp"
#include "abi/nt/mm.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/status.hpp"
#include "abi/nt/sync.hpp"
#include "abi/services.hpp"

#include "lib/core/result.hpp"

extern "C" {
int _snprintf(char* Buffer, size_t Room, const char* Format, ...);
void NTAPI RtlExitUserProcess(NTSTATUS Status);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
PEB* NTAPI RtlGetCurrentPeb();
void* memcpy(void* To, const void* From, size_t Bytes);
void* memset(void* To, int Value, size_t Bytes);
int memcmp(const void* A, const void* B, size_t Bytes);
}

namespace tap {

inline int Tests = 0, Failures = 0;

inline void Write(const char* Text, ULONG Length)
{
    IO_STATUS_BLOCK Io;
    NtWriteFile(RtlGetCurrentPeb()->ProcessParameters->StandardOutput, nullptr, nullptr, nullptr, &Io, const_cast<char*>(Text), Length, nullptr, nullptr);
}
template <typename... A> void Print(const char* Format, A... Arguments)
{
    char Line[400];
    int Length = _snprintf(Line, sizeof(Line) - 1, Format, Arguments...);
    Write(Line, ULONG(Length < 0 ? int(sizeof(Line)) - 1 : Length));
}
// Also prints the value, for a failure's reader.
inline bool Check(bool Ok, const char* What, int Line, long long Value)
{
    ++Tests;
    if (!Ok)
        ++Failures;
    Print("%s %d - %s\n", Ok ? "ok" : "not ok", Tests, What);
    if (!Ok)
        Print("#   line %d, value %lld (0x%llx)\n", Line, Value, Value);
    return Ok;
}

}

#define CHECK(Condition) tap::Check((Condition), #Condition, __LINE__, 0)
#define CHECK_EQ(Value, Expected)                                                                                       \
    ({                                                                                                                  \
        auto CheckedValue_ = (Value);                                                                                   \
        tap::Check(CheckedValue_ == decltype(CheckedValue_)(Expected), #Value " == " #Expected, __LINE__, (long long)CheckedValue_); \
    })
#define TAP_MAIN(...)                                           \
    static void TapMain(PEB* Process);                          \
    extern "C" void NtProcessStartup(PEB* Process)              \
    {                                                           \
        TapMain(Process);                                       \
        tap::Print("1..%d\n", tap::Tests);                      \
        RtlExitUserProcess(tap::Failures ? 1 : 0);              \
    }                                                           \
    static void TapMain(PEB* Process __attribute__((unused)))
