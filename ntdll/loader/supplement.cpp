// Functions of Windows' DLLs that the packaged ones lack, and winsup.dll (win32/winsup) has. To a program they are functions of the DLL that Windows
// has them in: importing them, or asking for their address, brings winsup.dll.
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

struct Entry {
    const WCHAR* Dll;
    const char* Name;
};
// kernelbase.dll stands for kernel32.dll: API sets lead there.
constexpr Entry Entries[] = {
    { L"kernel32", "CheckTokenMembershipEx" },
    { L"kernel32", "CopyFile2" },
    { L"kernel32", "DeleteSynchronizationBarrier" },
    { L"kernel32", "DiscardVirtualMemory" },
    { L"kernel32", "EnterSynchronizationBarrier" },
    { L"kernel32", "InitializeSynchronizationBarrier" },
    { L"kernel32", "IsProcessCritical" },
    { L"kernel32", "OfferVirtualMemory" },
    { L"kernel32", "ReclaimVirtualMemory" },
    { L"advapi32", "SaferiIsExecutableFileType" },
};

bool Same(const char* A, const char* B)
{
    while (*A && *A == *B)
        ++A, ++B;
    return *A == *B;
}

}

bool IsSupplied(Module* M, const char* Name)
{
    const u32 Length = M->BaseDllName.Length / 2;
    auto Is = [&](const WCHAR* Dll, u32 Count) { return SameName(M->BaseDllName.Buffer, Length, Dll, Count); };
    bool Base = Is(L"kernelbase.dll", 14), Kernel = Base || Is(L"kernel32.dll", 12);
    if (!IsSystemModule(M) || (!Kernel && !Is(L"advapi32.dll", 12)))
        return false;
    for (const Entry& E : Entries)
        if ((E.Dll[0] == 'k') == Kernel && Same(E.Name, Name))
            return true;
    return false;
}

}
