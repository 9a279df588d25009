// COM2 by the functions that programs use. The partner at its other end is that of serial.cpp, with one line more:
//   check N         takes the next N bytes and answers "same\n" if byte I is (I * 7 + I / 251) mod 256, else "byte I differs\n"
#include "tests/guest/win32/tap.hpp"

namespace {

HANDLE Port = INVALID_HANDLE_VALUE;
BYTE Buffer[32768];
volatile bool Spinning;

BYTE Pattern(DWORD I) { return BYTE(I * 7 + I / 251); }

HANDLE Open(DWORD Flags)
{
    HANDLE H = INVALID_HANDLE_VALUE;
    // Closing takes until the last byte is out.
    for (int I = 0; I < 100 && H == INVALID_HANDLE_VALUE; ++I, Sleep(10)) {
        H = CreateFileW(L"\\\\.\\COM2", GENERIC_READ | GENERIC_WRITE, 0, nullptr, OPEN_EXISTING, Flags, nullptr);
        if (H != INVALID_HANDLE_VALUE || GetLastError() != ERROR_ACCESS_DENIED)
            break;
    }
    return H;
}

bool Say(const char* Text)
{
    DWORD Done;
    return WriteFile(Port, Text, DWORD(lstrlenA(Text)), &Done, nullptr) && Done == DWORD(lstrlenA(Text));
}

void Settings()
{
    DCB D {};
    D.DCBlength = sizeof(D);
    CHECK(GetCommState(Port, &D));
    D.BaudRate = CBR_115200;
    D.ByteSize = 8;
    D.Parity = NOPARITY;
    D.StopBits = ONESTOPBIT;
    D.fBinary = TRUE;
    CHECK(SetCommState(Port, &D));
    DCB Back {};
    Back.DCBlength = sizeof(Back);
    CHECK(GetCommState(Port, &Back));
    CHECK_EQ(Back.BaudRate, DWORD(CBR_115200));
    CHECK_EQ(Back.ByteSize, 8);
    CHECK_EQ(Back.Parity, NOPARITY);
    D.ByteSize = 9;
    CHECK(!SetCommState(Port, &D) && GetLastError() == ERROR_INVALID_PARAMETER);
    COMMTIMEOUTS T { 0, 1, 30000, 1, 30000 }, Got {};
    CHECK(SetCommTimeouts(Port, &T));
    CHECK(GetCommTimeouts(Port, &Got));
    CHECK_EQ(Got.ReadTotalTimeoutConstant, 30000u);
    CHECK_EQ(Got.WriteTotalTimeoutMultiplier, 1u);
    COMMPROP Properties {};
    CHECK(GetCommProperties(Port, &Properties));
    CHECK_EQ(Properties.dwProvSubType, DWORD(PST_RS232));
    CHECK(EscapeCommFunction(Port, CLRDTR));
    CHECK(EscapeCommFunction(Port, SETDTR));
    DWORD Modem = 0;
    CHECK(GetCommModemStatus(Port, &Modem));
}

// 20,000 bytes each way.
void Bulk(const char* How)
{
    tap::Print(How);
    DWORD Done = 0;
    for (DWORD I = 0; I < 20000; ++I)
        Buffer[I] = Pattern(I);
    CHECK(Say("check 20000\n"));
    CHECK(WriteFile(Port, Buffer, 20000, &Done, nullptr));
    CHECK_EQ(Done, 20000u);
    char Answer[6] {};
    CHECK(ReadFile(Port, Answer, 5, &Done, nullptr));
    CHECK_TEXTA(Answer, "same\n");
    for (BYTE& B : Buffer)
        B = 0;
    CHECK(Say("bulk 20000\n"));
    CHECK(ReadFile(Port, Buffer, 20000, &Done, nullptr));
    CHECK_EQ(Done, 20000u);
    DWORD Wrong = 0, Errors = 0;
    for (DWORD I = 0; I < 20000; ++I)
        Wrong += Buffer[I] != Pattern(I);
    CHECK_EQ(Wrong, 0u);
    COMSTAT Status {};
    CHECK(ClearCommError(Port, &Errors, &Status));
    CHECK_EQ(Errors, 0u);
    CHECK_EQ(Status.cbInQue, 0u);
}

DWORD WINAPI Spin(void*)
{
    while (Spinning)
        continue;
    return 0;
}

void Limits()
{
    // Nothing comes.
    COMMTIMEOUTS T { 0, 0, 200, 0, 0 };
    CHECK(SetCommTimeouts(Port, &T));
    DWORD Done = 1, Before = GetTickCount();
    CHECK(ReadFile(Port, Buffer, 10, &Done, nullptr));
    CHECK_EQ(Done, 0u);
    CHECK(GetTickCount() - Before >= 180);
    // What there is.
    T = { MAXDWORD, 0, 0, 0, 0 };
    CHECK(SetCommTimeouts(Port, &T));
    CHECK(ReadFile(Port, Buffer, 10, &Done, nullptr));
    CHECK_EQ(Done, 0u);
}

void Overlapped()
{
    CloseHandle(Port);
    Port = Open(FILE_FLAG_OVERLAPPED);
    CHECK(Port != INVALID_HANDLE_VALUE);
    OVERLAPPED Wait {}, Other {};
    Wait.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    Other.hEvent = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    COMMTIMEOUTS None {};
    CHECK(SetCommTimeouts(Port, &None));
    CHECK(SetCommMask(Port, EV_RXCHAR));
    DWORD Mask = 0, Events = 0, Done = 0;
    CHECK(GetCommMask(Port, &Mask));
    CHECK_EQ(Mask, DWORD(EV_RXCHAR));
    CHECK(!WaitCommEvent(Port, &Events, &Wait) && GetLastError() == ERROR_IO_PENDING);
    CHECK(WriteFile(Port, "later q\n", 8, &Done, &Other) || GetLastError() == ERROR_IO_PENDING);
    CHECK(GetOverlappedResult(Port, &Other, &Done, TRUE));
    CHECK_EQ(Done, 8u);
    CHECK_EQ(WaitForSingleObject(Wait.hEvent, 10000), DWORD(WAIT_OBJECT_0));
    CHECK(GetOverlappedResult(Port, &Wait, &Done, FALSE));
    CHECK_EQ(Events, DWORD(EV_RXCHAR));
    CHECK(ReadFile(Port, Buffer, 1, &Done, &Other) || GetLastError() == ERROR_IO_PENDING);
    CHECK(GetOverlappedResult(Port, &Other, &Done, TRUE));
    CHECK_EQ(Buffer[0], 'q');
    // A read without limits, cancelled and purged.
    CHECK(!ReadFile(Port, Buffer, 100, &Done, &Other) && GetLastError() == ERROR_IO_PENDING);
    CHECK(CancelIo(Port));
    CHECK(!GetOverlappedResult(Port, &Other, &Done, TRUE) && GetLastError() == ERROR_OPERATION_ABORTED);
    CHECK(!ReadFile(Port, Buffer, 100, &Done, &Other) && GetLastError() == ERROR_IO_PENDING);
    CHECK(PurgeComm(Port, PURGE_RXABORT | PURGE_RXCLEAR));
    CHECK(!GetOverlappedResult(Port, &Other, &Done, TRUE) && GetLastError() == ERROR_OPERATION_ABORTED);
    // Another mask ends the wait.
    CHECK(!WaitCommEvent(Port, &Events, &Wait) && GetLastError() == ERROR_IO_PENDING);
    CHECK(SetCommMask(Port, 0));
    CHECK(GetOverlappedResult(Port, &Wait, &Done, TRUE));
    CHECK_EQ(Events, 0u);
    CloseHandle(Port);
}

}

void Test()
{
    Port = Open(0);
    CHECK(Port != INVALID_HANDLE_VALUE);
    if (Port == INVALID_HANDLE_VALUE)
        return;
    CHECK(CreateFileW(L"COM2", GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr) == INVALID_HANDLE_VALUE && GetLastError() == ERROR_ACCESS_DENIED);
    Settings();
    Bulk("# 20,000 bytes each way\n");
    Spinning = true;
    HANDLE Threads[2];
    for (HANDLE& T : Threads)
        T = CreateThread(nullptr, 0, Spin, nullptr, 0, nullptr);
    Bulk("# the same, while two threads compute\n");
    Spinning = false;
    WaitForMultipleObjects(2, Threads, TRUE, INFINITE);
    Limits();
    Overlapped();
}
