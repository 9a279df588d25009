#include "ntos/io/fs/stream.hpp"

#include <string.h>

#include "ntos/ex/log.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/ps/process.hpp"

namespace io::fs {

using namespace nt;
using driver::Channel;

namespace {

using StreamList = core::List<Stream, &Stream::Link>;
constexpr u32 Lists = 128, MostUnused = 256;
constinit Immortal<StreamList> All[Lists];
u32 Maps;                               // that exist

StreamList& ListOf(u64 Section) { return *All[(Section >> 4 ^ Section >> 12) % Lists]; }

}

RefPtr<Stream> Stream::Find(Channel& In, u64 Section)
{
    for (Stream& S : ListOf(Section))
        if (S.Section_ == Section && S.In_.Get() == &In)
            return RefPtr<Stream>(&S);
    return nullptr;
}

Result<Ref<Stream>> Stream::Of(Channel& In, u64 Section, u64 FsContext)
{
    if (RefPtr<Stream> Old = Find(In, Section)) {
        // The driver may have freed the file and made another at the same place.
        Old->FsContext_ = FsContext;
        return Ref<Stream>(*Old);
    }
    auto* New = new Stream(In, Section, FsContext);
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    ListOf(Section).PushBack(*New);
    return Ref<Stream>::Adopt(*New);
}

Stream::~Stream()
{
    Link.Unlink();
    if (Map_) {
        Map_->Detach(STATUS_DEVICE_REMOVED);
        --Maps;
    }
}

Status Stream::Start(const cc::Sizes& S, FsFile* By)
{
    LastUse_ = ke::InterruptTime();
    if (Map_)
        return STATUS_SUCCESS;
    if (!By || In_->IsDead())
        return STATUS_INVALID_DEVICE_REQUEST;
    Map_ = RefPtr<cc::Map>(TRY(cc::Map::Create(*this, S)));
    By_ = RefPtr<FsFile>(By);
    ++Maps;
    Tell(0, Section_);
    Ref<Stream> Keep(*this);
    if (Maps > MostUnused)
        ForgetUnused();
    return STATUS_SUCCESS;
}

Status Stream::StartStream(const cc::Sizes& S, u64 Cookie, driver::DriverDevice& To)
{
    LastUse_ = ke::InterruptTime();
    if (Map_)
        return STATUS_SUCCESS;
    Map_ = RefPtr<cc::Map>(TRY(cc::Map::Create(*this, S)));
    Map_->Store().ReadWholePages();
    Cookie_ = Cookie;
    Keep_ = RefPtr<Stream>(this);
    To_ = RefPtr<driver::DriverDevice>(&To);
    ++Maps;
    Tell(0, Section_);
    return STATUS_SUCCESS;
}

// DataSectionObject (0) says that there is data in memory; SharedCacheMap (8) is the driver's side of the map.
void Stream::Tell(u32 Offset, u64 Value)
{
    if (In_->Process && !In_->IsDead())
        mm::CopyToUser(*In_->Process, Section_ + Offset, &Value, sizeof(Value)).Ignore();        // the driver may have unmapped it: its loss
}

void Stream::Share(FsFile* By, u64 Shared)
{
    if (std::exchange(Shared_, true))
        return;
    SharedBy_ = RefPtr<FsFile>(By);
    Tell(8, Shared);
}

Result<Stream::Header> Stream::Look() const
{
    // FSRTL_COMMON_FCB_HEADER.
    struct {
        u16 Type, Size;
        u8 Flags, FastIo, Flags2, Flags3;
        u64 Resource, PagingResource;
        i64 Allocation, File, Valid;
    } H;
    if (!FsContext_ || !In_->Process)
        return STATUS_INVALID_DEVICE_REQUEST;
    TRY(mm::CopyFromUser(*In_->Process, &H, FsContext_, sizeof(H)));
    if (H.File < 0 || H.Valid < 0)
        return STATUS_FILE_CORRUPT_ERROR;
    return Header { H.FastIo == 1, { H.Allocation < H.File ? u64(H.File) : u64(H.Allocation), u64(H.File), u64(H.Valid) } };
}

Status Stream::StartByHeader(FsFile& By)
{
    if (Map_)
        return STATUS_SUCCESS;
    return Start(TRY(Look()).Sizes, &By);
}

bool Stream::IsUsed() const
{
    return Opens || Map_->HasUserReferences() || Map_->HasViewsInUse();
}

ke::Task<> Stream::FlushAndEnd(Ref<Stream> S)
{
    Status Outcome = co_await S->Map_->Flush();
    S->Ending_ = false;
    if (S->IsUsed() || !S->Map_)
        co_return STATUS_SUCCESS;
    if (!Outcome.Ok()) {
        ex::Log("io: a file's data cannot be written: 0x%x\n", u32(Outcome.Code()));
        co_return Outcome;              // it stays
    }
    if (!S->Map_->IsDirty())
        S->Retire(true);
    co_return STATUS_SUCCESS;
}

void Stream::Retire(bool Discard)
{
    if (!Map_ || Ending_ || IsUsed())
        return;
    Ref<Stream> Keep(*this);
    if (!Discard && Map_->IsDirty()) {
        Own<ke::WorkItem> W(new (std::nothrow) ke::WorkItem);
        if (!W)
            return;                     // later
        Ending_ = true;
        ke::WorkItem::Launch(std::move(W), [&] { return FlushAndEnd(Keep); });
        return;
    }
    RefPtr<cc::Map> Old = std::move(Map_);
    Old->Detach(STATUS_FILE_CLOSED);
    --Maps;
    Tell(0, 0);
    Tell(8, 0);
    Shared_ = false;
    RefPtr<FsFile> By = std::move(By_), SharedBy = std::move(SharedBy_);
    Keep_.Reset();
}

void Stream::ForgetUnused()
{
    u64 Time = ke::InterruptTime();
    for (auto& L : All) {
        for (bool Again = true; Again;) {
            Again = false;
            for (Stream& S : *L) {
                if (!S.Map_ || S.Ending_ || S.IsUsed() || Time - S.LastUse_ < 10'000'000)
                    continue;
                S.Retire(false);
                Again = !S.Ending_;
                break;
            }
        }
    }
}

void Stream::Ends(Channel& In)
{
    for (auto& L : All) {
        for (bool Again = true; Again;) {
            Again = false;
            for (Stream& S : *L) {
                if (S.In_.Get() != &In || !S.Map_)
                    continue;
                Ref<Stream> Keep(S);
                RefPtr<cc::Map> Old = std::move(S.Map_);
                Old->Detach(STATUS_DEVICE_REMOVED);
                --Maps;
                S.Opens = 0;
                RefPtr<FsFile> By = std::move(S.By_), SharedBy = std::move(S.SharedBy_);
                S.Keep_.Reset();
                Again = true;
                break;
            }
        }
    }
}

// --- paging

void Stream::Page(mm::PageIo& Io, bool Write)
{
    LastUse_ = ke::InterruptTime();
    if (By_ && By_->Of() && !By_->Of()->IsGone())
        To_ = By_->Of()->To;
    else if (By_)
        To_.Reset();
    if (!To_ || To_->IsGone()) {
        Io.Complete(STATUS_DEVICE_REMOVED, 0);
        return;
    }
    driver::PagesCall C;
    C.Major = Write ? driver::mj::Write : driver::mj::Read;
    C.IrpFlags = driver::IrpPagingIo | driver::IrpNoCache;
    C.Offset = Io.Offset;
    C.Bytes = Io.Bytes;
    C.Frames = Io.Frames;
    C.FileCookie = By_ ? By_->FsCookie() : Cookie_;
    C.Keep = RefPtr<ob::Object>(By_.Get());
    C.Context = &Io;
    C.Done = [](void* Context, Status Outcome, u64 Bytes) {
        auto& Io = *static_cast<mm::PageIo*>(Context);
        if (Io.What == mm::PageIo::Kind::Read && Outcome == STATUS_END_OF_FILE) {
            Outcome = STATUS_SUCCESS;
            Bytes = 0;
        }
        // What a file system says it has written is written, whatever it counts.
        if (Io.What == mm::PageIo::Kind::Write && Outcome.Ok())
            Bytes = Io.Bytes;
        Io.Complete(Outcome, Bytes);
    };
    driver::SendPages(*To_, C);
}

// --- what a driver's Cc functions ask

namespace {

Status Answer(ke::Caller& Caller, svc::DriverControl& Call, u64 Value)
{
    return Call.OutputLength >= 8 ? Call.OutputBuffer.WriteAs(Caller, Value) : Status(STATUS_BUFFER_TOO_SMALL);
}

// Copies between the map and the driver's memory.
ke::Task<> Copy(ke::Caller& Caller, Ref<Stream> S, wd::Cache C, svc::DriverControl& Call)
{
    Ref<cc::Map> M(*S->Map());
    Transfer T;
    T.Process = &Caller.Process();
    T.Address = C.Address;
    T.Offset = C.Offset;
    T.Length = u32(C.Bytes);
    Status Outcome;
    if (C.Flags & wd::cache::Write) {
        Outcome = M->TryWrite(T);
        if (Outcome == STATUS_CANT_WAIT && !(C.Flags & wd::cache::NoWait))
            Outcome = co_await M->Write(T, C.Flags & wd::cache::Through);
        else if (Outcome.Ok() && C.Flags & wd::cache::Through)
            Outcome = co_await M->Flush(T.Offset, T.Length);
    } else {
        cc::Cursor None;
        Outcome = M->TryRead(T, None);
        if (Outcome == STATUS_CANT_WAIT && !(C.Flags & wd::cache::NoWait))
            Outcome = co_await M->Read(T, nullptr);
    }
    if (Outcome.Ok() || Outcome == STATUS_END_OF_FILE)
        CO_TRY(Answer(Caller, Call, T.Done));
    co_return Outcome;
}

ke::Task<> MapView(ke::Caller& Caller, Ref<Stream> S, wd::Cache C, svc::DriverControl& Call)
{
    Ref<cc::Map> M(*S->Map());
    u64 At = CO_TRY(co_await M->MapInto(Ref<ps::Process>(Caller.Process()), C.Offset, u32(C.Bytes), C.Flags & wd::cache::Fresh));
    co_return Answer(Caller, Call, At);
}

ke::Task<> Flush(Ref<Stream> S, wd::Cache C)
{
    Ref<cc::Map> M(*S->Map());
    co_return co_await M->Flush(C.Offset, C.Bytes);
}

ke::Task<> Purge(Ref<Stream> S, wd::Cache C)
{
    Ref<cc::Map> M(*S->Map());
    Status Outcome = co_await M->Purge(C.Offset, C.Bytes);
    // All of it: what nobody uses ends, and with it the file that was kept for paging.
    bool Whole = C.Offset == 0 && C.Bytes == ~u64(0);
    if (Outcome.Ok() && (C.Flags & wd::cache::Close || Whole))
        S->Retire(true);
    co_return Outcome;
}

ke::Task<> Settle(Ref<Channel> In)
{
    while (In->Closes && !In->IsDead()) {
        In->ClosesEnd.Reset();
        ke::Waitable* Ends[] = { &In->ClosesEnd };
        (void)(co_await ke::WaitFor(Ends, ke::WaitType::Any, false, ke::Deadline { ke::InterruptTime() + 10'000'000 })).Code();
    }
    co_return STATUS_SUCCESS;
}

ke::Task<> EndStream(Ref<Stream> S)
{
    Ref<cc::Map> M(*S->Map());
    Status Outcome = M->IsDirty() ? co_await M->Flush() : Status(STATUS_SUCCESS);
    if (!S->Opens)
        S->Retire(true);
    co_return Outcome;
}

ke::Task<> Zero(Ref<Stream> S, wd::Cache C)
{
    Ref<cc::Map> M(*S->Map());
    co_return co_await M->Zero(C.Offset, C.Bytes);
}

Status Open(Channel& In, const wd::Cache& C)
{
    Ref<Stream> S = TRY(Stream::Of(In, C.Section, C.Context));
    FsFile* By = FsFile::ByCookie(In, C.File);
    cc::Sizes Sizes { C.Offset, C.Bytes, C.Valid };
    driver::DriverDevice* To = nullptr;
    if (!By && C.Address)
        for (driver::DriverDevice& D : In.Of().Devices)
            if (D.Cookie == C.Address)
                To = &D;
    TRY(To ? S->StartStream(Sizes, C.File, *To) : S->Start(Sizes, By));
    S->Share(By, C.Shared);
    ++S->Opens;
    return STATUS_SUCCESS;
}

}

ke::Task<> CacheControl(ke::Caller& Caller, Channel& In, svc::DriverControl& Call)
{
    auto Code = wd::Control(Call.Code.Get());
    if (Call.InputLength < sizeof(wd::Cache))
        return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    auto Read = Call.InputBuffer.ReadAs<wd::Cache>(Caller);
    if (!Read.Ok())
        return ke::Task<>(Read.GetStatus());
    wd::Cache C = Read.Value();
    if (Code == wd::Control::CacheOpen)
        return ke::Task<>(Open(In, C));
    if (Code == wd::Control::CacheSettle)
        return Settle(Ref<Channel>(In));
    RefPtr<Stream> S = Stream::Find(In, C.Section);
    bool HasMap = S && S->Map();
    // What is not cached is nobody's.
    if (!HasMap) {
        bool Harmless = Code == wd::Control::CacheImage || Code == wd::Control::CacheTruncate || Code == wd::Control::CacheFlush || Code == wd::Control::CachePurge ||
                        Code == wd::Control::CacheSizes || Code == wd::Control::CacheClose || Code == wd::Control::CacheUnmap;
        return ke::Task<>(Status(Harmless ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST));
    }
    Ref<Stream> Of(*S);
    cc::Map& M = *S->Map();
    switch (Code) {
    case wd::Control::CacheClose: {
        if (C.Flags & wd::cache::Close && Of->Opens)
            --Of->Opens;
        if (C.Flags & wd::cache::Truncate) {
            cc::Sizes Sizes = M.GetSizes();
            if (C.Bytes < Sizes.File) {
                Sizes.File = C.Bytes;
                Sizes.Valid = Sizes.Valid < C.Bytes ? Sizes.Valid : C.Bytes;
                M.SetSizes(Sizes).Ignore();     // mapped: the pages go with the mapping
            }
            if (C.Bytes == 0)
                Of->Retire(true);
        }
        // A stream's file object ends with the last of this.
        if (Of->Map() && Of->IsStreamFile() && !Of->Opens)
            return EndStream(Of);
        return ke::Task<>(Status(STATUS_SUCCESS));
    }
    case wd::Control::CacheCopy: return Copy(Caller, Of, C, Call);
    case wd::Control::CacheSizes: return ke::Task<>(M.SetSizes({ C.Offset, C.Bytes, C.Valid }));
    case wd::Control::CacheFlush: return Flush(Of, C);
    case wd::Control::CachePurge: return Purge(Of, C);
    case wd::Control::CacheView: return MapView(Caller, Of, C, Call);
    case wd::Control::CacheUnmap:
        M.Unmap(Caller.Process(), C.Address);
        return ke::Task<>(Status(STATUS_SUCCESS));
    case wd::Control::CacheDirty: return ke::Task<>(M.SetDirty(C.Offset, C.Bytes));
    case wd::Control::CacheZero: return Zero(Of, C);
    case wd::Control::CacheImage: return ke::Task<>(Status(M.CanWrite() ? STATUS_SUCCESS : STATUS_USER_MAPPED_FILE));
    case wd::Control::CacheTruncate: return ke::Task<>(Status(M.CanTruncate(C.Bytes) ? STATUS_SUCCESS : STATUS_USER_MAPPED_FILE));
    default: return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    }
}

}
