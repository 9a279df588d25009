// Files that are in the cache: reads and writes without the driver, sections.
#include <string.h>

#include "ntos/io/fs/fs.hpp"
#include "ntos/io/issue.hpp"

namespace io::fs {

using namespace nt;

constinit Immortal<FsFile::CookieList> FsFile::Open_;

FsFile* FsFile::ByCookie(driver::Channel& In, u64 Cookie)
{
    for (FsFile& F : *Open_)
        if (Cookie && F.FsCookie_ == Cookie && F.Volume_ && F.Volume_->To && &F.Volume_->To->In() == &In)
            return &F;
    return nullptr;
}

bool FsFile::IsFast() const
{
    if (!Stream_ || !Stream_->Map() || IsUncached() || Volume_->IsAway() || Volume_->IsGone() || Broken_)
        return false;
    auto H = Stream_->Look();
    return H.Ok() && H.Value().Fast;
}

Status FsFile::TryRead(Transfer& T)
{
    if (!IsFast())
        return STATUS_CANT_WAIT;
    return Stream_->Map()->TryRead(T, Cursor_);
}

Status FsFile::TryWrite(Transfer& T)
{
    if (T.Append || Options() & FILE_WRITE_THROUGH || !IsFast())
        return STATUS_CANT_WAIT;
    Status S = Stream_->Map()->TryWrite(T);
    Modified_ |= S.Ok();
    return S;
}

ke::Task<> FsFile::RunCached(Ref<FsFile> F, Ref<Request> R)
{
    Ref<cc::Map> M(*F->Stream_->Map());
    Status S = R->What == Operation::Read ? co_await M->Read(R->Data, &F->Cursor_) : co_await M->Write(R->Data);
    F->Modified_ |= R->What == Operation::Write && R->Data.Done;
    R->Complete(S, R->Data.Done);
    co_return STATUS_SUCCESS;
}

// A read or write for which pages are missing, but which the file system need not see. False: it must.
bool FsFile::StartCached(Request& R)
{
    if (R.What != Operation::Read && R.What != Operation::Write)
        return false;
    if (R.ForExecutive || R.Data.Append || !IsFast())     // the Executive's own data is in no client's memory
        return false;
    if (R.What == Operation::Write && (Options() & FILE_WRITE_THROUGH || R.Data.Offset + R.Data.Length > Stream_->Map()->GetSizes().Valid))
        return false;
    Own<ke::WorkItem> W(new (std::nothrow) ke::WorkItem);
    if (!W)
        return false;
    R.Context[0] = 0;
    ke::WorkItem::Launch(std::move(W), [&] { return RunCached(Ref<FsFile>(*this), Ref<Request>(R)); });
    return true;
}

// --- sections

ke::Task<> FsFile::PrepareLater(Ref<FsFile> F)
{
    while (F->Volume_->IsAway())
        CO_TRY(co_await ke::WaitFor(F->Volume_->Back));
    co_return co_await F->PrepareSection();
}

ke::Task<> FsFile::PrepareSection()
{
    if (Volume_ && Volume_->IsAway())
        return PrepareLater(Ref<FsFile>(*this));
    if (!Stream_ || Volume_->IsGone())
        return ke::Task<>(Status(STATUS_INVALID_FILE_FOR_SECTION));
    if (Broken_)
        return ke::Task<>(Status(Broken_));
    return ke::Task<>(Stream_->StartByHeader(*this));
}

RefPtr<mm::PageStore> FsFile::DataStore()
{
    return Stream_ && Stream_->Map() ? RefPtr<mm::PageStore>(&Stream_->Map()->Store()) : nullptr;
}

u64 FsFile::DataSize()
{
    return Stream_ && Stream_->Map() ? Stream_->Map()->GetSizes().File : 0;
}

static ke::Task<> Extend(ke::Caller& Caller, Ref<FsFile> F, u64 Size)
{
    auto R = CO_TRY(Issue::MakeOwn(Caller, F, Operation::SetInformation));
    R->Code = FileEndOfFileInformation;
    CO_TRY(R->Input.Resize(8));
    memcpy(R->Input.Data(), &Size, 8);
    co_return co_await Issue::Await(Caller, R);
}

ke::Task<> FsFile::ExtendDataLater(u64 Size)
{
    if (Size <= DataSize())
        return ke::Task<>(Status(STATUS_SUCCESS));
    ke::Activity* Now = ke::Activity::Current();
    if (!Now || !Now->AsCaller())
        return ke::Task<>(Status(STATUS_INVALID_DEVICE_REQUEST));
    return Extend(*Now->AsCaller(), Ref<FsFile>(*this), Size);
}

}
