// The section services.
#include "ntos/io/section_file.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"
#include "ntos/se/se.hpp"

using namespace mm;

namespace {

struct NewSection {
    u32 Attributes, Protect;
    Protection P;
    u64 Size;
    ob::Attributes Where;
    RefPtr<ob::Object> File;
};

Result<NewSection> Capture(ke::Caller& Caller, svc::CreateSection& Call)
{
    u32 Attributes = Call.AllocationAttributes, Protect = Call.SectionPageProtection;
    TRY(ob::ClearHandle(Caller, Call.SectionHandle));
    Protection P = TRY(ProtectionFrom(Protect));
    if (!(Attributes & (SEC_IMAGE | SEC_RESERVE | SEC_COMMIT)))
        Attributes |= SEC_COMMIT;
    if (Attributes & SEC_LARGE_PAGES)
        return STATUS_NOT_SUPPORTED;
    u64 Size = 0;
    if (Call.MaximumSize) {
        auto Wanted = TRY(Call.MaximumSize.Read(Caller));
        if (Wanted.QuadPart < 0)
            return STATUS_SECTION_TOO_BIG;
        Size = u64(Wanted.QuadPart);
    }
    NewSection N { Attributes, Protect, P, Size, TRY(ob::Capture(Caller, Call.ObjectAttributes)), nullptr };
    if (HANDLE File = Call.FileHandle)
        N.File = TRY(io::FileForSection(Caller, File, Protect, Attributes));
    else if (Attributes & SEC_IMAGE)
        return STATUS_INVALID_FILE_FOR_SECTION;
    return N;
}

// The size of a data section of a file: whether the file has to become longer.
Result<bool> CheckSize(NewSection& N, u64 FileSize)
{
    if (N.Size == 0)
        N.Size = FileSize;
    if (N.Size == 0)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (N.Size > FileSize && !IsWritable(N.P))
        return STATUS_SECTION_TOO_BIG;
    return bool(N.Size > FileSize);
}

Result<Ref<Section>> MakeDataSection(const NewSection& N, io::SectionFile From)
{
    Ref<Section> S = TRY(ob::Make<Section>());
    S->FileName = TRY(ob::String::Copy(From.Path));
    S->Store = std::move(From.Data);
    ++S->Store->Sections;
    S->File = std::move(From.File);
    S->Size = N.Size;
    S->Attributes = N.Attributes | SEC_FILE;
    S->PageProtect = N.Protect;
    return S;
}

Status Answer(ke::Caller& Caller, svc::CreateSection& Call, NewSection& N, Result<Ref<Section>> Made)
{
    Ref<ob::Object> New(TRY(std::move(Made)));
    auto Handle = ob::InsertAndOpen(Caller, std::move(New), N.Where, Call.DesiredAccess);
    if (!Handle.Ok())
        return Handle.GetStatus();
    TRY(Call.SectionHandle.Write(Caller, Handle.Value()));
    return Handle.GetStatus();
}

ke::Task<> CreateLater(ke::Caller& Caller, svc::CreateSection& Call, NewSection N)
{
    Ref<ob::Object> File(*N.File);
    CO_TRY(co_await io::PrepareForSection(File));
    io::SectionFile From = CO_TRY(io::DescribeForSection(File));
    if (N.Attributes & SEC_IMAGE) {
        auto Made = co_await CreateImageSectionLater(std::move(From.File), std::move(From.Data), From.Size, From.Path.View());
        co_return Answer(Caller, Call, N, std::move(Made));
    }
    if (CO_TRY(CheckSize(N, From.Size)))
        CO_TRY(co_await io::ExtendForSection(File, N.Size));
    co_return Answer(Caller, Call, N, MakeDataSection(N, std::move(From)));
}

Status Create(ke::Caller& Caller, svc::CreateSection& Call, NewSection& N)
{
    if (!N.File)
        return Answer(Caller, Call, N, CreatePageFileSection(N.Size, N.Protect, N.Attributes));
    io::SectionFile From = TRY(io::DescribeForSection(Ref<ob::Object>(*N.File)));
    if (N.Attributes & SEC_IMAGE)
        return Answer(Caller, Call, N, CreateImageSection(std::move(From.File), std::move(From.Data), From.Size, From.Path));
    if (TRY(CheckSize(N, From.Size))) {
        auto Extended = io::ExtendForSection(From.File, N.Size);
        ASSERT(Extended.await_ready());
        TRY(Extended.await_resume());
    }
    return Answer(Caller, Call, N, MakeDataSection(N, std::move(From)));
}

}

