#include "kernel/kernel.hpp"
using namespace kernel;
extern "C" [[noreturn]] void ExecutiveMain(void* A) { Start(A); DebugWrite("hello\n", 6); for (;;) Yield(); }
