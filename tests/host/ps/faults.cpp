// Faults and exceptions as a thread meets them: memory that comes, stacks that grow, exceptions that are delivered, processes that die of one.
#include "abi/process.hpp"
#include "ntos/ps/detail.hpp"
#include "tests/host/system/system.hpp"

using namespace test;
using abi::Service;

namespace {

struct Faults : testing::Test {
    Client C;
    // What KiUserExceptionDispatcher finds.
    CONTEXT Context() { return C.Get<CONTEXT>(C.Rsp()); }
    EXCEPTION_RECORD Record() { return C.Get<EXCEPTION_RECORD>(C.Rsp() + abi::ExceptionFrameRecord); }
    void Except(u64 Vector, u64 Code)
    {
        C.Cpu().UserException(Vector, Code);
        fake::Executive::Run();
    }
};

TEST_F(Faults, MemoryComesWhenItIsTouched)
{
    u64 Base = C.Put(u64(0)), Size = C.Put(u64(8 * PageSize));
    ASSERT_NT(STATUS_SUCCESS, C.Call(Service::AllocateVirtualMemory, Self, Base, 0, Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    u64 At = C.Get<u64>(Base), Value = 0x1234, Back = 0;
    u64 Rip = C.Rip();
    EXPECT_TRUE(C.Cpu().Write(At + 3 * PageSize - 4, &Value, 8));       // across two pages: two faults
    EXPECT_TRUE(C.Cpu().Read(At + 3 * PageSize - 4, &Back, 8));
    EXPECT_EQ(Back, Value);
    EXPECT_EQ(C.Rip(), Rip);
}

TEST_F(Faults, ABadAddressIsAnException)
{
    u64 Rip = C.Cpu().Registers().Rip = 0x1'4000'1234, Rsp = C.Rsp(), Value = 0;
    EXPECT_FALSE(C.Cpu().Write(0x10, &Value, 8));
    ASSERT_EQ(C.Rip(), ExceptionAt);
    EXPECT_TRUE(C.IsRunning());
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Record().ExceptionCode);
    EXPECT_EQ(Record().NumberParameters, 2u);
    EXPECT_EQ(Record().ExceptionInformation[0], 1u);
    EXPECT_EQ(Record().ExceptionInformation[1], 0x10u);
    EXPECT_EQ(reinterpret_cast<u64>(Record().ExceptionAddress), Rip);
    EXPECT_EQ(Context().Rip, Rip);
    EXPECT_EQ(Context().Rsp, Rsp);
    // It goes on where its handler says.
    CONTEXT At = Context();
    At.Rip += 3;
    EXPECT_NT(STATUS_PENDING, C.Call(Service::Continue, C.Put(At), 0));
    EXPECT_EQ(C.Rip(), Rip + 3);
    EXPECT_EQ(C.Rsp(), Rsp);
}

TEST_F(Faults, AStackGrowsByItsGuardPage)
{
    u64 Teb = C.Thread().TebAddress(), LimitAt = Teb + __builtin_offsetof(NT_TIB, StackLimit);
    u64 Limit = C.Get<u64>(LimitAt), Value = 1;
    EXPECT_TRUE(C.Cpu().Write(Limit - 8, &Value, 8));
    EXPECT_EQ(C.Get<u64>(LimitAt), Limit - PageSize);
    EXPECT_TRUE(C.Cpu().Write(Limit - PageSize - 8, &Value, 8));
    EXPECT_EQ(C.Get<u64>(LimitAt), Limit - 2 * PageSize);
    // Skipping the guard page is an ordinary bad access.
    C.Cpu().Registers().Rsp = Limit;
    EXPECT_FALSE(C.Cpu().Write(Limit - 6 * PageSize, &Value, 8));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Record().ExceptionCode);
}

TEST_F(Faults, AFrameGrowsTheStackAsAPushDoes)
{
    u64 Teb = C.Thread().TebAddress(), LimitAt = Teb + __builtin_offsetof(NT_TIB, StackLimit);
    u64 Limit = C.Get<u64>(LimitAt);
    C.Cpu().Registers().Rsp = Limit + 0x100;        // the frame reaches into the guard page
    Except(6, 0);
    ASSERT_FALSE(C.Process().HasEnded());
    EXPECT_EQ(C.Rip(), ExceptionAt);
    EXPECT_NT(STATUS_ILLEGAL_INSTRUCTION, Record().ExceptionCode);
    EXPECT_EQ(C.Get<u64>(LimitAt), Limit - PageSize);
    // An APC's frame too.
    C.Cpu().Registers().Rsp = Limit - PageSize + 0x100;
    CONTEXT At {};
    At.ContextFlags = CONTEXT_CONTROL;
    At.Rip = 0x1'4000'6000;
    At.Rsp = C.Rsp();
    HANDLE H = C.Open(Ref<ob::Object>(C.Thread()), THREAD_ALL_ACCESS);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueueApcThread, H, 0x1'4000'7000, 0, 0, 0));
    EXPECT_NT(STATUS_PENDING, C.Call(Service::Continue, C.Put(At), 1));
    ASSERT_FALSE(C.Process().HasEnded());
    EXPECT_EQ(C.Rip(), ApcAt);
    EXPECT_EQ(C.Get<u64>(LimitAt), Limit - 2 * PageSize);
}

