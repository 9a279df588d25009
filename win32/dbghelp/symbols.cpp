// Symbols of the calling process: what modules export is known, debug information (PDB, DWARF) is not read, so there are
// no local names and no line numbers. Stacks are walked by the modules' unwind data.
#include "win32/common/win.hpp"

#include <dbghelp.h>
#define PSAPI_VERSION 2
#include <psapi.h>

extern "C" PIMAGE_NT_HEADERS NTAPI RtlImageNtHeader(PVOID Base);

namespace {

struct Session {
    Session* Next;
    HANDLE Process;
    WCHAR Path[MAX_PATH];
};
SRWLOCK Lock = SRWLOCK_INIT;
Session* Sessions;
DWORD Options = SYMOPT_UNDNAME;

Session* Find(HANDLE Process)
{
    for (Session* S = Sessions; S; S = S->Next) {
        if (S->Process == Process) {
            return S;
        }
    }
    SetLastError(ERROR_INVALID_HANDLE);
    return nullptr;
}
bool Known(HANDLE Process)
{
    win::Guard Hold(Lock);
    return Find(Process) != nullptr;
}

// The module an address is in; only of this process.
HMODULE ModuleOf(DWORD64 Address)
{
    HMODULE Module = nullptr;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                       reinterpret_cast<LPCWSTR>(Address), &Module);
    return Module;
}

struct Export {
    const char* Name = nullptr;
    DWORD64 Address = 0;
};

// Calls Visit for every named export of a module until it says false.
template <typename Function> void EachExport(HMODULE Module, Function Visit)
{
    ULONG Size;
    auto Base = reinterpret_cast<u8*>(Module);
    auto Table = static_cast<IMAGE_EXPORT_DIRECTORY*>(ImageDirectoryEntryToData(Base, TRUE, IMAGE_DIRECTORY_ENTRY_EXPORT, &Size));
    if (!Table) {
        return;
    }
    auto Functions = reinterpret_cast<const DWORD*>(Base + Table->AddressOfFunctions);
    auto Names = reinterpret_cast<const DWORD*>(Base + Table->AddressOfNames);
    auto Ordinals = reinterpret_cast<const WORD*>(Base + Table->AddressOfNameOrdinals);
    for (DWORD i = 0; i < Table->NumberOfNames; ++i) {
        if (Ordinals[i] >= Table->NumberOfFunctions) {
            continue;
        }
        u8* At = Base + Functions[Ordinals[i]];
        if (At >= reinterpret_cast<u8*>(Table) && At < reinterpret_cast<u8*>(Table) + Size) {
            continue; // a forwarder is a name, not code
        }
        if (!Visit(Export { reinterpret_cast<const char*>(Base + Names[i]), DWORD64(At) })) {
            return;
        }
    }
}

void Fill(SYMBOL_INFO& Out, const Export& E, HMODULE Module)
{
    Out.ModBase = DWORD64(Module);
    Out.Address = E.Address;
    Out.Flags = SYMFLAG_EXPORT;
    Out.Tag = 10; // SymTagPublicSymbol
    Out.NameLen = ULONG(win::Length(E.Name));
    if (Out.MaxNameLen) {
        ULONG Count = Out.NameLen < Out.MaxNameLen ? Out.NameLen : Out.MaxNameLen - 1;
        __builtin_memcpy(Out.Name, E.Name, Count);
        Out.Name[Count] = 0;
    }
}

bool Nearest(DWORD64 Address, HMODULE Module, Export& Out)
{
    EachExport(Module, [&](const Export& E) {
        if (E.Address <= Address && E.Address >= Out.Address) {
            Out = E;
        }
        return true;
    });
    return Out.Name != nullptr;
}

void NameOf(HMODULE Module, WCHAR* Out, WCHAR* Path)
{
    GetModuleFileNameW(Module, Path, MAX_PATH);
    const WCHAR* Name = Path;
    for (const WCHAR* At = Path; *At; ++At) {
        Name = *At == '\\' ? At + 1 : Name;
    }
    lstrcpynW(Out, Name, 32);
    for (WCHAR* At = Out; *At; ++At) {
        if (*At == '.') {
            *At = 0;
            break;
        }
    }
}

}

EXPORT DWORD WINAPI SymSetOptions(DWORD Value) { return Options = Value; }
EXPORT DWORD WINAPI SymGetOptions() { return Options; }

