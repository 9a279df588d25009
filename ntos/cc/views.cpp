// Views of a map in a file-system driver's process.
#include "ntos/cc/cc.hpp"

#include <string.h>

#include "ntos/mm/space.hpp"

namespace cc {

using namespace nt;
using mm::PageStore;

static constexpr u64 Window = 256 * 1024;       // as a view of the cache on Windows
static constexpr u32 MostBytes = 1024 * 1024;
static constexpr u32 KeptUnused = 4;

// A view of In that shows the range, made if there is none, with the range mapped. All pages of it are there.
Result<u64> Map::UseView(ps::Process& In, u64 Offset, u32 Bytes, bool Write)
{
    mm::AddressSpace& Space = In.Memory();
    usize At = 0;
    for (; At < Views_.Size(); ++At)
        if (Views_[At].In == &In && Views_[At].Offset <= Offset && Offset + Bytes <= Views_[At].Offset + Views_[At].Bytes)
            break;
    if (At == Views_.Size()) {
        if (!Section_) {
            Ref<mm::Section> New = TRY(ob::Make<mm::Section>());
            New->Store = RefPtr<PageStore>(Store_);
            ++Store_->Sections;
            New->PageProtect = PAGE_READWRITE;
            New->Attributes = SEC_COMMIT | SEC_FILE;
            New->Size = mm::HighestUser;        // what a view may show the map checks itself
            Section_ = std::move(New);
        }
        u64 First = AlignDown(Offset, Window), End = AlignUp(Offset + Bytes, Window);
        mm::ViewRequest Request;
        Request.Offset = First;
        Request.Size = End - First;
        TRY(Views_.Push(View { .In = RefPtr<ps::Process>(&In), .Offset = First, .Bytes = End - First }));
        auto Base = mm::MapView(Space, Ref<mm::Section>(*Section_), Request);
        if (!Base.Ok()) {
            Views_.Pop();
            return Base.GetStatus();
        }
        Views_[At].Base = Base.Value();
        mm::Vad* V = Space.Find(Base.Value());
        V->System = V->Fixed = true;
        ++Store_->SystemViews;
    }
    u64 Address = Views_[At].Base + (Offset - Views_[At].Offset);
    for (u64 Page = AlignDown(Address, PageSize); Page < Address + Bytes; Page += PageSize)
        if (Status S = Space.Fault(Page, Write ? mm::AddressSpace::Access::Write : mm::AddressSpace::Access::Read); !S.Ok()) {
            if (!Views_[At].Uses)
                DropView(At);
            return S;
        }
    ++Views_[At].Uses;
    return Address;
}

void Map::DropView(usize I)
{
    View& V = Views_[I];
    mm::AddressSpace& Space = V.In->Memory();
    // A process that has ended has none.
    if (mm::Vad* At = Space.Find(V.Base); At && At->System && At->Start == V.Base && At->Backing == Section_.Get())
        Space.Remove(*At);
    Views_.RemoveAt(I);
}

void Map::DropUnusedViews()
{
    for (usize I = Views_.Size(); I-- > 0;)
        if (!Views_[I].Uses)
            DropView(I);
}

ke::Task<u64> Map::MapInto(Ref<ps::Process> Driver, u64 Offset, u32 Bytes, bool Fresh)
{
    Ref<Map> Keep(*this);
    if (!Bytes || Bytes > MostBytes || Offset + Bytes < Offset || Offset + Bytes > AlignUp(Sizes_.Allocation, PageSize))
        co_return STATUS_INVALID_PARAMETER;
    u64 First = Offset >> PageShift, End = (Offset + Bytes + PageMask) >> PageShift;
    for (;;) {
        if (Fresh && !IsTooDirty()) {
            // Whole pages need not be read.
            for (u64 Index = First; Index < End; ++Index) {
                u64 From = Index << PageShift < Offset ? Offset & PageMask : 0, To = (Index + 1) << PageShift > Offset + Bytes ? (Offset + Bytes) & PageMask : PageSize;
                bool Made;
                if (To - From < PageSize && !Store_->IsValid(Index))
                    CO_TRY(co_await PageStore::Need(Store_, Index, 1));
                auto Page = Store_->PageToFill(Index, true, Made);
                if (Page.Code() == mm::PageAbsent) {
                    CO_TRY(co_await PageStore::WaitForIo(Store_, Index, 1));
                    --Index;
                    continue;
                }
                u8* At = CO_TRY(Page);
                if (!Made)
                    memset(At + From, 0, To - From);
            }
        } else if (Fresh) {
            CO_TRY(co_await WaitForWrites(Store_));
            continue;
        } else {
            CO_TRY(co_await PageStore::Need(Store_, First, End - First));
        }
        ++Store_->Holds;                // nothing of it is taken while it is mapped
        auto Address = UseView(*Driver, Offset, Bytes, Fresh);
        --Store_->Holds;
        if (Address.Code() != mm::PageAbsent)
            co_return Address;
        Fresh = false;                  // some page has gone again: what was zeroed has been written
    }
}

void Map::Unmap(ps::Process& Driver, u64 Address)
{
    u32 Unused = 0;
    usize Last = ~usize(0);
    for (usize I = 0; I < Views_.Size(); ++I) {
        View& V = Views_[I];
        if (V.In == &Driver && Address - V.Base < V.Bytes && V.Uses)
            --V.Uses;
        if (!V.Uses && ++Unused == 1)
            Last = I;
    }
    if (Unused > KeptUnused)
        DropView(Last);
}

Status Map::SetDirty(u64 Offset, u64 Bytes)
{
    if (!Bytes || Offset + Bytes < Offset)
        return STATUS_INVALID_PARAMETER;
    u64 End = (Offset + Bytes + PageMask) >> PageShift;
    for (u64 Index = Offset >> PageShift; Index < End; ++Index)
        Store_->MarkDirty(Index);
    return STATUS_SUCCESS;
}

void Map::Forget(ps::Process& Driver)
{
    for (usize I = Views_.Size(); I-- > 0;)
        if (Views_[I].In == &Driver)
            DropView(I);
}

}
