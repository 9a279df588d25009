// Exercises counter.sys: prints one line per check and "counter: all passed" at the end; the exit code is the number of failures.
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winioctl.h>
#include "counter.h"

static int Failures;

static void Check(int Ok, const char *What)
{
    printf("%s %s\n", Ok ? "ok" : "FAILED", What);
    if (!Ok) Failures++;
}

static HANDLE Open(DWORD Flags)
{
    return CreateFileA(COUNTER_PATH, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, Flags, NULL);
}

static LONG64 Add(HANDLE File, LONG64 Number)
{
    DWORD Length = 0;
    if (!DeviceIoControl(File, IOCTL_COUNTER_ADD, &Number, sizeof(Number), &Number, sizeof(Number), &Length, NULL)) return -1;
    return Length == sizeof(Number) ? Number : -1;
}

int main(void)
{
    HANDLE File = Open(0), Waiter, Event;
    COUNTER_STATE State;
    OVERLAPPED Overlapped = {0};
    LONG64 Start, Bound;
    DWORD Length;
    char Text[] = "the driver shouts", Loud[sizeof(Text)];

    if (File == INVALID_HANDLE_VALUE) {
        printf("counter: cannot open %s: error %lu\n", COUNTER_PATH, GetLastError());
        return 1;
    }
    Start = Add(File, 0);
    Check(Start >= 0, "the counter answers");
    Check(Add(File, 5) == Start + 5, "adding five");
    Check(DeviceIoControl(File, IOCTL_COUNTER_QUERY, NULL, 0, &State, sizeof(State), &Length, NULL) && Length == sizeof(State) &&
              State.Value == Start + 5 && State.Opens >= 1 && State.Waiting == 0,
          "its state");
    Check(!DeviceIoControl(File, IOCTL_COUNTER_QUERY, NULL, 0, &State, 4, &Length, NULL) && GetLastError() == ERROR_INSUFFICIENT_BUFFER,
          "a buffer that is too small");
    Check(!DeviceIoControl(File, 0x22200C, NULL, 0, NULL, 0, &Length, NULL) && GetLastError() == ERROR_INVALID_FUNCTION, "an unknown control code");
    Check(DeviceIoControl(File, IOCTL_COUNTER_SHOUT, Text, sizeof(Text), Loud, sizeof(Loud), &Length, NULL) && Length == sizeof(Text) &&
              strcmp(Loud, "THE DRIVER SHOUTS") == 0,
          "direct output");

    Waiter = Open(FILE_FLAG_OVERLAPPED);
    Event = CreateEventA(NULL, TRUE, FALSE, NULL);
    Overlapped.hEvent = Event;
    Bound = Start + 7;
    Check(!DeviceIoControl(Waiter, IOCTL_COUNTER_WAIT, &Bound, sizeof(Bound), NULL, 0, NULL, &Overlapped) && GetLastError() == ERROR_IO_PENDING,
          "a request stays pending");
    Check(Add(File, 1) == Start + 6 && WaitForSingleObject(Event, 50) == WAIT_TIMEOUT, "below the bound nothing happens");
    Check(Add(File, 1) == Start + 7 && WaitForSingleObject(Event, 5000) == WAIT_OBJECT_0 && GetOverlappedResult(Waiter, &Overlapped, &Length, FALSE),
          "at the bound it completes");
    Bound = Start + 1000;
    ResetEvent(Event);
    DeviceIoControl(Waiter, IOCTL_COUNTER_WAIT, &Bound, sizeof(Bound), NULL, 0, NULL, &Overlapped);
    Check(CancelIo(Waiter) && WaitForSingleObject(Event, 5000) == WAIT_OBJECT_0 && !GetOverlappedResult(Waiter, &Overlapped, &Length, FALSE) &&
              GetLastError() == ERROR_OPERATION_ABORTED,
          "a cancelled request");
    CloseHandle(Waiter);
    CloseHandle(File);
    printf(Failures ? "counter: %d failed\n" : "counter: all passed\n", Failures);
    return Failures;
}
