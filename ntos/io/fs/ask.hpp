// Private to io/fs: requests of the Executive's own to a file system, and their answers; for the recovery of a volume.
#pragma once
#include <string.h>

#include "ntos/io/fs/fs.hpp"

namespace io::fs {

inline constexpr u64 Patience = 30 * 10'000'000ull;     // of an answer, of a new process

struct Answer : RefCounted<Answer> {
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    ke::Event Ended { ke::Event::Notification, false };
    Status Outcome;
    u64 Information = 0, Cookie = 0, FsContext = 0, Section = 0;
    Vector<u8> Output;
};

// A request of the recovery's own.
class Question final : public driver::Irp {
public:
    Question(driver::DriverDevice& To, u8 Major, u64 File, Answer& Tell) : Tell_(Tell)
    {
        Device = RefPtr<driver::DriverDevice>(&To);
        M.What = wd::Kind::Irp;
        M.Major = Major;
        M.Device = To.Cookie;
        M.File = File;
    }
    Status Give(const void* From, usize Bytes)
    {
        TRY(Input_.Resize(Bytes));
        if (Bytes)
            memcpy(Input_.Data(), From, Bytes);
        M.InputBytes = u32(Bytes);
        if (DataBytes < Bytes)
            DataBytes = u32(Bytes);
        return nt::STATUS_SUCCESS;
    }
    // Shared: where the input lies, too.
    void Want(u32 Bytes, bool Shared)
    {
        M.OutputBytes = Bytes;
        M.OutputOffset = Shared || !M.InputBytes ? 0 : AlignUp(M.InputBytes, u32(PageSize));
        DataBytes = Shared && M.InputBytes > Bytes ? M.InputBytes : M.OutputOffset + Bytes;
    }
    Status CopyIn(driver::Channel& In) override { return Input_.IsEmpty() ? Status(nt::STATUS_SUCCESS) : In.WriteData(*this, 0, Input_.Data(), u32(Input_.Size())); }
    bool Learn(u64 FsContext, u64 Section) override
    {
        Tell_->FsContext = FsContext;
        Tell_->Section = Section;
        return M.Major == driver::mj::Create;
    }
    void Done(driver::Channel& In, Status Outcome, u64 Information, u64 Cookie, bool Sent) override
    {
        Answer& A = *Tell_;
        A.Outcome = Outcome == nt::STATUS_PENDING ? Status(nt::STATUS_DRIVER_INTERNAL_ERROR) : Outcome;
        A.Information = Information;
        A.Cookie = Cookie;
        u64 Bytes = Information < M.OutputBytes ? Information : M.OutputBytes;
        if (Sent && Outcome.Ok() && !In.IsDead() && Bytes) {
            Status S = A.Output.Resize(Bytes);
            if (S.Ok())
                S = In.ReadData(*this, M.OutputOffset, A.Output.Data(), u32(Bytes));
            if (!S.Ok())
                A.Outcome = S;
        }
        A.Ended.Set();
    }

private:
    Vector<u8> Input_;
    Ref<Answer> Tell_;
};

struct Asked {
    Ref<Answer> To;
    Question* Q;
};
inline Result<Asked> Make(driver::DriverDevice& To, u8 Major, u64 File)
{
    auto* A = new Answer;
    if (!A)
        return nt::STATUS_INSUFFICIENT_RESOURCES;
    Ref<Answer> Keep = Ref<Answer>::Adopt(*A);
    auto* Q = new Question(To, Major, File, *A);
    return Q ? Result<Asked>(Asked { std::move(Keep), Q }) : Result<Asked>(nt::STATUS_INSUFFICIENT_RESOURCES);
}

// IRP_MJ_QUERY_INFORMATION of the file: Bytes of this class at most.
inline Result<Asked> Query(driver::DriverDevice& To, u64 File, nt::FILE_INFORMATION_CLASS Class, u32 Bytes)
{
    Asked A = TRY(Make(To, driver::mj::QueryInformation, File));
    A.Q->M.Mode = wd::Transfer::Buffered;
    A.Q->M.Parameters[0] = Bytes;
    A.Q->M.Parameters[1] = Class;
    A.Q->Want(Bytes, true);
    return Result<Asked>(std::move(A));
}

// Sends it and waits. A file system that does not answer ends the attempt.
inline ke::Task<> Await(Asked A)
{
    A.Q->Device->In().Submit(*A.Q);
    Status S = co_await ke::WaitFor(A.To->Ended, false, ke::Deadline { ke::InterruptTime() + Patience });
    co_return S == nt::STATUS_TIMEOUT ? Status(nt::STATUS_IO_TIMEOUT) : A.To->Outcome;
}

}
