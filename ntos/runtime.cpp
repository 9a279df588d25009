// What the compiler expects of a C++ run-time library.
#include <new>

#include "lib/core/result.hpp"

const std::nothrow_t std::nothrow {};

extern "C" [[noreturn]] void __cxa_pure_virtual()
{
    core::Panic("pure virtual function called", __FILE__, __LINE__);
}

extern "C" int strcmp(const char* A, const char* B)
{
    while (*A && *A == *B) {
        ++A;
        ++B;
    }
    return u8(*A) - u8(*B);
}

extern "C" usize strlen(const char* Text)
{
    usize Length = 0;
    while (Text[Length])
        ++Length;
    return Length;
}
