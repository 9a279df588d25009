// Making processes: from an image section to the first thread.
#include <string.h>

#include "abi/kuser.hpp"
#include "abi/nt/image.hpp"
#include "abi/process.hpp"
#include "lib/core/defer.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/io/io.hpp"
#include "ntos/io/section_file.hpp"
#include "ntos/ke/time.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/debug.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/ps/job.hpp"
#include "ntos/se/se.hpp"
#include "ntos/se/token.hpp"

namespace ps {

using namespace nt;

NtdllEntries Ntdll;
static mm::Section* NtdllSection;       // kept for ever
mm::Pfn SharedPage;

// An image section of a file of the system's own.
static Result<Ref<mm::Section>> OpenImage(ob::Name Path)
{
    Ref<io::File> File = TRY(io::OpenKernelFile(Path));
    RefPtr<mm::PageStore> Data = File->DataStore();
    if (!Data)
        return STATUS_INVALID_FILE_FOR_SECTION;
    u64 Size = File->DataSize();
    return mm::CreateImageSection(std::move(File), Ref<mm::PageStore>(*Data), Size, Path);
}

// Reads of an image as it is mapped, page by page.
static Status ReadImage(mm::ImageMap& Image, u64 Rva, void* To, usize Bytes)
{
    u8* Out = static_cast<u8*>(To);
    while (Bytes) {
        usize Now = PageSize - (Rva & PageMask);
        if (Now > Bytes)
            Now = Bytes;
        mm::Pfn Frame = TRY(Image.Page(u32(Rva >> PageShift)));
        if (Frame == mm::NoPfn)
            memset(Out, 0, Now);
        else
            memcpy(Out, mm::PageAddress(Frame) + (Rva & PageMask), Now);
        Out += Now;
        Rva += Now;
        Bytes -= Now;
    }
    return STATUS_SUCCESS;
}

static Result<u64> FindExport(mm::ImageMap& Image, const char* Name)
{
    IMAGE_DOS_HEADER Dos;
    IMAGE_NT_HEADERS64 Nt;
    TRY(ReadImage(Image, 0, &Dos, sizeof(Dos)));
    TRY(ReadImage(Image, u32(Dos.e_lfanew), &Nt, sizeof(Nt)));
    IMAGE_EXPORT_DIRECTORY Exports;
    TRY(ReadImage(Image, Nt.OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_EXPORT].VirtualAddress, &Exports, sizeof(Exports)));
    for (u32 I = 0; I < Exports.NumberOfNames; ++I) {
        u32 At;
        TRY(ReadImage(Image, Exports.AddressOfNames + I * 4, &At, 4));
        char Text[64] {};
        TRY(ReadImage(Image, At, Text, sizeof(Text) - 1));
        if (__builtin_strcmp(Text, Name) != 0)
            continue;
        u16 Ordinal;
        u32 Rva;
        TRY(ReadImage(Image, Exports.AddressOfNameOrdinals + I * 2, &Ordinal, 2));
        TRY(ReadImage(Image, Exports.AddressOfFunctions + Ordinal * 4, &Rva, 4));
        return Image.PreferredBase + Rva;
    }
    ex::Log("ntdll.dll does not export %s\n", Name);
    return STATUS_ENTRYPOINT_NOT_FOUND;
}

Status InitializeNtdll()
{
    Ref<mm::Section> S = TRY(OpenImage(L"\\SystemRoot\\System32\\ntdll.dll"));
    mm::ImageMap& Image = *S->Image;
    Ntdll.Base = Image.PreferredBase;
    Ntdll.LdrInitializeThunk = TRY(FindExport(Image, "LdrInitializeThunk"));
    Ntdll.RtlUserThreadStart = TRY(FindExport(Image, "RtlUserThreadStart"));
    Ntdll.KiUserExceptionDispatcher = TRY(FindExport(Image, "KiUserExceptionDispatcher"));
    Ntdll.KiUserApcDispatcher = TRY(FindExport(Image, "KiUserApcDispatcher"));
    Ntdll.KiRaiseUserExceptionDispatcher = TRY(FindExport(Image, "KiRaiseUserExceptionDispatcher"));
    Ntdll.KiServiceReturn = TRY(FindExport(Image, "KiServiceReturn"));
    Ntdll.KiSaveState = TRY(FindExport(Image, "KiSaveState"));
    Ntdll.KiLoadState = TRY(FindExport(Image, "KiLoadState"));
    NtdllSection = S.Leak();
    return STATUS_SUCCESS;
}

