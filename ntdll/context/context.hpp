// Register contexts with extended state. A CONTEXT (or the x86 one) is followed by a CONTEXT_EX, whose chunks say where the legacy part
// and the XSAVE area without its first 512 bytes are; the latter is there if ContextFlags has ContextXState. Of the extended state the
// kernel switches AVX's upper halves only, so the area is an XSTATE or ends before its Ymm.
#pragma once
#include "ntdll/ntdll.hpp"

inline constexpr ULONG ContextXState = 0x40;

// One of the two architectures whose contexts programs may lay out, by the bit in ContextFlags that names it.
struct ContextKind {
    ULONG Flag;                 // CONTEXT_AMD64 or CONTEXT_i386
    ULONG Supported;            // flags a context may have
    ULONG Length;               // of the whole context
    ULONG ShortLength;          // of it without extended registers (flag 0x20)
    ULONG ExLength;             // what CONTEXT_EX takes
    ULONG Alignment;            // of the context
    ULONG Slack;                // what the length says alignment may cost
    ULONG FlagsOffset;
};
// The kind that Flags name; null if they name none or two, or have bits that kind does not know.
const ContextKind* ContextKindOf(ULONG Flags);
inline ULONG& FlagsOf(const ContextKind& Kind, void* Context) { return *At<ULONG>(Context, Kind.FlagsOffset); }

// Copies the registers that Flags name; ContextFlags are not touched.
void CopyContextParts(const ContextKind& Kind, void* To, ULONG Flags, const void* From);

inline u64 ExtendedFeatures() { return Kuser().XStateEnabledFeatures & ~u64(3); }
inline bool IsCompact() { return Kuser().XStateFlags & 2; }
inline u64 CompactionFor(u64 Features) { return IsCompact() ? u64(1) << 63 | Features : 0; }
inline nt::XSTATE* XStateOf(CONTEXT_EX* Extended) { return At<nt::XSTATE>(Extended, u64(i64(Extended->XState.Offset))); }

// The calling thread's extended state, of Features, into To; the Mask says what of it is not in its initial state, and only that is written.
void SaveExtendedState(nt::XSTATE& To, u64 Features);
// Sets the calling thread's extended state to what the context says, if it has any.
void LoadExtendedState(CONTEXT* Context);

extern "C" {
// The upper halves of ymm0 to ymm15.
void RtlpSaveYmm(nt::M128A* To);
void RtlpLoadYmm(const nt::M128A* From);
void RtlpClearYmm();
}
