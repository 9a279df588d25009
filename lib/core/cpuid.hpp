// The CPUID instruction.
#pragma once
#include "lib/core/types.hpp"

namespace core {

struct CpuidLeaf {
    u32 A, B, C, D;
};

inline CpuidLeaf Cpuid(u32 Leaf, u32 Sub = 0)
{
    CpuidLeaf L { Leaf, 0, Sub, 0 };
    asm volatile("cpuid" : "+a"(L.A), "=b"(L.B), "+c"(L.C), "=d"(L.D));
    return L;
}

}
