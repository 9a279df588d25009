#include "win32/common/entropy.hpp"

#include <cpuid.h>

#include "win32/common/win.hpp"
#include "win32/crypto/bytes.hpp"
#include "win32/crypto/chacha.hpp"
#include "win32/crypto/hash.hpp"

namespace {

constexpr u64 ReseedBytes = 16 * MiB;
constexpr ULONG InterruptInformation = 23;

SRWLOCK Lock = SRWLOCK_INIT;
crypto::Generator State;
bool Seeded;

// 32 bytes of the CPU's own generator; a draw may fail under load and is tried again, as Intel's manual says.
__attribute__((target("rdrnd"))) bool CpuRandom(u64 (&Out)[4])
{
    unsigned A, B, C, D;
    if (!__get_cpuid(1, &A, &B, &C, &D) || !(C & bit_RDRND)) {
        return false;
    }
    for (u64& Word : Out) {
        unsigned long long Value = 0;
        int Tries = 10;
        while (!__builtin_ia32_rdrand64_step(&Value)) {
            if (--Tries == 0) {
                return false;
            }
        }
        Word = Value;
    }
    // A broken generator is known to answer with all ones or the same word again.
    return !(Out[0] == Out[1] && Out[1] == Out[2]);
}

bool Seed()
{
    struct {
        u64 Cpu[4];
        u8 Interrupts[24 * 64];
        u64 Tsc, Counter, Time, Process, Thread, Stack, Heap, Module;
    } Pool = {};
    bool Good = CpuRandom(Pool.Cpu);
    ULONG Length = 0;
    NTSTATUS Status =
        NtQuerySystemInformation(SYSTEM_INFORMATION_CLASS(InterruptInformation), Pool.Interrupts, sizeof(Pool.Interrupts), &Length);
    if (NT_SUCCESS(Status) && Length >= 16) {
        // Statistics that are all zero are no randomness.
        u8 Any = 0;
        for (u8 Byte : Pool.Interrupts) {
            Any = u8(Any | Byte);
        }
        Good = Good || Any;
    }
    LARGE_INTEGER Counter;
    QueryPerformanceCounter(&Counter);
    FILETIME Time;
    GetSystemTimeAsFileTime(&Time);
    Pool.Tsc = __builtin_ia32_rdtsc();
    Pool.Counter = u64(Counter.QuadPart);
    Pool.Time = u64(Time.dwHighDateTime) << 32 | Time.dwLowDateTime;
    Pool.Process = GetCurrentProcessId();
    Pool.Thread = GetCurrentThreadId();
    Pool.Stack = u64(&Pool);
    Pool.Heap = u64(GetProcessHeap());
    Pool.Module = u64(&Seed);
    u8 Digest[64];
    crypto::Sha512 Hash;
    Hash.Update(&Pool, sizeof(Pool));
    Hash.Finish(Digest);
    if (Good) {
        State.Reseed(Digest);
    }
    crypto::Wipe(&Pool, sizeof(Pool));
    crypto::Wipe(Digest, sizeof(Digest));
    return Good;
}

}

bool RandomBytes(u8* Out, usize Size)
{
    win::Guard Hold(Lock);
    if (!Seeded || State.Given() > ReseedBytes) {
        // A later reseed that finds no source leaves the state as good as it was.
        Seeded = Seed() || Seeded;
        if (!Seeded) {
            return false;
        }
    }
    State.Fill(Out, Size);
    return true;
}
