// Virtual memory and sections.
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/host/ntdll/runner.hpp"

namespace runner {

namespace {

template <typename T> T& Out(uint64_t Argument) { return *reinterpret_cast<T*>(Argument); }

constexpr uint64_t Granularity = 0x10000;

NTSTATUS Allocate(uint64_t* BaseOut, uint64_t* SizeOut, ULONG Type, ULONG Protection)
{
    uint64_t Size = *SizeOut, Base = *BaseOut;
    if (!Size)
        return STATUS_INVALID_PARAMETER_4;
    if (Type & MEM_RESERVE || !Base) {
        uint64_t Start = AlignDown(Base, Granularity);
        Size = AlignUp(Base + Size, PageSize) - Start;
        uint64_t Got = Reserve(Start, AlignUp(Size, PageSize));
        if (!Got)
            return Base ? STATUS_CONFLICTING_ADDRESSES : STATUS_NO_MEMORY;
        The.Mappings[Got] = { Got, Size, false, {}, std::vector<ULONG>(Size / PageSize, 0) };
        *BaseOut = Got;
        *SizeOut = Size;
        Base = Got;
        if (!(Type & MEM_COMMIT))
            return STATUS_SUCCESS;
    }
    uint64_t Start = AlignDown(Base, PageSize), End = AlignUp(Base + Size, PageSize);
    Mapping* M = FindMapping(Start);
    if (!M || End > M->Base + M->Size)
        return STATUS_CONFLICTING_ADDRESSES;
    for (uint64_t P = (Start - M->Base) / PageSize; P < (End - M->Base) / PageSize; ++P)
        M->Pages[P] = Protection;
    mprotect(reinterpret_cast<void*>(Start), End - Start, HostProtection(Protection));
    *BaseOut = Start;
    *SizeOut = End - Start;
    return STATUS_SUCCESS;
}

NTSTATUS AllocateVirtualMemory(Arguments A) { return Allocate(&Out<uint64_t>(A[1]), &Out<uint64_t>(A[3]), ULONG(A[4]), ULONG(A[5])); }
NTSTATUS AllocateVirtualMemoryEx(Arguments A)
{
    auto* Parameters = reinterpret_cast<MEM_EXTENDED_PARAMETER*>(A[5]);
    for (uint32_t I = 0; I < uint32_t(A[6]); ++I) {
        if ((Parameters[I].Type & 0xFF) != MemExtendedParameterAddressRequirements || Out<uint64_t>(A[1]))
            continue;
        uint64_t Alignment = static_cast<MEM_ADDRESS_REQUIREMENTS*>(Parameters[I].Pointer)->Alignment;
        if (Alignment <= Granularity)
            continue;
        // Find room for the worst case, give it back, and take the aligned part.
        uint64_t Room = Reserve(0, Out<uint64_t>(A[2]) + Alignment);
        munmap(reinterpret_cast<void*>(Room), AlignUp(Out<uint64_t>(A[2]) + Alignment, PageSize));
        Out<uint64_t>(A[1]) = AlignUp(Room, Alignment);
        return Allocate(&Out<uint64_t>(A[1]), &Out<uint64_t>(A[2]), ULONG(A[3]) | MEM_RESERVE, ULONG(A[4]));
    }
    return Allocate(&Out<uint64_t>(A[1]), &Out<uint64_t>(A[2]), ULONG(A[3]), ULONG(A[4]));
}

NTSTATUS FreeVirtualMemory(Arguments A)
{
    uint64_t& Base = Out<uint64_t>(A[1]);
    uint64_t& Size = Out<uint64_t>(A[2]);
    Mapping* M = FindMapping(Base);
    if (!M)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (A[3] & MEM_RELEASE) {
        if (Base != M->Base)
            return STATUS_FREE_VM_NOT_AT_BASE;
        Size = M->Size;
        munmap(reinterpret_cast<void*>(M->Base), M->Size);
        The.Mappings.erase(M->Base);
        return STATUS_SUCCESS;
    }
    uint64_t Start = AlignDown(Base, PageSize), End = Size ? AlignUp(Base + Size, PageSize) : M->Base + M->Size;
    if (End > M->Base + M->Size)
        return STATUS_UNABLE_TO_FREE_VM;
    mmap(reinterpret_cast<void*>(Start), End - Start, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    for (uint64_t P = (Start - M->Base) / PageSize; P < (End - M->Base) / PageSize; ++P)
        M->Pages[P] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS ProtectVirtualMemory(Arguments A)
{
    uint64_t& Base = Out<uint64_t>(A[1]);
    uint64_t& Size = Out<uint64_t>(A[2]);
    uint64_t Start = AlignDown(Base, PageSize), End = AlignUp(Base + Size, PageSize);
    Mapping* M = FindMapping(Start);
    if (!M || End > M->Base + M->Size)
        return STATUS_CONFLICTING_ADDRESSES;
    Out<ULONG>(A[4]) = M->Pages[(Start - M->Base) / PageSize];
    for (uint64_t P = (Start - M->Base) / PageSize; P < (End - M->Base) / PageSize; ++P) {
        if (!M->Pages[P])
            return STATUS_NOT_COMMITTED;
        M->Pages[P] = ULONG(A[3]);
    }
    mprotect(reinterpret_cast<void*>(Start), End - Start, HostProtection(ULONG(A[3])));
    Base = Start;
    Size = End - Start;
    return STATUS_SUCCESS;
}

NTSTATUS QueryVirtualMemory(Arguments A)
{
    if (A[2] != 0)
        return STATUS_INVALID_INFO_CLASS;
    auto& Info = Out<MEMORY_BASIC_INFORMATION>(A[3]);
    uint64_t Page = AlignDown(A[1], PageSize);
    Info = {};
    Info.BaseAddress = reinterpret_cast<PVOID>(Page);
    if (A[5])
        Out<SIZE_T>(A[5]) = sizeof(Info);
    Mapping* M = FindMapping(Page);
    if (!M) {
        auto Next = The.Mappings.upper_bound(Page);
        Info.RegionSize = (Next == The.Mappings.end() ? 0x7FFFFFFF0000 : Next->first) - Page;
        Info.State = MEM_FREE;
        Info.Protect = PAGE_NOACCESS;
        return STATUS_SUCCESS;
    }
    uint64_t First = (Page - M->Base) / PageSize, Last = First;
    while (Last < M->Pages.size() && M->Pages[Last] == M->Pages[First])
        ++Last;
    Info.AllocationBase = reinterpret_cast<PVOID>(M->Base);
    Info.AllocationProtect = M->Image ? PAGE_EXECUTE_WRITECOPY : PAGE_READWRITE;
    Info.RegionSize = (Last - First) * PageSize;
    Info.State = M->Pages[First] ? MEM_COMMIT : MEM_RESERVE;
    Info.Protect = M->Pages[First];
    Info.Type = M->Image ? MEM_IMAGE : M->Path.empty() ? MEM_PRIVATE : MEM_MAPPED;
    return STATUS_SUCCESS;
}

NTSTATUS CreateSection(Arguments A)
{
    auto S = std::make_shared<Object>();
    S->Type = Object::Kind::Section;
    S->Image = A[5] & SEC_IMAGE;
    if (A[6]) {
        auto File = Find(A[6]);
        if (!File)
            return STATUS_INVALID_HANDLE;
        S->Path = File->Path;
        struct stat Status;
        stat(S->Path.c_str(), &Status);
        S->Size = uint64_t(Status.st_size);
        char Magic[2] = {};
        if (S->Image && (pread(File->Fd, Magic, 2, 0) != 2 || memcmp(Magic, "MZ", 2)))
            return STATUS_INVALID_IMAGE_NOT_MZ;
    } else {
        S->Size = uint64_t(Out<LARGE_INTEGER>(A[3]).QuadPart);
        S->Fd = memfd_create("section", 0);
        if (ftruncate(S->Fd, long(AlignUp(S->Size, PageSize))))
            return STATUS_NO_MEMORY;
    }
    Out<uint64_t>(A[0]) = NewHandle(S);
    return STATUS_SUCCESS;
}

NTSTATUS MapViewOfSection(Arguments A)
{
    auto S = Find(A[0]);
    if (!S || S->Type != Object::Kind::Section)
        return STATUS_INVALID_HANDLE;
    uint64_t& Base = Out<uint64_t>(A[2]);
    uint64_t& Size = Out<uint64_t>(A[6]);
    if (S->Image)
        return MapImage(S->Path, Base, Size);
    uint64_t Offset = A[5] ? uint64_t(Out<LARGE_INTEGER>(A[5]).QuadPart) : 0;
    if (!Size)
        Size = S->Size - Offset;
    Size = AlignUp(Size, PageSize);
    uint64_t Got = Reserve(Base, Size);
    if (!Got)
        return STATUS_CONFLICTING_ADDRESSES;
    int Fd = S->Fd >= 0 ? S->Fd : open(S->Path.c_str(), O_RDONLY);
    ULONG Protection = ULONG(A[9]);
    mmap(reinterpret_cast<void*>(Got), Size, HostProtection(Protection), MAP_FIXED | (S->Fd >= 0 ? MAP_SHARED : MAP_PRIVATE), Fd, long(Offset));
    The.Mappings[Got] = { Got, Size, false, S->Path.empty() ? "section" : S->Path, std::vector<ULONG>(Size / PageSize, Protection) };
    Base = Got;
    return STATUS_SUCCESS;
}

NTSTATUS UnmapViewOfSection(Arguments A)
{
    Mapping* M = FindMapping(A[1]);
    if (!M)
        return STATUS_NOT_MAPPED_VIEW;
    munmap(reinterpret_cast<void*>(M->Base), M->Size);
    The.Mappings.erase(M->Base);
    return STATUS_SUCCESS;
}

NTSTATUS QuerySection(Arguments A)
{
    auto S = Find(A[0]);
    if (!S || A[1] != 0)
        return STATUS_INVALID_INFO_CLASS;
    auto& Info = Out<SECTION_BASIC_INFORMATION>(A[2]);
    Info = {};
    Info.MaximumSize.QuadPart = int64_t(S->Size);
    return STATUS_SUCCESS;
}

NTSTATUS NlsFile(const std::string& Name, uint64_t* Base, uint64_t* Size)
{
    std::string Path = The.Root + "/windows/system32/" + Name;
    int Fd = open(Path.c_str(), O_RDONLY);
    if (Fd < 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    struct stat Status;
    fstat(Fd, &Status);
    uint64_t Bytes = AlignUp<uint64_t>(uint64_t(Status.st_size), PageSize);
    *Base = Reserve(0, Bytes);
    mmap(reinterpret_cast<void*>(*Base), Bytes, PROT_READ, MAP_FIXED | MAP_PRIVATE, Fd, 0);
    close(Fd);
    The.Mappings[*Base] = { *Base, Bytes, false, Path, std::vector<ULONG>(Bytes / PageSize, PAGE_READONLY) };
    *Size = uint64_t(Status.st_size);
    return STATUS_SUCCESS;
}

NTSTATUS GetNlsSectionPtr(Arguments A)
{
    char Name[32];
    uint64_t Size = 0;
    switch (uint32_t(A[0])) {
    case 9:
        snprintf(Name, sizeof(Name), "sortdefault.nls");
        break;
    case 10:
        snprintf(Name, sizeof(Name), "l_intl.nls");
        break;
    case 11:
        snprintf(Name, sizeof(Name), "c_%03u.nls", unsigned(A[1]));
        break;
    case 12: {
        const char* Forms[] = { nullptr, "normnfc.nls", "normnfd.nls", nullptr, nullptr, "normnfkc.nls", "normnfkd.nls" };
        if (A[1] == 13)
            snprintf(Name, sizeof(Name), "normidna.nls");
        else if (A[1] < 7 && Forms[A[1]])
            snprintf(Name, sizeof(Name), "%s", Forms[A[1]]);
        else
            return STATUS_OBJECT_NAME_NOT_FOUND;
        break;
    }
    default:
        return STATUS_INVALID_PARAMETER_1;
    }
    NTSTATUS Status = NlsFile(Name, &Out<uint64_t>(A[3]), &Size);
    if (Status >= 0)
        Out<ULONG>(A[4]) = ULONG(Size);
    return Status;
}

NTSTATUS InitializeNlsFiles(Arguments A)
{
    uint64_t Size;
    Out<ULONG>(A[1]) = 0x409;
    NTSTATUS Status = NlsFile("locale.nls", &Out<uint64_t>(A[0]), &Size);
    if (A[2])
        Out<uint64_t>(A[2]) = 0;
    return Status;
}

}

int HostProtection(ULONG Protection)
{
    switch (Protection & 0xFF) {
    case PAGE_READONLY:
        return PROT_READ;
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
        return PROT_READ | PROT_WRITE;
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return PROT_READ | PROT_EXEC;
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return PROT_READ | PROT_WRITE | PROT_EXEC;
    default:
        return PROT_NONE;
    }
}

// Address space with 64 KiB granularity at Base (0: anywhere), not accessible yet; 0: not free.
uint64_t Reserve(uint64_t Base, uint64_t Size)
{
    constexpr int Flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (Base) {
        void* Got = mmap(reinterpret_cast<void*>(Base), Size, PROT_NONE, Flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (Got == MAP_FAILED)
            return 0;
        return uint64_t(Got);
    }
    static uint64_t Next = 0x2000000000;
    for (int Tries = 0; Tries < 1000; ++Tries) {
        uint64_t Start = Next;
        Next += AlignUp(Size, Granularity) + Granularity;
        void* Got = mmap(reinterpret_cast<void*>(Start), Size, PROT_NONE, Flags | MAP_FIXED_NOREPLACE, -1, 0);
        if (Got != MAP_FAILED)
            return uint64_t(Got);
    }
    return 0;
}

Mapping* FindMapping(uint64_t Address)
{
    auto I = The.Mappings.upper_bound(Address);
    if (I == The.Mappings.begin())
        return nullptr;
    --I;
    return Address < I->second.Base + I->second.Size ? &I->second : nullptr;
}

void AddMemoryServices(std::map<std::string, Handler>& Table)
{
    Table["AllocateVirtualMemory"] = AllocateVirtualMemory;
    Table["AllocateVirtualMemoryEx"] = AllocateVirtualMemoryEx;
    Table["FreeVirtualMemory"] = FreeVirtualMemory;
    Table["ProtectVirtualMemory"] = ProtectVirtualMemory;
    Table["QueryVirtualMemory"] = QueryVirtualMemory;
    Table["CreateSection"] = CreateSection;
    Table["MapViewOfSection"] = MapViewOfSection;
    Table["UnmapViewOfSection"] = UnmapViewOfSection;
    Table["QuerySection"] = QuerySection;
    Table["GetNlsSectionPtr"] = GetNlsSectionPtr;
    Table["InitializeNlsFiles"] = InitializeNlsFiles;
    Table["FlushInstructionCache"] = [](Arguments) -> NTSTATUS { return STATUS_SUCCESS; };
}

}
