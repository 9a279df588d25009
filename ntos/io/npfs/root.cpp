// The root of the device: listing the pipes, waiting for one to be free.
#include "ntos/io/npfs/npfs.hpp"

#include <string.h>

#include "ntos/io/issue.hpp"

namespace io::npfs {

Status PipeRoot::Start(Request& R)
{
    if (R.What == Operation::Read || R.What == Operation::Write)
        return STATUS_INVALID_PARAMETER;
    if (R.What != Operation::FsControl)
        return STATUS_INVALID_DEVICE_REQUEST;
    switch (R.Code) {
    case FSCTL_PIPE_WAIT:
        return IsRoot_ ? WaitForPipe(R) : STATUS_ILLEGAL_FUNCTION;
    case FSCTL_PIPE_LISTEN:
    case FSCTL_PIPE_IMPERSONATE:
        return STATUS_ILLEGAL_FUNCTION;
    case FSCTL_PIPE_DISCONNECT:
    case FSCTL_PIPE_TRANSCEIVE:
        return STATUS_PIPE_DISCONNECTED;
    case FSCTL_PIPE_PEEK:
    case FSCTL_PIPE_QUERY_CLIENT_PROCESS:
    case FSCTL_PIPE_GET_PIPE_ATTRIBUTE:
    case FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE:
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_NOT_SUPPORTED;
}

Status PipeRoot::WaitForPipe(Request& R)
{
    FILE_PIPE_WAIT_FOR_BUFFER B;
    constexpr usize NameAt = offsetof(FILE_PIPE_WAIT_FOR_BUFFER, Name);
    if (R.Input.Size() < NameAt)
        return STATUS_INVALID_PARAMETER;
    memcpy(&B, R.Input.Data(), NameAt);
    if (!B.NameLength || (B.NameLength & 1) || B.NameLength > R.Input.Size() - NameAt)
        return STATUS_INVALID_PARAMETER;
    ob::String Name;
    TRY(Name.Characters().Resize(B.NameLength / 2));
    memcpy(Name.Characters().Data(), &R.Input[NameAt], B.NameLength);
    PipeName* N = On().Find(Name.View());
    if (!N)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (N->FindListening())
        return STATUS_SUCCESS;
    i64 Timeout = B.TimeoutSpecified ? B.Timeout.QuadPart : N->DefaultTimeout;
    Waiting* W = new Waiting;
    if (!W)
        return STATUS_INSUFFICIENT_RESOURCES;
    W->Who = &R;
    W->Name = std::move(Name);
    W->Timer.Owner = W;
    ke::Deadline Until = ke::Deadline::From(Timeout);
    // A timeout of the most negative value is for ever.
    if (Timeout != INT64_MIN && Until.At != ke::Never) {
        if (Until.HasPassed()) {
            delete W;
            return STATUS_IO_TIMEOUT;
        }
        if (Status S = W->Timer.Set(Until.At); !S.Ok()) {
            delete W;
            return S;
        }
    }
    R.Context[0] = reinterpret_cast<u64>(W);
    R.OnEnd = [](Request& Ended) { delete reinterpret_cast<Waiting*>(Ended.Context[0]); };
    On().Waiters.PushBack(*W);
    return STATUS_PENDING;
}

Status PipeRoot::List(ListRequest& L)
{
    // A pipe shows as a file: its size is how many instances there are, its allocation how many there may be.
    u32 NameAt;
    switch (L.Class) {
    case FileDirectoryInformation:
        NameAt = 64;
        break;
    case FileFullDirectoryInformation:
        NameAt = 68;
        break;
    case FileBothDirectoryInformation:
        NameAt = 94;
        break;
    case FileNamesInformation:
        NameAt = 12;
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    bool First = !Listing_;
    if (First || L.Restart) {
        if (First || L.HasPattern)
            TRY(Pattern_.Set(L.HasPattern ? L.Pattern : ob::Name()));
        Listing_ = true;
        ListAt_ = 0;
    }
    usize At = 0;
    u32 Last = 0;
    for (PipeName& N : On().Names) {
        if (At++ < ListAt_)
            continue;
        ob::String Upper = TRY(ob::String::Copy(N.Text.View()));
        for (wchar_t& C : Upper.Characters())
            C = ob::UpCase(C);
        if (!Pattern_.Matches(Upper.View())) {
            ListAt_ = At;
            continue;
        }
        u32 Start = AlignUp(L.Used, 8), Bytes = u32(N.Text.View().Length * 2);
        if (Start + NameAt + Bytes > L.Room)
            return L.Used ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
        if (NameAt == 12) {
            memcpy(L.Buffer + Start + 8, &Bytes, 4);
        } else {
            FILE_DIRECTORY_INFORMATION D {};
            D.EndOfFile.QuadPart = N.Count;
            D.AllocationSize.QuadPart = i32(N.MaximumInstances);
            D.FileAttributes = FILE_ATTRIBUTE_NORMAL;
            D.FileNameLength = Bytes;
            memcpy(L.Buffer + Start, &D, 64);
        }
        memcpy(L.Buffer + Start + NameAt, N.Text.View().Data, Bytes);
        if (L.Used) {
            u32 Next = Start - Last;
            memcpy(L.Buffer + Last, &Next, 4);
        }
        Last = Start;
        L.Used = Start + NameAt + Bytes;
        ListAt_ = At;
        if (L.Single)
            return STATUS_SUCCESS;
    }
    return L.Used ? STATUS_SUCCESS : First ? STATUS_NO_SUCH_FILE : STATUS_NO_MORE_FILES;
}

Status PipeRoot::QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To)
{
    if (Class == FileStandardInformation) {
        FILE_STANDARD_INFORMATION S {};
        S.NumberOfLinks = 1;
        S.Directory = true;
        To.Fixed(S);
        return STATUS_SUCCESS;
    }
    if (Class == FileBasicInformation) {
        FILE_BASIC_INFORMATION B {};
        B.FileAttributes = FILE_ATTRIBUTE_DIRECTORY;
        To.Fixed(B);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

}
