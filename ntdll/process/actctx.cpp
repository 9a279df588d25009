// Activation contexts: the per-thread stack of them, and what they are asked for. A context holds what its manifest says
// (process/manifest.cpp); sections for assemblies, window classes and COM are answered "not found".
#include "ntdll/heap/heap.hpp"
#include "ntdll/process/manifest.hpp"
#include "ntdll/process/process.hpp"

namespace {

constexpr u32 ContextMagic = 0x78746361;

struct ActivationContext {
    u32 Magic;
    u32 References;
    Manifest Content;
};

constinit ActivationContext* ProcessContext = nullptr;

ActivationContext* Check(HANDLE Handle)
{
    auto* C = static_cast<ActivationContext*>(Handle);
    if (!C || u64(C) == ~u64(0) || u64(C) & 7 || C->Magic != ContextMagic)
        return nullptr;
    return C;
}

ACTIVATION_CONTEXT_STACK* Stack()
{
    TEB* T = Teb();
    if (!T->ActivationContextStackPointer) {
        T->ActivationStack = {};
        InitializeListHead(&T->ActivationStack.FrameListCache);
        T->ActivationStack.NextCookieSequenceNumber = 1;
        T->ActivationContextStackPointer = &T->ActivationStack;
    }
    return T->ActivationContextStackPointer;
}

ActivationContext* Active()
{
    auto* Frame = Stack()->ActiveFrame;
    return Frame ? static_cast<ActivationContext*>(Frame->ActivationContext) : nullptr;
}

// As kernelbase passes it.
struct ACTCTXW {
    ULONG Size, Flags;
    const WCHAR* Source;
    USHORT Architecture, Language;
    const WCHAR* AssemblyDirectory;
    const WCHAR* ResourceName;
    const WCHAR* ApplicationName;
    PVOID Module;
};
constexpr ULONG ACTCTX_RESOURCE_NAME_VALID = 8, ACTCTX_HMODULE_VALID = 0x80;

constexpr ULONG UseActive = 4, UseModule = 8, UseAddress = 0x10, NoAddReference = 0x80000000;

void Drop(ActivationContext* C)
{
    if (C && __atomic_sub_fetch(&C->References, 1, __ATOMIC_SEQ_CST) == 0) {
        C->Magic = 0;
        C->Content.Clear();
        Free(C);
    }
}

}

void RtlpInitializeActivationContexts()
{
    Stack();
    ProcessContext = NewZeroed<ActivationContext>();
    if (!ProcessContext)
        return;
    ProcessContext->Magic = ContextMagic;
    ProcessContext->References = 1;
    // A broken manifest of the program is as none.
    (void)ProcessContext->Content.FromModule(Peb()->ImageBaseAddress, 1);
}
void RtlpStartInitialThread() { Stack(); }
void RtlpStartThread() { Stack(); }

