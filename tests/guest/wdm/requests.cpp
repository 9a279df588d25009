// Requests to a driver in a process of its own: opening, data in every way there is, pending, cancelling, what the driver's interface gives it.
#include "tests/guest/wdm/drivers/wdmtest.hpp"
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static const WCHAR* Key = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WdmTest";

static void Loading()
{
    CHECK_EQ(u32(Load(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\NoSuchDriver")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(MakeKey(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\NoImage", L"\\??\\C:\\work\\no.sys")), 0);
    CHECK(Load(L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\NoImage") < 0);
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\wdmtest.sys")), 0);
    CHECK_EQ(u32(Load(Key)), 0);
    CHECK_EQ(u32(Load(Key)), u32(STATUS_IMAGE_ALREADY_LOADED));
}

static void Opening()
{
    HANDLE A = nullptr, B = nullptr;
    CHECK_EQ(u32(Open(&A, L"\\Device\\WdmTest")), 0);
    CHECK_EQ(u32(Open(&B, L"\\??\\WdmTest\\some\\name")), 0);
    HANDLE C;
    CHECK_EQ(u32(Open(&C, L"\\??\\WdmTest\\refused")), u32(STATUS_ACCESS_DENIED));
    wdmtest::CounterValues Before {}, After {};
    CHECK_EQ(u32(Control(A, wdmtest::Counters, nullptr, 0, &Before, sizeof(Before))), 0);
    CHECK_EQ(Before.Creates, 3u);
    NtClose(B);
    CHECK_EQ(u32(Control(A, wdmtest::Counters, nullptr, 0, &After, sizeof(After))), 0);
    CHECK_EQ(After.Cleanups, Before.Cleanups + 1);
    CHECK_EQ(After.Closes, Before.Closes + 1);
    NtClose(A);
}

static void Data(HANDLE File)
{
    u8 In[256], Out[256];
    u64 Information = 0;
    for (int I = 0; I < 256; ++I)
        In[I] = u8(I);
    CHECK_EQ(u32(Control(File, wdmtest::Nothing, nullptr, 0, nullptr, 0, &Information)), 0);
    memset(Out, 0xEE, sizeof(Out));
    CHECK_EQ(u32(Control(File, wdmtest::Reverse, In, 100, Out, 200, &Information)), 0);
    CHECK_EQ(Information, 100u);
    CHECK(Out[0] == 99 && Out[99] == 0 && Out[100] == 0xEE);
    CHECK_EQ(u32(Control(File, wdmtest::Reverse, In, 100, Out, 20)), u32(STATUS_BUFFER_TOO_SMALL));
    memset(Out, 0xEE, sizeof(Out));
    CHECK_EQ(u32(Control(File, wdmtest::ReverseOut, In, 200, Out, 256, &Information)), 0);
    CHECK(Information == 200 && Out[0] == 199 && Out[199] == 0 && Out[200] == 0xEE);
    CHECK_EQ(u32(Control(File, wdmtest::SumIn, In, 10, In, 20, &Information)), 0);
    CHECK_EQ(Information, 45u + 190u);
    CHECK_EQ(u32(Control(File, wdmtest::Neither, In, 64, Out, 64, &Information)), 0);
    CHECK(Out[0] == 1 && Out[63] == 64);
    CHECK_EQ(u32(Control(File, 0x12345678)), u32(STATUS_INVALID_DEVICE_REQUEST));
    CHECK_EQ(u32(Control(File, wdmtest::NeedsWrite)), 0);
    HANDLE ReadOnly;
    CHECK_EQ(u32(Open(&ReadOnly, L"\\Device\\WdmTest", FILE_GENERIC_READ)), 0);
    CHECK_EQ(u32(Control(ReadOnly, wdmtest::NeedsWrite)), u32(STATUS_ACCESS_DENIED));
    NtClose(ReadOnly);

    // Larger than a page, at odd addresses.
    static u8 Large[200000], Back[200000];
    for (u32 I = 0; I < sizeof(Large); ++I)
        Large[I] = u8(I * 7);
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At {};
    CHECK_EQ(u32(NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Large, sizeof(Large), &At, nullptr)), 0);
    CHECK_EQ(Io.Information, sizeof(Large));
    Large[150001] = 1;
    CHECK_EQ(u32(NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Large, sizeof(Large), &At, nullptr)), u32(STATUS_DATA_ERROR));
    At.QuadPart = 5;
    CHECK_EQ(u32(NtReadFile(File, nullptr, nullptr, nullptr, &Io, Back + 3, 150000, &At, nullptr)), 0);
    bool Right = true;
    for (u32 I = 0; I < 150000; ++I)
        Right &= Back[3 + I] == u8(5 + I);
    CHECK(Right && Back[2] == 0 && Back[150003] == 0);
    // The position of a synchronous file goes on.
    CHECK_EQ(u32(NtReadFile(File, nullptr, nullptr, nullptr, &Io, Back, 16, nullptr, nullptr)), 0);
    CHECK_EQ(Back[0], u8(150005));
    CHECK_EQ(u32(NtReadFile(File, nullptr, nullptr, nullptr, &Io, reinterpret_cast<void*>(16), 16, &At, nullptr)), u32(STATUS_ACCESS_VIOLATION));
    CHECK_EQ(u32(Control(File, wdmtest::Reverse, reinterpret_cast<void*>(16), 16, Out, 16)), u32(STATUS_ACCESS_VIOLATION));
}

