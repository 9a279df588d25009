// The shape of the Executive's capability space: a root CNode of 2^8 CNodes of 2^16 slots.
#pragma once
#include "lib/core/types.hpp"

namespace kernel::sel4 {

inline constexpr u32 RootBits = 8, NodeBits = 16;
inline constexpr u64 NodeSlots = 1ull << NodeBits;
// The root CNode's own capability: a slot of the initial CNode that the kernel leaves empty (the I/O space, without an
// IOMMU). Its guard is 40 zero bits, so 40 + 8 + 16 = 64 bits name a slot.
inline constexpr u64 RootCap = 8;
inline constexpr u32 TcbBits = 12;      // see config/mode/api/constants.h

// Capability data of a CNode: a guard of so many zero bits.
inline constexpr u64 GuardData(u32 GuardBits) { return 1ull << 31 | u64(GuardBits) << 2; }

}
