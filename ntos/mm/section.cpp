// Section objects and views of them.
#include "ntos/mm/section.hpp"

#include "ntos/mm/phys.hpp"
#include "ntos/mm/space.hpp"

namespace mm {

using namespace nt;

constinit const ob::TypeInfo Section::Type {
    .Name = L"Section",
    .ValidAccess = SECTION_ALL_ACCESS | SYNCHRONIZE,
    .Mapping = { STANDARD_RIGHTS_READ | SECTION_QUERY | SECTION_MAP_READ, STANDARD_RIGHTS_WRITE | SECTION_MAP_WRITE,
                 STANDARD_RIGHTS_EXECUTE | SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS },
};

Section::~Section()
{
    if (ChargedPages)
        ReturnCommit(ChargedPages);
    if (Store && !PageFile)
        --Store->Sections;
}

Result<Ref<Section>> CreatePageFileSection(u64 Size, u32 PageProtect, u32 Attributes)
{
    if (Size == 0)
        return STATUS_INVALID_PARAMETER_4;
    if (Size > HighestUser)
        return STATUS_SECTION_TOO_BIG;
    Ref<Section> S = TRY(ob::Make<Section>());
    S->Store = RefPtr<PageStore>(TRY(PageStore::Create()));
    // The store charges a page when it makes it; what is promised but not made is only checked against the limit.
    if (!(Attributes & SEC_RESERVE)) {
        u64 Pages = (Size + PageMask) >> PageShift;
        TRY(ChargeCommit(Pages));
        ReturnCommit(Pages);
    }
    S->Size = Size;
    S->PageProtect = PageProtect;
    S->Attributes = Attributes;
    S->PageFile = true;
    return S;
}

Result<Ref<Section>> CreateImageSection(Ref<ob::Object> File, Ref<PageStore> Data, u64 Size, ob::Name Path)
{
    Ref<Section> S = TRY(ob::Make<Section>());
    S->FileName = TRY(ob::String::Copy(Path));
    // One map per file while any section uses it.
    if (Data->SharedImage) {
        S->Image = RefPtr<ImageMap>(Data->SharedImage);
    } else {
        Ref<ImageMap> Map = TRY(ImageMap::Create(Data, Size));
        Data->SharedImage = Map.Get();
        S->Image = std::move(Map);
    }
    S->File = std::move(File);
    S->Size = u64(S->Image->Pages) << PageShift;
    S->Attributes = SEC_IMAGE;
    S->PageProtect = PAGE_EXECUTE_WRITECOPY;
    return S;
}

ke::Task<Ref<Section>> CreateImageSectionLater(Ref<ob::Object> File, Ref<PageStore> Data, u64 Size, ob::Name Path)
{
    struct Hold {
        PageStore& Of;
        explicit Hold(PageStore& Of) : Of(Of) { ++Of.Holds; }
        ~Hold() { --Of.Holds; }
    };
    if (!Data->IsPaged())
        co_return CreateImageSection(std::move(File), std::move(Data), Size, Path);
    constexpr u64 Largest = 2 * GiB;    // no image is larger
    if (Size > Largest)
        co_return STATUS_INVALID_IMAGE_FORMAT;
    Ref<PageStore> Keep(Data);
    Hold All(*Keep);
    CO_TRY(co_await PageStore::Need(Data, 0, (Size + PageMask) >> PageShift));
    co_return CreateImageSection(std::move(File), std::move(Data), Size, Path);
}

// Whether a view with this protection may be made of a section with that page protection (data sections).
static bool Compatible(u32 SectionProtect, Protection View)
{
    auto P = ProtectionFrom(SectionProtect);
    if (!P.Ok())
        return false;
    Protection Of = P.Value();
    if (IsExecutable(View) && !IsExecutable(Of))
        return false;
    if (IsWritable(View) && !IsWritable(Of))
        return false;
    return View == Protection::NoAccess || IsReadable(Of);
}

Result<u64> MapView(AddressSpace& Space, Ref<Section> From, ViewRequest& Request)
{
    AddressSpace::Placement Where;
    Where.TopDown = Request.AllocationType & MEM_TOP_DOWN;
    if (Request.Lowest)
        Where.Lowest = Request.Lowest;
    if (Request.Highest)
        Where.Highest = Request.Highest;
    if (Request.Alignment)
        Where.Alignment = Request.Alignment;
    bool Replace = Request.AllocationType & MEM_REPLACE_PLACEHOLDER;

    if (From->Image) {
        u64 Bytes = From->Size;
        u64 Base = Request.Base ? Request.Base : From->Image->PreferredBase;
        Status Placed = STATUS_SUCCESS;
        auto Made = Space.Insert(Base, Bytes, Vad::Image);
        if (!Made.Ok()) {
            if (Request.Base || Made.Code() == STATUS_INSUFFICIENT_RESOURCES)
                return Made.GetStatus();
            Base = TRY(Space.FindFree(Bytes, Where));
            Made = Space.Insert(Base, Bytes, Vad::Image);
            if (!Made.Ok())
                return Made.GetStatus();
        }
        if (Base != From->Image->PreferredBase)
            Placed = STATUS_IMAGE_NOT_AT_BASE;
        if (From->Image->Info.Machine != IMAGE_FILE_MACHINE_AMD64)
            Placed = STATUS_IMAGE_MACHINE_TYPE_MISMATCH;
        Vad& V = *Made.Value();
        V.Protect = Protection::ExecuteWriteCopy;
        V.InitialPage = PAGE_EXECUTE_WRITECOPY;
        V.Backing = From;
        V.NoInherit = !Request.Inherit;
        Request.Size = Bytes;
        return Result<u64>::With(Placed, Base);
    }

    Protection P = TRY(ProtectionFrom(Request.Protect));
    if (!Compatible(From->PageProtect, P))
        return STATUS_SECTION_PROTECTION;
    u64 SectionBytes = AlignUp(From->Size, PageSize);
    if (Request.Offset > SectionBytes || Request.Offset & (AllocationGranularity - 1))
        return Request.Offset & (AllocationGranularity - 1) ? STATUS_MAPPED_ALIGNMENT : STATUS_INVALID_VIEW_SIZE;
    u64 Bytes = Request.Size ? Request.Size : From->Size - Request.Offset;
    if (Bytes == 0 || Bytes > SectionBytes - Request.Offset)
        return STATUS_INVALID_VIEW_SIZE;
    Bytes = AlignUp(Bytes, PageSize);
    u64 Base = Request.Base;
    if (Replace) {
        Vad* Old = Space.Find(Base);
        if (!Old || Old->Kind != Vad::Placeholder || Old->Start != Base || Old->End != Base + Bytes)
            return STATUS_CONFLICTING_ADDRESSES;
        Space.Remove(*Old);
    } else if (!Base) {
        Base = TRY(Space.FindFree(Bytes, Where));
    }
    Vad& V = *TRY(Space.Insert(Base, Bytes, Vad::Data));
    V.Protect = P;
    V.InitialPage = Request.Protect;
    V.Offset = Request.Offset;
    V.Backing = From;
    V.NoInherit = !Request.Inherit;
    ++From->Store->Mappings;
    if (From->Store->IsPaged()) {
        auto View = From->Store->AddView(Space, V);
        if (!View.Ok()) {
            Space.Remove(V);
            return View.GetStatus();
        }
        V.Paged = View.Value();
        V.TracksWrites = true;
        ++Space.PagedViews;
    }
    Request.Size = Bytes;
    return Base;
}

void (*OnImageMapped)(ke::Caller& By, u64 Base, ob::Name File);
void (*OnImageUnmapped)(ke::Caller& By, u64 Base);

Status UnmapView(AddressSpace& Space, u64 Address, bool KeepPlaceholder)
{
    Vad* V = Space.Find(Address);
    if (!V || (V->Kind != Vad::Data && V->Kind != Vad::Image) || V->System)
        return STATUS_NOT_MAPPED_VIEW;
    u64 Start = V->Start, Bytes = V->End - V->Start;
    Space.Remove(*V);
    if (KeepPlaceholder)
        (void)TRY(Space.Insert(Start, Bytes, Vad::Placeholder));
    return STATUS_SUCCESS;
}

}
