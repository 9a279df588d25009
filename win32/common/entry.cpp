// The entry point of every DLL here, and the helpers of win.hpp that need a body.
#include "win32/common/win.hpp"

extern "C" __attribute__((weak)) BOOL NeptuneAttach(HINSTANCE) { return TRUE; }
extern "C" __attribute__((weak)) void NeptuneDetach() { }

extern "C" BOOL WINAPI DllEntry(HINSTANCE Module, DWORD Reason, void* Reserved)
{
    switch (Reason) {
    case DLL_PROCESS_ATTACH:
        DisableThreadLibraryCalls(Module);
        return NeptuneAttach(Module);
    case DLL_PROCESS_DETACH:
        // At the end of the process the heap may be in any state: leave everything to the system.
        if (!Reserved) {
            NeptuneDetach();
        }
        return TRUE;
    default:
        return TRUE;
    }
}

namespace win {

Buffer<WCHAR> Wide(const char* Text, UINT CodePage)
{
    if (!Text) {
        return {};
    }
    int Count = MultiByteToWideChar(CodePage, 0, Text, -1, nullptr, 0);
    Buffer<WCHAR> Result(Count);
    if (Result) {
        MultiByteToWideChar(CodePage, 0, Text, -1, Result, Count);
    }
    return Result;
}

Buffer<char> Narrow(const WCHAR* Text, UINT CodePage)
{
    if (!Text) {
        return {};
    }
    int Count = WideCharToMultiByte(CodePage, 0, Text, -1, nullptr, 0, nullptr, nullptr);
    Buffer<char> Result(Count);
    if (Result) {
        WideCharToMultiByte(CodePage, 0, Text, -1, Result, Count, nullptr, nullptr);
    }
    return Result;
}

}
