#include <stdio.h>
#include <stdlib.h>

#include "lib/core/result.hpp"

namespace core {

void Panic(const char* What, const char* File, int Line)
{
    fprintf(stderr, "NEPTUNE PANIC: %s:%d: %s\n", File, Line, What);
    abort();
}

}
