// Identifiers and random bytes: LUIDs, the material of time-based UUIDs, the system's random generator.
#include <string.h>

#include "kernel/kernel.hpp"
#include "lib/core/cpuid.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ke/time.hpp"

namespace ex {

LUID AllocateLuid()
{
    static u64 Last = 0x10000;          // below are the well-known logon sessions
    u64 Next = ++Last;
    return { ULONG(Next), LONG(Next >> 32) };
}

// --- random bytes: ChaCha20 (RFC 8439) in counter mode; the first half of each output becomes the next key, so that
// what was given out cannot be computed from a later state. Every request stirs new noise in.

namespace {

u32 Key[8];
u64 Requests;

u32 Rotate(u32 X, u32 By) { return X << By | X >> (32 - By); }

void Quarter(u32& A, u32& B, u32& C, u32& D)
{
    A += B;
    D = Rotate(D ^ A, 16);
    C += D;
    B = Rotate(B ^ C, 12);
    A += B;
    D = Rotate(D ^ A, 8);
    C += D;
    B = Rotate(B ^ C, 7);
}

void ChaCha(const u32 (&With)[8], u64 Counter, u64 Nonce, u32 (&Out)[16])
{
    u32 In[16] = { 0x61707865, 0x3320646E, 0x79622D32, 0x6B206574 };
    memcpy(&In[4], With, sizeof(With));
    memcpy(&In[12], &Counter, 8);
    memcpy(&In[14], &Nonce, 8);
    memcpy(Out, In, sizeof(In));
    for (u32 I = 0; I < 10; ++I) {
        Quarter(Out[0], Out[4], Out[8], Out[12]);
        Quarter(Out[1], Out[5], Out[9], Out[13]);
        Quarter(Out[2], Out[6], Out[10], Out[14]);
        Quarter(Out[3], Out[7], Out[11], Out[15]);
        Quarter(Out[0], Out[5], Out[10], Out[15]);
        Quarter(Out[1], Out[6], Out[11], Out[12]);
        Quarter(Out[2], Out[7], Out[8], Out[13]);
        Quarter(Out[3], Out[4], Out[9], Out[14]);
    }
    for (u32 I = 0; I < 16; ++I)
        Out[I] += In[I];
}

bool HasRdrand()
{
    static i8 Known = -1;
    if (Known < 0)
        Known = core::Cpuid(1).C >> 30 & 1;
    return Known > 0;
}

u64 Rdrand()
{
    if (!HasRdrand())
        return 0;
    for (u32 Try = 0; Try < 10; ++Try) {
        u64 Value;
        bool Good;
        asm volatile("rdrand %0" : "=r"(Value), "=@ccc"(Good));
        if (Good)
            return Value;
    }
    return 0;
}

// The low bits of the TSC over a few dependent steps of varying length.
u64 Jitter()
{
    u64 Sum = 0;
    for (u32 I = 0; I < 16; ++I) {
        u64 Now = kernel::Tsc();
        Sum = (Sum << 5 | Sum >> 59) ^ Now;
        for (u64 Spin = (Sum ^ Now) & 31; Spin; --Spin)
            asm volatile("" ::: "memory");
    }
    return Sum;
}

void Stir()
{
    u64 Noise[4] = { Rdrand() ^ Jitter(), Rdrand() ^ ke::InterruptTime(), Rdrand() ^ ke::SystemTime(), Rdrand() ^ kernel::Tsc() };
    u32 Words[8];
    memcpy(Words, Noise, sizeof(Words));
    for (u32 I = 0; I < 8; ++I)
        Key[I] ^= Words[I];
    u32 Block[16];
    ChaCha(Key, ++Requests, ~u64(0), Block);
    memcpy(Key, Block, sizeof(Key));
}

}

void RandomBytes(void* To, usize Bytes)
{
    if (!Requests)
        for (u32 I = 0; I < 64; ++I)    // the first time there is nothing but jitter, perhaps
            Stir();
    Stir();
    u8* At = static_cast<u8*>(To);
    while (Bytes) {
        u32 Block[16];
        ChaCha(Key, ++Requests, 0, Block);
        memcpy(Key, Block, sizeof(Key));
        usize Part = Bytes < 32 ? Bytes : 32;
        memcpy(At, &Block[8], Part);
        At += Part;
        Bytes -= Part;
    }
}

}

Status NtAllocateLocallyUniqueId(ke::Caller& Caller, svc::AllocateLocallyUniqueId& Call)
{
    return Call.Luid.Write(Caller, ex::AllocateLuid());
}

static u8 NodeId[6];
static bool HasNodeId;

Status NtAllocateUuids(ke::Caller& Caller, svc::AllocateUuids& Call)
{
    // 100 ns intervals from 1582-10-15, where UUIDs begin, to 1601-01-01.
    constexpr u64 FromGregorian = 6653ull * 24 * 60 * 60 * 10'000'000;
    constexpr u32 Range = 10000;
    static u64 Next;
    static u32 Sequence;
    if (!HasNodeId) {
        ex::RandomBytes(NodeId, sizeof(NodeId));
        NodeId[0] |= 1;                 // a multicast address is no network card's
        HasNodeId = true;
    }
    if (!Sequence) {
        ex::RandomBytes(&Sequence, sizeof(Sequence));
        Sequence = (Sequence & 0x3FFF) | 0x4000;
    }
    // The caller may use the Range values that begin at Time; nobody else gets them.
    u64 Now = ke::SystemTime() + FromGregorian;
    if (Now < Next)
        Now = Next;
    ULARGE_INTEGER Time;
    Time.QuadPart = Now;
    TRY(Call.Time.Write(Caller, Time));
    TRY(Call.Range.Write(Caller, Range));
    TRY(Call.Sequence.Write(Caller, Sequence & 0x3FFF));
    TRY(Call.Seed.Write(Caller, NodeId, sizeof(NodeId)));
    Next = Now + Range;
    return STATUS_SUCCESS;
}

Status NtSetUuidSeed(ke::Caller& Caller, svc::SetUuidSeed& Call)
{
    u8 Seed[6];
    TRY(Call.Seed.Read(Caller, Seed, sizeof(Seed)));
    memcpy(NodeId, Seed, sizeof(Seed));
    HasNodeId = true;
    return STATUS_SUCCESS;
}
