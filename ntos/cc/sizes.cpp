// Sizes, flush, purge, and what others hold of a map.
#include "ntos/cc/cc.hpp"

namespace cc {

using namespace nt;
using mm::PageStore;

Status Map::SetSizes(const Sizes& S)
{
    u64 Valid = S.Valid < S.File ? S.Valid : S.File;
    if (S.File < Sizes_.File) {
        DropUnusedViews();
        TRY(Store_->Truncate(S.File));
        if (Valid > Sizes_.Valid && Sizes_.Valid < S.File)
            Valid = Sizes_.Valid;       // (a driver that keeps none says it is all)
    }
    // What the driver's file has valid; here more may be, dirty.
    u64 Stored = Store_->Valid();
    Store_->SetSizes(S.File, Valid > Stored ? Valid : Stored);
    if (Valid < Sizes_.Valid)
        Valid = Sizes_.Valid < S.File ? Sizes_.Valid : S.File;
    Sizes_ = { S.Allocation < S.File ? S.File : S.Allocation, S.File, Valid };
    return STATUS_SUCCESS;
}

void Map::SetValid(u64 Valid)
{
    if (Valid > Sizes_.File)
        Valid = Sizes_.File;
    if (Valid > Sizes_.Valid)
        Sizes_.Valid = Valid;
    if (Valid > Store_->Valid())
        Store_->SetSizes(Store_->Size(), Valid);
}

static u64 LastPage(u64 Offset, u64 Bytes)
{
    u64 End = Offset + Bytes < Offset ? ~u64(0) : Offset + Bytes;
    return End > ~u64(0) - PageSize ? ~u64(0) >> PageShift : (End + PageMask) >> PageShift;
}

ke::Task<> Map::Flush(u64 Offset, u64 Bytes, bool Barrier)
{
    u64 First = Offset >> PageShift;
    if (!Barrier)
        return PageStore::Flush(Store_, First, LastPage(Offset, Bytes) - First);
    return FlushWithBarrier(Store_, First, LastPage(Offset, Bytes) - First);
}

ke::Task<> Map::FlushWithBarrier(Ref<PageStore> Of, u64 First, u64 Count)
{
    Status Written = co_await PageStore::Flush(Of, First, Count);
    Status Passed = co_await PageStore::Barrier(Of);
    co_return Written.Ok() ? Passed : Written;
}

ke::Task<> Map::Purge(u64 Offset, u64 Bytes)
{
    Ref<Map> Keep(*this);
    if (Store_->Mappings > Store_->SystemViews || Store_->ImageMappings)
        co_return STATUS_USER_MAPPED_FILE;
    DropUnusedViews();
    u64 First = Offset >> PageShift;
    bool All = CO_TRY(co_await PageStore::Drop(Store_, First, LastPage(Offset, Bytes) - First));
    co_return All ? STATUS_SUCCESS : STATUS_UNABLE_TO_FREE_VM;
}

bool Map::IsDirty() const
{
    return Store_->About().Dirty || Store_->About().Writing;
}

bool Map::CanWrite() const
{
    return !Store_->ImageMappings && !Store_->Holds;
}

bool Map::CanTruncate(u64 NewSize) const
{
    return CanWrite() && (NewSize >= Sizes_.File || Store_->Mappings <= Store_->SystemViews);
}

bool Map::HasViewsInUse() const
{
    for (usize I = 0; I < Views_.Size(); ++I)
        if (Views_[I].Uses)
            return true;
    return false;
}

bool Map::HasUserReferences() const
{
    return Store_->Sections > (Section_ ? 1 : 0) || Store_->Mappings > Store_->SystemViews || Store_->ImageMappings;
}

}
