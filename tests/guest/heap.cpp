// The heap: patterns survive, sizes are exact, mistakes are refused, walking and validating agree.
#include "tests/guest/tap.hpp"

extern "C" {
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
BOOLEAN NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID Memory);
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Memory, SIZE_T Size);
SIZE_T NTAPI RtlSizeHeap(PVOID Heap, ULONG Flags, const void* Memory);
PVOID NTAPI RtlCreateHeap(ULONG Flags, PVOID Base, SIZE_T Reserve, SIZE_T Commit, PVOID Lock, PVOID Parameters);
PVOID NTAPI RtlDestroyHeap(PVOID Heap);
BOOLEAN NTAPI RtlValidateHeap(PVOID Heap, ULONG Flags, const void* Memory);
NTSTATUS NTAPI RtlWalkHeap(PVOID Heap, PVOID Entry);
BOOLEAN NTAPI RtlSetUserValueHeap(PVOID Heap, ULONG Flags, PVOID Memory, PVOID Value);
BOOLEAN NTAPI RtlGetUserInfoHeap(PVOID Heap, ULONG Flags, PVOID Memory, PVOID* Value, ULONG* UserFlags);
}

namespace {

u32 Seed = 12345;
u32 Random() { return Seed = Seed * 1664525 + 1013904223, Seed >> 8; }

struct Slot {
    u8* Memory;
    u64 Size;
    u8 Pattern;
};
Slot Slots[512];

bool Intact(const Slot& S)
{
    for (u64 I = 0; I < S.Size; ++I) {
        if (S.Memory[I] != S.Pattern)
            return false;
    }
    return true;
}

u64 RandomSize()
{
    u32 R = Random() % 100;
    return R < 60 ? Random() % 200 : R < 90 ? Random() % 5000 : R < 99 ? Random() % 60000 : Random() % 900000;
}

void Churn(PVOID Heap, int Rounds)
{
    int Broken = 0, Failed = 0, WrongSize = 0, Misaligned = 0;
    for (int I = 0; I < Rounds; ++I) {
        Slot& S = Slots[Random() % 512];
        if (!S.Memory) {
            S.Size = RandomSize();
            S.Pattern = u8(Random());
            S.Memory = static_cast<u8*>(RtlAllocateHeap(Heap, 0, S.Size));
            if (!S.Memory) {
                ++Failed;
                continue;
            }
            Misaligned += (u64(S.Memory) & 15) != 0;
            memset(S.Memory, S.Pattern, S.Size);
            WrongSize += RtlSizeHeap(Heap, 0, S.Memory) != S.Size;
        } else if (Random() % 4 == 0) {
            u64 Size = RandomSize();
            auto* Moved = static_cast<u8*>(RtlReAllocateHeap(Heap, 0, S.Memory, Size));
            if (!Moved) {
                ++Failed;
                continue;
            }
            S.Memory = Moved;
            u64 Kept = S.Size < Size ? S.Size : Size;
            S.Size = Kept;
            Broken += !Intact(S);
            S.Size = Size;
            memset(S.Memory, S.Pattern, S.Size);
        } else {
            Broken += !Intact(S);
            Failed += !RtlFreeHeap(Heap, 0, S.Memory);
            S.Memory = nullptr;
        }
    }
    CHECK_EQ(Broken, 0);
    CHECK_EQ(Failed, 0);
    CHECK_EQ(WrongSize, 0);
    CHECK_EQ(Misaligned, 0);
    CHECK(RtlValidateHeap(Heap, 0, nullptr));
    int Busy = 0, Live = 0;
    struct {
        PVOID Data;
        SIZE_T Size;
        UCHAR Overhead, Segment;
        USHORT Flags;
        u64 Rest[3];
    } Entry {};
    static_assert(sizeof(Entry) == 48);
    while (RtlWalkHeap(Heap, &Entry) >= 0)
        Busy += Entry.Flags & 1;
    for (Slot& S : Slots)
        Live += S.Memory != nullptr;
    CHECK_EQ(Busy, Live);
    for (Slot& S : Slots) {
        if (S.Memory)
            RtlFreeHeap(Heap, 0, S.Memory);
        S.Memory = nullptr;
    }
    CHECK(RtlValidateHeap(Heap, 0, nullptr));
}

}

TAP_MAIN()
{
    PVOID Main = Process->ProcessHeap;
    PVOID Own = RtlCreateHeap(2, nullptr, 0, 0, nullptr, nullptr);
    CHECK(Own != nullptr);
    Churn(Own, 40000);
    Churn(Own, 10000);

    auto* P = static_cast<u8*>(RtlAllocateHeap(Main, 8, 100));
    bool Zero = true;
    for (int I = 0; I < 100; ++I)
        Zero &= P[I] == 0;
    CHECK(Zero);
    CHECK_EQ(RtlSizeHeap(Main, 0, P), 100);
    CHECK(!RtlFreeHeap(Own, 0, P));                     // another heap's
    CHECK(!RtlFreeHeap(Main, 0, P + 8));
    CHECK(!RtlFreeHeap(Main, 0, P + 16));
    CHECK(!RtlFreeHeap(Main, 0, reinterpret_cast<PVOID>(0xDEADBE00)));
    CHECK(RtlFreeHeap(Main, 0, P));
    CHECK(!RtlFreeHeap(Main, 0, P));                    // twice
    CHECK(RtlFreeHeap(Main, 0, nullptr));
    CHECK(RtlAllocateHeap(Main, 0, 0) != nullptr);
    CHECK(!RtlAllocateHeap(Main, 0, ~SIZE_T(0) - 100));

    P = static_cast<u8*>(RtlAllocateHeap(Main, 0x100, 10));
    PVOID Value = nullptr;
    ULONG Flags = 1;
    CHECK(RtlSetUserValueHeap(Main, 0, P, reinterpret_cast<PVOID>(0x1234)));
    memset(P, 0xFF, 10);
    P = static_cast<u8*>(RtlReAllocateHeap(Main, 0, P, 5000));
    CHECK(RtlGetUserInfoHeap(Main, 0, P, &Value, &Flags));
    CHECK_EQ(u64(Value), 0x1234);
    CHECK_EQ(Flags, 0);
    RtlFreeHeap(Main, 0, P);

    P = static_cast<u8*>(RtlAllocateHeap(Main, 8, 3 * MiB));
    CHECK(P && P[3 * MiB - 1] == 0);
    P = static_cast<u8*>(RtlReAllocateHeap(Main, 8, P, 5 * MiB));
    CHECK(P && P[5 * MiB - 1] == 0);
    CHECK_EQ(RtlSizeHeap(Main, 0, P), 5 * MiB);
    CHECK(RtlFreeHeap(Main, 0, P));
    CHECK(!RtlDestroyHeap(Own));
    CHECK(!RtlValidateHeap(nullptr, 0, nullptr));
}
