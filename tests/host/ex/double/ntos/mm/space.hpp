// The double of an address space: its counters.
#pragma once
#include "ntos/mm/mm.hpp"

namespace mm {

class AddressSpace {
public:
    u64 PrivatePages = 3, PeakPrivatePages = 4, MappedPages = 5, ReservedBytes = 6 * PageSize, PageFaults = 7;
};

}
