// mm on the in-memory kernel: started once for the test program, and processes whose memory tests use as a program would: through
// the page tables, with faults.
#pragma once
#include <string.h>

#include <vector>

#include "kernel/fake/fake.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"
#include "ntos/ps/thread.hpp"
#include "tests/host/support/gtest.hpp"

namespace test {

// Starts kernel and mm at the first call.
const kernel::BootInfo& Begin();
inline constexpr u64 ArchivePage = 16, ArchivePages = 40;      // of the image: what tests may adopt as file pages
mm::Pfn ImageFrame(u64 Page);

// What must be as before at the end of a test: compares memory accounts, capabilities and mappings.
class Balance {
public:
    Balance();
    // FreePages may be less by what is kept for ever (tables of the window, slot lists): those are counted as kernel objects.
    void Check() const;

private:
    mm::MemoryInfo Before_;
    u64 Stray_;
};

// The file a section is made of.
class File final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    explicit File(Ref<mm::PageStore> Data) : Object(Type), Data(std::move(Data)) { }
    Ref<mm::PageStore> Data;
    u64 Size = 0;
    bool Waits = false;
};
Ref<File> MakeFile(const std::vector<u8>& Bytes);

class Client {
public:
    Client();
    ~Client();
    ps::Process& Process() { return *P_; }
    ps::Thread& Thread() { return *T_; }
    mm::AddressSpace& Space() { return P_->Memory(); }

    // As the program: through the hardware's tables; a fault is given to mm and the access tried again. The status that the exception
    // would have, or success.
    NTSTATUS Read(u64 Address, void* To, usize Bytes);
    NTSTATUS Write(u64 Address, const void* From, usize Bytes);
    NTSTATUS Peek(u64 Address, u8& Value) { return Read(Address, &Value, 1); }
    NTSTATUS Poke(u64 Address, u8 Value) { return Write(Address, &Value, 1); }

    template <typename X, typename... A> NTSTATUS Now(Status (*Service)(ke::Caller&, X&), A... Arguments)
    {
        static_assert(sizeof...(A) * 8 == sizeof(X));
        u32 I = 0;
        ((T_->Arguments[I++] = u64(Arguments)), ...);
        return Service(*T_, *reinterpret_cast<X*>(T_->Arguments)).Code();
    }
    // A service that may wait: STATUS_PENDING if it does; Thread().Outcome tells how it ended.
    template <typename X, typename... A> NTSTATUS Now(ke::Task<> (*Service)(ke::Caller&, X&), A... Arguments)
    {
        static_assert(sizeof...(A) * 8 == sizeof(X));
        u32 I = 0;
        ((T_->Arguments[I++] = u64(Arguments)), ...);
        T_->Outcome = STATUS_PENDING;
        Status S;
        if (T_->Start([&] { return Service(*T_, *reinterpret_cast<X*>(T_->Arguments)); }, S))
            T_->Outcome = S.Code();
        return T_->Outcome;
    }
    // A page for arguments, outside everything else: words by index.
    static constexpr u64 Arguments = 0x7FF0'0000;
    u64 Put(u32 Index, u64 Value);
    u64 Get(u32 Index);
    HANDLE Open(Ref<ob::Object> Target, ACCESS_MASK Granted);
    void Close(HANDLE H) { EXPECT_EQ(P_->Handles().Close(H).Code(), STATUS_SUCCESS); }

    // The commonest services, with the answers put back.
    NTSTATUS Allocate(u64& Base, u64& Size, u32 Type, u32 Protect, u64 ZeroBits = 0);
    NTSTATUS Free(u64& Base, u64& Size, u32 Type);
    NTSTATUS Protect(u64& Base, u64& Size, u32 Protect, u32& Old);
    MEMORY_BASIC_INFORMATION Query(u64 Address);

private:
    RefPtr<ps::Process> P_;
    RefPtr<ps::Thread> T_;
};

inline const HANDLE Self = reinterpret_cast<HANDLE>(-1ll);

}
