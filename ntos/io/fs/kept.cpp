// What a file system's process knows of an open file, remembered here from the requests that went well, so that another process can be told (recover.cpp).
#include <string.h>

#include "ntos/io/fs/fs.hpp"

namespace io::fs {

using namespace nt;
using driver::Channel;
using driver::Irp;

namespace mj = driver::mj;

FsFile::Kept* FsFile::Keep()
{
    if (!Kept_)
        Kept_ = Own<Kept>(new Kept);
    return Kept_.Get();
}

// Whether a request that may have been done already may be sent once more.
bool FsFile::MayRepeat(const Request& R)
{
    switch (R.What) {
    case Operation::Write: return !R.Data.Append;
    case Operation::SetInformation: return R.Code != FileLinkInformation && R.Code != FileLinkInformationEx;    // of renames see Recovery
    case Operation::DeviceControl:
    case Operation::FsControl: return false;
    default: return true;
    }
}

void FsFile::Break(NTSTATUS Why)
{
    Broken_ = Why;
    FsCookie_ = 0;
    Opened_ = false;
    CleanupDone_.Set();
}

// Of all opens of the file.
void FsFile::DeletionIs(bool Pending)
{
    for (FsFile& F : *Open_)
        if (&F != this && F.Kept_ && F.Volume_ == Volume_ && (Stream_ ? F.Stream_ == Stream_ : ob::Equal(F.Full_, Full_, true)))
            F.Kept_->DeletePending = false;
    if (Kept* K = Pending || Kept_ ? Keep() : nullptr)
        K->DeletePending = Pending;
}

static u32 SizeBefore(u32 Class)
{
    switch (Class) {
    case FileDirectoryInformation: return 64;
    case FileFullDirectoryInformation: return 68;
    case FileBothDirectoryInformation: return 94;
    case FileNamesInformation: return 12;
    case FileIdBothDirectoryInformation: return 104;
    case FileIdFullDirectoryInformation: return 80;
    case FileIdExtdDirectoryInformation: return 88;
    case FileIdExtdBothDirectoryInformation: return 114;
    default: return 0;
    }
}

// The place in a listing is behind the last of the names that have been told and are still there.
void FsFile::Listed(const Request& R, u64 Information, Channel& In, const Irp& I)
{
    Kept* K = Keep();
    u32 NameAt = SizeBefore(R.Code);
    if (!K || !NameAt)
        return;
    bool Restart = R.LockLength & 1;    // SL_RESTART_SCAN
    if (!K->Lists || (Restart && !R.Input.IsEmpty())) {
        K->Pattern.Clear();
        for (u8 B : R.Input)
            if (!K->Pattern.Push(B).Ok())
                return;
    }
    K->Lists = true;
    K->ListAnew = false;
    if (Restart)
        K->Shown.Clear();
    for (u64 At = 0; At + NameAt <= Information && Information <= I.M.OutputBytes;) {
        u32 Next = 0, Bytes = 0, Hash = NameHashStart;
        if (!In.ReadData(I, u32(I.M.OutputOffset + At), &Next, 4).Ok() || !In.ReadData(I, u32(I.M.OutputOffset + At + (NameAt == 12 ? 8 : 60)), &Bytes, 4).Ok())
            return;
        wchar_t Part[32];
        for (u32 Done = 0; Done < Bytes && At + NameAt + Bytes <= Information;) {
            u32 Now = Bytes - Done < sizeof(Part) ? Bytes - Done : u32(sizeof(Part));
            if (!In.ReadData(I, u32(I.M.OutputOffset + At + NameAt + Done), Part, Now).Ok())
                return;
            Hash = NameHash(Hash, Part, Now / 2);
            Done += Now;
        }
        K->Shown.Push(Hash).Ignore();   // without memory it may be shown twice
        if (!Next)
            return;
        At += Next;
    }
}

void FsFile::Remember(Request& R, u64 Information, Channel& In, const Irp& I)
{
    switch (R.What) {
    case Operation::Lock:
        if (Kept* K = Keep())
            K->Locks.Push(Kept::Lock { R.Data.Offset, R.LockLength, R.Data.Key, (R.Code & 1) != 0, R.Process }).Ignore();
        return;
    case Operation::Unlock:
        for (usize At = 0; Kept_ && At < Kept_->Locks.Size(); ++At) {
            Kept::Lock& L = Kept_->Locks[At];
            if (L.Offset != R.Data.Offset || L.Length != R.LockLength || L.Key != R.Data.Key || L.By.Get() != R.Process.Get())
                continue;
            Kept_->Locks.RemoveAt(At);
            break;
        }
        return;
    case Operation::QueryDirectory: Listed(R, Information, In, I); return;
    case Operation::NotifyChange:
        if (Kept* K = Keep())
            K->Watches = true;
        return;
    case Operation::Write: {
        Wrote_ = true;
        u64 End = R.Data.Offset + R.Context[1] + Information;
        if (!Stream_ || R.Data.Append)
            return;
        if (Stream_->HasSize && End > Stream_->Size)
            Stream_->Size = End;
        if (IsUncached() && End > Stream_->Direct)
            Stream_->Direct = End;
        return;
    }
    case Operation::SetInformation:
        switch (R.Code) {
        case FileEndOfFileInformation:
            if (Stream_ && R.Input.Size() >= 8) {
                memcpy(&Stream_->Size, R.Input.Data(), 8);
                Stream_->HasSize = true;
                if (Stream_->Direct > Stream_->Size)
                    Stream_->Direct = Stream_->Size;
            }
            return;
        case FileAllocationInformation:
            if (Stream_ && R.Input.Size() >= 8) {
                u64 Most;
                memcpy(&Most, R.Input.Data(), 8);
                Stream_->Size = Stream_->HasSize && Stream_->Size > Most ? Most : Stream_->Size;
                Stream_->Direct = Stream_->Direct > Most ? Most : Stream_->Direct;
            }
            return;
        case FileBasicInformation:
            if (Kept* K = Keep(); K && K->Times.Resize(R.Input.Size()).Ok())
                memcpy(K->Times.Data(), R.Input.Data(), R.Input.Size());
            return;
        case FileDispositionInformation:
            DeletionIs(!R.Input.IsEmpty() && R.Input[0]);
            return;
        case FileDispositionInformationEx: {
            u32 Flags = 0;
            if (R.Input.Size() >= 4)
                memcpy(&Flags, R.Input.Data(), 4);
            if (Flags & 8)              // FILE_DISPOSITION_ON_CLOSE: of this open only
                DeletesOnClose_ = Flags & 1;
            else
                DeletionIs(Flags & 1);
            return;
        }
        default: return;
        }
    default: return;
    }
}

// --- the file's id, asked for while it is open: nobody waits for it

class IdIrp final : public Irp {
public:
    explicit IdIrp(FsFile& Of) : Of_(Of)
    {
        Device = Of.Volume_->To;
        M.What = wd::Kind::Irp;
        M.Major = mj::QueryInformation;
        M.Mode = wd::Transfer::Buffered;
        M.Device = Device->Cookie;
        M.File = Of.FsCookie_;
        M.Parameters[0] = M.OutputBytes = DataBytes = sizeof(u64);
        M.Parameters[1] = FileInternalInformation;
    }
    void Done(Channel& In, Status Outcome, u64 Information, u64, bool Sent) override
    {
        u64 Id;
        if (Sent && Outcome.Ok() && !In.IsDead() && Information == sizeof(Id) && In.ReadData(*this, 0, &Id, sizeof(Id)).Ok())
            Of_->Id_ = Id;
    }

private:
    Ref<FsFile> Of_;
};

void FsFile::LearnId()
{
    Id_ = 0;
    constexpr ACCESS_MASK Passing = FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    if (!Volume_->MayReturn() || Target_ || !(OpenedAccess() & ~Passing))
        return;
    if (auto* I = new IdIrp(*this))
        Ref<Channel>(Volume_->To->In())->Submit(*I);
}

}