extern "C" {

NTSTATUS NTAPI RtlCreateActivationContext(HANDLE* Out, const void* Data)
{
    auto* A = static_cast<const ACTCTXW*>(Data);
    if (!A || A->Size < 32 || A->Flags & ~0xFFu)
        return STATUS_INVALID_PARAMETER;
    auto* C = NewZeroed<ActivationContext>();
    if (!C)
        return STATUS_NO_MEMORY;
    C->Magic = ContextMagic;
    C->References = 1;
    NTSTATUS Status;
    if (A->Flags & ACTCTX_RESOURCE_NAME_VALID && A->Flags & ACTCTX_HMODULE_VALID)
        Status = C->Content.FromModule(A->Module ? A->Module : Peb()->ImageBaseAddress, u64(A->ResourceName));
    else if (A->Source)
        Status = C->Content.FromFile(A->Source, A->Flags & ACTCTX_RESOURCE_NAME_VALID ? u64(A->ResourceName) : 0);
    else
        Status = STATUS_INVALID_PARAMETER;
    if (Status < 0) {
        Drop(C);
        return Status;
    }
    *Out = C;
    return STATUS_SUCCESS;
}
void NTAPI RtlAddRefActivationContext(HANDLE Handle)
{
    if (auto* C = Check(Handle))
        __atomic_add_fetch(&C->References, 1, __ATOMIC_SEQ_CST);
}
void NTAPI RtlReleaseActivationContext(HANDLE Handle)
{
    if (auto* C = Check(Handle))
        Drop(C);
}
NTSTATUS NTAPI RtlZombifyActivationContext(HANDLE Handle) { return Check(Handle) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER; }

NTSTATUS NTAPI RtlActivateActivationContextEx(ULONG, TEB*, HANDLE Handle, u64* Cookie)
{
    auto* Frame = NewZeroed<RTL_ACTIVATION_CONTEXT_STACK_FRAME>();
    if (!Frame)
        return STATUS_NO_MEMORY;
    Frame->Previous = Stack()->ActiveFrame;
    Frame->ActivationContext = Handle;
    Stack()->ActiveFrame = Frame;
    RtlAddRefActivationContext(Handle);
    *Cookie = u64(Frame);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlActivateActivationContext(ULONG Flags, HANDLE Handle, u64* Cookie)
{
    return RtlActivateActivationContextEx(Flags, Teb(), Handle, Cookie);
}
void NTAPI RtlDeactivateActivationContext(ULONG Flags, u64 Cookie)
{
    // Down to and including the frame that the cookie names.
    auto* Frame = Stack()->ActiveFrame;
    while (Frame && u64(Frame) != Cookie)
        Frame = Frame->Previous;
    if (!Frame)
        RtlRaiseStatus(STATUS_SXS_INVALID_DEACTIVATION);
    if (Frame != Stack()->ActiveFrame && !(Flags & 1))
        RtlRaiseStatus(STATUS_SXS_EARLY_DEACTIVATION);
    auto* Below = Frame->Previous;
    while (Stack()->ActiveFrame != Below) {
        auto* Top = Stack()->ActiveFrame;
        Stack()->ActiveFrame = Top->Previous;
        RtlReleaseActivationContext(Top->ActivationContext);
        Free(Top);
    }
}
RTL_ACTIVATION_CONTEXT_STACK_FRAME* NTAPI RtlActivateActivationContextUnsafeFast(PVOID Storage, HANDLE Handle)
{
    // RTL_CALLER_ALLOCATED_ACTIVATION_CONTEXT_STACK_FRAME: size, format, then the frame
    auto* Frame = At<RTL_ACTIVATION_CONTEXT_STACK_FRAME>(Storage, 16);
    *Frame = { Stack()->ActiveFrame, Handle, 0 };
    return Stack()->ActiveFrame = Frame;
}
RTL_ACTIVATION_CONTEXT_STACK_FRAME* NTAPI RtlDeactivateActivationContextUnsafeFast(PVOID Storage)
{
    auto* Frame = At<RTL_ACTIVATION_CONTEXT_STACK_FRAME>(Storage, 16);
    return Stack()->ActiveFrame = Frame->Previous;
}
void NTAPI RtlFreeActivationContextStack(ACTIVATION_CONTEXT_STACK* S)
{
    while (auto* Frame = S->ActiveFrame) {
        S->ActiveFrame = Frame->Previous;
        RtlReleaseActivationContext(Frame->ActivationContext);
        Free(Frame);
    }
}
void NTAPI RtlFreeThreadActivationContextStack() { RtlFreeActivationContextStack(Stack()); }
BOOLEAN NTAPI RtlIsActivationContextActive(HANDLE Handle)
{
    for (auto* F = Stack()->ActiveFrame; F; F = F->Previous) {
        if (F->ActivationContext == Handle)
            return 1;
    }
    return 0;
}
NTSTATUS NTAPI RtlGetActiveActivationContext(HANDLE* Out)
{
    *Out = Active();
    RtlAddRefActivationContext(*Out);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlFindActivationContextSectionString(ULONG Flags, const GUID* Extension, ULONG Section, const UNICODE_STRING* Name, PVOID Data)
{
    if (Extension || Flags & ~1u || !Name || !Data || *static_cast<ULONG*>(Data) < 40)
        return STATUS_INVALID_PARAMETER;
    return Section ? STATUS_SXS_KEY_NOT_FOUND : STATUS_INVALID_PARAMETER;
}
NTSTATUS NTAPI RtlFindActivationContextSectionGuid(ULONG Flags, const GUID* Extension, ULONG Section, const GUID* Name, PVOID Data)
{
    if (Extension || Flags & ~1u || !Name || !Data || *static_cast<ULONG*>(Data) < 40)
        return STATUS_INVALID_PARAMETER;
    return Section ? STATUS_SXS_KEY_NOT_FOUND : STATUS_INVALID_PARAMETER;
}

// Setting "name" of the windowsSettings namespaces, as a string.
NTSTATUS NTAPI RtlQueryActivationContextApplicationSettings(ULONG Flags, HANDLE Handle, const WCHAR* Namespace, const WCHAR* Name, WCHAR* Buffer,
                                                            SIZE_T Room, SIZE_T* Written)
{
    if (Flags || !Name)
        return STATUS_INVALID_PARAMETER;
    ActivationContext* C = Handle ? Check(Handle) : ProcessContext;
    if (!C)
        return STATUS_INVALID_PARAMETER;
    const Setting* S = C->Content.Find(Namespace, Name);
    if (!S)
        return STATUS_SXS_KEY_NOT_FOUND;
    if (Written)
        *Written = S->ValueLength + 1;
    if (Room < S->ValueLength + 1)
        return STATUS_BUFFER_TOO_SMALL;
    __builtin_memcpy(Buffer, S->Value, S->ValueLength * 2);
    Buffer[S->ValueLength] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlQueryInformationActivationContext(ULONG Flags, HANDLE Handle, PVOID, ULONG Class, PVOID Buffer, SIZE_T Room, SIZE_T* Needed)
{
    enum { Basic = 1, Detailed, AssemblyDetailed, FileInAssembly, RunLevel, Compatibility };
    if (Flags & UseActive)
        Handle = Active();
    else if (Flags & (UseModule | UseAddress))
        Handle = nullptr;
    ActivationContext* C = Handle ? Check(Handle) : nullptr;
    if (Handle && !C)
        return STATUS_INVALID_PARAMETER;
    auto Need = [&](SIZE_T Size) {
        if (Needed)
            *Needed = Size;
        return Room >= Size && Buffer;
    };
    const Manifest* M = C ? &C->Content : ProcessContext ? &ProcessContext->Content : nullptr;
    switch (Class) {
    case Basic: {
        struct Info {
            HANDLE Context;
            ULONG Flags;
        };
        if (!Need(sizeof(Info)))
            return STATUS_BUFFER_TOO_SMALL;
        *static_cast<Info*>(Buffer) = { C, 0 };
        if (!(Flags & NoAddReference))
            RtlAddRefActivationContext(C);
        return STATUS_SUCCESS;
    }
    case Detailed: {
        struct Info {
            ULONG Flags, FormatVersion, AssemblyCount, RootManifestPathType, RootManifestPathChars, RootConfigurationPathType,
                RootConfigurationPathChars, AppDirPathType, AppDirPathChars;
            const WCHAR *RootManifestPath, *RootConfigurationPath, *AppDirPath;
        };
        if (!Need(sizeof(Info)))
            return STATUS_BUFFER_TOO_SMALL;
        *static_cast<Info*>(Buffer) = { 0, 1, M && M->Present ? 1u : 0u, 1, 0, 1, 0, 1, 0, nullptr, nullptr, nullptr };
        return STATUS_SUCCESS;
    }
    case RunLevel: {
        struct Info {
            ULONG Flags, Level, UiAccess;
        };
        if (!Need(sizeof(Info)))
            return STATUS_BUFFER_TOO_SMALL;
        *static_cast<Info*>(Buffer) = { 0, M ? M->RunLevel : 0, M ? M->UiAccess : 0u };
        return STATUS_SUCCESS;
    }
    case Compatibility: {
        struct Element {
            GUID Id;
            ULONG Type;
            u64 MaxVersion;
        };
        struct Info {
            ULONG Count;
            Element Elements[];
        };
        u32 Count = M ? M->SystemCount : 0;
        if (!Need(__builtin_offsetof(Info, Elements) + Count * sizeof(Element)))
            return STATUS_BUFFER_TOO_SMALL;
        auto& Out = *static_cast<Info*>(Buffer);
        Out.Count = Count;
        for (u32 I = 0; I < Count; ++I)
            Out.Elements[I] = { M->Systems[I], 1, 0 };
        return STATUS_SUCCESS;
    }
    default:
        return STATUS_INVALID_PARAMETER;
    }
}
NTSTATUS NTAPI RtlQueryInformationActiveActivationContext(ULONG Class, PVOID Buffer, SIZE_T Room, SIZE_T* Needed)
{
    return RtlQueryInformationActivationContext(UseActive, nullptr, nullptr, Class, Buffer, Room, Needed);
}

}
