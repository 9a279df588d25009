#include <stdio.h>
#include <stdlib.h>

#include "kernel/kernel.hpp"
#include "lib/core/result.hpp"

void (*kernel::OnPanic)();

namespace core {

void Panic(const char* What, const char* File, int Line)
{
    fprintf(stderr, "NEPTUNE PANIC: %s:%d: %s\n", File, Line, What);
    abort();
}

}