EXPORT BOOL WINAPI SymInitializeW(HANDLE Process, PCWSTR Path, BOOL)
{
    win::Guard Hold(Lock);
    if (Find(Process)) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    auto S = static_cast<Session*>(win::Allocate(sizeof(Session)));
    if (!S) {
        return win::Fail(ERROR_NOT_ENOUGH_MEMORY);
    }
    S->Process = Process;
    lstrcpynW(S->Path, Path ? Path : L".", MAX_PATH);
    S->Next = Sessions;
    Sessions = S;
    return TRUE;
}
EXPORT BOOL WINAPI SymInitialize(HANDLE Process, PCSTR Path, BOOL Invade) { return SymInitializeW(Process, win::Wide(Path), Invade); }
EXPORT BOOL WINAPI SymCleanup(HANDLE Process)
{
    win::Guard Hold(Lock);
    for (Session** At = &Sessions; *At; At = &(*At)->Next) {
        if ((*At)->Process == Process) {
            Session* S = *At;
            *At = S->Next;
            win::Free(S);
            return TRUE;
        }
    }
    return win::Fail(ERROR_INVALID_HANDLE);
}
EXPORT BOOL WINAPI SymRefreshModuleList(HANDLE Process) { return Known(Process); }
EXPORT BOOL WINAPI SymGetSearchPathW(HANDLE Process, PWSTR Out, DWORD Room)
{
    win::Guard Hold(Lock);
    Session* S = Find(Process);
    return S && lstrcpynW(Out, S->Path, int(Room)) != nullptr;
}
EXPORT BOOL WINAPI SymSetSearchPathW(HANDLE Process, PCWSTR Path)
{
    win::Guard Hold(Lock);
    Session* S = Find(Process);
    return S && lstrcpynW(S->Path, Path ? Path : L".", MAX_PATH) != nullptr;
}
EXPORT BOOL WINAPI SymGetSearchPath(HANDLE Process, PSTR Out, DWORD Room)
{
    WCHAR Path[MAX_PATH];
    return SymGetSearchPathW(Process, Path, MAX_PATH) && WideCharToMultiByte(CP_ACP, 0, Path, -1, Out, int(Room), nullptr, nullptr);
}
EXPORT BOOL WINAPI SymSetSearchPath(HANDLE Process, PCSTR Path) { return SymSetSearchPathW(Process, win::Wide(Path)); }

EXPORT DWORD64 WINAPI SymGetModuleBase64(HANDLE, DWORD64 Address)
{
    HMODULE Module = ModuleOf(Address);
    if (!Module) {
        SetLastError(ERROR_MOD_NOT_FOUND);
    }
    return DWORD64(Module);
}
EXPORT BOOL WINAPI SymGetModuleInfoW64(HANDLE Process, DWORD64 Address, PIMAGEHLP_MODULEW64 Out)
{
    HMODULE Module = Known(Process) ? ModuleOf(Address) : nullptr;
    if (!Module || !Out || Out->SizeOfStruct < FIELD_OFFSET(IMAGEHLP_MODULEW64, LoadedPdbName)) {
        return win::Fail(Module ? ERROR_INVALID_PARAMETER : ERROR_MOD_NOT_FOUND);
    }
    DWORD Size = Out->SizeOfStruct;
    PIMAGE_NT_HEADERS Headers = RtlImageNtHeader(Module);
    __builtin_memset(Out, 0, FIELD_OFFSET(IMAGEHLP_MODULEW64, LoadedPdbName));
    Out->SizeOfStruct = Size;
    Out->BaseOfImage = DWORD64(Module);
    Out->ImageSize = Headers->OptionalHeader.SizeOfImage;
    Out->TimeDateStamp = Headers->FileHeader.TimeDateStamp;
    Out->CheckSum = Headers->OptionalHeader.CheckSum;
    Out->SymType = SymExport;
    NameOf(Module, Out->ModuleName, Out->ImageName);
    lstrcpyW(Out->LoadedImageName, Out->ImageName);
    return TRUE;
}
EXPORT BOOL WINAPI SymGetModuleInfo64(HANDLE Process, DWORD64 Address, PIMAGEHLP_MODULE64 Out)
{
    win::Buffer<IMAGEHLP_MODULEW64> Wide(1);
    if (!Wide || !Out || Out->SizeOfStruct < FIELD_OFFSET(IMAGEHLP_MODULE64, LoadedPdbName)) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    Wide->SizeOfStruct = sizeof(IMAGEHLP_MODULEW64);
    if (!SymGetModuleInfoW64(Process, Address, Wide)) {
        return FALSE;
    }
    DWORD Size = Out->SizeOfStruct;
    __builtin_memset(Out, 0, FIELD_OFFSET(IMAGEHLP_MODULE64, LoadedPdbName));
    Out->SizeOfStruct = Size;
    Out->BaseOfImage = Wide->BaseOfImage;
    Out->ImageSize = Wide->ImageSize;
    Out->TimeDateStamp = Wide->TimeDateStamp;
    Out->CheckSum = Wide->CheckSum;
    Out->SymType = Wide->SymType;
    WideCharToMultiByte(CP_ACP, 0, Wide->ModuleName, -1, Out->ModuleName, sizeof(Out->ModuleName), nullptr, nullptr);
    WideCharToMultiByte(CP_ACP, 0, Wide->ImageName, -1, Out->ImageName, sizeof(Out->ImageName), nullptr, nullptr);
    lstrcpyA(Out->LoadedImageName, Out->ImageName);
    return TRUE;
}

