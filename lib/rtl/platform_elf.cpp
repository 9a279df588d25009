// The Executive: its own heap, and nothing of a process.
#include "lib/core/result.hpp"
#include "lib/rtl/platform.hpp"

namespace rtl::platform {

using namespace nt;

void* Allocate(usize Size) { return ::operator new(Size, std::nothrow); }
void Free(void* At) { ::operator delete(At); }
void Raise(NTSTATUS) { core::Panic("a run-time function raised a status", __FILE__, __LINE__); }

}
