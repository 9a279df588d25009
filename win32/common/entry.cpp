// The entry point of every DLL here.
#include "win32/common/win.hpp"

extern "C" __attribute__((weak)) BOOL NeptuneAttach(HINSTANCE) { return TRUE; }
extern "C" __attribute__((weak)) void NeptuneDetach() {}

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
