// Between a store and client memory: one copy, page by page.
#include <string.h>

#include "ntos/mm/absent.hpp"
#include "ntos/mm/paging.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/process.hpp"

namespace mm {

using namespace nt;

namespace {

// A client's pages one after the other.
class Walk {
public:
    Walk(ps::Process& In, u64 Address, bool Write) : In_(In), Space_(In.Memory()), Address_(Address), Write_(Write) { }
    usize Room() const { return PageSize - (Address_ & PageMask); }
    // The Executive's address of the byte it is at.
    [[gnu::always_inline]] Result<u8*> Here(u64 BytesLeft)
    {
        if (Follow_ && At_ && AddressSpace::IsReady(*At_, Write_)) [[likely]]
            return Ready();
        return Look(BytesLeft);
    }
    void Skip(usize Bytes)
    {
        Address_ += Bytes;
        if (!(Address_ & PageMask) && Follow_) {
            ++At_;
            --Follow_;
        }
    }

private:
    u8* Ready()
    {
        if (Write_)
            At_->Written = 1;
        return PageAddress(Pfn(At_->Frame)) + (Address_ & PageMask);
    }
    [[gnu::noinline]] Result<u8*> Look(u64 BytesLeft)
    {
        if (!Follow_) {
            At_ = Space_.Entries(Address_, Follow_);
            if (At_ && AddressSpace::IsReady(*At_, Write_)) [[likely]]
                return Ready();
        }
        auto Touched = Space_.Touch(Address_, Write_);
        Follow_ = 0;                    // there may be entries now
        if (!Touched.Ok())
            return Missed(In_, Address_, BytesLeft, Write_, Touched.GetStatus());
        return Touched;
    }

    ps::Process& In_;
    AddressSpace& Space_;
    u64 Address_, Follow_ = 0;
    Pte* At_ = nullptr;
    const bool Write_;
};

}

Status PageStore::ReadToUser(u64 Offset, ps::Process& To, u64 Address, usize Bytes, usize& Done)
{
    Done = 0;
    if (Address + Bytes < Address)
        return STATUS_ACCESS_VIOLATION;
    Walk Client(To, Address, true);
    Pfn* Word = nullptr;
    u64 Follow = 0;
    for (usize Left = Bytes; Left; Done = Bytes - Left) {
        usize At = Offset & PageMask, Now = PageSize - At, Room = Client.Room();
        Now = Now < Room ? Now : Room;
        Now = Now < Left ? Now : Left;
        // The client's page first: to make it may take pages of stores.
        u8* Out = TRY(Client.Here(Left));
        if (!Follow) [[unlikely]]
            Word = Lookup(Offset >> PageShift, Follow);
        if (Word && word::IsValid(*Word)) [[likely]] {
            memcpy(Out, PageAddress(*Word & word::Frame) + At, Now);
            if (Paging_)
                *Word |= word::Used;
        } else if (Paging_ && MustRead(Offset >> PageShift)) {
            return STATUS_CANT_WAIT;
        } else {
            memset(Out, 0, Now);
        }
        Offset += Now;
        if (!(Offset & PageMask)) {
            Word += Word != nullptr;
            --Follow;
        }
        Client.Skip(Now);
        Left -= Now;
    }
    return STATUS_SUCCESS;
}

Status PageStore::WriteFromUser(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done)
{
    Done = 0;
    if (Address + Bytes < Address)
        return STATUS_ACCESS_VIOLATION;
    if (Paging_) [[unlikely]]
        return PagedWrite(Offset, From, Address, Bytes, Done);
    Walk Client(From, Address, false);
    Pfn* Word = nullptr;
    u64 Follow = 0;
    for (usize Left = Bytes; Left; Done = Bytes - Left) {
        usize At = Offset & PageMask, Now = PageSize - At, Room = Client.Room();
        Now = Now < Room ? Now : Room;
        Now = Now < Left ? Now : Left;
        const u8* In = TRY(Client.Here(Left));
        if (!Follow || !Word) [[unlikely]]
            Word = Lookup(Offset >> PageShift, Follow);
        u8* To = Word && *Word ? PageAddress(*Word) : TRY(Page(Offset >> PageShift, true));
        memcpy(To + At, In, Now);
        Offset += Now;
        if (!(Offset & PageMask)) {
            Word += Word != nullptr;
            --Follow;
        }
        Client.Skip(Now);
        Left -= Now;
    }
    return STATUS_SUCCESS;
}

}
