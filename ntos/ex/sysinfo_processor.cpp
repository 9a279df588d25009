// The processor, as CPUID describes it.
#include "lib/core/cpuid.hpp"
#include "ntos/ex/sysinfo.hpp"

namespace ex {

namespace {

using core::Cpuid;
using Leaf = core::CpuidLeaf;

// NT's KF_ feature bits.
ULONG FeatureBits(const Leaf& One)
{
    struct {
        bool Has;
        ULONG Bit;
    } const Known[] = {
        { bool(One.D & 1 << 1), 0x1 },          // V86 extensions
        { bool(One.D & 1 << 4), 0x2 },          // TSC
        { bool(One.D & 1 << 15), 0x4 },         // CMOV
        { bool(One.D & 1 << 13), 0x8 },         // global pages
        { bool(One.D & 1 << 3), 0x10 },         // large pages
        { bool(One.D & 1 << 12), 0x20 },        // MTRR
        { bool(One.D & 1 << 8), 0x80 },         // CMPXCHG8B
        { bool(One.D & 1 << 23), 0x100 },       // MMX
        { bool(One.D & 1 << 16), 0x400 },       // PAT
        { bool(One.D & 1 << 24), 0x800 },       // FXSAVE
        { bool(One.D & 1 << 11), 0x1000 },      // SYSENTER
        { bool(One.D & 1 << 25), 0x2000 },      // SSE
        { bool(One.D & 1 << 26), 0x10000 },     // SSE2
        { bool(One.C & 1 << 0), 0x80000 },      // SSE3
        { bool(One.C & 1 << 13), 0x100000 },    // CMPXCHG16B
        { bool(One.C & 1 << 26), 0x800000 },    // XSAVE
        { true, 0x20000000 },                   // no-execute
    };
    ULONG Bits = 0;
    for (const auto& K : Known)
        if (K.Has)
            Bits |= K.Bit;
    return Bits;
}

struct Cache {
    u8 Level, Ways;
    u16 Line;
    u32 Size;
    ULONG Type;
};

// The caches of leaf 4; a processor without it has none to tell of.
u32 Caches(Cache (&Out)[8])
{
    u32 Count = 0;
    if (Cpuid(0).A < 4)
        return 0;
    for (u32 I = 0; I < 8; ++I) {
        Leaf L = Cpuid(4, I);
        u32 Type = L.A & 31;
        if (Type == 0 || Type > 3)
            break;
        u32 Ways = (L.B >> 22) + 1, Parts = (L.B >> 12 & 0x3FF) + 1, Line = (L.B & 0xFFF) + 1, Sets = L.C + 1;
        Out[Count++] = { u8(L.A >> 5 & 7), u8(L.A >> 9 & 1 ? 0xFF : Ways), u16(Line), Ways * Parts * Line * Sets,
                         Type == 1 ? CacheData : Type == 2 ? CacheInstruction : CacheUnified };
    }
    if (Count || Cpuid(0x80000000).A < 0x80000006)
        return Count;
    // AMD's: sizes in KiB, how many ways, bytes of a line.
    Leaf First = Cpuid(0x80000005), Second = Cpuid(0x80000006);
    auto Level1 = [&](u32 L, auto Type) {
        if (L >> 24)
            Out[Count++] = { 1, u8(L >> 16), u16(L & 0xFF), (L >> 24) * 1024, Type };
    };
    Level1(First.C, CacheData);
    Level1(First.D, CacheInstruction);
    static constexpr u8 Ways[16] = { 0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0xFF };
    if (Second.C >> 16)
        Out[Count++] = { 2, Ways[Second.C >> 12 & 15], u16(Second.C & 0xFF), (Second.C >> 16) * 1024, CacheUnified };
    return Count;
}

constexpr GROUP_AFFINITY OnlyOne { 1, 0, {} };

template <typename T> Status PutEx(Stream& To, ULONG Relationship, const T& Info)
{
    TRY(To.Put(SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX_HEAD { Relationship, ULONG(sizeof(SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX_HEAD) + sizeof(T)) }));
    return To.Put(Info);
}

}

Status QueryProcessor(Query& Q, bool Emulated)
{
    Leaf One = Cpuid(1);
    u32 Family = One.A >> 8 & 15, Model = One.A >> 4 & 15, Stepping = One.A & 15;
    if (Family == 6 || Family == 15)
        Model |= One.A >> 12 & 0xF0;
    if (Family == 15)
        Family += One.A >> 20 & 0xFF;
    SYSTEM_PROCESSOR_INFORMATION Info { USHORT(Emulated ? 0 : 9), USHORT(Family), USHORT(Model << 8 | Stepping), 1, FeatureBits(One) };
    return Q.Exactly(Info);
}

Status QueryLogicalProcessors(Query& Q)
{
    Cache All[8];
    u32 Count = Caches(All);
    Stream To(Q);
    SYSTEM_LOGICAL_PROCESSOR_INFORMATION Info { 1, RelationProcessorCore, {} };
    TRY(To.Put(Info));
    for (u32 I = 0; I < Count; ++I) {
        Info = { 1, RelationCache, {} };
        Info.Cache = { All[I].Level, All[I].Ways, All[I].Line, All[I].Size, All[I].Type };
        TRY(To.Put(Info));
    }
    Info = { 1, RelationProcessorPackage, {} };
    TRY(To.Put(Info));
    Info = { 1, RelationNumaNode, {} };
    TRY(To.Put(Info));
    return To.Finish();
}

Status QueryLogicalProcessorsEx(Query& Q, ULONG Relationship)
{
    bool Everything = Relationship == RelationAll;
    if (!Everything && Relationship > RelationGroup)
        return Relationship <= RelationProcessorModule ? STATUS_UNSUCCESSFUL : STATUS_INVALID_PARAMETER;
    Stream To(Q);
    if (Everything || Relationship == RelationProcessorCore)
        TRY(PutEx(To, RelationProcessorCore, PROCESSOR_RELATIONSHIP { 0, 0, {}, 1, OnlyOne }));
    if (Everything || Relationship == RelationCache) {
        Cache All[8];
        u32 Count = Caches(All);
        for (u32 I = 0; I < Count; ++I)
            TRY(PutEx(To, RelationCache, CACHE_RELATIONSHIP { All[I].Level, All[I].Ways, All[I].Line, All[I].Size, All[I].Type, {}, 1, OnlyOne }));
    }
    if (Everything || Relationship == RelationProcessorPackage)
        TRY(PutEx(To, RelationProcessorPackage, PROCESSOR_RELATIONSHIP { 0, 0, {}, 1, OnlyOne }));
    if (Everything || Relationship == RelationNumaNode)
        TRY(PutEx(To, RelationNumaNode, NUMA_NODE_RELATIONSHIP { 0, {}, 1, OnlyOne }));
    if (Everything || Relationship == RelationGroup)
        TRY(PutEx(To, RelationGroup, GROUP_RELATIONSHIP { 1, 1, {}, { 1, 1, {}, 1 } }));
    return To.Finish();
}

Status QueryCpuSets(Query& Q)
{
    SYSTEM_CPU_SET_INFORMATION Info {};
    Info.Size = sizeof(Info);
    Info.Id = 0x100;
    if (Q.Length < sizeof(Info))
        return Q.TooShort(sizeof(Info), STATUS_BUFFER_TOO_SMALL);
    return Q.Write(&Info, sizeof(Info));
}

}
