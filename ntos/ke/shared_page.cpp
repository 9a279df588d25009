// What KUSER_SHARED_DATA says about the system; the times in it are ke/time.cpp's.
#include "ntos/ke/shared_page.hpp"

#include "kernel/kernel.hpp"
#include "lib/core/cpuid.hpp"
#include "ntos/mm/phys.hpp"

namespace ke {

// Indices of ProcessorFeatures (winnt.h, PF_*).
enum : u32 {
    CompareExchangeDouble = 2, MmxInstructions = 3, XmmiInstructions = 6, RdtscInstruction = 8, PaeEnabled = 9, Xmmi64Instructions = 10, NxEnabled = 12,
    Sse3Instructions = 13, CompareExchange128 = 14, XsaveEnabled = 17, RdwrFsGsBase = 22, FastFail = 23, Rdrand = 28, Rdtscp = 32,
    Ssse3Instructions = 36, Sse41Instructions = 37, Sse42Instructions = 38, AvxInstructions = 39, Avx2Instructions = 40,
};

Result<u32> MakeSharedPage(abi::KuserSharedData*& Page)
{
    mm::Pfn Frame = TRY(mm::AllocateFrame());
    auto& K = *reinterpret_cast<abi::KuserSharedData*>(mm::PageAddress(Frame));
    static_assert(sizeof(K) <= PageSize);
    K.ImageNumberLow = K.ImageNumberHigh = 0x8664;
    static constexpr wchar_t Root[] = L"C:\\Windows";
    for (u32 I = 0; I < sizeof(Root) / 2; ++I)
        K.NtSystemRoot[I] = Root[I];
    K.LargePageMinimum = 2 * MiB;
    K.NtBuildNumber = 19045;
    K.NtProductType = 1;                // a workstation
    K.ProductTypeIsValid = 1;
    K.NativeProcessorArchitecture = 9;  // AMD64
    K.NtMajorVersion = 10;
    K.SuiteMask = 0x100;                // single-user terminal services: an ordinary client
    K.ActiveProcessorCount = 1;
    K.ActiveGroupCount = 1;
    K.UnparkedProcessorCount = 1;
    K.NumberOfPhysicalPages = u32(mm::QueryMemory().TotalPages);
    K.CyclesPerYield = 100;
    K.Cookie = u32(kernel::Tsc() * 0x9E3779B1u);
    auto Set = [&](u32 Feature, bool On) { K.ProcessorFeatures[Feature] = On; };
    const u32 C = core::Cpuid(1).C, D = core::Cpuid(1).D;
    Set(CompareExchangeDouble, D >> 8 & 1);
    Set(MmxInstructions, D >> 23 & 1);
    Set(XmmiInstructions, D >> 25 & 1);
    Set(Xmmi64Instructions, D >> 26 & 1);
    Set(RdtscInstruction, D >> 4 & 1);
    Set(PaeEnabled, true);
    Set(NxEnabled, false);              // the kernel leaves no-execute off
    Set(Sse3Instructions, C & 1);
    Set(CompareExchange128, C >> 13 & 1);
    Set(Ssse3Instructions, C >> 9 & 1);
    Set(Sse41Instructions, C >> 19 & 1);
    Set(Sse42Instructions, C >> 20 & 1);
    Set(Rdrand, C >> 30 & 1);
    Set(FastFail, true);
    bool Xsave = C >> 27 & 1;
    Set(XsaveEnabled, Xsave);
    Set(AvxInstructions, Xsave && C >> 28 & 1);
    const u32 B = core::Cpuid(7).B;
    Set(RdwrFsGsBase, B & 1);
    Set(Avx2Instructions, Xsave && B >> 5 & 1);
    Set(Rdtscp, core::Cpuid(0x80000001).D >> 27 & 1);
    if (Xsave) {
        K.XStateEnabledFeatures = 7;    // x87, SSE, AVX: what the kernel switches
        K.XStateEnabledVolatileFeatures = 7;
        K.XStateSize = 832;
        K.XStateFlags = core::Cpuid(0xD, 1).A & 3;       // XSAVEOPT, XSAVEC
        K.XStateFeatures[0] = { 0, 160 };
        K.XStateFeatures[1] = { 160, 256 };
        K.XStateFeatures[2] = { 576, 256 };
    }
    Page = &K;
    return Result<u32>(u32(Frame));
}

}
