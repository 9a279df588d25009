// Addresses that came from user mode. Nothing else may touch client memory: every access goes through the Executive's
// window after the client's own page tables (mm::CopyFromUser and friends), so a bad address is a status, never a fault.
// Read once (capture), check, then use: the client may change its memory at any time.
#pragma once
#include <string.h>

#include "ntos/ke/caller.hpp"

namespace mm {
// Copy between Executive memory and a process's address space. STATUS_ACCESS_VIOLATION (or STATUS_GUARD_PAGE_VIOLATION, STATUS_IN_PAGE_ERROR,
// STATUS_NO_MEMORY) if a page cannot be read or written; pages before it may have been written.
Status CopyFromUser(ps::Process& From, void* To, u64 Address, usize Bytes);
Status CopyToUser(ps::Process& To, u64 Address, const void* From, usize Bytes);
// The Executive's address of a few bytes that lie in one page and can be touched without ado, until the next wait or change of the address space; null otherwise: then the functions above know.
u8* TouchWithin(ps::Process& In, u64 Address, usize Bytes, bool Write);
Status ZeroUser(ps::Process& To, u64 Address, usize Bytes);
// Whether the whole range could be written (read) now; makes the pages present.
Status ProbeForWrite(ps::Process& In, u64 Address, usize Bytes);
Status ProbeForRead(ps::Process& In, u64 Address, usize Bytes);
// Pages of a mapped file may not be in memory (docs/page-fault.md). The functions above answer PageAbsent then, and the service is run again, from its start, when the page is there; CopyToUser
// and ZeroUser keep what is to be written and the caller goes on when it has been. What waits itself, or does much, makes its buffers resident first: reads what is absent; then the functions above succeed until
// the next wait, and as long as a Resident of the process exists. The status is that of the page that cannot be had (STATUS_ACCESS_VIOLATION, STATUS_IN_PAGE_ERROR, STATUS_NO_MEMORY).
bool MayBeAbsent(ps::Process& In);      // whether some page of the process' may be
ke::Task<> MakeResident(Ref<ps::Process> In, u64 Address, u64 Bytes, bool Write);
inline constexpr nt::NTSTATUS PageAbsent = nt::NTSTATUS(0xE050'4147);       // never leaves the Executive
}

namespace ke {

// A scalar argument.
template <typename T> class Arg {
public:
    operator T() const { return Get(); }
    T Get() const
    {
        if constexpr (std::is_pointer_v<T>)
            return reinterpret_cast<T>(Raw_);
        else
            return static_cast<T>(Raw_);
    }
    u64 Raw() const { return Raw_; }

private:
    u64 Raw_;
};

// A pointer argument to one T.
template <typename T> class UserPtr {
public:
    bool IsNull() const { return Address_ == 0; }
    explicit operator bool() const { return Address_ != 0; }
    u64 Address() const { return Address_; }
    static UserPtr At(u64 Address)
    {
        UserPtr P;
        P.Address_ = Address;
        return P;
    }
    // NT checks the alignment of most parameters; structures here are copied, so any address will do.
    Result<T> Read(Caller& From) const
    {
        T Value;
        if (u8* At = Small ? mm::TouchWithin(From.Process(), Address_, sizeof(T), false) : nullptr) [[likely]]
            memcpy(&Value, At, sizeof(T));
        else
            TRY(mm::CopyFromUser(From.Process(), &Value, Address_, sizeof(T)));
        return Value;
    }
    Status Write(Caller& To, const T& Value) const
    {
        u8* At = Small ? mm::TouchWithin(To.Process(), Address_, sizeof(T), true) : nullptr;
        if (!At) [[unlikely]]
            return mm::CopyToUser(To.Process(), Address_, &Value, sizeof(T));
        memcpy(At, &Value, sizeof(T));
        return nt::STATUS_SUCCESS;
    }
    // Optional outputs: nothing happens for null.
    Status WriteIfThere(Caller& To, const T& Value) const { return Address_ ? Write(To, Value) : Status(nt::STATUS_SUCCESS); }
    Status Probe(Caller& To) const
    {
        if (mm::TouchWithin(To.Process(), Address_, sizeof(T), true)) [[likely]]
            return nt::STATUS_SUCCESS;
        return mm::ProbeForWrite(To.Process(), Address_, sizeof(T));
    }

private:
    static constexpr bool Small = sizeof(T) <= 64;      // copied in line
    u64 Address_ = 0;
};

// An untyped buffer argument; its length is another argument.
class UserBuffer {
public:
    bool IsNull() const { return Address_ == 0; }
    explicit operator bool() const { return Address_ != 0; }
    u64 Address() const { return Address_; }
    Status Read(Caller& From, void* To, usize Bytes, usize Offset = 0) const { return mm::CopyFromUser(From.Process(), To, Address_ + Offset, Bytes); }
    Status Write(Caller& To, const void* From, usize Bytes, usize Offset = 0) const { return mm::CopyToUser(To.Process(), Address_ + Offset, From, Bytes); }
    template <typename T> Result<T> ReadAs(Caller& From, usize Offset = 0) const { return UserPtr<T>::At(Address_ + Offset).Read(From); }
    template <typename T> Status WriteAs(Caller& To, const T& Value, usize Offset = 0) const { return Write(To, &Value, sizeof(T), Offset); }

private:
    u64 Address_;
};

// The usual answer of a query service with a fixed-size structure: checks Length (STATUS_INFO_LENGTH_MISMATCH), writes Value, then ReturnLength if there.
template <typename T> Status WriteFixed(Caller& To, UserBuffer Buffer, usize Length, UserPtr<nt::ULONG> ReturnLength, const T& Value)
{
    if (Length != sizeof(T))
        return nt::STATUS_INFO_LENGTH_MISMATCH;
    TRY(Buffer.Write(To, &Value, sizeof(T)));
    return ReturnLength.WriteIfThere(To, sizeof(T));
}

}
