// Win32's waits: what the packaged kernelbase makes of them.
#include "tests/guest/win32/tap.hpp"

namespace {

LONG Calls;
HANDLE Ready;

void CALLBACK Count(ULONG_PTR)
{
    InterlockedIncrement(&Calls);
}

DWORD WINAPI SleepsForEver(void*)
{
    SetEvent(Ready);
    DWORD First = SleepEx(INFINITE, TRUE);
    SetEvent(Ready);
    DWORD Second = SleepEx(60000, TRUE);
    return First == WAIT_IO_COMPLETION && Second == WAIT_IO_COMPLETION ? 5 : 6;
}
DWORD WINAPI NeverEnds(void*)
{
    SetEvent(Ready);
    Sleep(INFINITE);
    return 7;
}

}

void Test()
{
    Ready = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    HANDLE Thread = CreateThread(nullptr, 0, SleepsForEver, nullptr, 0, nullptr);
    CHECK_EQ(WaitForSingleObject(Ready, 60000), DWORD(WAIT_OBJECT_0));
    CHECK_EQ(WaitForSingleObject(Thread, 50), DWORD(WAIT_TIMEOUT));         // it sleeps until something wakes it
    CHECK_EQ(QueueUserAPC(Count, Thread, 0), DWORD(1));
    CHECK_EQ(WaitForSingleObject(Ready, 60000), DWORD(WAIT_OBJECT_0));
    CHECK_EQ(Calls, 1L);
    CHECK_EQ(QueueUserAPC(Count, Thread, 0), DWORD(1));
    CHECK_EQ(WaitForSingleObject(Thread, 60000), DWORD(WAIT_OBJECT_0));
    DWORD Code = 0;
    GetExitCodeThread(Thread, &Code);
    CHECK_EQ(Code, DWORD(5));
    CHECK_EQ(Calls, 2L);

    Thread = CreateThread(nullptr, 0, NeverEnds, nullptr, 0, nullptr);
    CHECK_EQ(WaitForSingleObject(Ready, 60000), DWORD(WAIT_OBJECT_0));
    CHECK_EQ(WaitForSingleObject(Thread, 50), DWORD(WAIT_TIMEOUT));
    CHECK(TerminateThread(Thread, 8));
    CHECK_EQ(WaitForSingleObject(Thread, 60000), DWORD(WAIT_OBJECT_0));
}
