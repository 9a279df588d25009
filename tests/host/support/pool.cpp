#include "tests/host/support/pool.hpp"

#include <stdlib.h>

#include <new>

static bool Armed;
static u32 Left;

namespace test {

void FailAllocation(u32 Skip)
{
    Armed = true;
    Left = Skip;
}
bool AllocationFailurePending() { return Armed; }
void NoAllocationFailure() { Armed = false; }

}

static bool Fails()
{
    if (!Armed || Left-- > 0)
        return false;
    Armed = false;
    return true;
}

static void* Get(size_t Bytes, size_t Alignment)
{
    void* At = nullptr;
    if (Alignment < sizeof(void*))
        Alignment = sizeof(void*);
    return posix_memalign(&At, Alignment, Bytes ? Bytes : 1) == 0 ? At : nullptr;
}

static void* Must(void* At)
{
    if (!At)
        abort();
    return At;
}

void* operator new(size_t Bytes) { return Must(Get(Bytes, 16)); }
void* operator new[](size_t Bytes) { return Must(Get(Bytes, 16)); }
void* operator new(size_t Bytes, const std::nothrow_t&) noexcept { return Fails() ? nullptr : Get(Bytes, 16); }
void* operator new[](size_t Bytes, const std::nothrow_t&) noexcept { return Fails() ? nullptr : Get(Bytes, 16); }
void* operator new(size_t Bytes, std::align_val_t A) { return Must(Get(Bytes, size_t(A))); }
void* operator new(size_t Bytes, std::align_val_t A, const std::nothrow_t&) noexcept { return Fails() ? nullptr : Get(Bytes, size_t(A)); }
void operator delete(void* At) noexcept { free(At); }
void operator delete[](void* At) noexcept { free(At); }
void operator delete(void* At, size_t) noexcept { free(At); }
void operator delete[](void* At, size_t) noexcept { free(At); }
void operator delete(void* At, std::align_val_t) noexcept { free(At); }
void operator delete(void* At, size_t, std::align_val_t) noexcept { free(At); }
void operator delete(void* At, const std::nothrow_t&) noexcept { free(At); }
void operator delete[](void* At, const std::nothrow_t&) noexcept { free(At); }
