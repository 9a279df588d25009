// The serial port COM2, with a partner at its other end (tools/neptune/device_tests.py) who answers lines:
//   hello           "hello from the host\n"
//   later TEXT      the text, 300 ms later
//   bulk N          N bytes: byte I is (I * 7 + I / 251) mod 256
//   count N         takes the next N bytes and answers "sum S\n", their sum in decimal
//   raw HEX         these bytes
#include "tests/guest/wdm/process.hpp"

using namespace wdm;

namespace {

constexpr ULONG Code(ULONG Function) { return 0x1B << 16 | Function << 2; }
constexpr ULONG SetBaud = Code(1), SetQueueSize = Code(2), SetLine = Code(3), SetTimeouts = Code(7),
                SetXon = Code(15), SetWaitMask = Code(17), WaitOnMask = Code(18), Purge = Code(19), GetBaud = Code(20), GetLine = Code(21),
                SetHandflow = Code(25), GetCommStatus = Code(27), GetProperties = Code(29), GetStats = Code(35), ClearStats = Code(36), SetDtr = Code(9), ClearDtr = Code(10),
                GetDtrRts = Code(30);
struct Timeouts {
    ULONG Interval, ReadMultiplier, ReadConstant, WriteMultiplier, WriteConstant;
};
struct CommStatus {
    ULONG Errors, Hold, In, Out;
    BOOLEAN Eof, Immediate;
};
struct Handflow {
    ULONG Control, Flow;
    LONG XonLimit, XoffLimit;
};
struct Stats {
    ULONG Received, Transmitted, Frame, Overrun, BufferOverrun, Parity;
};

HANDLE File;
UCHAR Buffer[65536];

u64 Now()
{
    LARGE_INTEGER T;
    NtQuerySystemTime(&T);
    return u64(T.QuadPart) / 10000;
}
NTSTATUS Read(void* To, ULONG Bytes, u64* Got)
{
    IO_STATUS_BLOCK Io {};
    NTSTATUS S = NtReadFile(File, nullptr, nullptr, nullptr, &Io, To, Bytes, nullptr, nullptr);
    *Got = Io.Information;
    return S;
}
NTSTATUS Write(const void* From, ULONG Bytes)
{
    IO_STATUS_BLOCK Io {};
    NTSTATUS S = NtWriteFile(File, nullptr, nullptr, nullptr, &Io, const_cast<void*>(From), Bytes, nullptr, nullptr);
    return S == 0 && Io.Information != Bytes ? STATUS_UNSUCCESSFUL : S;
}
NTSTATUS Say(const char* Text)
{
    ULONG N = 0;
    while (Text[N])
        ++N;
    return Write(Text, N);
}
NTSTATUS Set(Timeouts T) { return Control(File, SetTimeouts, &T, sizeof(T)); }
// For a file that is not synchronous.
NTSTATUS ControlAndWait(HANDLE Event, ULONG Which, const void* In, ULONG InBytes)
{
    IO_STATUS_BLOCK Io {};
    NTSTATUS S = NtDeviceIoControlFile(File, Event, nullptr, nullptr, &Io, Which, const_cast<void*>(In), InBytes, nullptr, 0);
    if (S != STATUS_PENDING)
        return S;
    NtWaitForSingleObject(Event, 0, nullptr);
    return NTSTATUS(Io.Status);
}
ULONG Hold()
{
    CommStatus S {};
    Control(File, GetCommStatus, nullptr, 0, &S, sizeof(S));
    return S.Hold;
}

void Settings()
{
    ULONG Baud = 115200, Back = 0;
    CHECK_EQ(u32(Control(File, SetBaud, &Baud, 4)), 0);
    CHECK_EQ(u32(Control(File, GetBaud, nullptr, 0, &Back, 4)), 0);
    CHECK_EQ(Back, 115200u);
    for (ULONG Bad : { 0u, 1u, 200000u, 90000u })
        CHECK_EQ(u32(Control(File, SetBaud, &Bad, 4)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, SetBaud, &Baud, 3)), u32(STATUS_BUFFER_TOO_SMALL));
    UCHAR Line[3] = { 0, 0, 8 }, Wrong[3] = { 1, 0, 8 }, Got[3] {};
    CHECK_EQ(u32(Control(File, SetLine, Line, 3)), 0);
    CHECK_EQ(u32(Control(File, SetLine, Wrong, 3)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, GetLine, nullptr, 0, Got, 3)), 0);
    CHECK(Got[0] == 0 && Got[1] == 0 && Got[2] == 8);
    UCHAR Properties[64];
    u64 Bytes = 0;
    CHECK_EQ(u32(Control(File, GetProperties, nullptr, 0, Properties, 64, &Bytes)), 0);
    CHECK_EQ(Bytes, 64u);
    CHECK_EQ(u32(Control(File, ClearDtr)), 0);
    CHECK_EQ(u32(Control(File, GetDtrRts, nullptr, 0, &Back, 4)), 0);
    CHECK_EQ(Back & 1, 0u);
    CHECK_EQ(u32(Control(File, SetDtr)), 0);
    CHECK_EQ(u32(Control(File, GetDtrRts, nullptr, 0, &Back, 4)), 0);
    CHECK_EQ(Back & 1, 1u);
    CHECK_EQ(u32(Control(File, Code(999))), u32(STATUS_INVALID_PARAMETER));
    HANDLE Second;
    CHECK_EQ(u32(Open(&Second, L"\\??\\COM2")), u32(STATUS_ACCESS_DENIED));
}

