// The pool of the Executive in a test program that links pool.cpp: `new (std::nothrow)` can be made to fail.
#pragma once
#include "lib/core/types.hpp"

namespace test {

// The allocation that follows after Skip others fails, once.
void FailAllocation(u32 Skip);
bool AllocationFailurePending();
void NoAllocationFailure();

}
