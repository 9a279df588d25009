// bcryptprimitives.dll: the one function current Go and Rust programs import from it.
#include "win32/common/entropy.hpp"
#include "win32/common/win.hpp"

EXPORT BOOL WINAPI ProcessPrng(PBYTE Data, SIZE_T Size) { return RandomBytes(Data, Size); }
