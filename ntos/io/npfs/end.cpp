// An end of a pipe: its data.
#include "ntos/io/npfs/npfs.hpp"

#include "ntos/io/issue.hpp"

namespace io::npfs {

Status PipeEnd::CanRead()
{
    switch (State()) {
    case FILE_PIPE_DISCONNECTED_STATE:
        return STATUS_PIPE_DISCONNECTED;
    case FILE_PIPE_LISTENING_STATE:
        return STATUS_PIPE_LISTENING;
    case FILE_PIPE_CLOSING_STATE:
        return In().IsEmpty() ? STATUS_PIPE_BROKEN : STATUS_SUCCESS;
    }
    return In().IsEmpty() ? STATUS_PIPE_EMPTY : STATUS_SUCCESS;
}

Status PipeEnd::CanWrite()
{
    switch (State()) {
    case FILE_PIPE_DISCONNECTED_STATE:
        return STATUS_PIPE_DISCONNECTED;
    case FILE_PIPE_LISTENING_STATE:
        return STATUS_PIPE_LISTENING;
    case FILE_PIPE_CLOSING_STATE:
        return STATUS_PIPE_CLOSING;
    }
    return STATUS_SUCCESS;
}

Status PipeEnd::TryRead(Transfer& T)
{
    Status S = CanRead();
    if (S == STATUS_PIPE_EMPTY && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION)
        return STATUS_CANT_WAIT;
    TRY(S);
    // Those who came earlier are served first: there cannot be any while there are data.
    return In().Read(*T.Process, T.Address, T.Length, ReadsMessages(), T.Done);
}

Status PipeEnd::TryWrite(Transfer& T)
{
    TRY(CanWrite());
    bool Waits = CompletionMode_ == FILE_PIPE_QUEUE_OPERATION;
    if (Waits && T.Length > Out().Room())
        return STATUS_CANT_WAIT;        // what no reader takes at once would have to wait
    DataSource From { T.Process, T.Address, nullptr };
    return Out().Write(From, T.Length, I_->Name->Type == FILE_PIPE_MESSAGE_TYPE, nullptr, false, T.Done);
}

Status PipeEnd::Start(Request& R)
{
    switch (R.What) {
    case Operation::Read: {
        Status S = CanRead();
        if (S == STATUS_PIPE_EMPTY && CompletionMode_ == FILE_PIPE_QUEUE_OPERATION) {
            R.Context[0] = ReadsMessages();
            In().Wait(R);
            return STATUS_PENDING;
        }
        return S.Ok() ? TryRead(R.Data) : S;
    }
    case Operation::Write: {
        TRY(CanWrite());
        DataSource From { R.Data.Process, R.Data.Address, nullptr };
        bool Waits = CompletionMode_ == FILE_PIPE_QUEUE_OPERATION;
        return Out().Write(From, R.Data.Length, I_->Name->Type == FILE_PIPE_MESSAGE_TYPE, Waits ? &R : nullptr, false, R.Data.Done);
    }
    case Operation::Flush:
        // Without a reader there is nothing to wait for.
        if (Detached())
            return STATUS_PIPE_DISCONNECTED;
        return State() == FILE_PIPE_CONNECTED_STATE ? Out().Flush(R) : STATUS_SUCCESS;
    case Operation::FsControl:
        return Control(R);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

void PipeEnd::Withdraw(Request& R)
{
    if (R.What == Operation::Write)
        Out().Withdraw(R);
    else
        R.Link.Unlink();
}

void PipeEnd::Cleanup()
{
    Instance& I = *I_;
    if (IsServer_) {
        I.Server = nullptr;
        while (Request* L = I.Listeners.First())
            L->Complete(STATUS_PIPE_BROKEN, 0);
        I.Link.Unlink();
        --I.Name->Count;
        if (!I.Name->Count)
            I.Name->Link.Unlink();
    } else {
        if (I.Client != this)
            return;                     // disconnected before
        I.Client = nullptr;
    }
    // What this end had to read is gone; what it wrote can still be read, but nobody waits to write any more.
    In().End(STATUS_PIPE_BROKEN, true);
    Out().EndWriters(STATUS_PIPE_BROKEN);
    Out().End(STATUS_PIPE_BROKEN, IsServer_ ? !I.Client : !I.Server);
    if (I.State == FILE_PIPE_CONNECTED_STATE)
        I.State = FILE_PIPE_CLOSING_STATE;
    else if (IsServer_)
        I.State = FILE_PIPE_CLOSING_STATE;
}

}
