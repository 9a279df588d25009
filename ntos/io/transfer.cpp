// Reading, writing, flushing, control, locks, cancelling: the services that may be asynchronous.
#include <string.h>

#include "ntos/io/issue.hpp"

namespace io {

static constexpr u64 MaximumOffset = 0x7FFFFFFFFFFFFFFF;
static constexpr u32 MaximumControlBuffer = 1024 * 1024;

// The offset a read or write is at, by NT's rules. STATUS_INVALID_PARAMETER.
static Status FindOffset(Issue& I, ke::UserPtr<LARGE_INTEGER> ByteOffset, u32 Length, bool Write, Transfer& T)
{
    File& F = *I.Target;
    if (!F.HasPosition())
        return STATUS_SUCCESS;
    T.Append = Write && !(I.Granted & FILE_WRITE_DATA);
    i64 At;
    if (ByteOffset) {
        At = TRY(ByteOffset.Read(I.Caller)).QuadPart;
        if (Write && At == FILE_WRITE_TO_END_OF_FILE) {
            T.Append = true;
            return STATUS_SUCCESS;
        }
        if (At == FILE_USE_FILE_POINTER_POSITION && F.IsSynchronous())
            At = i64(F.Position);
    } else {
        if (!F.IsSynchronous())
            return STATUS_INVALID_PARAMETER;
        At = i64(F.Position);
    }
    if (T.Append)
        return STATUS_SUCCESS;
    if (At < 0 || u64(At) + Length > MaximumOffset)
        return STATUS_INVALID_PARAMETER;
    T.Offset = u64(At);
    return STATUS_SUCCESS;
}

// The common part of read and write: STATUS_CANT_WAIT if it takes a request.
template <typename C> static Status TransferNow(ke::Caller& Caller, C& Call, Issue& I, Transfer& T, bool Write)
{
    T.Process = &Caller.Process();
    T.Address = Call.Buffer.Address();
    T.Length = Call.Length;
    if (Call.Key)
        T.Key = TRY(Call.Key.Read(Caller));
    TRY(FindOffset(I, Call.ByteOffset, T.Length, Write, T));
    File& F = *I.Target;
    if (F.MustWaitTurn())
        return STATUS_CANT_WAIT;
    Status S = Write ? F.TryWrite(T) : F.TryRead(T);
    if (S == STATUS_CANT_WAIT)
        return S;
    if (F.HasPosition() && !Write && (S == STATUS_END_OF_FILE || S == STATUS_ACCESS_VIOLATION)) [[unlikely]] {
        // NT looks at the buffer before it does anything else.
        if (!mm::ProbeForWrite(Caller.Process(), T.Address, T.Length).Ok())
            return STATUS_ACCESS_VIOLATION;
    }
    if (F.HasPosition() && Write && S == STATUS_ACCESS_VIOLATION)
        S = STATUS_INVALID_USER_BUFFER;
    if (F.HasPosition() && (S == STATUS_SUCCESS || S == STATUS_END_OF_FILE)) {
        if (!F.IsSynchronous())
            return I.FinishAsPended(S, T.Done);
        if (S == STATUS_END_OF_FILE)
            return I.FinishAtEnd();
        if (!Write)
            I.ApcRoutine = 0;           // NT's fast path does not queue it
    }
    Status Told = I.Finish(S, T.Done);
    if (F.IsSynchronous() && !IsError(S))
        F.Position = T.Offset + T.Done;
    return Told;
}

static Result<Ref<Request>> MakeTransfer(Issue& I, const Transfer& T, bool Write)
{
    Ref<Request> R = TRY(I.Make(Write ? Operation::Write : Operation::Read));
    R->Data = T;
    return R;
}

template <typename C> static ke::Task<> ReadOrWrite(ke::Caller& Caller, C& Call, ACCESS_MASK AnyOf, bool Write)
{
    auto I = Issue::Begin(Caller, Call.FileHandle, AnyOf, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    Transfer T;
    Status S = TransferNow(Caller, Call, I.Value(), T, Write);
    auto& Io = Caller.Process().Io;
    ++(Write ? Io.WriteOperationCount : Io.ReadOperationCount);
    if (S.Code() != STATUS_CANT_WAIT) {
        (Write ? Io.WriteTransferCount : Io.ReadTransferCount) += T.Done;
        return ke::Task<>(S);
    }
    // A read that waits is refused now if its buffer is bad, not when the data is there.
    if (!Write)
        if (Status Probed = mm::ProbeForWrite(Caller.Process(), T.Address, T.Length); !Probed.Ok())
            return ke::Task<>(Probed);
    // What it writes is taken from the caller's memory when the device wants it: it must not have to be read then.
    if (Write && mm::MayBeAbsent(Caller.Process()))
        if (Status Probed = mm::ProbeForRead(Caller.Process(), T.Address, T.Length); Probed == mm::PageAbsent)
            return ke::Task<>(Probed);
    auto R = MakeTransfer(I.Value(), T, Write);
    if (!R.Ok())
        return ke::Task<>(R.GetStatus());
    return I.Value().Run(R.Take());
}

// Pages one after the other: NT has it for asynchronous unbuffered files only.
template <typename C> static ke::Task<> ScatterGather(ke::Caller& Caller, C& Call, ACCESS_MASK AnyOf, bool Write)
{
    auto Work = [&]() -> Status {
        Issue I = TRY(Issue::Begin(Caller, Call.FileHandle, AnyOf, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock));
        File& F = *I.Target;
        if (!(F.Options() & FILE_NO_INTERMEDIATE_BUFFERING) || F.IsSynchronous() || !F.HasPosition())
            return STATUS_INVALID_PARAMETER;
        if (Call.Length & 511)
            return STATUS_INVALID_PARAMETER;
        Transfer T;
        T.Process = &Caller.Process();
        if (Call.Key)
            T.Key = TRY(Call.Key.Read(Caller));
        TRY(FindOffset(I, Call.ByteOffset, Call.Length, Write, T));
        u64 Total = 0;
        Status S;
        for (u32 Left = Call.Length, Page = 0; Left; ++Page) {
            T.Address = TRY(Call.SegmentArray.template ReadAs<u64>(Caller, usize(Page) * 8));
            T.Length = Left < PageSize ? Left : u32(PageSize);
            S = Write ? F.TryWrite(T) : F.TryRead(T);
            if (!S.Ok())
                break;
            Total += T.Done;
            T.Offset += T.Done;
            if (T.Done < T.Length)
                break;
            Left -= T.Length;
        }
        return I.Finish(Total ? Status(STATUS_SUCCESS) : S, Total);
    };
    return ke::Task<>(Work());
}

static Result<Ref<Request>> MakeControl(ke::Caller& Caller, svc::DeviceIoControlFile& Call, Issue& I, Operation What)
{
    u32 Code = Call.IoControlCode, Access = Code >> 14 & 3;
    if (((Access & 1) && !(I.Granted & FILE_READ_DATA)) || ((Access & 2) && !(I.Granted & (FILE_WRITE_DATA | FILE_APPEND_DATA))))
        return STATUS_ACCESS_DENIED;
    if (Call.InputBufferLength > MaximumControlBuffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Request> R = TRY(I.Make(What));
    R->Code = Code;
    R->InputAddress = Call.InputBuffer.Address();
    R->Data.Address = Call.OutputBuffer.Address();
    R->Data.Length = Call.OutputBuffer ? ULONG(Call.OutputBufferLength) : 0;
    if (Call.InputBuffer && Call.InputBufferLength) {
        TRY(R->Input.Resize(Call.InputBufferLength));
        TRY(Call.InputBuffer.Read(Caller, R->Input.Data(), R->Input.Size()));
    }
    if (R->Data.Length)
        TRY(mm::ProbeForWrite(Caller.Process(), R->Data.Address, R->Data.Length));
    return R;
}

static ke::Task<> Control(ke::Caller& Caller, svc::DeviceIoControlFile& Call, Operation What)
{
    auto I = Issue::Begin(Caller, Call.FileHandle, 0, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    ++Caller.Process().Io.OtherOperationCount;
    auto R = MakeControl(Caller, Call, I.Value(), What);
    if (!R.Ok())
        return ke::Task<>(R.GetStatus());
    return I.Value().Run(R.Take());
}

static Result<Ref<Request>> MakeLock(ke::Caller& Caller, svc::LockFile& Call, Issue& I)
{
    i64 Offset = TRY(Call.ByteOffset.Read(Caller)).QuadPart, Length = TRY(Call.Length.Read(Caller)).QuadPart;
    Ref<Request> R = TRY(I.Make(Operation::Lock));
    R->Data.Offset = u64(Offset);
    R->LockLength = u64(Length);
    R->Data.Key = Call.Key;
    R->Code = (Call.ExclusiveLock ? 1 : 0) | (Call.FailImmediately ? 2 : 0);
    return R;
}

static Status CancelIo(ke::Caller& Caller, HANDLE Handle, ke::UserPtr<IO_STATUS_BLOCK> Block, bool MineOnly, u64 Which)
{
    Ref<File> F = TRY(ob::Reference<File>(Caller, Handle, 0));
    TRY(Block.Probe(Caller));
    Status S = CancelRequests(*F, MineOnly ? &Caller.Thread() : nullptr, Which);
    if (MineOnly && S == STATUS_NOT_FOUND)
        S = STATUS_SUCCESS;             // NtCancelIoFile does not mind
    TRY(WriteStatusBlock(Caller.Process(), Block.Address(), S, 0));
    return S;
}

static ke::Task<> Flush(ke::Caller& Caller, HANDLE Handle, ke::UserPtr<IO_STATUS_BLOCK> Block)
{
    auto I = Issue::Begin(Caller, Handle, FILE_WRITE_DATA | FILE_APPEND_DATA, nullptr, nullptr, nullptr, Block);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = I.Value().Make(Operation::Flush);
    if (!R.Ok())
        return ke::Task<>(R.GetStatus());
    R.Value()->WaitAlways();
    return I.Value().Run(R.Take());
}

}

using namespace io;

ke::Task<> NtReadFile(ke::Caller& Caller, svc::ReadFile& Call)
{
    return ReadOrWrite(Caller, Call, FILE_READ_DATA, false);
}

ke::Task<> NtWriteFile(ke::Caller& Caller, svc::WriteFile& Call)
{
    return ReadOrWrite(Caller, Call, FILE_WRITE_DATA | FILE_APPEND_DATA, true);
}

ke::Task<> NtReadFileScatter(ke::Caller& Caller, svc::ReadFileScatter& Call)
{
    return ScatterGather(Caller, Call, FILE_READ_DATA, false);
}

ke::Task<> NtWriteFileGather(ke::Caller& Caller, svc::WriteFileGather& Call)
{
    return ScatterGather(Caller, Call, FILE_WRITE_DATA | FILE_APPEND_DATA, true);
}

ke::Task<> NtDeviceIoControlFile(ke::Caller& Caller, svc::DeviceIoControlFile& Call)
{
    return Control(Caller, Call, Operation::DeviceControl);
}

ke::Task<> NtFsControlFile(ke::Caller& Caller, svc::FsControlFile& Call)
{
    // The same arguments at the same places.
    static_assert(sizeof(svc::FsControlFile) == sizeof(svc::DeviceIoControlFile));
    return Control(Caller, reinterpret_cast<svc::DeviceIoControlFile&>(Call), Operation::FsControl);
}

ke::Task<> NtFlushBuffersFile(ke::Caller& Caller, svc::FlushBuffersFile& Call)
{
    return Flush(Caller, Call.FileHandle, Call.IoStatusBlock);
}

ke::Task<> NtFlushBuffersFileEx(ke::Caller& Caller, svc::FlushBuffersFileEx& Call)
{
    if (Call.ParametersSize || Call.Flags > 7)
        return ke::Task<>(Status(STATUS_INVALID_PARAMETER));
    return Flush(Caller, Call.FileHandle, Call.IoStatusBlock);
}

ke::Task<> NtLockFile(ke::Caller& Caller, svc::LockFile& Call)
{
    auto I = Issue::Begin(Caller, Call.FileHandle, FILE_READ_DATA | FILE_WRITE_DATA, Call.Event, Call.ApcRoutine, Call.ApcContext, Call.IoStatusBlock, false);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = MakeLock(Caller, Call, I.Value());
    if (!R.Ok())
        return ke::Task<>(R.GetStatus());
    return I.Value().Run(R.Take());
}

static Status UnlockNow(ke::Caller& Caller, svc::UnlockFile& Call, bool& AsRequest)
{
    auto Found = TRY(ob::ReferenceType(Caller, Call.FileHandle, 0, File::Type));
    if (!(Found.Granted & (FILE_READ_DATA | FILE_WRITE_DATA)))
        return STATUS_ACCESS_DENIED;
    if (Call.IoStatusBlock)
        TRY(Call.IoStatusBlock.Probe(Caller));
    u64 Offset = u64(TRY(Call.ByteOffset.Read(Caller)).QuadPart), Length = u64(TRY(Call.Length.Read(Caller)).QuadPart);
    AsRequest = static_cast<File&>(*Found.Target).TakesRequests();
    if (AsRequest)
        return STATUS_CANT_WAIT;
    TRY(static_cast<File&>(*Found.Target).Unlock(Caller.Process(), Offset, Length, Call.Key));
    return Call.IoStatusBlock ? WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), STATUS_SUCCESS, 0) : Status(STATUS_SUCCESS);
}

static Result<Ref<Request>> MakeUnlock(ke::Caller& Caller, svc::UnlockFile& Call, Issue& I)
{
    Ref<Request> R = TRY(I.Make(Operation::Unlock));
    R->WaitAlways();
    R->Data.Offset = u64(TRY(Call.ByteOffset.Read(Caller)).QuadPart);
    R->LockLength = u64(TRY(Call.Length.Read(Caller)).QuadPart);
    R->Data.Key = Call.Key;
    return R;
}

ke::Task<> NtUnlockFile(ke::Caller& Caller, svc::UnlockFile& Call)
{
    bool AsRequest = false;
    Status S = UnlockNow(Caller, Call, AsRequest);
    if (!AsRequest)
        return ke::Task<>(S);
    auto I = Issue::Begin(Caller, Call.FileHandle, 0, nullptr, nullptr, nullptr, Call.IoStatusBlock, false);
    if (!I.Ok())
        return ke::Task<>(I.GetStatus());
    auto R = MakeUnlock(Caller, Call, I.Value());
    return R.Ok() ? I.Value().Run(R.Take()) : ke::Task<>(R.GetStatus());
}

ke::Task<> NtCancelIoFile(ke::Caller& Caller, svc::CancelIoFile& Call)
{
    return ke::Task<>(CancelIo(Caller, Call.FileHandle, Call.IoStatusBlock, true, 0));
}

ke::Task<> NtCancelIoFileEx(ke::Caller& Caller, svc::CancelIoFileEx& Call)
{
    return ke::Task<>(CancelIo(Caller, Call.FileHandle, Call.IoStatusBlock, false, Call.IoRequestToCancel.Raw()));
}

ke::Task<> NtCancelSynchronousIoFile(ke::Caller& Caller, svc::CancelSynchronousIoFile& Call)
{
    auto Work = [&]() -> Status {
        auto Thread = TRY(ob::Reference<ps::Thread>(Caller, Call.ThreadHandle, THREAD_TERMINATE));
        TRY(Call.IoStatusBlock.Probe(Caller));
        Status S = CancelSynchronous(*Thread, Call.IoRequestToCancel.Raw());
        TRY(WriteStatusBlock(Caller.Process(), Call.IoStatusBlock.Address(), S, 0));
        return S;
    };
    return ke::Task<>(Work());
}
