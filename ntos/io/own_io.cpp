#include "ntos/io/own_io.hpp"

#include <string.h>

#include "ntos/io/issue.hpp"

namespace io {

static constexpr usize Piece = 128 * KiB;

ke::Task<> OpenOwn(ke::Caller& Caller, const ob::Attributes& Named, ob::Name Suffix, CreateParameters How, RefPtr<File>& To)
{
    ob::Attributes Wanted;
    Wanted.Root = Named.Root;
    Wanted.Path = CO_TRY(ob::String::Copy(Named.Path.View()));
    CO_TRY(Wanted.Path.Append(Suffix));
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    Ref<File> Opened = CO_TRY(OpenFile(Caller, Wanted, How));
    u32 Information;
    if (Opened->NeedsCreate())
        CO_TRY(co_await Issue::RunCreate(Caller, Opened, Information));
    To = RefPtr<File>(std::move(Opened));
    co_return STATUS_SUCCESS;
}

ke::Task<> ReadOwn(Ref<ps::Process> For, Ref<File> From, usize Limit, Vector<u8>& To)
{
    for (u64 At = 0;;) {
        Ref<Request> R = CO_TRY(Issue::MakeOwn(For, From, Operation::Read));
        R->Data.Offset = At;
        R->Data.Length = Piece;
        Status S = co_await Issue::Await(R);
        if (S == STATUS_END_OF_FILE)
            co_return STATUS_SUCCESS;
        CO_TRY(S);
        usize Got = R->Reply.Size() < R->Data.Done ? R->Reply.Size() : usize(R->Data.Done), Before = To.Size();
        if (!Got)
            co_return STATUS_SUCCESS;
        if (Got > Limit - Before)
            co_return STATUS_FILE_TOO_LARGE;
        CO_TRY(To.Resize(Before + Got));
        memcpy(To.Data() + Before, R->Reply.Data(), Got);
        At += Got;
    }
}

ke::Task<> WriteOwn(Ref<ps::Process> For, Ref<File> To, u64 Offset, std::span<const u8> Bytes)
{
    while (!Bytes.empty()) {
        usize Now = Bytes.size() < Piece ? Bytes.size() : Piece;
        Ref<Request> R = CO_TRY(Issue::MakeOwn(For, To, Operation::Write));
        CO_TRY(R->Input.Resize(Now));
        memcpy(R->Input.Data(), Bytes.data(), Now);
        R->Data.Offset = Offset;
        R->Data.Length = u32(Now);
        CO_TRY(co_await Issue::Await(R));
        if (R->Data.Done != Now)
            co_return STATUS_DISK_FULL;
        Offset += Now;
        Bytes = Bytes.subspan(Now);
    }
    co_return STATUS_SUCCESS;
}

ke::Task<> FlushOwn(Ref<ps::Process> For, Ref<File> Of)
{
    Ref<Request> R = CO_TRY(Issue::MakeOwn(For, Of, Operation::Flush));
    co_return co_await Issue::Await(R);
}

ke::Task<> CloseOwn(Ref<File> Of)
{
    if (ke::Event* Ended = Of->CleanupNow())
        CO_TRY(co_await ke::WaitFor(*Ended));
    co_return STATUS_SUCCESS;
}

}
