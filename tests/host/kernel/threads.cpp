// Threads, calls, faults, replies: as the dispatcher uses them.
#include "tests/host/kernel/machine.hpp"

using namespace kernel;

class Threads : public MachineTest {
protected:
    static constexpr u64 ServiceBadge = 0x1000, FaultBadge = 0x2000, Buffer = 0x7000'0000;
    enum : u64 { Service = 1, Faults = 2 };

    Threads()
    {
        Endpoint = Make(ObjectType::Endpoint);
        Events = Make(ObjectType::Notification);
        Node = Make(ObjectType::CNode, 2);
        Space = MakeSpace();
        Frame = Make(ObjectType::Page);
        Tcb = Make(ObjectType::Tcb);
        EXPECT_EQ(MintInto(Node, 2, Service, Endpoint, AllRights, ServiceBadge), Error::None);
        EXPECT_EQ(MintInto(Node, 2, Faults, Endpoint, AllRights, FaultBadge), Error::None);
        Configure();
        EXPECT_EQ(BindNotification(boot::Tcb, Events), Error::None);
        kernel::Registers R {};
        R.Rip = 0x1000;
        R.Rsp = 0x9000;
        EXPECT_EQ(WriteRegisters(Tcb, true, R), Error::None);
    }
    void Configure()
    {
        TcbSettings S { .FaultEndpoint = Faults, .Priority = 100, .MaximumPriority = 100, .CSpace = Node, .CSpaceBits = 2, .Pml4 = Space,
                        .IpcBuffer = Buffer, .IpcBufferFrame = Frame };
        EXPECT_EQ(ConfigureTcb(Tcb, S), Error::None);
    }
    fake::Client Client() { return fake::Client(Tcb); }
    Message Next() { return Receive(Endpoint); }
    CPtr Endpoint, Events, Node, Space, Frame, Tcb;
};

TEST_F(Threads, ACallIsAnsweredByReplyReceive)
{
    auto C = Client();
    ASSERT_TRUE(C.IsRunning());
    C.Call(Service, 42, { 1, 2, 3, 4 });
    EXPECT_TRUE(C.IsWaiting());
    Message M = Next();
    EXPECT_EQ(M.Label, 42u);
    EXPECT_EQ(M.Length, 4u);
    EXPECT_EQ(M.Badge, ServiceBadge);
    EXPECT_EQ(M.Words[3], 4u);
    fake::OnIdle([&] { return C.IsRunning() ? C.Call(Service, 43, { 9 }), true : false; });
    Message Second = ReplyReceive(Endpoint, 0, 1, 0xC000'0005, 0, 0, 0);
    EXPECT_EQ(Second.Label, 43u);
    EXPECT_EQ(C.Registers().Rip, 0x1002u);
    fake::OnIdle(nullptr);
}

TEST_F(Threads, ASavedReplyAnswersLater)
{
    auto C = Client();
    CPtr Saved = Slot();
    C.Call(Service, 1, { 0, 0, 0, 0 });
    Next();
    EXPECT_EQ(SaveCaller(Endpoint), Error::DeleteFirst);
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    EXPECT_EQ(SaveCaller(Saved + 1), Error::None);      // there is none: the slot stays empty
    EXPECT_TRUE(fake::IsEmpty(Saved + 1));
    EXPECT_EQ(Copy(Saved + 1, Saved, AllRights), Error::IllegalOperation);
    EXPECT_TRUE(C.IsWaiting());
    Send(Saved, 7, 1, 99);
    EXPECT_TRUE(fake::IsEmpty(Saved));
    Message Reply;
    ASSERT_TRUE(C.TakeReply(Reply));
    EXPECT_EQ(Reply.Label, 7u);
    EXPECT_EQ(Reply.Words[0], 99u);
    EXPECT_FALSE(C.TakeReply(Reply));
    Send(Saved, 7, 1, 99);              // nothing happens
}

TEST_F(Threads, AnUnsavedReplyIsLostAtTheNextReceive)
{
    auto C = Client();
    C.Call(Service, 1, {});
    Next();
    Signal(Events);
    fake::OnIdle([&] { return false; });
    EXPECT_EQ(PollNotification(Events), 0u);        // unbadged: nothing in the word
    CPtr Bit = Slot();
    EXPECT_EQ(Mint(Bit, Events, AllRights, 4), Error::None);
    Signal(Bit);
    EXPECT_EQ(Next().Badge, 4u);
    EXPECT_EQ(SaveCaller(Bit + 1), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Bit + 1));
    EXPECT_TRUE(C.IsWaiting());         // for ever
}

