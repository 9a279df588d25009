// A program to be spoiled (images.cpp).
#include "tests/guest/tap.hpp"

extern "C" void NtProcessStartup(PEB*)
{
    RtlExitUserProcess(42);
}
