// What a function that is exported but not implemented does: it says so once on the debug port and fails the way
// functions of its family fail.
#include "win32/common/win.hpp"

extern "C" {
extern IMAGE_DOS_HEADER __ImageBase;
extern const u8 NeptuneStubs[];
extern const u32 NeptuneStubCount;
ULONG __cdecl DbgPrint(const char* Format, ...);
LONG_PTR NeptuneMissing(const u8* ReturnAddress, unsigned Kind);
}

namespace {

constexpr usize StubSize = 5;
constexpr u32 MaxTold = 2048;
volatile LONG Told[MaxTold / 32];

const char* ExportedName(const u8* Function)
{
    auto Base = reinterpret_cast<const u8*>(&__ImageBase);
    auto Headers = reinterpret_cast<const IMAGE_NT_HEADERS64*>(Base + __ImageBase.e_lfanew);
    auto& Entry = Headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT];
    auto Table = reinterpret_cast<const IMAGE_EXPORT_DIRECTORY*>(Base + Entry.VirtualAddress);
    auto Functions = reinterpret_cast<const u32*>(Base + Table->AddressOfFunctions);
    auto Names = reinterpret_cast<const u32*>(Base + Table->AddressOfNames);
    auto Ordinals = reinterpret_cast<const u16*>(Base + Table->AddressOfNameOrdinals);
    for (u32 i = 0; i < Table->NumberOfNames; ++i) {
        if (Base + Functions[Ordinals[i]] == Function) {
            return reinterpret_cast<const char*>(Base + Names[i]);
        }
    }
    return "(by ordinal)";
}

}

extern "C" LONG_PTR NeptuneMissing(const u8* ReturnAddress, unsigned Kind)
{
    const u8* Stub = ReturnAddress - StubSize;
    u32 Index = u32((Stub - NeptuneStubs) / StubSize);
    if (Index < NeptuneStubCount && Index < MaxTold) {
        LONG Bit = LONG(1u << (Index % 32));
        if (!(__atomic_fetch_or(&Told[Index / 32], Bit, __ATOMIC_RELAXED) & Bit)) {
            DbgPrint(NEPTUNE_DLL_NAME ": %s is not implemented\n", ExportedName(Stub));
        }
    }
    SetLastError(ERROR_CALL_NOT_IMPLEMENTED);
    switch (Kind) {
    case 1:
        return LONG_PTR(E_NOTIMPL);
    case 2:
        return ERROR_CALL_NOT_IMPLEMENTED;
    case 3:
        return LONG_PTR(STATUS_NOT_IMPLEMENTED);
    case 4:
        return LONG_PTR(0x80090302); // SEC_E_UNSUPPORTED_FUNCTION
    case 5:
        return 8; // MMSYSERR_NOTSUPPORTED
    case 6:
        SetLastError(10045); // WSAEOPNOTSUPP
        return -1;
    case 7:
        return -1;
    case 8:
        SetLastError(10045);
        return 10045;
    default:
        return 0;
    }
}