TEST_F(Threads, NotificationsComeFirst)
{
    auto C = Client();
    CPtr Bit = Slot(), Other = Slot();
    EXPECT_EQ(Mint(Bit, Events, AllRights, 0x100), Error::None);
    EXPECT_EQ(Mint(Other, Events, AllRights, 0x200), Error::None);
    C.Call(Service, 3, {});
    Signal(Bit);
    Signal(Other);
    Message M = Next();
    EXPECT_EQ(M.Badge, 0x300u);
    EXPECT_NE(M.Length, 0u);            // the rest of the message is stale
    EXPECT_EQ(Next().Label, 3u);
}

TEST_F(Threads, FaultMessages)
{
    auto C = Client();
    C.VmFault(0x1234'5678'9000, 6);
    Message M = Next();
    EXPECT_EQ(M.Badge, FaultBadge);
    EXPECT_EQ(M.Label, fault::VmFault);
    EXPECT_EQ(M.Length, 4u);
    EXPECT_EQ(M.Words[0], 0x1000u);
    EXPECT_EQ(M.Words[1], 0x1234'5678'9000u);
    EXPECT_EQ(M.Words[3], 6u);
    fake::OnIdle([&] {
        if (!C.IsRunning())
            return false;
        EXPECT_EQ(C.Registers().Rip, 0x1000u);      // the instruction again
        C.UserException(13, 0x6A);
        return true;
    });
    M = ReplyReceive(Endpoint, 0, 0, 0, 0, 0, 0);
    EXPECT_EQ(M.Label, fault::UserException);
    EXPECT_EQ(M.Words[3], 13u);
    EXPECT_EQ(MessageWord(4), 0x6Au);
    CPtr Saved = Slot();
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    Send(Saved, 0, 3, 0x5000, 0x8000, 0x202);
    EXPECT_TRUE(C.IsRunning());
    EXPECT_EQ(C.Registers().Rip, 0x5000u);
    EXPECT_EQ(C.Registers().Rsp, 0x8000u);
    fake::OnIdle(nullptr);
    C.UnknownSyscall();
    M = Next();
    EXPECT_EQ(M.Label, fault::UnknownSyscall);
    EXPECT_EQ(M.Length, 19u);
    EXPECT_EQ(MessageWord(15), 0x5000u);
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    Send(Saved, 1, 0, 0);               // a label: it stays where it is
    EXPECT_FALSE(C.IsRunning() || C.IsWaiting());
}

TEST_F(Threads, WriteRegistersWithResumeEndsTheCall)
{
    auto C = Client();
    CPtr Saved = Slot();
    C.Registers().Rbx = 0x9000;
    C.Call(Service, 1, {});
    Next();
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    kernel::Registers R;
    EXPECT_EQ(ReadRegisters(Tcb, false, R), Error::None);
    EXPECT_EQ(R.Rip, 0x1000u);          // the call instruction's
    EXPECT_EQ(R.Rbx, 0x9000u);
    EXPECT_NE(R.Rsp, 0x9000u);          // lost
    R.Rip = 0x4000;
    R.Rflags = 0x100;
    EXPECT_EQ(WriteRegisters(Tcb, true, R), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Saved));
    EXPECT_TRUE(C.IsRunning());
    EXPECT_EQ(C.Registers().Rip, 0x4000u);
    EXPECT_EQ(C.Registers().Rflags, 0x202u);
    EXPECT_EQ(ReadRegisters(boot::Tcb, false, R), Error::IllegalOperation);
}

TEST_F(Threads, WriteRegistersWithoutResumeLeavesTheReply)
{
    auto C = Client();
    CPtr Saved = Slot();
    C.Call(Service, 1, {});
    Next();
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    kernel::Registers R;
    EXPECT_EQ(ReadRegisters(Tcb, false, R), Error::None);
    R.Rip = 0x4000;
    EXPECT_EQ(WriteRegisters(Tcb, false, R), Error::None);
    EXPECT_TRUE(C.IsWaiting());
    Send(Saved, 0, 1, 5);
    EXPECT_TRUE(C.IsRunning());
    EXPECT_EQ(C.Registers().Rip, 0x4000u);
    EXPECT_EQ(C.Registers().R10, 5u);
}

TEST_F(Threads, SuspendedInACallItIsRepeated)
{
    auto C = Client();
    CPtr Saved = Slot();
    C.Call(Service, 11, { 6 });
    Next();
    EXPECT_EQ(SaveCaller(Saved), Error::None);
    EXPECT_EQ(SuspendTcb(Tcb), Error::None);
    EXPECT_TRUE(fake::IsEmpty(Saved));
    EXPECT_FALSE(C.IsRunning() || C.IsWaiting());
    EXPECT_EQ(SuspendTcb(Tcb), Error::None);
    EXPECT_EQ(ResumeTcb(Tcb), Error::None);
    Message M = Next();
    EXPECT_EQ(M.Label, 11u);
    EXPECT_EQ(M.Words[0], 6u);
}

