// A map on the test's pager, a client to read and write with, and a clock that the test moves.
#pragma once
#include "ntos/cc/cc.hpp"
#include "ntos/ke/time.hpp"
#include "tests/host/mm/paged.hpp"

namespace test {

inline constexpr u64 P = PageSize;

struct Clock {
    // Time starts with the first call.
    static void Start();
    static void Advance(u64 Ticks);     // 100 ns
};

struct Mapped {
    Balance B;
    FilePager Pager;
    Client C;
    RefPtr<cc::Map> M;
    cc::Cursor At;
    static constexpr u64 Buffer = 0x5000'0000, BufferBytes = 2 * MiB;

    explicit Mapped(u64 Bytes);
    ~Mapped();
    // What the client's buffer shows.
    std::vector<u8> Got(u64 Bytes);
    void Fill(const std::vector<u8>& Bytes);
    io::Transfer Transfer(u64 Offset, u64 Bytes);
    Status TryRead(u64 Offset, u64 Bytes);
    Status TryWrite(u64 Offset, const std::vector<u8>& Bytes);
    // Awaited, with the pager's requests answered in turn.
    NTSTATUS Read(u64 Offset, u64 Bytes);
    NTSTATUS Write(u64 Offset, const std::vector<u8>& Bytes, bool Through = false);
    NTSTATUS Flush(bool Barrier = false);
    std::vector<u8> Original(u64 Offset, u64 Bytes);
    u64 Done = 0;
};

}
