// Functions that a system DLL should have and has not. A program that imports one starts all the same: the import is bound to a stub
// that raises STATUS_ENTRYPOINT_NOT_FOUND, with the names in the debug log, if it is ever called. (The packaged Win32 DLLs lack
// functions of Windows' own; most programs that import those never call them. For DLLs outside System32 a missing function is an
// error at load time, as on Windows.)
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

namespace ldr {

namespace {

struct Absent {
    Module* From;
    char Symbol[1];
};

// mov rcx, absent; mov rax, raise; jmp rax
struct [[gnu::packed]] Stub {
    u16 MovRcx = 0xB948;
    u64 Which;
    u16 MovRax = 0xB848;
    u64 Target;
    u16 JmpRax = 0xE0FF;
    u16 Int3 = 0xCCCC;
};
static_assert(sizeof(Stub) == 24);

constinit Stub* Page = nullptr;
constinit u32 Used = 0;
constexpr u32 PerPage = PageSize / sizeof(Stub);

[[noreturn]] void Raise(const Absent* A)
{
    DbgPrint("ldr: %s was called, which %wZ does not have\n", A->Symbol, &A->From->BaseDllName);
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = STATUS_ENTRYPOINT_NOT_FOUND;
    Record.ExceptionFlags = EXCEPTION_NONCONTINUABLE;
    Record.NumberParameters = 2;
    Record.ExceptionInformation[0] = u64(A->From->BaseDllName.Buffer);
    Record.ExceptionInformation[1] = u64(A->Symbol);
    for (;;)
        RtlRaiseException(&Record);
}

}

bool IsSystemModule(Module* M)
{
    constexpr u32 Length = 20;
    // With a disk as C: the system's own processes have theirs from X:.
    return M->FullDllName.Length / 2 > Length && SameName(M->FullDllName.Buffer + 1, Length - 1, L":\\Windows\\System32\\", Length - 1);
}

PVOID AbsentStub(Module* From, const char* Symbol, u32 Ordinal)
{
    u32 Length = 0;
    while (Symbol && Symbol[Length])
        ++Length;
    auto* A = NewZeroed<Absent>(Length + 16);
    if (!A)
        return nullptr;
    A->From = From;
    if (Symbol) {
        __builtin_memcpy(A->Symbol, Symbol, Length);
    } else {
        char* To = A->Symbol;
        *To++ = '#';
        for (u32 Scale = 10000; Scale; Scale /= 10) {
            if (Ordinal >= Scale || Scale == 1)
                *To++ = char('0' + Ordinal / Scale % 10);
        }
    }
    if (!Page || Used == PerPage) {
        PVOID Base = nullptr;
        SIZE_T Size = PageSize;
        if (NtAllocateVirtualMemory(CurrentProcess(), &Base, 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) < 0)
            return nullptr;
        Page = static_cast<Stub*>(Base);
        Used = 0;
    }
    ULONG Old;
    Stub* S = &Page[Used++];
    if (!ProtectRange(Page, PageSize, PAGE_READWRITE, Old))
        return nullptr;
    *S = Stub();
    S->Which = u64(A);
    S->Target = u64(&Raise);
    ProtectRange(Page, PageSize, PAGE_EXECUTE_READ, Old);
    return S;
}

}
