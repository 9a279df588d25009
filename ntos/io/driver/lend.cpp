// Lent pages: frames that a driver may reach while it has a request.
#include "ntos/io/driver/stack.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/mm/space.hpp"

namespace io::driver {

using namespace nt;

static constexpr u32 MostLent = 64 * MiB;

Loan::~Loan()
{
    for (mm::Pfn F : Frames)
        mm::ReleaseFrame(F);
}

// Pages of the boot image are not counted: they are not lent.
static Status Take(Loan& L, mm::Pfn Frame)
{
    if (mm::EntryOf(Frame).State != mm::PageState::Frame)
        return STATUS_NOT_SUPPORTED;
    TRY(L.Frames.Push(Frame));
    mm::ReferenceFrame(Frame);
    return STATUS_SUCCESS;
}

static u32 PageCount(u32 Offset, u32 Bytes) { return u32((u64(Offset) + Bytes + PageMask) >> PageShift); }

Result<Own<Loan>> Loan::OfFrames(std::span<const mm::Pfn> From, u32 Offset, u32 Bytes, bool ReadOnly)
{
    u32 Pages = PageCount(Offset, Bytes);
    if (Bytes == 0 || Bytes > MostLent || Offset >= PageSize || From.size() < Pages)
        return STATUS_INVALID_PARAMETER;
    Own<Loan> L(new Loan);
    if (!L)
        return STATUS_INSUFFICIENT_RESOURCES;
    L->Offset = Offset;
    L->Bytes = Bytes;
    L->ReadOnly = ReadOnly;
    TRY(L->Frames.Reserve(Pages));
    for (u32 I = 0; I < Pages; ++I)
        TRY(driver::Take(*L, From[I]));
    return L;
}

Result<Own<Loan>> Loan::OfMemory(ps::Process& P, u64 Address, u32 Bytes, bool ReadOnly)
{
    if (Bytes == 0 || Bytes > MostLent || Address + Bytes < Address)
        return STATUS_INVALID_PARAMETER;
    Own<Loan> L(new Loan);
    if (!L)
        return STATUS_INSUFFICIENT_RESOURCES;
    L->Offset = u32(Address & PageMask);
    L->Bytes = Bytes;
    L->ReadOnly = ReadOnly;
    mm::AddressSpace& Space = P.Memory();
    u32 Pages = PageCount(L->Offset, Bytes);
    TRY(L->Frames.Reserve(Pages));
    u64 Known = 0;                      // up to here it is not lent to P itself
    for (u32 I = 0; I < Pages; ++I) {
        u64 Page = AlignDown(Address, PageSize) + I * PageSize;
        (void)TRY(Space.Touch(Page, !ReadOnly));
        if (Page >= Known) {
            mm::Vad* V = Space.Find(Page);
            if (!V || V->Lent || V->Device)
                return STATUS_NOT_SUPPORTED;
            Known = V->End;
        }
        TRY(driver::Take(*L, TRY(Space.FrameAt(Page))));
    }
    return L;
}

Result<Own<Loan>> Loan::Part(u32 FromFirstPage, u32 Length, bool OnlyRead) const
{
    if (ReadOnly && !OnlyRead)
        return STATUS_ACCESS_VIOLATION;
    if (FromFirstPage < Offset || u64(FromFirstPage) + Length > u64(Offset) + Bytes)
        return STATUS_INVALID_PARAMETER;
    return OfFrames(Frames.Span().subspan(FromFirstPage >> PageShift), u32(FromFirstPage & PageMask), Length, OnlyRead);
}

Irp::Irp() = default;
Irp::~Irp() = default;
Irp::More::More(Irp& Of) : Self(Of) { }
Irp::More::~More() = default;

bool Irp::NeedsMore()
{
    if (!More_)
        More_ = Own<More>(new More(*this));
    return bool(More_);
}

Status Irp::Lend(Own<Loan> Pages)
{
    if (!NeedsMore())
        return STATUS_INSUFFICIENT_RESOURCES;
    M.Flags = u8(M.Flags | wd::Lent | (Pages->ReadOnly ? wd::LentReadOnly : 0));
    M.OutputOffset = Pages->Offset;
    M.OutputBytes = Pages->Bytes;
    DataBytes = u32(AlignUp(M.InputBytes, 8) + Pages->Frames.Size() * sizeof(u64));
    More_->Lent = std::move(Pages);
    return STATUS_SUCCESS;
}

Status Irp::LendLate(Own<Loan> Pages)
{
    if (!NeedsMore())
        return STATUS_INSUFFICIENT_RESOURCES;
    if (More_->Lent)
        return STATUS_NOT_SUPPORTED;
    More_->Lent = std::move(Pages);
    More_->Late = true;
    return STATUS_SUCCESS;
}

void Irp::IsPartOf(Irp& Other)
{
    More_->Whole = &Other;
    Other.More_->Parts.PushBack(*More_);
}

Result<u64> Channel::MapLent(u32 Tag)
{
    Irp* I = FindSent(Tag);
    if (!I || !I->Pages() || !Process)
        return STATUS_INVALID_PARAMETER;
    Loan& L = *I->More_->Lent;
    if (!L.MappedAt)
        L.MappedAt = TRY(Process->Memory().MapFrames(L.Frames.Span(), !L.ReadOnly));
    return u64(L.MappedAt);
}

namespace {

class PagesIrp final : public Irp {
public:
    explicit PagesIrp(const PagesCall& C) : Keep_(C.Keep), Done_(C.Done), Context_(C.Context), Bytes_(C.Bytes), File_(C.FileCookie) { }
    void Address() override { M.File = File_; }
    void Done(Channel&, Status Outcome, u64 Information, u64, bool) override
    {
        if (Outcome == STATUS_PENDING)
            Outcome = STATUS_DRIVER_INTERNAL_ERROR;
        Done_(Context_, Outcome, IsError(Outcome) ? 0 : Information < Bytes_ ? Information : Bytes_);
    }

private:
    RefPtr<ob::Object> Keep_;
    PagesDone Done_;
    void* Context_;
    u32 Bytes_;
    u64 File_;
};

}

void SendPages(DriverDevice& To, const PagesCall& C)
{
    bool Write = C.Major == mj::Write;
    auto Pages = Loan::OfFrames(C.Frames, C.FirstByte, C.Bytes, Write);
    auto* I = Pages.Ok() ? new PagesIrp(C) : nullptr;
    Status S = !Pages.Ok() ? Pages.GetStatus() : !To.Place ? Status(STATUS_DEVICE_REMOVED) : I ? I->Lend(Pages.Take()) : Status(STATUS_INSUFFICIENT_RESOURCES);
    if (!S.Ok()) {
        delete static_cast<Irp*>(I);
        C.Done(C.Context, S, 0);
        return;
    }
    I->M.What = wd::Kind::Irp;
    I->M.Major = C.Major;
    I->M.StackFlags = C.StackFlags;
    I->M.IrpFlags = C.IrpFlags;
    I->M.Parameters[0] = C.Bytes;
    I->M.Parameters[2] = C.Offset;
    I->MayRepeat = true;
    To.Place->Top().Send(*I);
}

}
