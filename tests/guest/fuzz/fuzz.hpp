// What the fuzzer's programs share. fuzz.exe starts fuzzchild.exe (the hostile caller) again and again until it has made enough calls,
// beside fuzzhonestchild.exe (honest work that checks itself), and compares what the Executive counts before and after.
#pragma once
#include "abi/nt/context.hpp"
#include "abi/nt/ex.hpp"
#include "abi/nt/image.hpp"
#include "abi/nt/io.hpp"
#include "abi/nt/lpc.hpp"
#include "abi/nt/mm.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/se.hpp"
#include "abi/nt/status.hpp"
#include "abi/nt/sync.hpp"
#include "abi/nt/sysinfo.hpp"
#include "abi/services.hpp"
#include "lib/core/result.hpp"
#include "tests/guest/fuzz/random.hpp"

extern "C" {
int _snprintf(char* Buffer, size_t Room, const char* Format, ...);
ULONG NTAPI DbgPrint(const char* Format, ...);
void NTAPI RtlExitUserProcess(NTSTATUS Status);
void NTAPI RtlInitUnicodeString(UNICODE_STRING* String, const WCHAR* Source);
PEB* NTAPI RtlGetCurrentPeb();
PVOID NTAPI RtlAddVectoredExceptionHandler(ULONG First, LONG NTAPI (*Handler)(EXCEPTION_POINTERS*));
void NTAPI RtlCaptureContext(CONTEXT* To);
NTSTATUS NTAPI RtlCreateUserThread(HANDLE, PVOID, BOOLEAN, ULONG, SIZE_T, SIZE_T, PVOID Start, PVOID Argument, HANDLE* Thread, CLIENT_ID*);
void NTAPI RtlExitUserThread(NTSTATUS Status);
NTSTATUS NTAPI RtlCreateProcessParametersEx(RTL_USER_PROCESS_PARAMETERS** Out, const UNICODE_STRING* Image, const UNICODE_STRING* DllPath,
                                            const UNICODE_STRING* Directory, const UNICODE_STRING* CommandLine, PVOID Environment,
                                            const UNICODE_STRING* Title, const UNICODE_STRING* Desktop, const UNICODE_STRING* Shell,
                                            const UNICODE_STRING* Runtime, ULONG Flags);
void NTAPI RtlDestroyProcessParameters(RTL_USER_PROCESS_PARAMETERS* Parameters);
void* memcpy(void* To, const void* From, size_t Bytes);
void* memset(void* To, int Value, size_t Bytes);
int memcmp(const void* A, const void* B, size_t Bytes);
}

namespace fuzz {

inline HANDLE Self() { return reinterpret_cast<HANDLE>(i64(-1)); }
inline HANDLE Handle(u64 Value) { return reinterpret_cast<HANDLE>(Value); }
inline void Sleep(i64 Milliseconds)
{
    LARGE_INTEGER T;
    T.QuadPart = -Milliseconds * 10000;
    NtDelayExecution(0, &T);
}

// One section, mapped by all three programs. The hostile one may write anything here: the others believe nothing of it.
inline constexpr u32 HostileThreads = 4;
struct Shared {
    u64 Seed;
    u32 Run, Quota;                     // calls of each thread in this run
    u32 Trace;                          // tell each call on the log before it is made
    u32 OnlyService;                    // 1 + the number of the one service to call; 0: all
    volatile u32 Done[HostileThreads];  // calls begun
    volatile u32 Stop;                  // for the honest program
    volatile u32 Rounds;                // its rounds
};

// Writes to standard output.
void Print(const char* Format, ...);
// The number after a word of the command line ("--seed 5"), or Otherwise.
u64 Option(const WCHAR* Word, u64 Otherwise);
// Maps the section whose handle the command line gives.
Shared* MapShared();

// Starts C:\work\<Name> with the handles that can be inherited. Token may be null.
NTSTATUS StartProgram(const WCHAR* Name, HANDLE Section, HANDLE Token, HANDLE Job, HANDLE& Process);

// --- what the Executive counts (counts.cpp)
struct Counts {
    struct Row {
        char Name[40];
        i64 Value;
        i64 Slack;                      // it may differ by so much
    };
    u32 Size = 0;
    Row Rows[128];
    void Take();
    // Prints "count NAME BEFORE AFTER" for each; how many rows differ.
    static u32 Compare(const Counts& Before, const Counts& After, bool All);
};

}
