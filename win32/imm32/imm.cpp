// imm32 without input methods: every thread has none, and so none has to be disabled.
#include "win32/common/win.hpp"

EXPORT BOOL WINAPI ImmDisableIME(DWORD) { return TRUE; }
EXPORT BOOL WINAPI ImmDisableLegacyIME() { return TRUE; }
EXPORT BOOL WINAPI ImmDisableTextFrameService(DWORD) { return TRUE; }
EXPORT HWND WINAPI ImmGetDefaultIMEWnd(HWND) { return nullptr; }
EXPORT HIMC WINAPI ImmGetContext(HWND) { return nullptr; }
EXPORT BOOL WINAPI ImmReleaseContext(HWND, HIMC) { return TRUE; }
EXPORT BOOL WINAPI ImmIsIME(HKL) { return FALSE; }
