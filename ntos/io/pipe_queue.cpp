#include <string.h>

#include "ntos/io/pipe.hpp"

namespace io {

Status DataSource::Copy(usize Offset, void* To, usize Bytes) const
{
    if (Process)
        return mm::CopyFromUser(*Process, To, Address + Offset, Bytes);
    memcpy(To, Kernel + Offset, Bytes);
    return STATUS_SUCCESS;
}

// From a source to a client, through a small buffer if both are clients. SourceFailed tells whose memory was bad.
static Status Transport(const DataSource& From, usize Offset, ps::Process& To, u64 Address, usize Bytes, bool& SourceFailed)
{
    SourceFailed = false;
    if (!From.Process)
        return mm::CopyToUser(To, Address, From.Kernel + Offset, Bytes);
    u8 Between[4096];
    for (usize Done = 0; Done < Bytes;) {
        usize Now = Bytes - Done < sizeof(Between) ? Bytes - Done : sizeof(Between);
        if (Status S = From.Copy(Offset + Done, Between, Now); !S.Ok()) {
            SourceFailed = true;
            return S;
        }
        TRY(mm::CopyToUser(To, Address + Done, Between, Now));
        Done += Now;
    }
    return STATUS_SUCCESS;
}

DataSource DataQueue::Entry::Source() const
{
    DataSource S;
    if (InClient) {
        S.Process = Writer->Process.Get();
        S.Address = Writer->Data.Address;
    } else {
        S.Kernel = Data.Data();
    }
    return S;
}

DataQueue::~DataQueue()
{
    ASSERT(Readers_.IsEmpty() && Flushers_.IsEmpty());
    while (Entry* E = Entries_.First())
        Remove(*E, STATUS_PIPE_BROKEN);
}

u32 DataQueue::FirstLength() const
{
    return IsEmpty() ? 0 : Entries_.First()->Left();
}

void DataQueue::Remove(Entry& E, NTSTATUS Outcome)
{
    Bytes_ -= E.Left();
    --Count_;
    E.Link.Unlink();
    Request* Writer = E.Writer;
    delete &E;
    if (Writer)
        Writer->Complete(Outcome, Status(Outcome).Ok() ? Writer->Data.Length : 0);
}

// Writers whose data fit by now are done; flushers when nothing is left.
void DataQueue::CompleteStalled()
{
    u64 Upto = 0;
    for (Entry& E : Entries_) {
        Upto += E.Left();
        if (!E.Writer || E.InClient || Upto > Quota)
            continue;
        Request* Writer = std::exchange(E.Writer, nullptr);
        Writer->Complete(STATUS_SUCCESS, Writer->Data.Length);
    }
    if (Entries_.IsEmpty())
        while (Request* R = Flushers_.First())
            R->Complete(STATUS_SUCCESS, 0);
}

Status DataQueue::Read(ps::Process& To, u64 Address, u32 Length, bool Message, u64& Done)
{
    Status Outcome = STATUS_SUCCESS;
    Done = 0;
    while (Entry* E = Entries_.First()) {
        u32 Now = E->Left() < Length - u32(Done) ? E->Left() : Length - u32(Done);
        if (Now) {
            bool SourceFailed;
            Status S = Transport(E->Source(), E->Taken, To, Address + Done, Now, SourceFailed);
            if (!S.Ok() && SourceFailed) {
                // The writer took its memory away: its data are lost, the reader goes on.
                Remove(*E, S.Code());
                continue;
            }
            if (!S.Ok()) {
                if (!Done)
                    return S;
                break;
            }
            E->Taken += Now;
            Bytes_ -= Now;
            Done += Now;
        }
        bool Whole = E->Left() == 0;
        if (Whole && (Message || Now || !E->Length))
            Remove(*E, STATUS_SUCCESS);
        else if (Message && !Whole)
            Outcome = STATUS_BUFFER_OVERFLOW;
        if (Message || !Whole || Done == Length)
            break;
    }
    CompleteStalled();
    return Outcome;
}

Status DataQueue::Peek(u8* To, u32 Length, bool Message, u32& Done) const
{
    Done = 0;
    for (const Entry* E = Entries_.First(); E && Done < Length; E = Entries_.Next(*E)) {
        u32 Now = E->Left() < Length - Done ? E->Left() : Length - Done;
        TRY(E->Source().Copy(E->Taken, To + Done, Now));
        Done += Now;
        if (Message)
            break;
    }
    return STATUS_SUCCESS;
}

Status DataQueue::Write(const DataSource& From, u32 Length, bool MessageType, Request* Writer, bool Force, u64& Done)
{
    Done = 0;
    if (!Length && !MessageType)
        return STATUS_SUCCESS;
    u32 At = 0;
    bool Delivered = false;             // an empty message needs one reader, too
    while (Request* R = Readers_.First()) {
        if (Delivered && At == Length)
            break;
        u32 Now = Length - At < R->Data.Length ? Length - At : R->Data.Length;
        bool SourceFailed;
        Status S = Transport(From, At, *R->Process, R->Data.Address, Now, SourceFailed);
        if (!S.Ok() && SourceFailed)
            return S;
        if (!S.Ok()) {
            R->Complete(S, 0);
            continue;
        }
        At += Now;
        Delivered = At == Length;
        bool Message = R->Context[0];
        R->Complete(Message && At < Length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, Now);
    }
    Done = Length;
    u32 Left = Length - At;
    if (Delivered && !Left)
        return STATUS_SUCCESS;
    bool Fits = Bytes_ + Left <= Quota;
    if (!Fits && !Writer && !Force) {
        // Without waiting: what fits of a stream, nothing of a message.
        Left = MessageType ? 0 : Room();
        Done = At + Left;
        if (!Left)
            return STATUS_SUCCESS;
    }
    Entry* E = new Entry;
    if (!E)
        return STATUS_INSUFFICIENT_RESOURCES;
    E->Length = Left;
    bool Wait = !Fits && Writer;
    if (Wait && From.Process && Left > MaximumCopied) {
        E->InClient = true;
        E->Length = Length;
        E->Taken = At;
    } else {
        Status S = E->Data.Resize(Left);
        if (S.Ok())
            S = From.Copy(At, E->Data.Data(), Left);
        if (!S.Ok()) {
            delete E;
            return S;
        }
    }
    Entries_.PushBack(*E);
    Bytes_ += Left;
    ++Count_;
    if (!Wait)
        return STATUS_SUCCESS;
    E->Writer = Writer;
    return STATUS_PENDING;
}

Status DataQueue::Flush(Request& R)
{
    if (IsEmpty())
        return STATUS_SUCCESS;
    Flushers_.PushBack(R);
    return STATUS_PENDING;
}

void DataQueue::Withdraw(Request& R)
{
    R.Link.Unlink();
    if (R.What == Operation::Read || R.What == Operation::Flush)
        return;
    for (Entry& E : Entries_)
        if (E.Writer == &R) {
            E.Writer = nullptr;
            E.InClient = false;         // not looked at any more
            Remove(E, STATUS_CANCELLED);
            CompleteStalled();
            return;
        }
}

void DataQueue::End(NTSTATUS Outcome, bool Discard)
{
    while (Request* R = Readers_.First())
        R->Complete(Outcome, 0);
    while (Request* R = Flushers_.First())
        R->Complete(Outcome, 0);
    if (Discard)
        while (Entry* E = Entries_.First())
            Remove(*E, Outcome);
}

// Those who still wait to write are gone with what they wrote.
void DataQueue::EndWriters(NTSTATUS Outcome)
{
    for (bool Again = true; Again;) {
        Again = false;
        for (Entry& E : Entries_)
            if (E.Writer) {
                Remove(E, Outcome);
                Again = true;
                break;
            }
    }
}

}