static void Pending(HANDLE Sync)
{
    HANDLE File;
    CHECK_EQ(u32(Open(&File, L"\\Device\\WdmTest", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    HANDLE Event;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    IO_STATUS_BLOCK Io[3] {};
    for (auto& I : Io)
        I.Status = STATUS_PENDING;
    CHECK_EQ(u32(NtDeviceIoControlFile(File, Event, nullptr, nullptr, &Io[0], wdmtest::Pend, nullptr, 0, nullptr, 0)), u32(STATUS_PENDING));
    u64 Released = 0;
    CHECK_EQ(u32(Control(Sync, wdmtest::ReleasePended, nullptr, 0, nullptr, 0, &Released)), 0);
    CHECK_EQ(Released, 1u);
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, nullptr)), 0);
    CHECK_EQ(u32(Io[0].Status), 0);
    // Cancelled by status block, then by closing.
    CHECK_EQ(u32(NtDeviceIoControlFile(File, Event, nullptr, nullptr, &Io[1], wdmtest::Pend, nullptr, 0, nullptr, 0)), u32(STATUS_PENDING));
    CHECK_EQ(u32(NtDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io[2], wdmtest::Pend, nullptr, 0, nullptr, 0)), u32(STATUS_PENDING));
    IO_STATUS_BLOCK Cancelled;
    CHECK_EQ(u32(NtCancelIoFileEx(File, &Io[1], &Cancelled)), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, nullptr)), 0);
    CHECK_EQ(u32(Io[1].Status), u32(STATUS_CANCELLED));
    CHECK_EQ(u32(Io[2].Status), u32(STATUS_PENDING));
    wdmtest::CounterValues Count {};
    CHECK_EQ(u32(Control(Sync, wdmtest::Counters, nullptr, 0, &Count, sizeof(Count))), 0);
    CHECK_EQ(Count.Cancelled, 1u);
    CHECK_EQ(Count.Pending, 1u);
    NtClose(File);
    CHECK_EQ(u32(Control(Sync, wdmtest::Counters, nullptr, 0, &Count, sizeof(Count))), 0);
    CHECK_EQ(Count.Cancelled, 2u);
    CHECK_EQ(Count.Pending, 0u);
    NtClose(Event);
}

static void Interface(HANDLE File)
{
    u32 Value = 0, Three[3] {};
    u64 Information = 0;
    u32 Milliseconds = 20;
    CHECK_EQ(u32(Control(File, wdmtest::Sleep, &Milliseconds, 4)), 0);
    CHECK_EQ(u32(Control(File, wdmtest::Irql, nullptr, 0, Three, 12)), 0);
    CHECK(Three[0] == 0 && Three[1] == 2 && Three[2] == 0);
    CHECK_EQ(u32(Control(File, wdmtest::Timer, nullptr, 0, &Value, 4)), 0);
    CHECK_EQ(Value, 2u);
    CHECK_EQ(u32(Control(File, wdmtest::WorkItem, nullptr, 0, &Value, 4)), 0);
    CHECK_EQ(Value, 0u);
    CHECK_EQ(u32(Control(File, wdmtest::Seh, nullptr, 0, &Value, 4)), 0);
    CHECK_EQ(Value, 0x202u);
    CHECK_EQ(u32(Control(File, wdmtest::Synchronous, nullptr, 0, &Value, 4)), 0);
    CHECK_EQ(Value, 0x01020304u);
    CHECK_EQ(u32(Control(File, wdmtest::Thread, nullptr, 0, &Value, 4)), 0);
    CHECK_EQ(Value, 77u);
    HANDLE Event;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    CHECK_EQ(u32(Control(File, wdmtest::SetEvent, &Event, 8)), 0);
    LARGE_INTEGER Zero {};
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, &Zero)), 0);
    NtClose(Event);
    CHECK_EQ(u32(Control(File, wdmtest::SetEvent, &Event, 8)), u32(STATUS_INVALID_HANDLE));
    u8 Text[64] {};
    CHECK_EQ(u32(Control(File, wdmtest::Registry, nullptr, 0, Text, sizeof(Text), &Information)), 0);
    CHECK_EQ(memcmp(Text + 12, L"19045", 10), 0);
    CHECK_EQ(u32(Control(File, wdmtest::File, nullptr, 0, Text, sizeof(Text), &Information)), 0);
    CHECK_EQ(memcmp(Text, "; The registry", 14), 0);
}

// One driver asks another, each in a process of its own.
static void Remote(HANDLE File)
{
    const WCHAR* Other = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WdmOther";
    u32 Value = 0;
    CHECK_EQ(u32(Control(File, wdmtest::Remote, nullptr, 0, &Value, 4)), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(MakeKey(Other, L"\\??\\C:\\work\\wdmtest.sys")), 0);
    CHECK_EQ(u32(Load(Other)), 0);
    for (int I = 0; I < 3; ++I) {
        Value = 0;
        CHECK_EQ(u32(Control(File, wdmtest::Remote, nullptr, 0, &Value, 4)), 0);
        CHECK_EQ(Value, 0x01020304u);
    }
    CHECK_EQ(u32(Unload(Other)), 0);
}

TAP_MAIN()
{
    Loading();
    Opening();
    HANDLE File;
    if (!CHECK_EQ(u32(Open(&File, L"\\Device\\WdmTest")), 0))
        return;
    Data(File);
    Pending(File);
    Interface(File);
    Remote(File);
    NtClose(File);
    CHECK_EQ(u32(Unload(Key)), 0);
    CHECK_EQ(u32(Open(&File, L"\\Device\\WdmTest")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(Open(&File, L"\\??\\WdmTest")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    CHECK_EQ(u32(Load(Key)), 0);
    CHECK_EQ(u32(Open(&File, L"\\Device\\WdmTest")), 0);
    NtClose(File);
    CHECK_EQ(u32(Unload(Key)), 0);
}