ke::Task<> NtCreateSection(ke::Caller& Caller, svc::CreateSection& Call)
{
    auto N = Capture(Caller, Call);
    if (!N.Ok())
        return ke::Task<>(N.GetStatus());
    if (N.Value().File && io::SectionWaits(*N.Value().File))
        return CreateLater(Caller, Call, N.Take());
    return ke::Task<>(Create(Caller, Call, N.Value()));
}

Status NtOpenSection(ke::Caller& Caller, svc::OpenSection& Call)
{
    TRY(ob::ClearHandle(Caller, Call.SectionHandle));
    auto Wanted = TRY(ob::Capture(Caller, Call.ObjectAttributes));
    HANDLE Handle = TRY(ob::OpenByName(Caller, Section::Type, Wanted, Call.DesiredAccess));
    return Call.SectionHandle.Write(Caller, Handle);
}

static Status MapFor(ke::Caller& Caller, HANDLE SectionHandle, HANDLE ProcessHandle, ke::UserPtr<PVOID> BaseAddress, ke::UserPtr<LARGE_INTEGER> SectionOffset,
                     ke::UserPtr<SIZE_T> ViewSize, ViewRequest Request)
{
    Request.Base = reinterpret_cast<u64>(TRY(BaseAddress.Read(Caller)));
    Request.Size = TRY(ViewSize.Read(Caller));
    TRY(BaseAddress.Probe(Caller));
    TRY(ViewSize.Probe(Caller));
    if (SectionOffset) {
        Request.Offset = u64(TRY(SectionOffset.Read(Caller)).QuadPart);
        TRY(SectionOffset.Probe(Caller));
    }
    Protection P = TRY(ProtectionFrom(Request.Protect));
    if (Request.Base > HighestUser)
        return STATUS_INVALID_PARAMETER_3;
    if (Request.Size > HighestUser || Request.Base + Request.Size > HighestUser + 1)
        return STATUS_INVALID_PARAMETER_3;
    // What the view may do, the handle must allow.
    ACCESS_MASK Needs = IsWritable(P) ? SECTION_MAP_WRITE : IsExecutable(P) ? 0 : SECTION_MAP_READ;
    if (IsExecutable(P))
        Needs |= SECTION_MAP_EXECUTE;
    auto From = TRY(ob::ReferenceAny(Caller, SectionHandle, 0));
    if (&From.Target->GetType() != &Section::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    Ref<Section> S(static_cast<Section&>(*From.Target));
    if (S->Image)
        Needs = From.Granted & (SECTION_MAP_READ | SECTION_MAP_EXECUTE) ? 0 : SECTION_MAP_READ;
    if ((From.Granted & Needs) != Needs)
        return STATUS_ACCESS_DENIED;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, ProcessHandle, PROCESS_VM_OPERATION));
    if (Target->HasEnded())
        return STATUS_PROCESS_IS_TERMINATING;
    if (Request.Highest && Request.Base > Request.Highest)
        return STATUS_INVALID_PARAMETER_4;
    if (Request.Base & (AllocationGranularity - 1) && !(Request.AllocationType & MEM_REPLACE_PLACEHOLDER))
        return STATUS_MAPPED_ALIGNMENT;
    auto Base = MapView(Target->Memory(), S, Request);
    if (!Base.Ok())
        return Base.GetStatus();
    TRY(BaseAddress.Write(Caller, reinterpret_cast<PVOID>(Base.Value())));
    TRY(ViewSize.Write(Caller, Request.Size));
    if (SectionOffset)
        TRY(SectionOffset.Write(Caller, LARGE_INTEGER { .QuadPart = i64(Request.Offset) }));
    if (S->Image && OnImageMapped && Target.Get() == &Caller.Process())
        OnImageMapped(Caller, Base.Value(), S->FileName);
    return Base.GetStatus();
}

