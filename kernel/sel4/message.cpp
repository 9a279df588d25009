// kernel.hpp on seL4: messages.
#include "kernel/kernel.hpp"
#include "kernel/sel4/syscall.hpp"

namespace kernel {
using namespace sel4;

u64 MessageWord(u32 Index) { return BufferWord(Index); }
void SetMessageWord(u32 Index, u64 Value) { SetBufferWord(Index, Value); }

static inline Message Exchange(i64 Number, u64 Cap, u64 Tag, u64 M0, u64 M1, u64 M2, u64 M3)
{
    Tag = Enter(Number, Cap, Tag, M0, M1, M2, M3);
    return { TagLabel(Tag), TagLength(Tag), { M0, M1, M2, M3 }, Cap };
}

Message Receive(CPtr Endpoint) { return Exchange(SysRecv, Endpoint, 0, 0, 0, 0, 0); }

Message ReplyReceive(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    return Exchange(SysReplyRecv, Endpoint, MakeTag(Label, 0, Length), Word0, Word1, Word2, Word3);
}

Message Call(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    return Exchange(SysCall, Endpoint, MakeTag(Label, 0, Length), Word0, Word1, Word2, Word3);
}

void Send(CPtr Endpoint, u64 Label, u32 Length, u64 Word0, u64 Word1, u64 Word2, u64 Word3)
{
    Enter(SysSend, Endpoint, MakeTag(Label, 0, Length), Word0, Word1, Word2, Word3);
}

void Signal(CPtr Notification)
{
    u64 M[4] {};
    Enter(SysSend, Notification, 0, M[0], M[1], M[2], M[3]);
}

u64 WaitNotification(CPtr Notification)
{
    u64 M[4] {};
    Enter(SysRecv, Notification, 0, M[0], M[1], M[2], M[3]);
    return Notification;
}

u64 PollNotification(CPtr Notification)
{
    u64 M[4] {};
    Enter(SysNBRecv, Notification, 0, M[0], M[1], M[2], M[3]);
    return Notification;
}

void Yield()
{
    u64 Cap = 0, M[4] {};
    Enter(SysYield, Cap, 0, M[0], M[1], M[2], M[3]);
}

}
