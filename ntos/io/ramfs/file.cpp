// Open files of the RAM volume: data, control requests, closing.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"
#include "ntos/ps/thread.hpp"

namespace io::ramfs {

OpenNode::OpenNode(Volume& On, const CreateParameters& How, Ref<Node> N, Ref<Entry> E) : RamFile(On, How), Node_(std::move(N)), Entry_(std::move(E))
{
    ++Entry_->Opens;
}

Status OpenNode::CheckDelete(bool IgnoreReadOnly) const
{
    Node& N = *Node_;
    if (Entry_.Get() == &On().RootEntry())
        return STATUS_CANNOT_DELETE;
    if ((N.Attributes & FILE_ATTRIBUTE_READONLY) && !IgnoreReadOnly)
        return STATUS_CANNOT_DELETE;
    if (N.IsMapped())
        return STATUS_CANNOT_DELETE;
    if (N.IsFolder && N.Count())
        return STATUS_DIRECTORY_NOT_EMPTY;
    return STATUS_SUCCESS;
}

void OpenNode::Cleanup()
{
    Node& N = *Node_;
    N.Locks.UnlockAll(*this);
    Watch_.Cleanup();
    if (Watching_)
        --On().Watches;
    N.Share.Remove(Mode_);
    if (!N.Share.Openers)
        N.Allocation = 0;
    if (DeleteOnClose_ && CheckDelete(false).Ok())
        Entry_->DeletePending = true;
    bool Last = --Entry_->Opens == 0;
    if (Entry_->DeletePending && (Last || PosixDelete_) && !(N.IsFolder && N.Count()))
        On().Unlink(*Entry_);
}

RefPtr<mm::PageStore> OpenNode::DataStore()
{
    if (Node_->IsFolder || !Node_->NeedData().Ok())
        return nullptr;
    return Node_->Data;
}

static constexpr u32 Sector = 512;

Status OpenNode::TryRead(Transfer& T)
{
    Node& N = *Node_;
    if (N.IsFolder) [[unlikely]]
        return STATUS_INVALID_DEVICE_REQUEST;
    if ((Options() & FILE_NO_INTERMEDIATE_BUFFERING) && ((T.Offset | T.Length) & (Sector - 1)))
        return STATUS_INVALID_PARAMETER;
    T.Done = 0;
    if (!T.Length)
        return STATUS_SUCCESS;
    if (T.Offset >= N.Size)
        return STATUS_END_OF_FILE;
    u64 Count = N.Size - T.Offset < T.Length ? N.Size - T.Offset : T.Length;
    TRY(N.Locks.Check(*this, T.Process, T.Offset, Count, T.Key, false));
    usize Done = 0;
    Status S = N.Data ? N.Data->ReadToUser(T.Offset, *T.Process, T.Address, Count, Done) : mm::ZeroUser(*T.Process, T.Address, Count);
    T.Done = S.Ok() ? Count : 0;
    return S;
}

Status OpenNode::TryWrite(Transfer& T)
{
    Node& N = *Node_;
    if (N.IsFolder) [[unlikely]]
        return STATUS_INVALID_DEVICE_REQUEST;
    if (T.Append)
        T.Offset = N.Size;
    T.Done = 0;
    if ((Options() & FILE_NO_INTERMEDIATE_BUFFERING) && ((T.Offset | T.Length) & (Sector - 1)))
        return STATUS_INVALID_PARAMETER;
    if (!T.Length)
        return STATUS_SUCCESS;
    u64 End = T.Offset + T.Length;
    if (End > MaximumSize)
        return STATUS_DISK_FULL;
    TRY(N.Locks.Check(*this, T.Process, T.Offset, T.Length, T.Key, true));
    mm::PageStore* Data = TRY(N.NeedData());
    usize Done = 0;
    Status S = Data->WriteFromUser(T.Offset, *T.Process, T.Address, T.Length, Done);
    if (!S.Ok()) {
        // What lies beyond the end must read as zero if the file grows.
        if (T.Offset + T.Length > N.Size) {
            u64 From = T.Offset > N.Size ? T.Offset : N.Size;
            Data->Zero(From, End - From).Ignore();      // only pages that are there: cannot fail for want of memory
        }
        return DiskFull(S);
    }
    T.Done = T.Length;
    u32 Changes = FILE_NOTIFY_CHANGE_LAST_WRITE;
    if (End > N.Size) {
        N.Size = End;
        Changes |= FILE_NOTIFY_CHANGE_SIZE;
    }
    u64 Now = ke::SystemTime();
    if (!KeepWritten_)
        N.Written = Now;
    if (!KeepChanged_)
        N.Changed = Now;
    N.Attributes |= FILE_ATTRIBUTE_ARCHIVE;
    On().Report(*Entry_, Changes, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

Status OpenNode::Start(Request& R)
{
    switch (R.What) {
    case Operation::Read:
        return TryRead(R.Data);
    case Operation::Write:
        return TryWrite(R.Data);
    case Operation::Flush:
        return STATUS_SUCCESS;
    case Operation::Lock:
        if (Node_->IsFolder)
            return STATUS_INVALID_PARAMETER;
        return Node_->Locks.Lock(R);
    case Operation::NotifyChange:
        if (!Node_->IsFolder)
            return STATUS_INVALID_PARAMETER;
        if (Entry_->DeletePending || (!Entry_->Folder && Entry_.Get() != &On().RootEntry()))
            return STATUS_DELETE_PENDING;
        if (!Watching_) {
            Watching_ = true;
            ++On().Watches;
            Node_->Watches.PushBack(Watch_);
        }
        return Watch_.Request(R);
    case Operation::FsControl:
        return Control(R);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    return STATUS_INVALID_DEVICE_REQUEST;
}

// --- control

template <typename T> static Status Reply(Request& R, const T& Value)
{
    if (R.Data.Length < sizeof(T))
        return STATUS_BUFFER_TOO_SMALL;
    TRY(R.Reply.Resize(sizeof(T)));
    memcpy(R.Reply.Data(), &Value, sizeof(T));
    R.Data.Done = sizeof(T);
    return STATUS_SUCCESS;
}

template <typename T> static Result<T> Input(Request& R)
{
    if (R.Input.Size() < sizeof(T))
        return STATUS_INVALID_PARAMETER;
    T Value;
    memcpy(&Value, R.Input.Data(), sizeof(T));
    return Value;
}

Status VolumeControl(Volume& V, Request& R)
{
    switch (R.Code) {
    case FSCTL_IS_VOLUME_MOUNTED:
    case FSCTL_IS_PATHNAME_VALID:
        return STATUS_SUCCESS;
    case FSCTL_LOCK_VOLUME:
        return STATUS_ACCESS_DENIED;    // the system runs from it
    case FSCTL_UNLOCK_VOLUME:
        return STATUS_NOT_LOCKED;
    case FSCTL_DISMOUNT_VOLUME:
        return STATUS_ACCESS_DENIED;
    }
    return STATUS_INVALID_DEVICE_REQUEST;
}

Status OpenNode::SetReparse(Request& R)
{
    auto Head = TRY(Input<REPARSE_DATA_HEADER>(R));
    if (R.Input.Size() > MaximumReparse || Head.ReparseDataLength + sizeof(Head) != R.Input.Size())
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (Head.ReparseTag <= 1)
        return STATUS_IO_REPARSE_TAG_INVALID;
    if (!(Head.ReparseTag & 0x80000000))
        return STATUS_IO_REPARSE_TAG_INVALID;           // a third party's tags carry a GUID: not kept here
    if (Entry_.Get() == &On().RootEntry())
        return STATUS_ACCESS_DENIED;
    u32 Have = Node_->ReparseTag();
    if (Have && Have != Head.ReparseTag)
        return STATUS_IO_REPARSE_TAG_MISMATCH;
    if (Head.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT && !Node_->IsFolder)
        return STATUS_NOT_A_DIRECTORY;
    if (Node_->IsFolder && Node_->Count())
        return STATUS_DIRECTORY_NOT_EMPTY;
    Extras* X = TRY(Node_->NeedExtras());
    X->Reparse = std::move(R.Input);
    Node_->Changed = ke::SystemTime();
    On().Report(*Entry_, FILE_NOTIFY_CHANGE_ATTRIBUTES, FILE_ACTION_MODIFIED);
    return STATUS_SUCCESS;
}

Status OpenNode::ZeroRange(u64 From, u64 To)
{
    Node& N = *Node_;
    if (N.IsFolder || To < From)
        return STATUS_INVALID_PARAMETER;
    if (To > N.Size)
        To = N.Size;
    if (From >= To)
        return STATUS_SUCCESS;
    TRY(N.Locks.Check(*this, nullptr, From, To - From, 0, true));
    if (N.Data)
        TRY(N.Data->Zero(From, To - From));
    N.Touch();
    return STATUS_SUCCESS;
}

Status OpenNode::Control(Request& R)
{
    Node& N = *Node_;
    switch (R.Code) {
    case FSCTL_SET_REPARSE_POINT:
        if (!(OpenedAccess() & (FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES)))
            return STATUS_ACCESS_DENIED;
        return SetReparse(R);
    case FSCTL_GET_REPARSE_POINT:
        if (!R.Data.Length)
            return STATUS_INVALID_USER_BUFFER;
        if (!N.ReparseTag())
            return STATUS_NOT_A_REPARSE_POINT;
        if (R.Data.Length < sizeof(REPARSE_DATA_HEADER))
            return STATUS_BUFFER_TOO_SMALL;
        R.Data.Done = N.Rare->Reparse.Size() < R.Data.Length ? N.Rare->Reparse.Size() : R.Data.Length;
        TRY(R.Reply.Resize(R.Data.Done));
        memcpy(R.Reply.Data(), N.Rare->Reparse.Data(), R.Data.Done);
        return R.Data.Done < N.Rare->Reparse.Size() ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    case FSCTL_DELETE_REPARSE_POINT: {
        auto Head = TRY(Input<REPARSE_DATA_HEADER>(R));
        if (!N.ReparseTag())
            return STATUS_NOT_A_REPARSE_POINT;
        if (Head.ReparseTag != N.ReparseTag())
            return STATUS_IO_REPARSE_TAG_MISMATCH;
        N.Rare->Reparse.Clear();
        N.Changed = ke::SystemTime();
        return STATUS_SUCCESS;
    }
    case FSCTL_GET_OBJECT_ID:
    case FSCTL_CREATE_OR_GET_OBJECT_ID: {
        if (R.Code == FSCTL_GET_OBJECT_ID && !(N.Rare && N.Rare->HasObjectId))
            return STATUS_OBJECTID_NOT_FOUND;
        Extras* X = TRY(N.NeedExtras());
        if (!X->HasObjectId) {
            u64 Parts[2] = { N.Id ^ N.Created, N.Created ^ u64(On().Serial) << 32 };
            memcpy(X->ObjectId, Parts, 16);
            X->HasObjectId = true;
        }
        FILE_OBJECTID_BUFFER Out {};
        memcpy(Out.ObjectId, X->ObjectId, 16);
        memcpy(Out.BirthObjectId, X->ObjectId, 16);
        return Reply(R, Out);
    }
    case FSCTL_SET_SPARSE:
        // Every file is sparse: only the attribute changes.
        if (R.Input.Size() && !R.Input[0])
            N.Attributes &= ~FILE_ATTRIBUTE_SPARSE_FILE;
        else
            N.Attributes |= FILE_ATTRIBUTE_SPARSE_FILE;
        return STATUS_SUCCESS;
    case FSCTL_SET_ZERO_DATA: {
        auto Range = TRY(Input<FILE_ZERO_DATA_INFORMATION>(R));
        if (!(OpenedAccess() & FILE_WRITE_DATA))
            return STATUS_ACCESS_DENIED;
        if (Range.FileOffset.QuadPart < 0 || Range.BeyondFinalZero.QuadPart < 0)
            return STATUS_INVALID_PARAMETER;
        return ZeroRange(u64(Range.FileOffset.QuadPart), u64(Range.BeyondFinalZero.QuadPart));
    }
    case FSCTL_QUERY_ALLOCATED_RANGES: {
        auto Range = TRY(Input<FILE_ALLOCATED_RANGE_BUFFER>(R));
        if (Range.FileOffset.QuadPart < 0 || Range.Length.QuadPart < 0)
            return STATUS_INVALID_PARAMETER;
        u64 From = u64(Range.FileOffset.QuadPart), To = From + u64(Range.Length.QuadPart);
        if (To > N.Size)
            To = N.Size;
        if (From >= To)
            return STATUS_SUCCESS;
        return Reply(R, FILE_ALLOCATED_RANGE_BUFFER { { .QuadPart = i64(From) }, { .QuadPart = i64(To - From) } });
    }
    case FSCTL_GET_COMPRESSION:
        return Reply(R, u16(0));
    case FSCTL_SET_COMPRESSION:
        return TRY(Input<u16>(R)) ? STATUS_INVALID_DEVICE_REQUEST : STATUS_SUCCESS;
    }
    // Oplocks: there is nobody to break them to.
    if ((R.Code >> 16) == FILE_DEVICE_FILE_SYSTEM && ((R.Code >> 2 & 0xFFF) <= 5 || (R.Code >> 2 & 0xFFF) == 144))
        return STATUS_OPLOCK_NOT_GRANTED;
    return VolumeControl(On(), R);
}

Status OpenVolume::Start(Request& R)
{
    if (R.What == Operation::FsControl)
        return VolumeControl(static_cast<Volume&>(GetDevice()), R);
    if (R.What == Operation::DeviceControl)
        return MountDeviceControl(static_cast<Volume&>(GetDevice()), R);
    if (R.What == Operation::Flush)
        return STATUS_SUCCESS;
    return STATUS_INVALID_DEVICE_REQUEST;
}

}