TEST_F(Faults, AStackThatIsFullOverflows)
{
    u64 Teb = C.Thread().TebAddress(), LimitAt = Teb + __builtin_offsetof(NT_TIB, StackLimit), Value = 1;
    u64 Bottom = C.Get<u64>(Teb + __builtin_offsetof(TEB, DeallocationStack));
    u32 Pages = 0;
    for (;; ++Pages) {
        ASSERT_LT(Pages, 1000u);
        u64 Limit = C.Get<u64>(LimitAt);
        C.Cpu().Registers().Rsp = Limit;
        if (!C.Cpu().Write(Limit - 8, &Value, 8))
            break;
    }
    EXPECT_EQ(C.Rip(), ExceptionAt);
    EXPECT_NT(STATUS_STACK_OVERFLOW, Record().ExceptionCode);
    EXPECT_GT(Pages, 200u);
    EXPECT_LE(C.Get<u64>(LimitAt), Bottom + 4 * PageSize);
}

TEST_F(Faults, ProcessorExceptionsHaveTheirCodes)
{
    const struct {
        u64 Vector, Code;
        NTSTATUS Status;
        i64 Moved;
    } Rows[] = {
        { 0, 0, STATUS_INTEGER_DIVIDE_BY_ZERO, 0 }, { 1, 0, STATUS_SINGLE_STEP, 0 }, { 3, 0, STATUS_BREAKPOINT, -1 }, { 6, 0, STATUS_ILLEGAL_INSTRUCTION, 0 },
        { 13, 0, STATUS_ACCESS_VIOLATION, 0 }, { 17, 0, STATUS_DATATYPE_MISALIGNMENT, 0 },
    };
    for (auto& Row : Rows) {
        C.Cpu().Registers().Rip = 0x1'4000'2000;
        Except(Row.Vector, Row.Code);
        ASSERT_EQ(C.Rip(), ExceptionAt) << "vector " << Row.Vector;
        EXPECT_NT(Row.Status, Record().ExceptionCode);
        EXPECT_EQ(Context().Rip, 0x1'4000'2000 + u64(Row.Moved));
    }
}

TEST_F(Faults, PrivilegedInstructionsAreToldFromBadAddresses)
{
    u8 Halt = 0xF4, Move = 0x8B;
    C.Cpu().Registers().Rip = C.Put(Halt);
    Except(13, 0);
    EXPECT_NT(STATUS_PRIVILEGED_INSTRUCTION, Record().ExceptionCode);
    C.Cpu().Registers().Rip = C.Put(Move);
    Except(13, 0);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Record().ExceptionCode);
}

// Some emulated processors count gates in 16 bytes. What is no software interrupt is a bad address, whatever the error code says.
TEST_F(Faults, SoftwareInterruptsAreToldByTheirInstruction)
{
    const struct {
        u8 Vector;
        u64 Code;
        NTSTATUS Status;
        i64 Moved;
    } Rows[] = {
        { 0x2D, 0x2D * 8 + 2, STATUS_BREAKPOINT, 2 },        { 0x2D, 0x2D * 16 + 2, STATUS_BREAKPOINT, 2 },
        { 3, 3 * 8 + 2, STATUS_BREAKPOINT, 0 },              { 3, 3 * 16 + 2, STATUS_BREAKPOINT, 0 },
        { 0x2D, 0x2C * 8 + 2, STATUS_ACCESS_VIOLATION, 0 },  { 0x2D, 0x2D * 8, STATUS_ACCESS_VIOLATION, 0 },
        { 0x80, 0x80 * 8 + 2, STATUS_ACCESS_VIOLATION, 0 },
    };
    for (auto& Row : Rows) {
        const u8 Interrupt[] = { 0xCD, Row.Vector };
        u64 At = C.Cpu().Registers().Rip = C.PutBytes(Interrupt, sizeof(Interrupt));
        Except(13, Row.Code);
        ASSERT_EQ(C.Rip(), ExceptionAt) << "vector " << u32(Row.Vector);
        EXPECT_NT(Row.Status, Record().ExceptionCode) << " vector " << u32(Row.Vector);
        EXPECT_EQ(Context().Rip, At + u64(Row.Moved));
    }
    const u8 Move[] = { 0x8B, 0x29 };
    C.Cpu().Registers().Rip = C.PutBytes(Move, sizeof(Move));
    Except(13, 0x29 * 8 + 2);
    EXPECT_FALSE(C.Process().HasEnded());
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Record().ExceptionCode);
}

