#include "win32/shell32/argv.hpp"

#include "win32/common/win.hpp"

// One block from LocalAlloc holds the pointers, a null one and the text.
EXPORT LPWSTR* WINAPI CommandLineToArgvW(LPCWSTR Line, int* Count)
{
    if (!Count) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    WCHAR Self[MAX_PATH];
    usize Chars;
    if (!*Line) {
        // An empty line stands for the program's own path.
        DWORD Length = GetModuleFileNameW(nullptr, Self, MAX_PATH);
        auto Words = static_cast<LPWSTR*>(LocalAlloc(LMEM_FIXED, 2 * sizeof(LPWSTR) + (Length + 1) * sizeof(WCHAR)));
        if (!Words) {
            return nullptr;
        }
        Words[0] = reinterpret_cast<LPWSTR>(Words + 2);
        Words[1] = nullptr;
        __builtin_memcpy(Words[0], Self, Length * sizeof(WCHAR));
        Words[0][Length] = 0;
        *Count = 1;
        return Words;
    }
    int Number = shell32::SplitCommandLine<WCHAR>(Line, nullptr, nullptr, Chars);
    auto Words = static_cast<LPWSTR*>(LocalAlloc(LMEM_FIXED, usize(Number + 1) * sizeof(LPWSTR) + Chars * sizeof(WCHAR)));
    if (!Words) {
        return nullptr;
    }
    *Count = shell32::SplitCommandLine(Line, Words, reinterpret_cast<WCHAR*>(Words + Number + 1), Chars);
    Words[Number] = nullptr;
    return Words;
}