TEST_F(Threads, ASendLeavesNothingToAnswer)
{
    auto C = Client();
    C.Send(Service, 5, { 1 });
    EXPECT_EQ(Next().Label, 5u);
    EXPECT_TRUE(C.IsRunning());
    EXPECT_EQ(SaveCaller(Slot()), Error::None);
    EXPECT_TRUE(fake::IsEmpty(NextSlot - 1));
}

TEST_F(Threads, ACapabilityItDoesNotHaveIsAFault)
{
    auto C = Client();
    C.Call(3, 5, { 1 });
    Message M = Next();
    EXPECT_EQ(M.Label, fault::Capability);
    EXPECT_EQ(M.Badge, FaultBadge);
}

TEST_F(Threads, TheTcbKeepsItsSpaceAlive)
{
    EXPECT_EQ(Delete(Space), Error::None);
    u64 Before = fake::CapabilityCount();
    EXPECT_EQ(Delete(Tcb), Error::None);
    EXPECT_EQ(fake::CapabilityCount(), Before - 1);
    EXPECT_FALSE(fake::Client(Tcb).IsRunning());
}

TEST_F(Threads, ConfigureChecks)
{
    TcbSettings S { .FaultEndpoint = Faults, .Priority = 100, .MaximumPriority = 100, .CSpace = Node, .CSpaceBits = 2, .Pml4 = Space,
                    .IpcBuffer = Buffer, .IpcBufferFrame = Frame };
    auto With = [&](auto Change) {
        TcbSettings T = S;
        Change(T);
        return ConfigureTcb(Tcb, T);
    };
    EXPECT_EQ(With([&](auto& T) { T.IpcBuffer += 256; }), Error::AlignmentError);
    EXPECT_EQ(With([&](auto& T) { T.IpcBufferFrame = Node; }), Error::IllegalOperation);
    EXPECT_EQ(With([&](auto& T) { T.CSpace = Space; }), Error::IllegalOperation);
    EXPECT_EQ(With([&](auto& T) { T.Pml4 = Make(ObjectType::Pml4); }), Error::IllegalOperation);
    EXPECT_EQ(With([&](auto& T) { T.CSpaceBits = 65; }), Error::RangeError);
    EXPECT_EQ(With([&](auto&) {}), Error::None);
    EXPECT_EQ(Client().IpcBuffer(), Buffer);
}

TEST_F(Threads, TheExecutiveAsAThreadOfItsOwn)
{
    auto C = Client();
    u64 Handled = 0;
    fake::Executive::Start([&] {
        Message M = Receive(Endpoint);
        for (;; ++Handled)
            M = ReplyReceive(Endpoint, M.Label + 1, 1, M.Words[0] * 2, 0, 0, 0);
    });
    for (u64 I = 1; I < 100; ++I) {
        C.Call(Service, I, { I });
        fake::Executive::Run();
        Message Reply;
        ASSERT_TRUE(C.TakeReply(Reply));
        EXPECT_EQ(Reply.Label, I + 1);
        EXPECT_EQ(Reply.Words[0], 2 * I);
    }
    EXPECT_EQ(Handled, 98u);
    EXPECT_EQ(Call(Endpoint, 5, 1, 7, 0, 0, 0).Words[0], 14u);
}

TEST_F(Threads, AccessesFaultUntilTheExecutiveHasMappedThePage)
{
    auto C = Client();
    u64 At = 0x5000'0000;
    MakeTables(Space, At);
    CPtr Page = Make(ObjectType::Page);
    fake::Executive::Start([&] {
        Message M = Receive(Endpoint);
        for (;;) {
            EXPECT_EQ(M.Words[1], At + 8);
            bool Writes = M.Words[3] & 2;
            EXPECT_EQ(Writes ? RemapPage(Page, Space, { .Writable = true }) : MapPage(Page, Space, At, {}), Error::None);
            M = ReplyReceive(Endpoint, 0, 0, 0, 0, 0, 0);
        }
    });
    u64 Word = 1;
    EXPECT_TRUE(C.Read(At + 8, &Word, 8));
    EXPECT_EQ(Word, 0u);
    Word = 77;
    EXPECT_TRUE(C.Write(At + 8, &Word, 8));
    Word = 0;
    EXPECT_TRUE(C.Read(At + 8, &Word, 8));
    EXPECT_EQ(Word, 77u);
}

TEST_F(Threads, WaitingForNothingEndsTheTest)
{
    EXPECT_DEATH(Receive(Endpoint), "waits for ever");
}
