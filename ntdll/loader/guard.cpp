// What the load configuration of an image asks of the loader: a random security cookie, and pointers to control-flow checks (which
// here let every call pass).
#include "ntdll/loader/loader.hpp"

extern "C" void LdrpNoGuardCheck();
extern "C" void LdrpNoGuardDispatch();

namespace ldr {

bool ProtectRange(PVOID Base, u64 Size, ULONG Protection, ULONG& Old)
{
    SIZE_T Bytes = Size;
    return NtProtectVirtualMemory(CurrentProcess(), &Base, &Bytes, Protection, &Old) >= 0;
}

namespace {

constexpr u64 DefaultCookie64 = 0x00002B992DDFA232, DefaultCookie32 = 0xBB40E64E;

u64 RandomCookie(const void* Salt)
{
    u32 Low, High;
    asm volatile("rdtsc" : "=a"(Low), "=d"(High));
    u64 Value = (u64(High) << 32 | Low) * 0x9E3779B97F4A7C15 ^ u64(Salt) ^ u64(Kuser().Cookie) << 16 ^ u64(Teb()->ClientId.UniqueThread) << 40
        ^ u64(RtlpInterruptTime());
    Value ^= Value >> 29;
    Value *= 0xBF58476D1CE4E5B9;
    Value ^= Value >> 32;
    Value &= 0x0000FFFFFFFFFFFF;
    return Value == DefaultCookie64 || Value < 0x10000 ? Value + 0x12345 : Value;
}

void Store(u64* Where, u64 Value)
{
    ULONG Old;
    if (*Where == Value || !ProtectRange(Where, 8, PAGE_READWRITE, Old))
        return;
    *Where = Value;
    ProtectRange(Where, 8, Old, Old);
}

}

void PrepareLoadConfig(Module* M)
{
    Image View = M->View();
    u32 Bytes;
    auto* Config = View.Directory<IMAGE_LOAD_CONFIG_DIRECTORY64>(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, Bytes);
    if (!Config) {
        // Older linkers give a directory size that is smaller than today's structure.
        auto* Start = View.Directory<u32>(IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG, Bytes);
        if (!Start)
            return;
        Config = reinterpret_cast<IMAGE_LOAD_CONFIG_DIRECTORY64*>(Start);
    }
    const u64 Rva = u64(Config) - u64(View.Base());
    const u32 Size = Config->Size;
    auto Field = [&](u64 Offset) -> u64* {
        u64* Pointer = Offset + 8 <= Size ? View.Get<u64>(Rva + Offset) : nullptr;
        return Pointer && *Pointer ? View.FromAddress<u64>(*Pointer) : nullptr;
    };
    if (u64* Cookie = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, SecurityCookie))) {
        if (*Cookie == DefaultCookie64 || *Cookie == DefaultCookie32)
            Store(Cookie, RandomCookie(Cookie));
    }
    auto& Nt = *View.Headers();
    if (!(Nt.OptionalHeader.DllCharacteristics & IMAGE_DLLCHARACTERISTICS_GUARD_CF))
        return;
    if (u64* Check = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardCFCheckFunctionPointer)))
        Store(Check, u64(&LdrpNoGuardCheck));
    if (u64* Dispatch = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardCFDispatchFunctionPointer)))
        Store(Dispatch, u64(&LdrpNoGuardDispatch));
    if (u64* Check = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardXFGCheckFunctionPointer)))
        Store(Check, u64(&LdrpNoGuardCheck));
    if (u64* Dispatch = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardXFGDispatchFunctionPointer)))
        Store(Dispatch, u64(&LdrpNoGuardDispatch));
    if (u64* Dispatch = Field(__builtin_offsetof(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardXFGTableDispatchFunctionPointer)))
        Store(Dispatch, u64(&LdrpNoGuardDispatch));
}

}
