// The host's terminal behind a console: \Device\HostLink\stdin and stdout.
#include "drivers/console/condrv/condrv.hpp"

namespace condrv {

namespace {

HANDLE Input, Output, InputEvent;
KEVENT Sending;                         // one at a time, in order
bool Open;
Console* Shown;                         // whose the terminal is
console::Painter* Picture;
constinit console::Keys Parser;
constexpr LONGLONG EscapeWait = -500000;        // 50 ms

NTSTATUS OpenStream(const WCHAR* Name, ACCESS_MASK Access, ULONG Options, HANDLE* Out)
{
    UNICODE_STRING Path;
    RtlInitUnicodeString(&Path, Name);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    IO_STATUS_BLOCK Io;
    return ZwOpenFile(Out, Access | SYNCHRONIZE, &Attributes, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE, Options);
}

struct Collect final : console::Keys::Sink {
    Vector<Record> Found;
    void Key(const Record& R) override { (void)Found.Push(R); }
};

void Arrived(const UCHAR* Bytes, ULONG Count)
{
    Work W;
    Hold Held;
    bool Raw = Shown && (Shown->Mode & VirtualTerminalInput);
    Collect To;
    if (Count)
        Parser.Feed(To, { Bytes, Count }, Raw);
    else
        Parser.Flush(To);
    if (Shown && !To.Found.IsEmpty())
        AddRecords(*Shown, W, To.Found.Span());
}

void HungUp()
{
    Work W;
    Hold Held;
    if (!Shown)
        return;
    Shown->Ended = true;
    Serve(*Shown);
}

void NTAPI Read(PVOID)
{
    static UCHAR Bytes[4096];
    for (;;) {
        IO_STATUS_BLOCK Io {};
        NTSTATUS Status = ZwReadFile(Input, InputEvent, nullptr, nullptr, &Io, Bytes, sizeof(Bytes), nullptr, nullptr);
        while (Status == STATUS_PENDING) {
            LARGE_INTEGER Time;
            Time.QuadPart = EscapeWait;
            Status = ZwWaitForSingleObject(InputEvent, FALSE, Parser.IsWaiting() ? &Time : nullptr);
            if (Status == STATUS_TIMEOUT) {
                Arrived(nullptr, 0);
                Status = STATUS_PENDING;
            } else if (NT_SUCCESS(Status)) {
                Status = Io.Status;
            }
        }
        if (!NT_SUCCESS(Status))
            break;
        if (Io.Information)
            Arrived(Bytes, ULONG(Io.Information));
    }
    HungUp();
    PsTerminateSystemThread(STATUS_SUCCESS);
}

}

NTSTATUS OpenTerminal()
{
    static LONG Begun;
    if (InterlockedCompareExchange(&Begun, 1, 0) != 0)
        return Open ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY;
    KeInitializeEvent(&Sending, SynchronizationEvent, TRUE);
    Picture = new (std::nothrow) console::Painter;
    NTSTATUS Status = Picture ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(Status))
        Status = OpenStream(L"\\Device\\HostLink\\stdin", FILE_READ_DATA, 0, &Input);
    if (NT_SUCCESS(Status))
        Status = OpenStream(L"\\Device\\HostLink\\stdout", FILE_WRITE_DATA, FILE_SYNCHRONOUS_IO_NONALERT, &Output);
    if (NT_SUCCESS(Status))
        Status = ZwCreateEvent(&InputEvent, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
    HANDLE Thread;
    if (NT_SUCCESS(Status))
        Status = PsCreateSystemThread(&Thread, THREAD_ALL_ACCESS, nullptr, nullptr, nullptr, Read, nullptr);
    if (!NT_SUCCESS(Status))
        return Status;
    ZwClose(Thread);
    Open = true;
    return STATUS_SUCCESS;
}

NTSTATUS UseTerminalFor(Console& C, const TerminalSize& Size)
{
    if (!Size.Columns && !Size.Rows) {
        LeaveTerminal(C);
        return STATUS_SUCCESS;
    }
    if (Shown)
        return STATUS_DEVICE_BUSY;
    if (Size.Columns < 1 || Size.Rows < 1 || Size.Columns > 1000 || Size.Rows > 1000)
        return STATUS_INVALID_PARAMETER;
    i32 Columns = i32(Size.Columns), Rows = i32(Size.Rows);
    Buffer& B = C.Main->Cells;
    if (!B.Resize(Columns, Rows).Ok() || !Picture->Begin(Columns, Rows).Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    B.SetWindow(B.All());
    C.Columns = Columns;
    C.Rows = Rows;
    C.HasShell = Size.HasShell != 0;
    Shown = &C;
    return STATUS_SUCCESS;
}

void LeaveTerminal(Console& C)
{
    if (Shown != &C)
        return;
    Picture->End();
    Shown = nullptr;
}

bool IsShown(const Console& C) { return Shown == &C; }
console::Painter& ThePainter() { return *Picture; }

void Show(Console& C)
{
    if (Shown == &C)
        Picture->Show(C.Active->Cells);
}

void SendOutput()
{
    if (!Open)
        return;
    {
        Hold Held;
        if (Picture->Output().IsEmpty())
            return;
    }
    KeWaitForSingleObject(&Sending, Executive, KernelMode, FALSE, nullptr);
    Vector<u8> Bytes;
    {
        Hold Held;
        Bytes = std::move(Picture->Output());
    }
    IO_STATUS_BLOCK Io;
    if (!Bytes.IsEmpty())
        ZwWriteFile(Output, nullptr, nullptr, nullptr, &Io, Bytes.Data(), ULONG(Bytes.Size()), nullptr, nullptr);
    KeSetEvent(&Sending, 0, FALSE);
}

}