EXPORT BOOL WINAPI SymFromAddr(HANDLE Process, DWORD64 Address, PDWORD64 Displacement, PSYMBOL_INFO Out)
{
    if (!Known(Process)) {
        return FALSE;
    }
    HMODULE Module = ModuleOf(Address);
    if (!Module || !Out) {
        return win::Fail(Out ? ERROR_MOD_NOT_FOUND : ERROR_INVALID_PARAMETER);
    }
    Export E;
    if (!Nearest(Address, Module, E)) {
        return win::Fail(ERROR_INVALID_ADDRESS);
    }
    Fill(*Out, E, Module);
    if (Displacement) {
        *Displacement = Address - E.Address;
    }
    return TRUE;
}
EXPORT BOOL WINAPI SymFromName(HANDLE Process, PCSTR Name, PSYMBOL_INFO Out)
{
    if (!Known(Process) || !Name || !Out) {
        return FALSE;
    }
    // "module!name", or the name in any module.
    const char* Mark = Name;
    while (*Mark && *Mark != '!') {
        ++Mark;
    }
    HMODULE Modules[256];
    DWORD Size = 0;
    if (!K32EnumProcessModules(GetCurrentProcess(), Modules, sizeof(Modules), &Size)) {
        return FALSE;
    }
    WCHAR Module[32], Path[MAX_PATH];
    for (DWORD i = 0; i < Size / sizeof(HMODULE) && i < 256; ++i) {
        if (*Mark) {
            char Narrow[32];
            NameOf(Modules[i], Module, Path);
            WideCharToMultiByte(CP_ACP, 0, Module, -1, Narrow, sizeof(Narrow), nullptr, nullptr);
            if (CompareStringA(LOCALE_INVARIANT, NORM_IGNORECASE, Narrow, -1, Name, int(Mark - Name)) != CSTR_EQUAL) {
                continue;
            }
        }
        Export Found;
        EachExport(Modules[i], [&](const Export& E) {
            if (lstrcmpA(E.Name, *Mark ? Mark + 1 : Name) == 0) {
                Found = E;
                return false;
            }
            return true;
        });
        if (Found.Name) {
            Fill(*Out, Found, Modules[i]);
            return TRUE;
        }
    }
    return win::Fail(ERROR_MOD_NOT_FOUND);
}
EXPORT BOOL WINAPI SymGetLineFromAddr64(HANDLE Process, DWORD64, PDWORD, PIMAGEHLP_LINE64)
{
    return Known(Process) && win::Fail(ERROR_INVALID_ADDRESS);
}
EXPORT BOOL WINAPI SymGetLineFromAddrW64(HANDLE Process, DWORD64, PDWORD, PIMAGEHLP_LINEW64)
{
    return Known(Process) && win::Fail(ERROR_INVALID_ADDRESS);
}

EXPORT PVOID WINAPI SymFunctionTableAccess64(HANDLE, DWORD64 Address)
{
    DWORD64 Base;
    return RtlLookupFunctionEntry(Address, &Base, nullptr);
}

