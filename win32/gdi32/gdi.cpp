// gdi32 without a display: there is nothing to draw on, so all but these fail (exports.txt).
#include "win32/common/win.hpp"

EXPORT BOOL WINAPI GdiFlush() { return TRUE; }
EXPORT DWORD WINAPI GdiGetBatchLimit() { return 20; }
EXPORT DWORD WINAPI GdiSetBatchLimit(DWORD) { return 20; }