// --- the parts of a new process

// Images for x86 may be mapped, but nothing here runs them.
static Status CheckMachine(const mm::Section& Image)
{
    return Image.Image->Info.Machine == IMAGE_FILE_MACHINE_AMD64 ? STATUS_SUCCESS : STATUS_INVALID_IMAGE_WIN_32;
}

// Maps the image, ntdll and the shared page; fills ImageInfo.
static Status MapImages(Process& P, Ref<mm::Section> Image)
{
    TRY(CheckMachine(*Image));
    mm::ViewRequest View;
    View.Protect = PAGE_EXECUTE_WRITECOPY;
    mm::ViewRequest NtdllView = View;
    NtdllView.Base = Ntdll.Base;        // everyone's exception and APC entries are there
    u64 Base = TRY(mm::MapView(P.Memory(), Ref<mm::Section>(*NtdllSection), NtdllView));
    (void)Base;
    TRY(P.Memory().MapShared(abi::KuserAddress, SharedPage));
    auto Where = mm::MapView(P.Memory(), Image, View);
    if (!Where.Ok())
        return Where.GetStatus();
    P.ImageBase = Where.Value();
    P.ImageInfo = Image->Image->Info;
    P.ImageInfo.TransferAddress = reinterpret_cast<PVOID>(reinterpret_cast<u64>(P.ImageInfo.TransferAddress) - Image->Image->PreferredBase + P.ImageBase);
    P.ImagePath_ = TRY(ob::String::Copy(Image->FileName));
    P.ImageSection = RefPtr<ob::Object>(std::move(Image));
    return STATUS_SUCCESS;
}

static Result<u64> AllocateIn(Process& P, u64 Bytes)
{
    Bytes = AlignUp(Bytes, PageSize);
    u64 At = TRY(P.Memory().FindFree(Bytes, {}));
    mm::Vad* V = TRY(P.Memory().Insert(At, Bytes, mm::Vad::Private));
    V->Protect = mm::Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE;
    TRY(P.Memory().Commit(*V, At, At + Bytes, mm::Protection::ReadWrite, false));
    return At;
}

static Status MakePeb(Process& P)
{
    u64 Bytes = AlignUp(sizeof(PEB), PageSize);
    u64 At = TRY(P.Memory().FindFree(Bytes, { .Highest = 0x7FFF'FFFD'FFFF, .Alignment = PageSize, .TopDown = true }));
    mm::Vad* V = TRY(P.Memory().Insert(At, Bytes, mm::Vad::Private));
    V->Protect = mm::Protection::ReadWrite;
    V->InitialPage = PAGE_READWRITE;
    V->Fixed = true;
    TRY(P.Memory().Commit(*V, At, At + Bytes, mm::Protection::ReadWrite, false));
    P.Peb_ = At;
    PEB Peb {};
    Peb.ImageBaseAddress = reinterpret_cast<PVOID>(P.ImageBase);
    Peb.BitField = P.ImageBase != reinterpret_cast<u64>(static_cast<mm::Section&>(*P.ImageSection).Image->PreferredBase) ? PEB_IS_IMAGE_DYNAMICALLY_RELOCATED : 0;
    Peb.Mutant = reinterpret_cast<HANDLE>(~u64(0));
    Peb.NumberOfProcessors = 1;
    Peb.CriticalSectionTimeout.QuadPart = -25920000000000ll;       // 30 days, as Windows
    Peb.HeapSegmentReserve = MiB;
    Peb.HeapSegmentCommit = 2 * PageSize;
    Peb.HeapDeCommitTotalFreeThreshold = 64 * KiB;
    Peb.HeapDeCommitFreeBlockThreshold = PageSize;
    Peb.MinimumStackCommit = 0;
    Peb.OSMajorVersion = 10;
    Peb.OSBuildNumber = 19045;
    Peb.OSPlatformId = 2;
    Peb.ImageSubsystem = P.ImageInfo.SubSystemType;
    Peb.ImageSubsystemMajorVersion = P.ImageInfo.SubSystemMajorVersion;
    Peb.ImageSubsystemMinorVersion = P.ImageInfo.SubSystemMinorVersion;
    Peb.ActiveProcessAffinityMask = 1;
    Peb.SessionId = P.SessionId;
    return mm::CopyToUser(P, At, &Peb, sizeof(Peb));
}

