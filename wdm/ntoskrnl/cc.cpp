// The cache as file systems see it. The cached data itself is in the Executive.
#include "wdm/ntoskrnl/host.hpp"

using namespace host;

extern "C" {

// Sections of files are made only of those the cache knows; there is none of any other.
BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS, MMFLUSH_TYPE) { return TRUE; }
BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS, PLARGE_INTEGER) { return TRUE; }

}
