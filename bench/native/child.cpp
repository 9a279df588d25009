// The smallest native program: it ends at once.
#include "abi/nt/peb.hpp"
#include "abi/services.hpp"

extern "C" void NtProcessStartup(nt::PEB*)
{
    NtTerminateProcess(reinterpret_cast<nt::HANDLE>(i64(-1)), 0);
}