// The parameters in Executive memory, as one block whose pointers count from Base, plus the environment.
struct Parameters {
    Vector<u8> Block;
    u64 Base = 0;                       // where the pointers in it point to now (its address in the creator)
    Vector<u8> Environment;
};

constexpr UNICODE_STRING RTL_USER_PROCESS_PARAMETERS::* ParameterStrings[] = {
    &RTL_USER_PROCESS_PARAMETERS::DllPath, &RTL_USER_PROCESS_PARAMETERS::ImagePathName, &RTL_USER_PROCESS_PARAMETERS::CommandLine,
    &RTL_USER_PROCESS_PARAMETERS::WindowTitle, &RTL_USER_PROCESS_PARAMETERS::DesktopInfo, &RTL_USER_PROCESS_PARAMETERS::ShellInfo,
    &RTL_USER_PROCESS_PARAMETERS::RuntimeData, &RTL_USER_PROCESS_PARAMETERS::RedirectionDllName, &RTL_USER_PROCESS_PARAMETERS::HeapPartitionName,
};

static Status WriteParameters(Process& P, Parameters& From)
{
    usize BlockBytes = AlignUp(From.Block.Size(), 16);
    usize Bytes = BlockBytes + From.Environment.Size();
    u64 At = TRY(AllocateIn(P, Bytes));
    auto& Block = *reinterpret_cast<RTL_USER_PROCESS_PARAMETERS*>(From.Block.Data());
    bool Normalized = Block.Flags & RTL_USER_PROC_PARAMS_NORMALIZED;
    u64 Old = Normalized ? From.Base : 0;
    u64 Length = From.Block.Size();
    bool Bad = false;
    auto Move = [&](UNICODE_STRING& S) {
        u64 Offset = reinterpret_cast<u64>(S.Buffer) - Old;
        if (!S.Buffer || !S.MaximumLength) {
            S = {};
            return;
        }
        if (Offset > Length || S.MaximumLength > Length - Offset || S.Length > S.MaximumLength)
            Bad = true;
        S.Buffer = reinterpret_cast<WCHAR*>(At + Offset);
    };
    Move(Block.CurrentDirectory.DosPath);
    for (auto Field : ParameterStrings)
        Move(Block.*Field);
    for (auto& D : Block.CurrentDirectories)
        D.DosPath = {};
    if (Bad)
        return STATUS_INVALID_PARAMETER;
    Block.Flags |= RTL_USER_PROC_PARAMS_NORMALIZED;
    Block.MaximumLength = Block.Length = ULONG(Length);
    Block.Environment = reinterpret_cast<decltype(Block.Environment)>(From.Environment.IsEmpty() ? 0 : At + BlockBytes);
    Block.EnvironmentSize = From.Environment.Size();
    TRY(mm::CopyToUser(P, At, From.Block.Data(), From.Block.Size()));
    TRY(mm::CopyToUser(P, At + BlockBytes, From.Environment.Data(), From.Environment.Size()));
    return mm::CopyToUser(P, P.PebAddress() + __builtin_offsetof(PEB, ProcessParameters), &At, sizeof(At));
}

static Status CaptureParameters(ke::Caller& Caller, u64 Address, Parameters& To)
{
    RTL_USER_PROCESS_PARAMETERS Head;
    TRY(mm::CopyFromUser(Caller.Process(), &Head, Address, sizeof(Head)));
    usize Length = Head.Length > Head.MaximumLength ? Head.Length : Head.MaximumLength;
    if (Length < sizeof(Head) || Length > MiB)
        return STATUS_INVALID_PARAMETER;
    TRY(To.Block.Resize(Length));
    TRY(mm::CopyFromUser(Caller.Process(), To.Block.Data(), Address, Length));
    To.Base = Address;
    // Strings may lie elsewhere: CreateProcess puts another command line into a block that was made for the first try. They come along behind the block.
    for (auto Field : ParameterStrings) {
        auto Of = [&]() -> UNICODE_STRING& { return reinterpret_cast<RTL_USER_PROCESS_PARAMETERS*>(To.Block.Data())->*Field; };
        UNICODE_STRING S = Of();
        u64 Buffer = reinterpret_cast<u64>(S.Buffer);
        if (!(Head.Flags & RTL_USER_PROC_PARAMS_NORMALIZED) || !Buffer || Buffer - Address < Length)
            continue;
        usize At = AlignUp(To.Block.Size(), 8), Room = AlignUp(usize(S.Length) + 2, 8);
        TRY(To.Block.Resize(At + Room));
        TRY(mm::CopyFromUser(Caller.Process(), To.Block.Data() + At, Buffer, S.Length));
        Of() = { S.Length, USHORT(S.Length < 0xFFFE ? S.Length + 2 : 0xFFFE), reinterpret_cast<WCHAR*>(Address + At) };
    }
    u64 Environment = reinterpret_cast<u64>(Head.Environment);
    if (Environment && !(Head.Flags & RTL_USER_PROC_PARAMS_NORMALIZED))
        Environment += Address;
    if (Environment) {
        u64 Bytes = Head.EnvironmentSize;
        if (Bytes == 0) {
            // Older callers leave the size out: up to the two zeroes.
            wchar_t Last = 1, Now;
            for (;; Last = Now, Bytes += 2) {
                if (Bytes > 4 * MiB)
                    return STATUS_INVALID_PARAMETER;
                TRY(mm::CopyFromUser(Caller.Process(), &Now, Environment + Bytes, 2));
                if (!Now && !Last)
                    break;
            }
            Bytes += 2;
        }
        if (Bytes > 16 * MiB)
            return STATUS_INVALID_PARAMETER;
        TRY(To.Environment.Resize(Bytes));
        TRY(mm::CopyFromUser(Caller.Process(), To.Environment.Data(), Environment, Bytes));
    }
    return STATUS_SUCCESS;
}

