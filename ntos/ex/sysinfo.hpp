// Private to ex: the answers of NtQuerySystemInformation.
#pragma once
#include "abi/nt/sysinfo.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/ps/thread.hpp"

namespace ex {

// Where an answer goes, and how Windows counts its length.
struct Query {
    ke::Caller& Caller;
    ke::UserBuffer Buffer;
    usize Length;
    ke::UserPtr<ULONG> ReturnLength;

    Status TooShort(usize Needed, NTSTATUS How = STATUS_INFO_LENGTH_MISMATCH)
    {
        TRY(ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
        return How;
    }
    Status Write(const void* From, usize Bytes)
    {
        TRY(Buffer.Write(Caller, From, Bytes));
        return ReturnLength.WriteIfThere(Caller, ULONG(Bytes));
    }
    // The length must be exactly the structure's, or at least.
    template <typename T> Status Exactly(const T& Value) { return Length != sizeof(T) ? TooShort(sizeof(T)) : Write(&Value, sizeof(T)); }
    template <typename T> Status AtLeast(const T& Value) { return Length < sizeof(T) ? TooShort(sizeof(T)) : Write(&Value, sizeof(T)); }
};

// A long answer, made in small pieces: what would go beyond Length is only counted.
class Stream {
public:
    explicit Stream(Query& To) : To_(To) { }
    u64 Address() const { return To_.Buffer.Address() + At_; }      // where the next byte will be in the caller
    usize Size() const { return At_; }
    Status Put(const void* From, usize Bytes);
    template <typename T> Status Put(const T& Value) { return Put(&Value, sizeof(T)); }
    Status Zero(usize Bytes);
    // The end: the needed length, and whether everything fitted.
    Status Finish();

private:
    Status Flush();
    Query& To_;
    usize At_ = 0, Flushed_ = 0, Held_ = 0;
    u8 Piece_[1024];
};

Status QueryProcesses(Query& Q, bool Extended);
Status QueryHandles(Query& Q);
Status QueryHandlesEx(Query& Q);
Status QueryProcessId(Query& Q);
Status QueryProcessor(Query& Q, bool Emulated);
Status QueryLogicalProcessors(Query& Q);
Status QueryLogicalProcessorsEx(Query& Q, ULONG Relationship);
Status QueryCpuSets(Query& Q);

}