TEST_F(Faults, FastFailAsksNobody)
{
    const u8 Interrupt[] = { 0xCD, 0x29 };
    C.Cpu().Registers().Rip = C.PutBytes(Interrupt, sizeof(Interrupt));
    C.Cpu().Registers().Rcx = 5;
    Except(13, 0x29 * 8 + 2);
    EXPECT_TRUE(C.Process().HasEnded());
    EXPECT_NT(STATUS_STACK_BUFFER_OVERRUN, C.Process().ExitStatus());
}

TEST_F(Faults, WithoutAStackEndTheProcess)
{
    C.Cpu().Registers().Rsp = 0x40;
    Except(6, 0);
    EXPECT_TRUE(C.Process().HasEnded());
    EXPECT_NT(STATUS_ILLEGAL_INSTRUCTION, C.Process().ExitStatus());
    EXPECT_NE(fake::DebugText().find("illegal instruction"), std::string::npos);
}

TEST_F(Faults, ARaisedExceptionIsDelivered)
{
    EXCEPTION_RECORD R {};
    R.ExceptionCode = NTSTATUS(0xE06D7363);
    R.NumberParameters = 2;
    R.ExceptionInformation[1] = 0x99;
    CONTEXT At {};
    At.ContextFlags = CONTEXT_FULL;
    At.Rip = 0x1'4000'5678;
    At.Rsp = C.Rsp();
    u64 RecordAt = C.Put(R), ContextAt = C.Put(At);
    EXPECT_NT(STATUS_PENDING, C.Call(Service::RaiseException, RecordAt, ContextAt, 1));
    ASSERT_EQ(C.Rip(), ExceptionAt);
    EXPECT_NT(0xE06D7363, Record().ExceptionCode);
    EXPECT_EQ(Record().ExceptionInformation[1], 0x99u);
    EXPECT_EQ(Context().Rip, At.Rip);
    R.NumberParameters = 16;
    EXPECT_NT(STATUS_INVALID_PARAMETER, C.Call(Service::RaiseException, C.Put(R), ContextAt, 1));
    EXPECT_NT(STATUS_PENDING, C.Call(Service::RaiseException, RecordAt, ContextAt, 0));       // nobody handled it
    EXPECT_TRUE(C.Process().HasEnded());
    EXPECT_NT(0xE06D7363, C.Process().ExitStatus());
}

// --- what a program can do to the dispatcher itself

TEST_F(Faults, AServiceThatDoesNotExist)
{
    C.Cpu().Call(abi::ServiceEndpoint, 60000, { 0, 0, 0, 0 });
    fake::Executive::Run();
    EXPECT_NT(STATUS_INVALID_SYSTEM_SERVICE, C.Reply());
    C.Cpu().Call(abi::ServiceEndpoint, u64(Service::Close), { 0 });     // too short
    fake::Executive::Run();
    EXPECT_NT(STATUS_INVALID_SYSTEM_SERVICE, C.Reply());
}

TEST_F(Faults, ArgumentsThatCannotBeRead)
{
    C.Cpu().Call(abi::ServiceEndpoint, u64(Service::CreateKey), { 0, 0, 0, 0x10 });
    fake::Executive::Run();
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Reply());
    C.Cpu().Call(abi::ServiceEndpoint, u64(Service::CreateKey), { 0, 0, 0, ~u64(0) - 8 });
    fake::Executive::Run();
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Reply());
}

TEST_F(Faults, AMessageInPlaceOfACallEndsAtMostItsProcess)
{
    Client Other;
    C.Cpu().Send(abi::ServiceEndpoint, u64(Service::TestAlert), { 0, 0, 0, 0 });
    fake::Executive::Run();
    // The thread goes on although the dispatcher thinks it is being served: its next message is a misuse.
    if (C.IsRunning()) {
        C.Cpu().Call(abi::ServiceEndpoint, u64(Service::TestAlert), { 0, 0, 0, 0 });
        fake::Executive::Run();
    }
    EXPECT_NT(STATUS_SUCCESS, Other.Call(Service::TestAlert));
}

TEST_F(Faults, AForgedFaultTellsNothingOfMemory)
{
    // A client can send what looks like a fault: it meets the state of its own registers.
    C.Cpu().Call(abi::FaultEndpoint, kernel::fault::VmFault, { 0, 0x10, 0, 7 });
    fake::Executive::Run();
    Client Other;
    EXPECT_NT(STATUS_SUCCESS, Other.Call(Service::TestAlert));
}

TEST_F(Faults, AForeignCapabilityEndsTheProcess)
{
    C.Cpu().Call(3, 0, { 0, 0, 0, 0 });
    fake::Executive::Run();
    EXPECT_TRUE(C.Process().HasEnded());
    EXPECT_NT(STATUS_INVALID_SYSTEM_SERVICE, C.Process().ExitStatus());
}

}