// --- the system's own processes

Result<Ref<Process>> MakeSystemProcess(ob::Name ImageFile, ob::Name CommandLine)
{
    Ref<mm::Section> Image = TRY(OpenImage(ImageFile));
    Ref<Process> P = TRY(Process::Create());
    P->SetToken(TRY(se::SystemToken()));
    P->SetSecurity(TRY(se::AssignSecurity(nullptr, nullptr, P->Token(), Process::Type.Mapping, false)));
    P->ParentId = 4;
    P->SessionId = 0;
    TRY(MapImages(*P, std::move(Image)));
    TRY(MakePeb(*P));

    // A block with the strings behind the structure, pointers as offsets.
    Parameters Made;
    auto Put = [&](UNICODE_STRING RTL_USER_PROCESS_PARAMETERS::* Field, ob::Name Text) -> Status {
        usize At = Made.Block.Size(), Bytes = Text.Length * 2;
        TRY(Made.Block.Resize(At + AlignUp(Bytes + 2, 8)));
        memcpy(Made.Block.Data() + At, Text.Data, Bytes);
        auto& Block = *reinterpret_cast<RTL_USER_PROCESS_PARAMETERS*>(Made.Block.Data());
        Block.*Field = { USHORT(Bytes), USHORT(Bytes + 2), reinterpret_cast<WCHAR*>(At) };
        return STATUS_SUCCESS;
    };
    TRY(Made.Block.Resize(sizeof(RTL_USER_PROCESS_PARAMETERS)));
    // With a disk as C: what the machine was started from is X: (smss); processes of the system's own must not need that disk. The loader looks first where
    // the program is.
    bool Moved = ob::LookupKernel(L"\\GLOBAL??\\X:", true).Ok();
    constexpr ob::Name SystemRoot = L"\\SystemRoot\\";
    if (Moved && ImageFile.Length > SystemRoot.Length && ob::Equal(ImageFile.Up(SystemRoot.Length), SystemRoot, true)) {
        ob::String There = TRY(ob::String::Copy(L"X:\\Windows\\"));
        TRY(There.Append(ImageFile.From(SystemRoot.Length)));
        TRY(Put(&RTL_USER_PROCESS_PARAMETERS::ImagePathName, There.View()));
    } else {
        TRY(Put(&RTL_USER_PROCESS_PARAMETERS::ImagePathName, ImageFile));
    }
    TRY(Put(&RTL_USER_PROCESS_PARAMETERS::CommandLine, CommandLine));
    TRY(Put(&RTL_USER_PROCESS_PARAMETERS::DllPath, Moved ? L"X:\\Windows\\System32" : L"C:\\Windows\\System32"));
    {
        const ob::Name Directory = Moved ? L"X:\\Windows\\" : L"C:\\Windows\\";
        usize At = Made.Block.Size(), Bytes = Directory.Length * 2;
        TRY(Made.Block.Resize(At + 520 + 2));
        memcpy(Made.Block.Data() + At, Directory.Data, Bytes);
        auto& Block = *reinterpret_cast<RTL_USER_PROCESS_PARAMETERS*>(Made.Block.Data());
        Block.CurrentDirectory.DosPath = { USHORT(Bytes), 520, reinterpret_cast<WCHAR*>(At) };
        Block.Length = Block.MaximumLength = ULONG(Made.Block.Size());
    }
    static constexpr wchar_t Environment[] = L"SystemDrive=C:\0SystemRoot=C:\\Windows\0Path=C:\\Windows\\System32\0";
    TRY(Made.Environment.Resize(sizeof(Environment)));
    memcpy(Made.Environment.Data(), Environment, sizeof(Environment));
    TRY(WriteParameters(*P, Made));

    return P;
}

