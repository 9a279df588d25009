// Delay-loaded imports: resolved at their first call.
#include "ntdll/exception/exception.hpp"
#include "ntdll/loader/loader.hpp"

using namespace ldr;

namespace {

struct DELAYLOAD_PROC_DESCRIPTOR {
    ULONG ImportDescribedByName;
    union {
        const char* Name;
        ULONG Ordinal;
    } Description;
};
struct DELAYLOAD_INFO {
    ULONG Size;
    const IMAGE_DELAYLOAD_DESCRIPTOR* Descriptor;
    IMAGE_THUNK_DATA* ThunkAddress;
    const char* TargetDllName;
    DELAYLOAD_PROC_DESCRIPTOR TargetApiDescriptor;
    PVOID TargetModuleBase;
    PVOID Unused;
    ULONG LastError;
};
using FAILURE_HOOK = PVOID NTAPI(ULONG Reason, DELAYLOAD_INFO* Info);
using SYSTEM_HOOK = PVOID NTAPI(const char* Dll, const char* Procedure);

NTSTATUS LoadTarget(Module* M, const char* Ascii, PVOID* Base)
{
    WCHAR Text[260];
    u32 Length = 0;
    for (; Length < 259 && Ascii[Length]; ++Length)
        Text[Length] = u8(Ascii[Length]);
    Text[Length] = 0;
    BeginBatch();
    auto Found = FindOrMap({ Text, Length, nullptr, 0, M }, LoadReasonDelayloadDependency);
    if (!Found.Ok())
        return Found.Code();
    Module* Target = Found.Value();
    if (Target->Phase <= State::Bound) {
        if (Status S = Complete(Target, true); !S.Ok())
            return S.Code();
    }
    if (!AddNeed(M, Target))
        return STATUS_NO_MEMORY;
    *Base = Target->DllBase;
    return STATUS_SUCCESS;
}

}

extern "C" {

NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Base, const ANSI_STRING* Name, ULONG Ordinal, PVOID* Address);

PVOID NTAPI LdrResolveDelayLoadedAPI(PVOID Base, const IMAGE_DELAYLOAD_DESCRIPTOR* Descriptor, FAILURE_HOOK* Failure, SYSTEM_HOOK* System,
                                     IMAGE_THUNK_DATA* Thunk, ULONG)
{
    SectionGuard Held(Lock());
    Module* M = FindByHandle(Base);
    const char* Dll = At<const char>(Base, Descriptor->DllNameRVA);
    auto* Handle = At<PVOID>(Base, Descriptor->ModuleHandleRVA);
    auto* Names = At<const IMAGE_THUNK_DATA>(Base, Descriptor->ImportNameTableRVA);
    u64 Index = u64(Thunk - At<IMAGE_THUNK_DATA>(Base, Descriptor->ImportAddressTableRVA));

    DELAYLOAD_INFO Info { sizeof(Info), Descriptor, Thunk, Dll, {}, nullptr, nullptr, 0 };
    const u64 Wanted = Names[Index].u1.Ordinal;
    Info.TargetApiDescriptor.ImportDescribedByName = !(Wanted & IMAGE_ORDINAL_FLAG64);
    if (Info.TargetApiDescriptor.ImportDescribedByName)
        Info.TargetApiDescriptor.Description.Name = At<const char>(Base, u32(Wanted) + 2);
    else
        Info.TargetApiDescriptor.Description.Ordinal = u32(Wanted & 0xFFFF);

    NTSTATUS Status = STATUS_SUCCESS;
    PVOID Target = nullptr;
    if (!*Handle) {
        PVOID Loaded = nullptr;
        Status = M ? LoadTarget(M, Dll, &Loaded) : STATUS_DLL_NOT_FOUND;
        if (Status >= 0)
            *Handle = Loaded;
    }
    ULONG Reason = 4;                           // the DLL
    if (Status >= 0) {
        Reason = 5;                             // the procedure
        Info.TargetModuleBase = *Handle;
        if (Info.TargetApiDescriptor.ImportDescribedByName) {
            ANSI_STRING Name;
            RtlInitAnsiString(&Name, Info.TargetApiDescriptor.Description.Name);
            Status = LdrGetProcedureAddress(*Handle, &Name, 0, &Target);
        } else {
            Status = LdrGetProcedureAddress(*Handle, nullptr, Info.TargetApiDescriptor.Description.Ordinal, &Target);
        }
    }
    if (Status < 0) {
        Info.LastError = RtlNtStatusToDosError(Status);
        if (Failure)
            Target = Failure(Reason, &Info);
        else if (System)
            Target = System(Dll, reinterpret_cast<const char*>(Info.TargetApiDescriptor.ImportDescribedByName
                                                                   ? u64(Info.TargetApiDescriptor.Description.Name)
                                                                   : Info.TargetApiDescriptor.Description.Ordinal));
        if (!Target)
            return nullptr;
    }
    ULONG Old;
    if (ProtectRange(Thunk, 8, PAGE_READWRITE, Old)) {
        Thunk->u1.Function = u64(Target);
        ProtectRange(Thunk, 8, Old, Old);
    }
    return Target;
}

NTSTATUS NTAPI LdrResolveDelayLoadsFromDll(PVOID Base, const char* TargetDll, ULONG Flags)
{
    if (Flags)
        return STATUS_INVALID_PARAMETER;
    ULONG Size;
    auto* D = static_cast<const IMAGE_DELAYLOAD_DESCRIPTOR*>(RtlImageDirectoryEntryToData(Base, 1, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, &Size));
    for (; D && Size >= sizeof(*D) && D->DllNameRVA; ++D, Size -= sizeof(*D)) {
        const char* Name = At<const char>(Base, D->DllNameRVA);
        u32 I = 0;
        auto Lower = [](char C) { return C >= 'A' && C <= 'Z' ? char(C + 32) : C; };
        while (Name[I] && Lower(Name[I]) == Lower(TargetDll[I]))
            ++I;
        if (Name[I] || TargetDll[I])
            continue;
        auto* Names = At<const IMAGE_THUNK_DATA>(Base, D->ImportNameTableRVA);
        auto* Table = At<IMAGE_THUNK_DATA>(Base, D->ImportAddressTableRVA);
        for (u32 T = 0; Names[T].u1.Ordinal; ++T) {
            if (!LdrResolveDelayLoadedAPI(Base, D, nullptr, nullptr, &Table[T], 0))
                return STATUS_DELAY_LOAD_FAILED;
        }
        return STATUS_SUCCESS;
    }
    return STATUS_DLL_NOT_FOUND;
}

}