Status NtMapViewOfSection(ke::Caller& Caller, svc::MapViewOfSection& Call)
{
    u32 Disposition = Call.InheritDisposition;
    if (Disposition != ViewShare && Disposition != ViewUnmap)
        return STATUS_INVALID_PARAMETER_8;
    if (Call.AllocationType & ~(MEM_RESERVE | MEM_TOP_DOWN | MEM_LARGE_PAGES))
        return STATUS_INVALID_PARAMETER_9;
    ViewRequest Request;
    Request.Protect = Call.Win32Protect;
    Request.AllocationType = Call.AllocationType;
    Request.Inherit = Disposition == ViewShare;
    if (u64 Bits = Call.ZeroBits) {
        if (Bits < 32) {
            if (Bits > 21)
                return STATUS_INVALID_PARAMETER_4;
            Request.Highest = (u64(1) << (32 - Bits)) - 1;
        } else {
            u64 Mask = ~u64(0) >> __builtin_clzll(Bits);
            Request.Highest = Mask < HighestUser ? Mask : u64(HighestUser);
        }
    }
    return MapFor(Caller, Call.SectionHandle, Call.ProcessHandle, Call.BaseAddress, Call.SectionOffset, Call.ViewSize, Request);
}

Status NtMapViewOfSectionEx(ke::Caller& Caller, svc::MapViewOfSectionEx& Call)
{
    if (Call.AllocationType & ~(MEM_RESERVE | MEM_TOP_DOWN | MEM_LARGE_PAGES | MEM_REPLACE_PLACEHOLDER))
        return STATUS_INVALID_PARAMETER;
    ViewRequest Request;
    Request.Protect = Call.PageProtection;
    Request.AllocationType = Call.AllocationType;
    u32 Count = Call.ParameterCount;
    if (Count > 8 || (Count && Call.Parameters.IsNull()))
        return STATUS_INVALID_PARAMETER;
    for (u32 I = 0; I < Count; ++I) {
        auto Parameter = TRY(ke::UserPtr<MEM_EXTENDED_PARAMETER>::At(Call.Parameters.Address() + I * sizeof(MEM_EXTENDED_PARAMETER)).Read(Caller));
        if ((Parameter.Type & 0xFF) != MemExtendedParameterAddressRequirements)
            continue;                   // nodes and attributes make no difference here
        auto A = TRY(ke::UserPtr<MEM_ADDRESS_REQUIREMENTS>::At(Parameter.ULong64).Read(Caller));
        Request.Lowest = reinterpret_cast<u64>(A.LowestStartingAddress);
        Request.Highest = reinterpret_cast<u64>(A.HighestEndingAddress);
        Request.Alignment = A.Alignment;
        if (A.Alignment & (A.Alignment - 1) || (A.Alignment && A.Alignment < AllocationGranularity) || Request.Lowest & (AllocationGranularity - 1))
            return STATUS_INVALID_PARAMETER;
    }
    return MapFor(Caller, Call.SectionHandle, Call.ProcessHandle, Call.BaseAddress, Call.SectionOffset, Call.ViewSize, Request);
}

static Status Unmap(ke::Caller& Caller, ps::Process& Target, u64 Address, bool KeepPlaceholder)
{
    Vad* V = Target.Memory().Find(Address);
    u64 Image = V && V->Kind == Vad::Image ? V->Start : 0;
    TRY(UnmapView(Target.Memory(), Address, KeepPlaceholder));
    if (Image && OnImageUnmapped && &Target == &Caller.Process())
        OnImageUnmapped(Caller, Image);
    return STATUS_SUCCESS;
}

Status NtUnmapViewOfSection(ke::Caller& Caller, svc::UnmapViewOfSection& Call)
{
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    return Unmap(Caller, *Target, Call.BaseAddress.Raw(), false);
}

Status NtUnmapViewOfSectionEx(ke::Caller& Caller, svc::UnmapViewOfSectionEx& Call)
{
    if (Call.Flags & ~(MEM_PRESERVE_PLACEHOLDER | 1u))
        return STATUS_INVALID_PARAMETER;
    auto Target = TRY(ob::Reference<ps::Process>(Caller, Call.ProcessHandle, PROCESS_VM_OPERATION));
    return Unmap(Caller, *Target, Call.BaseAddress.Raw(), Call.Flags & MEM_PRESERVE_PLACEHOLDER);
}