Status StartSystemProcess(Process& P)
{
    Ref<Thread> T = TRY(Thread::Create(P, { .Routine = reinterpret_cast<u64>(P.ImageInfo.TransferAddress), .Argument = P.PebAddress() }));
    T->SetSecurity(TRY(se::AssignSecurity(nullptr, nullptr, P.Token(), Thread::Type.Mapping, false)));
    T->Start();
    return STATUS_SUCCESS;
}

Status StartFirstProcess(ob::Name ImageFile, ob::Name CommandLine)
{
    Ref<Process> P = TRY(MakeSystemProcess(ImageFile, CommandLine));
    return StartSystemProcess(*P);
}

}

// --- NtCreateUserProcess

namespace {

struct Attributes {
    ob::String ImageName;
    HANDLE Parent = nullptr, Token = nullptr, Debug = nullptr;
    PS_ATTRIBUTE ClientId {}, ImageInfo {}, TebAddress {};
    Vector<HANDLE> Handles, Jobs;
    bool HasHandleList = false;
};

Status ReadAttributes(ke::Caller& Caller, ke::UserPtr<PS_ATTRIBUTE_LIST> From, Attributes& To)
{
    if (From.IsNull())
        return STATUS_SUCCESS;
    u64 Total;
    TRY(mm::CopyFromUser(Caller.Process(), &Total, From.Address(), sizeof(Total)));
    if (Total < sizeof(u64) || (Total - sizeof(u64)) % sizeof(PS_ATTRIBUTE) || Total > sizeof(u64) + 32 * sizeof(PS_ATTRIBUTE))
        return STATUS_INVALID_PARAMETER;
    for (u64 At = sizeof(u64); At < Total; At += sizeof(PS_ATTRIBUTE)) {
        PS_ATTRIBUTE A;
        TRY(mm::CopyFromUser(Caller.Process(), &A, From.Address() + At, sizeof(A)));
        switch (A.Attribute) {
        case PS_ATTRIBUTE_IMAGE_NAME: {
            if (A.Size == 0 || A.Size & 1 || A.Size > 65534)
                return STATUS_INVALID_PARAMETER;
            TRY(To.ImageName.Characters().Resize(A.Size / 2));
            TRY(mm::CopyFromUser(Caller.Process(), To.ImageName.Characters().Data(), A.Value, A.Size));
            while (!To.ImageName.IsEmpty() && !To.ImageName.Characters().Last())
                To.ImageName.Characters().Pop();
            break;
        }
        case PS_ATTRIBUTE_PARENT_PROCESS: To.Parent = reinterpret_cast<HANDLE>(A.Value); break;
        case PS_ATTRIBUTE_TOKEN: To.Token = reinterpret_cast<HANDLE>(A.Value); break;
        case PS_ATTRIBUTE_DEBUG_OBJECT: To.Debug = reinterpret_cast<HANDLE>(A.Value); break;
        case PS_ATTRIBUTE_CLIENT_ID: To.ClientId = A; break;
        case PS_ATTRIBUTE_TEB_ADDRESS: To.TebAddress = A; break;
        case PS_ATTRIBUTE_IMAGE_INFO: To.ImageInfo = A; break;
        case PS_ATTRIBUTE_HANDLE_LIST:
        case PS_ATTRIBUTE_JOB_LIST: {
            Vector<HANDLE>& List = A.Attribute == PS_ATTRIBUTE_JOB_LIST ? To.Jobs : To.Handles;
            if (A.Size % sizeof(HANDLE) || A.Size > 4096 * sizeof(HANDLE))
                return STATUS_INVALID_PARAMETER;
            TRY(List.Resize(A.Size / sizeof(HANDLE)));
            TRY(mm::CopyFromUser(Caller.Process(), List.Data(), A.Value, A.Size));
            To.HasHandleList |= A.Attribute == PS_ATTRIBUTE_HANDLE_LIST;
            break;
        }
        default:
            if (A.Attribute & PS_ATTRIBUTE_INPUT)
                break;                  // advice that has no meaning here: node, processor, mitigation, protection level ...
            return STATUS_INVALID_PARAMETER;
        }
    }
    return STATUS_SUCCESS;
}

Status WriteAttribute(ke::Caller& Caller, const PS_ATTRIBUTE& A, const void* From, usize Bytes)
{
    if (!A.Attribute)
        return STATUS_SUCCESS;
    if (A.Size < Bytes)
        return STATUS_BUFFER_TOO_SMALL;
    TRY(mm::CopyToUser(Caller.Process(), A.Value, From, Bytes));
    u64 Done = Bytes;
    return A.ReturnLength ? mm::CopyToUser(Caller.Process(), reinterpret_cast<u64>(A.ReturnLength), &Done, sizeof(Done)) : Status(STATUS_SUCCESS);
}

}