void Transfers()
{
    u64 Got;
    CHECK_EQ(u32(Set({ 0, 0, 5000, 0, 5000 })), 0);
    CHECK_EQ(u32(Say("hello\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 20, &Got)), 0);
    CHECK_EQ(Got, 20u);
    CHECK(memcmp(Buffer, "hello from the host\n", 20) == 0);
    // Nothing comes: the total timeout.
    CHECK_EQ(u32(Set({ 0, 10, 100, 0, 0 })), 0);
    u64 Before = Now();
    CHECK_EQ(u32(Read(Buffer, 10, &Got)), u32(STATUS_TIMEOUT));
    CHECK_EQ(Got, 0u);
    CHECK(Now() - Before >= 195);
    // What there is, at once.
    CHECK_EQ(u32(Set({ ~0u, 0, 0, 0, 0 })), 0);
    Before = Now();
    CHECK_EQ(u32(Read(Buffer, 10, &Got)), 0);
    CHECK_EQ(Got, 0u);
    // The first byte or the constant.
    CHECK_EQ(u32(Set({ ~0u, ~0u, 5000, 0, 0 })), 0);
    CHECK_EQ(u32(Say("later abc\n")), 0);
    Before = Now();
    CHECK_EQ(u32(Read(Buffer, 100, &Got)), 0);
    CHECK(Got >= 1 && Got <= 3 && Buffer[0] == 'a');
    CHECK(Now() - Before >= 200 && Now() - Before < 4500);
    for (u64 Have = Got; Have < 3 && Got; Have += Got)
        CHECK_EQ(u32(Read(Buffer, 100, &Got)), 0);
    // The interval between bytes ends the read, not before there is one.
    CHECK_EQ(u32(Set({ 150, 0, 5000, 0, 0 })), 0);
    CHECK_EQ(u32(Say("later xy\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 100, &Got)), u32(STATUS_TIMEOUT));
    CHECK_EQ(Got, 2u);
    CHECK(Buffer[0] == 'x' && Buffer[1] == 'y');
    // Much, both ways. A ring larger than what comes, so that nothing is lost.
    ULONG Size[2] = { 65536, 0 };
    CHECK_EQ(u32(Control(File, SetQueueSize, Size, 8)), 0);
    CHECK_EQ(u32(Control(File, ClearStats)), 0);
    CHECK_EQ(u32(Set({ 0, 1, 20000, 1, 20000 })), 0);
    CHECK_EQ(u32(Say("bulk 20000\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 20000, &Got)), 0);
    CHECK_EQ(Got, 20000u);
    ULONG Wrong = 0, Sum = 0;
    for (ULONG I = 0; I < 20000; ++I)
        Wrong += Buffer[I] != UCHAR(I * 7 + I / 251);
    CHECK_EQ(Wrong, 0u);
    for (ULONG I = 0; I < 10000; ++I)
        Sum += Buffer[I] = UCHAR(I * 13);
    CHECK_EQ(u32(Say("count 10000\n")), 0);
    CHECK_EQ(u32(Write(Buffer, 10000)), 0);
    CHECK_EQ(u32(Set({ 200, 0, 5000, 0, 0 })), 0);
    CHECK_EQ(u32(Read(Buffer, 100, &Got)), u32(STATUS_TIMEOUT));
    ULONG Told = 0;
    for (u64 I = 4; I < Got && Buffer[I] >= '0' && Buffer[I] <= '9'; ++I)
        Told = Told * 10 + Buffer[I] - '0';
    CHECK_EQ(Told, Sum);
    Stats S {};
    CHECK_EQ(u32(Control(File, GetStats, nullptr, 0, &S, sizeof(S))), 0);
    CHECK_EQ(S.Transmitted, 11u + 12u + 10000u);
    CHECK_EQ(S.Received, 20000u + u32(Got));
    CHECK_EQ(S.Overrun + S.BufferOverrun + S.Frame + S.Parity, 0u);
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(NtFlushBuffersFile(File, &Io)), 0);
}

void Flow()
{
    u64 Got;
    Handflow Xon { 1, 1 | 0x40, 100, 100 }, Plain { 1, 0x40, 100, 100 }, Bad { 3, 0, 0, 0 };
    CHECK_EQ(u32(Control(File, SetHandflow, &Bad, sizeof(Bad))), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(Control(File, SetHandflow, &Xon, sizeof(Xon))), 0);
    CHECK_EQ(u32(Set({ 100, 0, 300, 0, 400 })), 0);
    // The host says stop; what is written then waits, and its timeout ends it.
    CHECK_EQ(u32(Say("raw 13\n")), 0);
    for (int I = 0; I < 100 && !(Hold() & 8); ++I)
        Sleep(10);
    CHECK_EQ(Hold() & 8, 8u);
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(NtWriteFile(File, nullptr, nullptr, nullptr, &Io, const_cast<char*>("lost"), 4, nullptr, nullptr)), u32(STATUS_TIMEOUT));
    CHECK_EQ(Io.Information, 0u);
    CHECK_EQ(u32(Control(File, SetXon)), 0);
    CHECK_EQ(Hold(), 0u);
    CHECK_EQ(u32(Say("hello\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 20, &Got)), 0);
    // The character itself is not received.
    CHECK(Got == 20 && memcmp(Buffer, "hello from the host\n", 20) == 0);
    CHECK_EQ(u32(Control(File, SetHandflow, &Plain, sizeof(Plain))), 0);
    CHECK_EQ(u32(Say("raw 1341\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 2, &Got)), 0);
    CHECK(Buffer[0] == 0x13 && Buffer[1] == 'A');
}

void Events()
{
    HANDLE Async;
    NtClose(File);
    NTSTATUS S = STATUS_ACCESS_DENIED;  // until the close has been seen
    for (int I = 0; I < 50 && S == STATUS_ACCESS_DENIED; ++I, Sleep(10))
        S = Open(&Async, L"\\Device\\Serial0", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0);
    CHECK_EQ(u32(S), 0);
    File = Async;
    HANDLE Event, ReadEvent, Short;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 1, 0)), 0);
    CHECK_EQ(u32(NtCreateEvent(&ReadEvent, 0x1F0003, nullptr, 1, 0)), 0);
    CHECK_EQ(u32(NtCreateEvent(&Short, 0x1F0003, nullptr, 1, 0)), 0);
    ULONG Mask = 1, Events = 0, Zero = 0, Other = 0;
    IO_STATUS_BLOCK Io {}, ReadIo {}, OtherIo {};
    LARGE_INTEGER Limit, At {};
    Limit.QuadPart = -50'000'000;
    auto Ends = [&](NTSTATUS Started, HANDLE E, IO_STATUS_BLOCK& Block) {
        return Started == STATUS_PENDING && NtWaitForSingleObject(E, 0, &Limit) == 0 ? NTSTATUS(Block.Status) : Started;
    };
    auto Wait = [&](HANDLE E, IO_STATUS_BLOCK& Block, ULONG& To) { return NtDeviceIoControlFile(File, E, nullptr, nullptr, &Block, WaitOnMask, nullptr, 0, &To, 4); };
    // Without a mask there is nothing to wait for.
    CHECK_EQ(u32(Ends(Wait(Short, OtherIo, Other), Short, OtherIo)), u32(STATUS_INVALID_PARAMETER));
    CHECK_EQ(u32(ControlAndWait(Short, SetWaitMask, &Mask, 4)), 0);
    CHECK_EQ(u32(Wait(Event, Io, Events)), u32(STATUS_PENDING));
    CHECK_EQ(u32(Ends(Wait(Short, OtherIo, Other), Short, OtherIo)), u32(STATUS_INVALID_PARAMETER));      // one at a time
    CHECK_EQ(u32(Ends(NtWriteFile(File, Short, nullptr, nullptr, &OtherIo, const_cast<char*>("later z\n"), 8, &At, nullptr), Short, OtherIo)), 0);
    CHECK_EQ(u32(Ends(STATUS_PENDING, Event, Io)), 0);
    CHECK_EQ(Events, 1u);
    // A new mask ends a wait, without events.
    CHECK_EQ(u32(Wait(Event, Io, Events)), u32(STATUS_PENDING));
    CHECK_EQ(u32(ControlAndWait(Short, SetWaitMask, &Zero, 4)), 0);
    CHECK_EQ(u32(Ends(STATUS_PENDING, Event, Io)), 0);
    CHECK_EQ(Events, 0u);
    // A read waits for ever and is purged.
    Timeouts None {};
    CHECK_EQ(u32(ControlAndWait(Short, SetTimeouts, &None, sizeof(None))), 0);
    CHECK_EQ(u32(NtReadFile(File, ReadEvent, nullptr, nullptr, &ReadIo, Buffer, 100, &At, nullptr)), u32(STATUS_PENDING));
    ULONG Abort = 2;
    CHECK_EQ(u32(ControlAndWait(Short, Purge, &Abort, 4)), 0);
    CHECK_EQ(u32(Ends(STATUS_PENDING, ReadEvent, ReadIo)), u32(STATUS_CANCELLED));
    // And one is cancelled.
    CHECK_EQ(u32(NtReadFile(File, ReadEvent, nullptr, nullptr, &ReadIo, Buffer, 100, &At, nullptr)), u32(STATUS_PENDING));
    CHECK_EQ(u32(NtCancelIoFile(File, &OtherIo)), 0);
    CHECK_EQ(u32(Ends(STATUS_PENDING, ReadEvent, ReadIo)), u32(STATUS_CANCELLED));
    CHECK_EQ(u32(ControlAndWait(Short, Purge, &Zero, 4)), u32(STATUS_INVALID_PARAMETER));
    NtClose(File);
}

// The driver's process ends while a read waits: the read fails, and the port is there again for who opens it.
void Death()
{
    HANDLE Event;
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 1, 0)), 0);
    NTSTATUS S = STATUS_ACCESS_DENIED;
    for (int I = 0; I < 50 && S == STATUS_ACCESS_DENIED; ++I, Sleep(10))
        S = Open(&File, L"\\??\\COM2", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0);
    CHECK_EQ(u32(S), 0);
    IO_STATUS_BLOCK Io {};
    LARGE_INTEGER At {}, Limit;
    Limit.QuadPart = -100'000'000;
    CHECK_EQ(u32(NtReadFile(File, Event, nullptr, nullptr, &Io, Buffer, 100, &At, nullptr)), u32(STATUS_PENDING));
    CHECK_EQ(u32(KillDriver("Serial")), 0);
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, &Limit)), 0);
    CHECK(Io.Status < 0);
    NtClose(File);
    CHECK_EQ(u32(Open(&File, L"\\??\\COM2")), 0);
    u64 Got;
    ULONG Baud = 115200;
    UCHAR Line[3] = { 0, 0, 8 };
    CHECK_EQ(u32(Control(File, SetBaud, &Baud, 4)), 0);
    CHECK_EQ(u32(Control(File, SetLine, Line, 3)), 0);
    CHECK_EQ(u32(Set({ 0, 0, 5000, 0, 5000 })), 0);
    CHECK_EQ(u32(Say("\nhello\n")), 0);
    CHECK_EQ(u32(Read(Buffer, 20, &Got)), 0);
    CHECK(Got == 20 && memcmp(Buffer, "hello from the host\n", 20) == 0);
    NtClose(File);
}

// Two more ports in the registry: one with the resources of COM2, one with resources that are none.
void Declare(const WCHAR* Path, const WCHAR* Ports, ULONG PortsBytes)
{
    UNICODE_STRING Name = String(Path), Value = String(L"Service"), Service = String(L"Serial");
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Key;
    CHECK_EQ(u32(NtCreateKey(&Key, 0xF003F, &Attributes, 0, nullptr, 0, nullptr)), 0);
    CHECK_EQ(u32(NtSetValueKey(Key, &Value, 0, 1, Service.Buffer, Service.Length + 2u)), 0);
    Value = String(L"Ports");
    CHECK_EQ(u32(NtSetValueKey(Key, &Value, 0, 7, const_cast<WCHAR*>(Ports), PortsBytes)), 0);
    NtClose(Key);
}

}

TAP_MAIN()
{
    constexpr WCHAR Same[] = L"2F8-2FF\0", Wrong[] = L"2F8-\0";
    Declare(L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\ROOT\\*PNP0501\\0001", Same, sizeof(Same));
    Declare(L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\ROOT\\*PNP0501\\0002", Wrong, sizeof(Wrong));
    // Nobody has started the driver: opening the port does.
    CHECK_EQ(u32(Open(&File, L"\\??\\COM2")), 0);
    if (!File)
        return;
    HANDLE Other;
    CHECK_EQ(u32(Open(&Other, L"\\Device\\Serial1")), u32(STATUS_OBJECT_NAME_NOT_FOUND));
    Settings();
    Transfers();
    Flow();
    Events();
    Death();
}
