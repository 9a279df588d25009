// The Executive on the in-memory kernel, started once for the test program, and programs played by the test.
//
// A Client is a thread of a process. Its calls go the whole way: registers, kernel, dispatcher, service, reply; so do its faults. What a
// service leaves behind is compared by Balance. hal is the only part that is a double (system.cpp): a clock that stands still until
// Advance() moves it, and a power switch that ends the test.
#pragma once
#include <string.h>

#include <vector>

#include "kernel/fake/fake.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/thread.hpp"
#include "tests/host/support/gtest.hpp"
#include "tests/host/support/pool.hpp"

namespace test {

// Starts the Executive at the first call.
void Begin();
// Time passes (100 ns units): timers that are due run as at a clock interrupt.
void Advance(u64 Time);
// Where a process's threads begin and exceptions and APCs arrive: addresses nothing is mapped at, known by these numbers.
inline constexpr u64 NtdllAt = 0x7FF0'0000'0000, LoaderAt = NtdllAt + 0x100, ThreadStartAt = NtdllAt + 0x200, ExceptionAt = NtdllAt + 0x300, ApcAt = NtdllAt + 0x400,
                     ServiceReturnAt = NtdllAt + 0x500, ParkedAt = NtdllAt + 0x510;

// Memory, capabilities, objects as they were when this was made; Check() at the end of the test, when its clients are gone.
class Balance {
public:
    Balance();
    void Check() const;

private:
    mm::MemoryInfo Before_;
    u64 Stray_;
    std::vector<u32> Objects_;
};

enum class As { System, User, Nobody }; // whose token a process has; Nobody is the user without the administrators' rank and any privilege

class Client {
public:
    // A new process with one thread, which runs.
    explicit Client(As Who = As::User);
    // Another thread of the same process.
    explicit Client(Client& Same);
    // A thread that the Executive made. Memory is its process's, if that is Of's.
    Client(Client& Of, Ref<ps::Thread> Made);
    // Ends the process if this made it.
    ~Client();
    Client(const Client&) = delete;
    ps::Process& Process() { return *P_; }
    ps::Thread& Thread() { return *T_; }
    fake::Client Cpu() { return fake::Client(Tcb_); }

    // Calls a service. STATUS_PENDING: it waits (Reply() tells what came of it), or the thread went elsewhere (Rip()).
    template <typename... A> NTSTATUS Call(abi::Service Service, A... Arguments)
    {
        u64 Words[] = { Word(Arguments)..., 0 };
        return CallWith(Service, Words, sizeof...(A));
    }
    bool IsBlocked();                   // in a service that waits
    NTSTATUS Reply();                   // of the last call; STATUS_PENDING: none yet
    bool IsRunning();
    u64 Rip() { return Cpu().Registers().Rip; }
    u64 Rsp() { return Cpu().Registers().Rsp; }

    // The process's memory, for arguments: given out from the front. Forget() begins again.
    u64 Room(usize Bytes);
    void Forget() { *Used_ = 0; }
    template <typename T> u64 Put(const T& Value)
    {
        u64 At = Room(sizeof(T));
        Set(At, Value);
        return At;
    }
    template <typename T> void Set(u64 At, const T& Value) { Write(At, &Value, sizeof(T)); }
    template <typename T> T Get(u64 At)
    {
        T Value {};
        Read(At, &Value, sizeof(T));
        return Value;
    }
    void Write(u64 At, const void* From, usize Bytes);
    void Read(u64 At, void* To, usize Bytes);
    u64 PutBytes(const void* From, usize Bytes);
    u64 PutString(ob::Name Text);                    // a UNICODE_STRING with its text
    // OBJECT_ATTRIBUTES; without a name for an empty Path.
    u64 PutAttributes(ob::Name Path, u32 Flags = OBJ_CASE_INSENSITIVE, HANDLE Root = nullptr, u64 Descriptor = 0);
    HANDLE Open(Ref<ob::Object> Target, ACCESS_MASK Granted);
    NTSTATUS Close(HANDLE H) { return Call(abi::Service::Close, H); }
    // A handle that a service wrote.
    HANDLE Handle(u64 At) { return reinterpret_cast<HANDLE>(Get<u64>(At)); }

private:
    bool IsParked();
    bool Parked_ = false;
    template <typename T> static u64 Word(T Value)
    {
        if constexpr (std::is_pointer_v<T>)
            return reinterpret_cast<u64>(Value);
        else
            return u64(Value);
    }
    NTSTATUS CallWith(abi::Service Service, const u64* Words, usize Count);
    void Adopt(Ref<ps::Thread> T);
    RefPtr<ps::Process> P_;
    RefPtr<ps::Thread> T_;
    kernel::CPtr Tcb_ = 0;
    u64 Stack_ = 0;
    u64 OwnUsed_ = 0;
    u64* Used_ = &OwnUsed_;
    bool Owns_ = false;
};

inline const HANDLE Self = reinterpret_cast<HANDLE>(-1ll), SelfThread = reinterpret_cast<HANDLE>(-2ll);
inline i64 Milliseconds(i64 N) { return -10000 * N; }       // a relative timeout

}

namespace core {
inline void PrintTo(Status S, std::ostream* To) { *To << std::hex << "0x" << u32(S.Code()); }
}
// NTSTATUS is a number: failures are read more easily in hexadecimal.
#define EXPECT_NT(Expected, ...) EXPECT_EQ(u32(Expected), u32(__VA_ARGS__)) << std::hex << "0x" << u32(Expected)
#define ASSERT_NT(Expected, ...) ASSERT_EQ(u32(Expected), u32(__VA_ARGS__)) << std::hex << "0x" << u32(Expected)