namespace ps {

struct Created {
    Ref<Process> NewProcess;
    Ref<Thread> NewThread;
};

// The descriptor of a new process or thread: the one given, or the creator's default, so that strangers cannot reach into it.
static Status Protect(ke::Caller& Caller, ob::Object& New, ob::Attributes& Given)
{
    New.SetSecurity(TRY(se::AssignSecurity(Given.Security.Get(), nullptr, Caller.Thread().EffectiveToken(), New.GetType().Mapping, false)));
    return STATUS_SUCCESS;
}

// A child has its parent's console, whatever handles it inherits: a handle of its own to it, and to what of the standard handles is the console's. (Numbers from -4 to -1
// are wishes that its Win32 library understands.)
static Status GiveConsole(Process& Parent, Process& P, const Vector<u8>& Given, bool Inherits)
{
    RTL_USER_PROCESS_PARAMETERS Block;
    memcpy(&Block, Given.Data(), sizeof(Block));
    u64 At;
    TRY(mm::CopyFromUser(P, &At, P.PebAddress() + __builtin_offsetof(PEB, ProcessParameters), sizeof(At)));
    auto Give = [&](HANDLE H, usize Offset, bool MayStay) -> Status {
        ob::HandleEntry* E = i64(H) > 0 ? Parent.Handles().Find(H) : nullptr;
        if (!E || &E->Target->GetType() != &io::File::Type || static_cast<io::File&>(*E->Target).GetDevice().DeviceType != FILE_DEVICE_CONSOLE) {
            u64 Zero = 0;
            return MayStay || i64(H) <= 0 ? Status(STATUS_SUCCESS) : mm::CopyToUser(P, At + Offset, &Zero, sizeof(Zero));
        }
        if (MayStay && P.Handles().Find(H))
            return STATUS_SUCCESS;
        HANDLE New = TRY(P.Handles().Add(Ref<ob::Object>(*E->Target), E->Access, E->Flags & ob::HandleTable::Inherit));
        return mm::CopyToUser(P, At + Offset, &New, sizeof(New));
    };
    TRY(Give(Block.ConsoleHandle, __builtin_offsetof(RTL_USER_PROCESS_PARAMETERS, ConsoleHandle), false));
    if (Inherits)
        return STATUS_SUCCESS;
    TRY(Give(Block.StandardInput, __builtin_offsetof(RTL_USER_PROCESS_PARAMETERS, StandardInput), true));
    TRY(Give(Block.StandardOutput, __builtin_offsetof(RTL_USER_PROCESS_PARAMETERS, StandardOutput), true));
    return Give(Block.StandardError, __builtin_offsetof(RTL_USER_PROCESS_PARAMETERS, StandardError), true);
}

static Result<Created> Create(ke::Caller& Caller, svc::CreateUserProcess& Call, Attributes& Wanted, Ref<mm::Section> Image)
{
    u32 Flags = Call.ProcessFlags;
    Ref<Process> Parent = Wanted.Parent ? TRY(ob::Reference<Process>(Caller, Wanted.Parent, PROCESS_CREATE_PROCESS)) : Ref<Process>(Caller.Process());
    Parameters Given;
    if (Call.ProcessParameters)
        TRY(CaptureParameters(Caller, Call.ProcessParameters.Address(), Given));

    Ref<Process> P = TRY(Process::Create());
    // A process that fails to come into being ends like any other.
    Defer Undo = [&] { P->Terminate(STATUS_UNSUCCESSFUL); };
    if (Wanted.Token) {
        auto Token = TRY(ob::Reference<se::Token>(Caller, Wanted.Token, TOKEN_ASSIGN_PRIMARY));
        P->SetToken(TRY(se::DuplicateForProcess(*Token)));
    } else {
        P->SetToken(TRY(se::DuplicateForProcess(Parent->Token())));
    }
    P->ParentId = Parent->Id();
    P->SessionId = Parent->SessionId ? Parent->SessionId : 1;
    P->ErrorMode = Parent->ErrorMode;
    P->PriorityClass = 2;
    if (Parent->InJob && !Parent->InJob->AllowsBreakaway(Flags & PROCESS_CREATE_FLAGS_BREAKAWAY))
        TRY(Parent->InJob->Assign(*P));
    for (HANDLE H : Wanted.Jobs)
        TRY(TRY(ob::Reference<Job>(Caller, H, JOB_OBJECT_ASSIGN_PROCESS))->Assign(*P));
    TRY(MapImages(*P, std::move(Image)));
    TRY(MakePeb(*P));
    if (!Given.Block.IsEmpty())
        TRY(WriteParameters(*P, Given));
    if (Flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES) {
        std::span<const HANDLE> Only = Wanted.Handles.Span();
        TRY(Parent->Handles().InheritTo(P->Handles(), Wanted.HasHandleList ? &Only : nullptr));
    }
    if (!Given.Block.IsEmpty())
        TRY(GiveConsole(*Parent, *P, Given.Block, Flags & PROCESS_CREATE_FLAGS_INHERIT_HANDLES));

    Ref<Thread> T = TRY(Thread::Create(*P, { .Routine = reinterpret_cast<u64>(P->ImageInfo.TransferAddress), .Argument = P->PebAddress(),
                                             .Suspended = bool(Call.ThreadFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) }));
    P->NoDebugInherit = Flags & PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT;
    RefPtr<Debugger> By;
    if (!Parent->NoDebugInherit)
        By = Parent->DebuggedBy;
    if (Wanted.Debug)
        By = RefPtr<Debugger>(TRY(ob::Reference<Debugger>(Caller, Wanted.Debug, 2)).Get());     // the right to assign processes
    if (By)
        TRY(By->Attach(*P));
    Undo.Commit();
    return Created { P, T };
}

}

