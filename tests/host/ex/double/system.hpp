// A small system around ob and ex: processes, threads, a clock that stands still until it is moved, and client memory.
#pragma once
#include <string.h>

#include <string>
#include <vector>

#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

namespace fake {

void AdvanceClock(u64 By);              // 100 ns units; timers due run, then everything that became ready
void FailAllocations(int After);        // the After-th and later pool allocations of objects fail; -1: none does
extern bool DenyAccess;                 // every access check with a descriptor fails
extern bool HasPrivileges;
extern u32 Yields;
extern std::u16string LastLog;

// A thread with a process of its own (or another's), and what tests need to call services for it.
class Client {
public:
    Client();
    explicit Client(Client& SameProcess);
    ~Client();
    ps::Process& Process() { return *P_; }
    ps::Thread& Thread() { return *T_; }

    // Client memory: a bump allocator over the process's bytes; addresses as the client has them.
    u64 Room(usize Bytes);
    template <typename T> u64 Put(const T& Value)
    {
        u64 At = Room(sizeof(T));
        memcpy(Bytes(At), &Value, sizeof(T));
        return At;
    }
    u8* Bytes(u64 Address) { return P_->Bytes + (Address - ps::MemoryBase); }
    template <typename T> T& At(u64 Address) { return *reinterpret_cast<T*>(Bytes(Address)); }
    u64 PutString(const wchar_t* Text);                         // a UNICODE_STRING with its text
    u64 PutAttributes(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr, u64 Descriptor = 0);
    void Forget() { Used_ = 0; }

    template <typename X, typename... A> NTSTATUS Now(Status (*Service)(ke::Caller&, X&), A... Arguments)
    {
        static_assert(sizeof...(A) * 8 == sizeof(X) || sizeof...(A) == 0);
        u32 I = 0;
        ((T_->Arguments[I++] = u64(Arguments)), ...);
        return Service(*T_, *reinterpret_cast<X*>(T_->Arguments)).Code();
    }
    // Starts a service that may wait; STATUS_PENDING if it does (then Reply() tells).
    template <typename X, typename... A> NTSTATUS Start(ke::Task<> (*Service)(ke::Caller&, X&), A... Arguments)
    {
        static_assert(sizeof...(A) * 8 == sizeof(X));
        u32 I = 0;
        ((T_->Arguments[I++] = u64(Arguments)), ...);
        T_->HasReply = false;
        Status Outcome;
        if (!T_->Activity::Start([&] { return Service(*T_, *reinterpret_cast<X*>(T_->Arguments)); }, Outcome))
            return STATUS_PENDING;
        return Outcome.Code();
    }
    // A service that may wait and does not here.
    template <typename X, typename... A> NTSTATUS Now(ke::Task<> (*Service)(ke::Caller&, X&), A... Arguments)
    {
        NTSTATUS S = Start(Service, Arguments...);
        ASSERT(S != STATUS_PENDING);
        return S;
    }
    bool IsBlocked() const { return T_->IsSuspended(); }
    // What the waiting service answered at last (STATUS_PENDING: nothing yet).
    NTSTATUS Reply()
    {
        ke::RunReadyActivities();
        return T_->HasReply ? T_->LastStatus : STATUS_PENDING;
    }

private:
    RefPtr<ps::Process> P_;
    RefPtr<ps::Thread> T_;
    u64& Used_;
    u64 OwnUsed_ = 0;
};

// Once per test program: the namespace.
void Begin();

}
