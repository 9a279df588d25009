// The queue of what hives write.
#include <string.h>

#include "lib/core/defer.hpp"
#include "ntos/cm/hive/file.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/ke/wait.hpp"

namespace cm {

using namespace nt;

namespace {

struct QueueWork final : ke::WorkItem {
    static void* operator new(usize Size) noexcept { return ::operator new(Size, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

}

Result<Ref<WriteQueue>> WriteQueue::Create(Ref<ps::Process> For)
{
    auto* New = new WriteQueue(std::move(For));
    return New ? Result<Ref<WriteQueue>>(Ref<WriteQueue>::Adopt(*New)) : Result<Ref<WriteQueue>>(STATUS_INSUFFICIENT_RESOURCES);
}

Status WriteQueue::Write(io::File& To, u64 Offset, const void* From, usize Bytes)
{
    if (!Bytes)
        return STATUS_SUCCESS;
    Own<Step> S(new Step(To, Offset));
    if (!S)
        return STATUS_INSUFFICIENT_RESOURCES;
    TRY(S->Data.Resize(Bytes));
    memcpy(S->Data.Data(), From, Bytes);
    return Put(std::move(S));
}

Status WriteQueue::Flush(io::File& Of)
{
    Own<Step> S(new Step(Of, 0));
    return S ? Put(std::move(S)) : Status(STATUS_INSUFFICIENT_RESOURCES);
}

Status WriteQueue::Put(Own<Step> S)
{
    if (S->Data.Size() > MostBytes || Bytes_ > MostBytes - S->Data.Size())
        return Failure_.Ok() ? Status(STATUS_INSUFFICIENT_RESOURCES) : Failure_;
    Bytes_ += S->Data.Size();
    Steps_.PushBack(*S.Leak());
    ++Put_;
    Start();
    return STATUS_SUCCESS;
}

void WriteQueue::Start()
{
    if (Running_)
        return;
    Own<ke::WorkItem> Item(new QueueWork);
    if (!Item)
        return;                         // the next one starts it
    Running_ = true;
    ke::WorkItem::Launch(std::move(Item), [&] { return Run(Ref<WriteQueue>(*this)); });
}

void WriteQueue::Tell()
{
    Moved_.Set();
    Moved_.Reset();
}

void WriteQueue::Take()
{
    Own<Step> S(Steps_.First());
    S->Link.Unlink();
    Bytes_ -= S->Data.Size();
    ++Done_;
    Failures_ = 0;
    Failure_ = Status();
    Tell();
}

WriteQueue::~WriteQueue()
{
    while (!Steps_.IsEmpty())
        Take();
}

ke::Task<> WriteQueue::TryFirst(Ref<WriteQueue> Q)
{
    const Step& S = *Q->Steps_.First();         // only Run takes it out
    if (S.Data.IsEmpty())
        return io::FlushOwn(Q->For_, S.Of);
    return io::WriteOwn(Q->For_, S.Of, S.Offset, S.Data.Span());
}

ke::Task<> WriteQueue::Run(Ref<WriteQueue> Q)
{
    while (!Q->Steps_.IsEmpty()) {
        Status S = co_await TryFirst(Q);
        if (S.Ok()) {
            Q->Take();
            continue;
        }
        Q->Failure_ = S;
        if (++Q->Failures_ == Patience)
            ex::Log("registry hive: cannot be written (0x%x)\n", u32(S.Code()));
        Q->Tell();
        (void)co_await ke::Sleep(false, ke::Deadline { ke::InterruptTime() + Pause });
    }
    Q->Running_ = false;
    co_return STATUS_SUCCESS;
}

ke::Task<> WriteQueue::Drain(Ref<WriteQueue> Q)
{
    Q->Start();
    for (u64 Until = Q->Put_; Q->Done_ < Until;) {
        if (Q->Failures_ >= Patience)
            co_return Q->Failure_;
        if (!Q->Running_)
            co_return STATUS_INSUFFICIENT_RESOURCES;
        CO_TRY(co_await ke::WaitFor(Q->Moved_));
    }
    co_return STATUS_SUCCESS;
}

}