ke::Task<> NtCreateUserProcess(ke::Caller& Caller, svc::CreateUserProcess& Call)
{
    CO_TRY(Call.ProcessHandle.Probe(Caller));
    CO_TRY(Call.ThreadHandle.Probe(Caller));
    Attributes Wanted;
    CO_TRY(ReadAttributes(Caller, Call.AttributeList, Wanted));
    if (Wanted.ImageName.IsEmpty())
        co_return STATUS_INVALID_PARAMETER;
    if (Call.ThreadFlags & ~THREAD_CREATE_FLAGS_CREATE_SUSPENDED)
        co_return STATUS_INVALID_PARAMETER;
    // Some callers (the packaged Win32 library among them) pass a block that they have not filled in and do not look at afterwards.
    PS_CREATE_INFO Info = CO_TRY(Call.CreateInfo.Read(Caller));
    bool WantsInfo = Info.Size == sizeof(Info) && Info.State == PsCreateInitialState;

    auto Fail = [&](PS_CREATE_STATE State, Status Why) {
        Info.State = State;
        if (WantsInfo)
            Call.CreateInfo.Write(Caller, Info).Ignore();       // the failure itself matters more
        return Why;
    };
    auto File = co_await io::OpenImageFile(Caller, Wanted.ImageName);
    if (!File.Ok())
        co_return Fail(PsCreateFailOnFileOpen, File.GetStatus());
    u64 Size = File.Value().Size;
    auto Image = co_await mm::CreateImageSectionLater(std::move(File.Value().File), std::move(File.Value().Data), Size, File.Value().Path);
    if (!Image.Ok())
        co_return Fail(PsCreateFailOnSectionCreate, Image.GetStatus());
    Ref<mm::Section> Section = Image.Take();
    if (Status S = ps::CheckMachine(*Section); !S.Ok())
        co_return Fail(PsCreateFailMachineMismatch, S);
    if (Section->Image->Info.ImageCharacteristics & IMAGE_FILE_DLL)
        co_return Fail(PsCreateFailExeFormat, STATUS_INVALID_IMAGE_FORMAT);

    auto Where = CO_TRY(ob::Capture(Caller, Call.ProcessObjectAttributes));
    auto ThreadWhere = CO_TRY(ob::Capture(Caller, Call.ThreadObjectAttributes));
    ps::Created New = CO_TRY(ps::Create(Caller, Call, Wanted, Section));
    Defer Undo = [&] { New.NewProcess->Terminate(STATUS_UNSUCCESSFUL); };
    // The creator gets all it asks for on what it has just made.
    HANDLE ProcessHandle = CO_TRY(ob::OpenByPointer(Caller, New.NewProcess, Call.ProcessDesiredAccess, Where.Flags));
    Defer CloseProcess = [&] { Caller.Process().Handles().Close(ProcessHandle).Ignore(); };
    HANDLE ThreadHandle = CO_TRY(ob::OpenByPointer(Caller, New.NewThread, Call.ThreadDesiredAccess, ThreadWhere.Flags));
    Defer CloseThread = [&] { Caller.Process().Handles().Close(ThreadHandle).Ignore(); };

    CLIENT_ID Id { reinterpret_cast<HANDLE>(New.NewProcess->Id()), reinterpret_cast<HANDLE>(New.NewThread->Id()) };
    CO_TRY(WriteAttribute(Caller, Wanted.ClientId, &Id, sizeof(Id)));
    CO_TRY(WriteAttribute(Caller, Wanted.ImageInfo, &New.NewProcess->ImageInfo, sizeof(SECTION_IMAGE_INFORMATION)));
    u64 Teb = New.NewThread->TebAddress();
    CO_TRY(WriteAttribute(Caller, Wanted.TebAddress, &Teb, sizeof(Teb)));
    if (WantsInfo) {
        Info.SuccessState = {};
        Info.State = PsCreateSuccess;
        Info.SuccessState.PebAddressNative = New.NewProcess->PebAddress();
        CO_TRY(Call.CreateInfo.Write(Caller, Info));
    }
    CO_TRY(Call.ProcessHandle.Write(Caller, ProcessHandle));
    CO_TRY(Call.ThreadHandle.Write(Caller, ThreadHandle));
    // From here on others find them.
    CO_TRY(ps::Protect(Caller, *New.NewProcess, Where));
    CO_TRY(ps::Protect(Caller, *New.NewThread, ThreadWhere));
    CloseThread.Commit();
    CloseProcess.Commit();
    Undo.Commit();
    New.NewThread->Start();
    co_return STATUS_SUCCESS;
}

