// What each call costs, as a difference of the time stamp counter: under -icount shift=0 that is instructions.
#include "kernel/sel4/selftest/harness.hpp"

namespace selftest {

static u64 Overhead;
static constexpr u32 Many = 256;

// The mean cost of Action(0..Count-1).
template <typename F> static u64 Mean(u32 Count, F Action)
{
    u64 Start = Tsc();
    for (u32 I = 0; I < Count; ++I)
        Action(I);
    return (Tsc() - Start - Overhead) / Count;
}

static void Pinger(u64 Words)
{
    for (u64 I = 0;; ++I)
        Call(ClientEndpoint, 7, u32(Words), I, 2, 3, 4);
}

static void FpuPinger(u64)
{
    for (u64 I = 0;; ++I) {
        asm volatile("movq %0, %%xmm0" : : "r"(I));
        Call(ClientEndpoint, 7, 4, I, 2, 3, 4);
    }
}

asm(R"(
        .text
ExceptionPinger:
        ud2
        jmp     ExceptionPinger
SyscallPinger:
        movq    %rdi, %r12
1:      syscall
        jmp     1b
TouchPinger:
        movq    %rbx, (%rdi)
        jmp     TouchPinger
)");
extern "C" void ExceptionPinger(u64), SyscallPinger(u64), TouchPinger(u64);

static u64 RoundTrip(CPtr Endpoint, const Thread& T, void (*Entry)(u64), u64 Argument, u32 ReplyLength = 4)
{
    constexpr u32 Warm = 64, Count = 2000;
    Run(T, Entry, Argument);
    (void)Receive(Endpoint);
    for (u32 I = 0; I < Warm; ++I)
        (void)ReplyReceive(Endpoint, 0, ReplyLength, I, 2, 3, 4);
    u64 Cost = Mean(Count, [&](u32 I) { (void)ReplyReceive(Endpoint, 0, ReplyLength, I, 2, 3, 4); });
    Must(SuspendTcb(T.Tcb), "SuspendTcb");
    return Cost;
}

static void MessageCosts()
{
    CPtr Endpoint = Make(ObjectType::Endpoint);
    Thread T = NewThread(Endpoint, 1, Priority);
    Cost("call+reply-receive.4-words", RoundTrip(Endpoint, T, Pinger, 4));
    Cost("call+reply-receive.5-words", RoundTrip(Endpoint, T, Pinger, 5, 5));
    Cost("call+reply-receive.client-with-fpu", RoundTrip(Endpoint, T, FpuPinger, 0));
    Must(SetPriority(T.Tcb, Priority - 1), "SetPriority");
    Cost("call+reply-receive.client-below", RoundTrip(Endpoint, T, Pinger, 4));
    Must(SetPriority(T.Tcb, Priority), "SetPriority");
    Cost("fault+empty-reply.vm", RoundTrip(Endpoint, T, TouchPinger, Window + 0x1f0000, 0));

    // A user exception: the reply sets RIP, RSP, RFLAGS.
    Run(T, ExceptionPinger, 0);
    Message M = Receive(Endpoint);
    Cost("fault+reply.user-exception", Mean(1000, [&](u32) { M = ReplyReceive(Endpoint, 0, 3, M.Words[0] + 2, M.Words[1], 0x202, 0); M.Words[0] = reinterpret_cast<u64>(ExceptionPinger); }));
    Must(SuspendTcb(T.Tcb), "SuspendTcb");
    Run(T, SyscallPinger, 0);
    (void)Receive(Endpoint);
    Cost("fault+empty-reply.unknown-syscall", Mean(1000, [&](u32) { (void)ReplyReceive(Endpoint, 0, 0, 0, 0, 0, 0); }));
    Registers R;
    Cost("read-registers", Mean(Many, [&](u32) { (void)ReadRegisters(T.Tcb, false, R); }));
    Cost("write-registers.no-resume", Mean(Many, [&](u32) { (void)WriteRegisters(T.Tcb, false, R); }));
    Must(SuspendTcb(T.Tcb), "SuspendTcb");

    CPtr Caller = Slot();
    Run(T, Pinger, 4);
    u64 Saving = 0, Sending = 0, Receiving = 0;
    for (u32 I = 0; I < Many; ++I) {
        u64 A = Tsc();
        (void)Receive(Endpoint);
        u64 B = Tsc();
        (void)SaveCaller(Caller);
        u64 C = Tsc();
        Send(Caller, 0, 4, 0);
        u64 D = Tsc();
        Receiving += B - A - Overhead;
        Saving += C - B - Overhead;
        Sending += D - C - Overhead;
    }
    Cost("receive.with-the-client's-call", Receiving / Many);
    Cost("save-caller", Saving / Many);
    Cost("send.to-saved-caller", Sending / Many);
    (void)Receive(Endpoint);
    (void)ReadRegisters(T.Tcb, false, R);
    Cost("write-registers.resume-and-its-call-to-receive", Mean(Many, [&](u32) {
             R.Rip = reinterpret_cast<u64>(Pinger);
             R.Rdi = 4;
             R.Rsp = T.StackTop;
             (void)WriteRegisters(T.Tcb, true, R);
             (void)Receive(Endpoint);
         }));
    Cost("suspend+resume", Mean(Many, [&](u32) {
             (void)SuspendTcb(T.Tcb);
             (void)ResumeTcb(T.Tcb);
         }));
    (void)SuspendTcb(T.Tcb);
    CPtr N = Make(ObjectType::Notification);
    Cost("signal", Mean(Many, [&](u32) { Signal(N); }));
    Cost("poll", Mean(Many, [&](u32) { (void)PollNotification(N); }));
    Cost("yield.alone", Mean(Many, [&](u32) { Yield(); }));
}

static void ObjectCosts()
{
    constexpr u64 Base = 0x320000000000;
    Must(MapPdpt(Make(ObjectType::Pdpt), boot::Pml4, Base), "Pdpt");
    Must(MapPageDirectory(Make(ObjectType::PageDirectory), boot::Pml4, Base), "directory");
    Must(MapPageTable(Make(ObjectType::PageTable), boot::Pml4, Base), "table");
    auto Address = [&](u32 I) { return Base + I * PageSize; };
    CPtr U = UntypedOf(21), One = Slots(Many), Two = Slots(Many);
    Cost("retype.first-page-of-2-MiB", Mean(1, [&](u32) { Must(Retype(U, ObjectType::Page, 0, One, 1), "Retype"); }));
    Cost("retype.one-page", Mean(Many - 1, [&](u32 I) { (void)Retype(U, ObjectType::Page, 0, One + 1 + I, 1); }));
    Cost("retype.256-pages-at-once", Mean(1, [&](u32) { Must(Retype(U, ObjectType::Page, 0, Two, Many), "Retype"); }));
    Cost("map-page", Mean(Many, [&](u32 I) { (void)MapPage(One + I, boot::Pml4, Address(I), { .Writable = true }); }));
    Cost("touch-mapped-page", Mean(Many, [&](u32 I) { *reinterpret_cast<volatile u64*>(Address(I)) = 1; }));
    Cost("remap-page", Mean(Many, [&](u32 I) { (void)RemapPage(One + I, boot::Pml4, { .Writable = false }); }));
    Cost("unmap-page", Mean(Many, [&](u32 I) { (void)UnmapPage(One + I); }));
    CPtr Copies = Slots(Many);
    Cost("copy", Mean(Many, [&](u32 I) { (void)Copy(Copies + I, One + I, ReadWrite); }));
    Cost("map-page.copy", Mean(Many, [&](u32 I) { (void)MapPage(Copies + I, boot::Pml4, Address(I), { .Writable = true }); }));
    Cost("delete.mapped-copy", Mean(Many, [&](u32 I) { (void)Delete(Copies + I); }));
    for (u32 I = 0; I < Many; ++I)
        Must(Copy(Copies + I, One + I, ReadWrite), "Copy");
    Cost("delete.unmapped-copy", Mean(Many, [&](u32 I) { (void)Delete(Copies + I); }));
    for (u32 I = 0; I < Many; ++I)
        Must(Copy(Copies + I, One + I, ReadWrite), "Copy");
    Cost("revoke.one-page-with-a-copy", Mean(Many, [&](u32 I) { (void)Revoke(One + I); }));
    Cost("delete.last-of-a-page", Mean(Many, [&](u32 I) { (void)Delete(One + I); }));
    Cost("revoke.2-MiB-with-256-pages", Mean(1, [&](u32) { Must(Revoke(U), "Revoke"); }));
    Cost("retype.page-in-used-2-MiB", Mean(1, [&](u32) { Must(Retype(U, ObjectType::Page, 0, One, 1), "Retype"); }));
    u64 Started = Tsc();
    CPtr Fresh = 0;
    for (u32 I = 0; I < Boot->UntypedCount; ++I)
        if (!Boot->Untyped[I].IsDevice && Boot->Untyped[I].SizeBits == 21)
            Fresh = Boot->Untyped[I].Cap;
    Must(Retype(Fresh, ObjectType::Page, 0, Slot(), 1), "Retype");
    Cost("retype.first-of-a-2-MiB-boot-untyped", Tsc() - Started);
    CPtr Node = Make(ObjectType::CNode, 4), N = Make(ObjectType::Notification);
    Cost("mint-into+delete-from", Mean(Many, [&](u32) {
             (void)MintInto(Node, 4, 2, N, AllRights, 7);
             (void)DeleteFrom(Node, 4, 2);
         }));
    CPtr U2 = UntypedOf(21), Tcbs = Slots(32);
    Cost("retype.tcb", Mean(32, [&](u32 I) { (void)Retype(U2, ObjectType::Tcb, 0, Tcbs + I, 1); }));
    Cost("delete.tcb", Mean(32, [&](u32 I) { (void)Delete(Tcbs + I); }));
    Cost("in8", Mean(Many, [&](u32) { (void)In8(0x3fd); }));
    Cost("out8", Mean(Many, [&](u32) { Out8(0x80, 0); }));
}

void MeasureCosts()
{
    u64 Least = ~0ull;
    for (u32 I = 0; I < 16; ++I) {
        u64 A = Tsc();
        u64 B = Tsc();
        Least = B - A < Least ? B - A : Least;
    }
    Overhead = Least;
    MessageCosts();
    ObjectCosts();
}

}
