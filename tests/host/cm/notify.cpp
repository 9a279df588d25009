// Waiting for changes.
#include "tests/host/cm/registry.hpp"

using namespace test;

namespace {

struct Notify : Registry {
    Client Waiter { C };
    u64 Block = C.Room(16);
    NTSTATUS Wait(Client& By, HANDLE Key, u32 Filter, bool Tree = false, HANDLE Event = nullptr, bool Asynchronous = false, u64 Apc = 0)
    {
        return By.Call(Service::NotifyChangeKey, Key, Event, Apc, 0x66, Block, Filter, Tree, 0, 0, Asynchronous);
    }
    HANDLE Event()
    {
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateEvent, Out, 0x1F0003, 0, 0, 0));
        return C.Handle(Out);
    }
    bool IsSet(HANDLE E) { return C.Call(Service::WaitForSingleObject, E, 0, C.Put(i64(0))) == STATUS_SUCCESS; }
};

TEST_F(Notify, EndsWithTheChangeAskedFor)
{
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Top, REG_NOTIFY_CHANGE_LAST_SET));
    MustCreate(L"Sub", Top);                    // another kind of change
    EXPECT_TRUE(Waiter.IsBlocked());
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 1));
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, Waiter.Reply());
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, C.Get<u32>(Block));
}

TEST_F(Notify, LooksBelowOnlyIfAsked)
{
    HANDLE Sub = MustCreate(L"Sub", Top);
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Top, REG_NOTIFY_CHANGE_LAST_SET));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Sub, L"v", 1));
    EXPECT_TRUE(Waiter.IsBlocked());
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 1));
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, Waiter.Reply());
    EXPECT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\Software\\Test"));
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, C.Handle(Out), REG_NOTIFY_CHANGE_LAST_SET, true));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Sub, L"v", 2));
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, Waiter.Reply());
}

TEST_F(Notify, AChangeMeanwhileIsNotLost)
{
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Top, REG_NOTIFY_CHANGE_LAST_SET));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 1));
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, Waiter.Reply());
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"v", 2));
    EXPECT_NT(STATUS_NOTIFY_ENUM_DIR, Wait(Waiter, Top, REG_NOTIFY_CHANGE_LAST_SET));
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Top, REG_NOTIFY_CHANGE_LAST_SET));
}

TEST_F(Notify, AnEventAndAnApcTell)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, Wait(C, Top, REG_NOTIFY_CHANGE_NAME, false, E, true, 0x1'4000'7000));
    EXPECT_TRUE(C.IsRunning());
    EXPECT_FALSE(IsSet(E));
    MustCreate(L"Sub", Top);
    EXPECT_TRUE(IsSet(E));
    EXPECT_TRUE(C.Thread().HasApc());
    EXPECT_NT(STATUS_PENDING, C.Call(Service::TestAlert));
    EXPECT_EQ(C.Rip(), ApcAt);
}

TEST_F(Notify, EndsWithTheHandle)
{
    HANDLE E = Event();
    EXPECT_NT(STATUS_PENDING, Wait(C, Top, REG_NOTIFY_CHANGE_NAME, false, E, true));
    EXPECT_NT(STATUS_SUCCESS, C.Close(Top));
    EXPECT_TRUE(IsSet(E));
    EXPECT_NT(STATUS_NOTIFY_CLEANUP, C.Get<u32>(Block));
}

TEST_F(Notify, EndsWithTheThread)
{
    HANDLE E = Event();
    {
        Client Other(C);
        EXPECT_NT(STATUS_PENDING, Wait(Other, Top, REG_NOTIFY_CHANGE_NAME, false, E, true, 0x1'4000'7000));
        EXPECT_NT(STATUS_PENDING, Other.Call(Service::TerminateThread, SelfThread, 0));
    }
    EXPECT_TRUE(IsSet(E));
    EXPECT_NT(STATUS_NOTIFY_CLEANUP, C.Get<u32>(Block));
    MustCreate(L"Sub", Top);                    // nobody is told any more
}

TEST_F(Notify, AWaiterThatDiesIsForgotten)
{
    {
        Client Other(C);
        EXPECT_NT(STATUS_PENDING, Wait(Other, Top, REG_NOTIFY_CHANGE_NAME));
        Other.Thread().Terminate(0);
        Advance(1);
    }
    MustCreate(L"Sub", Top);
    EXPECT_NT(STATUS_SUCCESS, C.Close(Top));
}

TEST_F(Notify, ADeletedKeyTells)
{
    HANDLE Sub = MustCreate(L"Sub", Top);
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Sub, REG_NOTIFY_CHANGE_LAST_SET));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Sub));
    EXPECT_NE(Waiter.Reply(), STATUS_PENDING);
}

TEST_F(Notify, WithoutAFilterOnlyTheKeysEndTells)
{
    HANDLE Sub = MustCreate(L"Sub", Top);
    EXPECT_NT(STATUS_PENDING, Wait(Waiter, Sub, 0));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Sub, L"v", 1));
    EXPECT_TRUE(Waiter.IsBlocked());
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Sub));
    EXPECT_NE(Waiter.Reply(), STATUS_PENDING);
}

TEST_F(Notify, BadRequests)
{
    EXPECT_NT(STATUS_INVALID_PARAMETER, Wait(C, Top, 0x100));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::NotifyChangeKey, Top, 0, 0, 0, 0x10, REG_NOTIFY_CHANGE_NAME, 0, 0, 0, 1));
    EXPECT_NT(STATUS_OBJECT_TYPE_MISMATCH, Wait(C, Top, REG_NOTIFY_CHANGE_NAME, false, Top, true));
    EXPECT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\Software\\Test", nullptr, KEY_QUERY_VALUE));
    EXPECT_NT(STATUS_ACCESS_DENIED, Wait(C, C.Handle(Out), REG_NOTIFY_CHANGE_NAME));
}

}
