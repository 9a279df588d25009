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

// An asynchronous notification leaves nothing behind on the stack, where kernelbase had the status block.
[[gnu::noinline]] LSTATUS Watch(HKEY Key, HANDLE Event)
{
    return RegNotifyChangeKeyValue(Key, FALSE, REG_NOTIFY_CHANGE_LAST_SET, Event, TRUE);
}
[[gnu::noinline]] bool ChangesLeaveTheStackAlone(HKEY Key, HANDLE Event)
{
    volatile BYTE Frame[4096];
    for (volatile BYTE& B : Frame)
        B = 0xA5;
    DWORD Value = 1;
    bool Good = RegSetValueExW(Key, L"v", 0, REG_DWORD, reinterpret_cast<BYTE*>(&Value), sizeof(Value)) == 0 && WaitForSingleObject(Event, 60000) == WAIT_OBJECT_0;
    for (volatile BYTE& B : Frame)
        Good &= B == 0xA5;
    return Good;
}
void Changes()
{
    HKEY Key;
    HANDLE Event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    CHECK_EQ(RegCreateKeyW(HKEY_CURRENT_USER, L"Waits", &Key), LSTATUS(ERROR_SUCCESS));
    CHECK_EQ(Watch(Key, Event), LSTATUS(ERROR_SUCCESS));
    CHECK_EQ(WaitForSingleObject(Event, 0), DWORD(WAIT_TIMEOUT));
    CHECK(ChangesLeaveTheStackAlone(Key, Event));
    RegCloseKey(Key);
    RegDeleteKeyW(HKEY_CURRENT_USER, L"Waits");
}

}

void Test()
{
    Changes();
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