static ke::Task<> Extend(ke::Caller& Caller, ke::UserPtr<LARGE_INTEGER> NewSize, Ref<Section> S, i64 Size)
{
    if (u64(Size) > S->Size) {
        CO_TRY(co_await io::ExtendForSection(Ref<ob::Object>(*S->File), u64(Size)));
        if (u64(Size) > S->Size)        // or somebody else was faster
            S->Size = u64(Size);
    }
    co_return NewSize.Write(Caller, LARGE_INTEGER { .QuadPart = i64(S->Size) });
}

ke::Task<> NtExtendSection(ke::Caller& Caller, svc::ExtendSection& Call)
{
    i64 Size = CO_TRY(Call.NewSectionSize.Read(Caller)).QuadPart;
    auto S = CO_TRY(ob::Reference<Section>(Caller, Call.SectionHandle, SECTION_EXTEND_SIZE));
    if (S->Image || !S->Store)
        co_return STATUS_SECTION_NOT_EXTENDED;
    if (Size < 0 || u64(Size) > HighestUser)
        co_return STATUS_SECTION_TOO_BIG;
    if (S->PageFile && u64(Size) > S->Size)
        co_return STATUS_SECTION_NOT_EXTENDED;
    co_return co_await Extend(Caller, Call.NewSectionSize, std::move(S), Size);
}

Status NtQuerySection(ke::Caller& Caller, svc::QuerySection& Call)
{
    auto S = TRY(ob::Reference<Section>(Caller, Call.SectionHandle, SECTION_QUERY));
    u64 Length = Call.SectionInformationLength;
    switch (u32(Call.SectionInformationClass)) {
    case SectionBasicInformation: {
        SECTION_BASIC_INFORMATION Info {};
        if (Length < sizeof(Info))
            return STATUS_INFO_LENGTH_MISMATCH;
        Info.AllocationAttributes = S->Attributes | (S->Image ? SEC_FILE : 0);
        Info.MaximumSize.QuadPart = i64(S->Image ? u64(S->Image->Info.ImageFileSize) : S->PageFile ? AlignUp(S->Size, PageSize) : S->Size);
        TRY(Call.SectionInformation.WriteAs(Caller, Info));
        return Call.ReturnLength.WriteIfThere(Caller, sizeof(Info));
    }
    case SectionImageInformation:
        if (Length < sizeof(SECTION_IMAGE_INFORMATION))
            return STATUS_INFO_LENGTH_MISMATCH;
        if (!S->Image)
            return STATUS_SECTION_NOT_IMAGE;
        TRY(Call.SectionInformation.WriteAs(Caller, S->Image->Info));
        return Call.ReturnLength.WriteIfThere(Caller, sizeof(SECTION_IMAGE_INFORMATION));
    case SectionRelocationInformation:
    case SectionOriginalBaseInformation: {
        if (Length < sizeof(u64))
            return STATUS_INFO_LENGTH_MISMATCH;
        if (!S->Image)
            return STATUS_SECTION_NOT_IMAGE;
        u64 Value = u32(Call.SectionInformationClass) == SectionOriginalBaseInformation ? S->Image->PreferredBase : 0;
        TRY(Call.SectionInformation.WriteAs(Caller, Value));
        return Call.ReturnLength.WriteIfThere(Caller, sizeof(u64));
    }
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

Status NtAreMappedFilesTheSame(ke::Caller& Caller, svc::AreMappedFilesTheSame& Call)
{
    AddressSpace& Space = Caller.Process().Memory();
    Vad* A = Space.Find(Call.File1MappedAsAnImage.Raw());
    Vad* B = Space.Find(Call.File2MappedAsFile.Raw());
    if (!A || !B)
        return STATUS_INVALID_ADDRESS;
    if (!A->Backing || !B->Backing)
        return STATUS_CONFLICTING_ADDRESSES;
    if (A == B)
        return STATUS_SUCCESS;
    bool Same = A->Backing->Image && A->Backing->Image == B->Backing->Image;
    return Same ? STATUS_SUCCESS : STATUS_NOT_SAME_DEVICE;
}
