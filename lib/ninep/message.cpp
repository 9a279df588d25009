// Messages: putting together, taking apart, errors.
#include <string.h>

#include "lib/ninep/ninep.hpp"

namespace ninep {

using namespace nt;

static constexpr u32 HeaderBytes = 7;   // size, type, tag

Message::Message(Transport& By, Type What, u32 RequestRoom, u32 ReplyRoom, bool Wait)
    : By_(By), E_(By.Take(RequestRoom + HeaderBytes, ReplyRoom + HeaderBytes + 16, Wait)), What_(What), At_(HeaderBytes), Failed_(!E_)
{
    if (E_ && E_->Request.size() < HeaderBytes)
        Failed_ = true;
}

Message::~Message()
{
    if (!E_)
        return;
    if (Sent_ && !Over_)
        (void)By_.Wait(*E_);
    By_.Give(*E_);
}

Message& Message::Put(const void* From, usize Count)
{
    if (Failed_ || Count > E_->Request.size() - At_) {
        Failed_ = true;
        return *this;
    }
    if (Count)
        memcpy(E_->Request.data() + At_, From, Count);
    At_ += Count;
    return *this;
}

Message& Message::Text(Chars Name)
{
    if (Name.size() > 0xFFFF)
        Failed_ = true;
    U16(u16(Name.size()));
    return Put(Name.data(), Name.size());
}

Status Message::Send()
{
    if (!E_)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Failed_)
        return STATUS_NAME_TOO_LONG;
    u32 Size = u32(At_);
    u8* To = E_->Request.data();
    memcpy(To, &Size, 4);
    To[4] = u8(What_);
    memcpy(To + 5, &E_->Tag, 2);
    E_->RequestBytes = Size;
    E_->ReplyBytes = 0;
    Sent_ = true;
    By_.Send(*E_);
    return STATUS_SUCCESS;
}

Status Message::Wait()
{
    Over_ = true;
    if (Status S = By_.Wait(*E_); !S.Ok()) {
        Failed_ = true;
        return S;
    }
    At_ = 0;
    Failed_ = E_->ReplyBytes > E_->Reply.size() || E_->ReplyBytes < HeaderBytes;
    u32 Size = TakeU32();
    u8 Kind = TakeU8();
    u16 Tag = TakeU16();
    if (!Failed_ && Size == E_->ReplyBytes && Tag == E_->Tag) {
        if (Kind == u8(What_) + 1)
            return STATUS_SUCCESS;
        if (Kind == u8(Type::LError)) {
            u32 Error = TakeU32();
            if (!Failed_)
                return StatusOf(Error);
        }
    }
    Failed_ = true;
    return STATUS_INVALID_NETWORK_RESPONSE;
}

Status Message::Run()
{
    TRY(Send());
    return Wait();
}

void Message::SendAndForget()
{
    if (!Send().Ok())
        return;
    By_.Forget(*E_);
    E_ = nullptr;
}

std::span<const u8> Message::TakeBytes(usize Count)
{
    if (Failed_ || Count > E_->ReplyBytes - At_) {
        Failed_ = true;
        return {};
    }
    std::span<const u8> Taken(E_->Reply.data() + At_, Count);
    At_ += Count;
    return Taken;
}

Chars Message::TakeText()
{
    u16 Count = TakeU16();
    auto B = TakeBytes(Count);
    return { reinterpret_cast<const char*>(B.data()), B.size() };
}

Qid Message::TakeQid()
{
    Qid Q;
    Q.Type = TakeU8();
    Q.Version = TakeU32();
    Q.Path = TakeU64();
    return Q;
}

Status StatusOf(u32 LinuxError)
{
    switch (LinuxError) {
    case 1:                             // EPERM
    case 13:                            // EACCES
        return STATUS_ACCESS_DENIED;
    case 2:                             // ENOENT
        return STATUS_OBJECT_NAME_NOT_FOUND;
    case 4:                             // EINTR
    case 11:                            // EAGAIN
        return STATUS_RETRY;
    case 5:                             // EIO
        return STATUS_IO_DEVICE_ERROR;
    case 6:                             // ENXIO
    case 19:                            // ENODEV
        return STATUS_NO_SUCH_DEVICE;
    case 9:                             // EBADF
        return STATUS_FILE_CLOSED;
    case 12:                            // ENOMEM
        return STATUS_INSUFFICIENT_RESOURCES;
    case 16:                            // EBUSY
    case 26:                            // ETXTBSY
        return STATUS_SHARING_VIOLATION;
    case 17:                            // EEXIST
        return STATUS_OBJECT_NAME_COLLISION;
    case 18:                            // EXDEV
        return STATUS_NOT_SAME_DEVICE;
    case 20:                            // ENOTDIR
        return STATUS_NOT_A_DIRECTORY;
    case 21:                            // EISDIR
        return STATUS_FILE_IS_A_DIRECTORY;
    case 22:                            // EINVAL
        return STATUS_INVALID_PARAMETER;
    case 23:                            // ENFILE
    case 24:                            // EMFILE
        return STATUS_TOO_MANY_OPENED_FILES;
    case 27:                            // EFBIG
        return STATUS_FILE_TOO_LARGE;
    case 28:                            // ENOSPC
    case 122:                           // EDQUOT
        return STATUS_DISK_FULL;
    case 30:                            // EROFS
        return STATUS_MEDIA_WRITE_PROTECTED;
    case 31:                            // EMLINK
        return STATUS_TOO_MANY_LINKS;
    case 36:                            // ENAMETOOLONG
        return STATUS_OBJECT_NAME_INVALID;
    case 38:                            // ENOSYS
    case 95:                            // EOPNOTSUPP
        return STATUS_NOT_SUPPORTED;
    case 39:                            // ENOTEMPTY
        return STATUS_DIRECTORY_NOT_EMPTY;
    case 40:                            // ELOOP
        return STATUS_REPARSE_POINT_NOT_RESOLVED;
    case 116:                           // ESTALE
        return STATUS_FILE_CLOSED;
    default:
        return STATUS_UNEXPECTED_IO_ERROR;
    }
}

}