Status NtCreateThreadEx(ke::Caller& Caller, svc::CreateThreadEx& Call)
{
    TRY(Call.ThreadHandle.Probe(Caller));
    Attributes Wanted;
    TRY(ReadAttributes(Caller, Call.AttributeList, Wanted));
    auto Where = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    auto Owner = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_CREATE_THREAD));
    u64 Highest = TRY(mm::HighestForZeroBits(Call.ZeroBits));
    auto T = TRY(ps::Thread::Create(*Owner, { .Routine = Call.StartRoutine.Raw(), .Argument = Call.Argument.Raw(), .StackReserve = Call.MaximumStackSize,
                                              .StackCommit = Call.StackSize, .StackHighest = Highest, .Suspended = bool(Call.CreateFlags & THREAD_CREATE_FLAGS_CREATE_SUSPENDED) }));
    Defer Undo = [&] { T->Terminate(STATUS_UNSUCCESSFUL); };
    T->HideFromDebugger = Call.CreateFlags & THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER;
    HANDLE Handle = TRY(ob::OpenByPointer(Caller, T, Call.DesiredAccess, Where.Flags));
    Defer CloseIt = [&] { Caller.Process().Handles().Close(Handle).Ignore(); };
    CLIENT_ID Id { reinterpret_cast<HANDLE>(Owner->Id()), reinterpret_cast<HANDLE>(T->Id()) };
    TRY(WriteAttribute(Caller, Wanted.ClientId, &Id, sizeof(Id)));
    u64 Teb = T->TebAddress();
    TRY(WriteAttribute(Caller, Wanted.TebAddress, &Teb, sizeof(Teb)));
    TRY(Call.ThreadHandle.Write(Caller, Handle));
    TRY(ps::Protect(Caller, *T, Where));
    CloseIt.Commit();
    Undo.Commit();
    ps::Debugger::ThreadStarts(*T);
    T->Start();
    return STATUS_SUCCESS;
}
