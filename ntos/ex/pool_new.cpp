// operator new and delete of the Executive. The throwing forms (which the language wants to exist) stop the system: our code
// uses the nothrow ones.
#include <new>

#include "lib/core/result.hpp"
#include "ntos/ex/pool.hpp"

namespace pool = ex::pool;

void* operator new(std::size_t Bytes, const std::nothrow_t&) noexcept { return pool::Allocate(Bytes); }
void* operator new[](std::size_t Bytes, const std::nothrow_t&) noexcept { return pool::Allocate(Bytes); }
void* operator new(std::size_t Bytes, std::align_val_t A, const std::nothrow_t&) noexcept { return pool::AllocateAligned(Bytes, std::size_t(A)); }
void* operator new[](std::size_t Bytes, std::align_val_t A, const std::nothrow_t&) noexcept { return pool::AllocateAligned(Bytes, std::size_t(A)); }

static void* OrPanic(void* Block)
{
    if (!Block)
        core::Panic("out of memory in an allocation that cannot fail", __FILE__, __LINE__);
    return Block;
}

void* operator new(std::size_t Bytes) { return OrPanic(pool::Allocate(Bytes)); }
void* operator new[](std::size_t Bytes) { return OrPanic(pool::Allocate(Bytes)); }

void operator delete(void* Block) noexcept { pool::Free(Block); }
void operator delete[](void* Block) noexcept { pool::Free(Block); }
void operator delete(void* Block, std::size_t) noexcept { pool::Free(Block); }
void operator delete[](void* Block, std::size_t) noexcept { pool::Free(Block); }
void operator delete(void* Block, std::align_val_t) noexcept { pool::Free(Block); }
void operator delete[](void* Block, std::align_val_t) noexcept { pool::Free(Block); }
void operator delete(void* Block, std::size_t, std::align_val_t) noexcept { pool::Free(Block); }
void operator delete(void* Block, const std::nothrow_t&) noexcept { pool::Free(Block); }
void operator delete[](void* Block, const std::nothrow_t&) noexcept { pool::Free(Block); }