EXPORT BOOL WINAPI StackWalk64(DWORD Machine, HANDLE Process, HANDLE Thread, LPSTACKFRAME64 Frame, PVOID Record,
                               PREAD_PROCESS_MEMORY_ROUTINE64, PFUNCTION_TABLE_ACCESS_ROUTINE64, PGET_MODULE_BASE_ROUTINE64,
                               PTRANSLATE_ADDRESS_ROUTINE64)
{
    if (Machine != IMAGE_FILE_MACHINE_AMD64 || !Frame || !Record) {
        return win::Fail(ERROR_INVALID_PARAMETER);
    }
    if (Process != GetCurrentProcess() && GetProcessId(Process) != GetCurrentProcessId()) {
        return win::Fail(ERROR_CALL_NOT_IMPLEMENTED); // another process' memory would have to be read for every step
    }
    auto Context = static_cast<CONTEXT*>(Record);
    if (Frame->Virtual) {
        // Go to the caller. Virtual says that a first frame has been given out.
        DWORD64 Base;
        auto Entry = Context->Rip ? RtlLookupFunctionEntry(Context->Rip, &Base, nullptr) : nullptr;
        if (Entry) {
            PVOID Data;
            DWORD64 Establisher;
            RtlVirtualUnwind(UNW_FLAG_NHANDLER, Base, Context->Rip, Entry, Context, &Data, &Establisher, nullptr);
        } else {
            // A leaf has its return address on top of the stack.
            MEMORY_BASIC_INFORMATION Memory;
            if ((Context->Rsp & 7) || !VirtualQuery(reinterpret_cast<void*>(Context->Rsp), &Memory, sizeof(Memory)) ||
                Memory.State != MEM_COMMIT || !(Memory.Protect & (PAGE_READWRITE | PAGE_READONLY | PAGE_EXECUTE_READWRITE))) {
                return FALSE;
            }
            Context->Rip = *reinterpret_cast<DWORD64*>(Context->Rsp);
            Context->Rsp += 8;
        }
    } else {
        Frame->Virtual = TRUE;
    }
    if (!Context->Rip) {
        return FALSE;
    }
    Frame->AddrPC = { Context->Rip, 0, AddrModeFlat };
    Frame->AddrStack = { Context->Rsp, 0, AddrModeFlat };
    Frame->AddrFrame = { Context->Rbp, 0, AddrModeFlat };
    // The return address, seen by unwinding a copy.
    win::Buffer<CONTEXT> Next(1);
    Frame->AddrReturn = { 0, 0, AddrModeFlat };
    DWORD64 Base;
    if (auto Entry = Next ? RtlLookupFunctionEntry(Context->Rip, &Base, nullptr) : nullptr) {
        __builtin_memcpy(Next.Get(), Context, sizeof(CONTEXT));
        PVOID Data;
        DWORD64 Establisher;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, Base, Next->Rip, Entry, Next, &Data, &Establisher, nullptr);
        Frame->AddrReturn.Offset = Next->Rip;
    }
    (void)Thread;
    return TRUE;
}

EXPORT BOOL WINAPI EnumerateLoadedModulesW64(HANDLE Process, PENUMLOADED_MODULES_CALLBACKW64 Visit, PVOID Data)
{
    HMODULE Modules[256];
    DWORD Size = 0;
    WCHAR Path[MAX_PATH];
    if (!K32EnumProcessModules(Process, Modules, sizeof(Modules), &Size)) {
        return FALSE;
    }
    for (DWORD i = 0; i < Size / sizeof(HMODULE) && i < 256; ++i) {
        MODULEINFO Info = {};
        K32GetModuleFileNameExW(Process, Modules[i], Path, MAX_PATH);
        K32GetModuleInformation(Process, Modules[i], &Info, sizeof(Info));
        if (!Visit(Path, DWORD64(Modules[i]), Info.SizeOfImage, Data)) {
            break;
        }
    }
    return TRUE;
}
EXPORT BOOL WINAPI EnumerateLoadedModules64(HANDLE Process, PENUMLOADED_MODULES_CALLBACK64 Visit, PVOID Data)
{
    struct Pass {
        PENUMLOADED_MODULES_CALLBACK64 Visit;
        PVOID Data;
    } P = { Visit, Data };
    return EnumerateLoadedModulesW64(
        Process,
        [](PCWSTR Name, DWORD64 Base, ULONG Size, PVOID Data) -> BOOL {
            auto P = static_cast<Pass*>(Data);
            return P->Visit(win::Narrow(Name), Base, Size, P->Data);
        },
        &P);
}

// Decorated names stay as they are: that is what UnDecorateSymbolName gives for names it does not understand.
EXPORT DWORD WINAPI UnDecorateSymbolName(PCSTR Name, PSTR Out, DWORD Room, DWORD)
{
    if (!Name || !Out || !Room) {
        return DWORD(win::Fail(ERROR_INVALID_PARAMETER));
    }
    lstrcpynA(Out, Name, int(Room));
    return DWORD(win::Length(Out));
}

EXPORT LPAPI_VERSION WINAPI ImagehlpApiVersion()
{
    static API_VERSION Version = { 4, 0, API_VERSION_NUMBER, 0 };
    return &Version;
}
