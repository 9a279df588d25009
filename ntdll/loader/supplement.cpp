// Functions of Windows' DLLs that the packaged ones lack, or have as stubs that only fail, and winsup.dll (win32/winsup) has. To a program they are functions of the DLL that Windows
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

// Of kernel32.dll, which exports them: stubs.
constexpr const char* Stubs[] = {
    "GetNumaAvailableMemoryNode", "GetNumaAvailableMemoryNodeEx", "GetNumaNodeProcessorMask", "GetNumaNodeProcessorMaskEx", "GetNumaProcessorNodeEx",
    "GetProcessGroupAffinity",    "SetThreadIdealProcessorEx",
};

bool Same(const char* A, const char* B)
{
    while (*A && *A == *B)
        ++A, ++B;
    return *A == *B;
}

struct From {
    bool Kernel = false, Advapi = false;
    explicit From(Module* M)
    {
        const u32 Length = M->BaseDllName.Length / 2;
        auto Is = [&](const WCHAR* Dll, u32 Count) { return SameName(M->BaseDllName.Buffer, Length, Dll, Count); };
        if (!IsSystemModule(M))
            return;
        Kernel = Is(L"kernelbase.dll", 14) || Is(L"kernel32.dll", 12);
        Advapi = Is(L"advapi32.dll", 12);
    }
};

}

bool IsSupplied(Module* M, const char* Name)
{
    From F(M);
    for (const Entry& E : Entries)
        if ((E.Dll[0] == 'k' ? F.Kernel : F.Advapi) && Same(E.Name, Name))
            return true;
    return false;
}

bool IsReplaced(Module* M, const char* Name)
{
    // Nearly every name of every import is asked for: most leave here.
    if (Name[0] != 'G' && Name[0] != 'S')
        return false;
    for (const char* Stub : Stubs)
        if (Same(Stub, Name))
            return From(M).Kernel;
    return false;
}

}
