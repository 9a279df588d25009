// Input records, and reads of them: as they are, as characters, or as lines that are typed and shown.
#include "drivers/console/condrv/condrv.hpp"

namespace condrv {

using namespace driver;

namespace {

constexpr usize MostRecords = 65536;

Console& Of(PIO_CSQ C) { return *CONTAINING_RECORD(C, Console, Csq); }
void NTAPI Insert(PIO_CSQ Q, PIRP I)
{
    Console& C = Of(Q);
    if (C.ReadFirst)
        InsertHeadList(&C.Reads, &I->Tail.Overlay.ListEntry);
    else
        InsertTailList(&C.Reads, &I->Tail.Overlay.ListEntry);
}
PIRP NTAPI PeekRead(PIO_CSQ C, PIRP After, PVOID File) { return PeekQueued(Of(C).Reads, After, File); }
void NTAPI Acquire(PIO_CSQ C, PKIRQL Irql) { KeAcquireSpinLock(&Of(C).ReadLock, Irql); }
void NTAPI Leave(PIO_CSQ C, KIRQL Irql) { KeReleaseSpinLock(&Of(C).ReadLock, Irql); }
void NTAPI Cancelled(PIO_CSQ, PIRP I) { Complete(I, STATUS_CANCELLED); }

struct Wanted {
    ULONG Code;                         // ReadInput, ReadConsole, ReadFile or ReadConsoleControl
    ULONG InBytes, Bytes;
    UCHAR* To;
};
Wanted What(PIRP I)
{
    auto* S = IoGetCurrentIrpStackLocation(I);
    auto* To = static_cast<UCHAR*>(I->AssociatedIrp.SystemBuffer);
    if (S->MajorFunction == IRP_MJ_READ)
        return { ReadFile, 0, S->Parameters.Read.Length, To };
    auto& P = S->Parameters.DeviceIoControl;
    return { P.IoControlCode, P.InputBufferLength, P.OutputBufferLength, To };
}

Record Take(Console& C)
{
    Record R = C.Records[C.First++];
    if (C.First == C.Records.Size()) {
        C.Records.Clear();
        C.First = 0;
    }
    return R;
}

// Characters from Next until there are none or no room; bytes for ReadFile. A character whose bytes do not all fit comes in parts.
template <typename F> ULONG Give(Console& C, const Wanted& W, UCHAR* To, ULONG Room, F&& Next)
{
    ULONG Done = 0;
    if (W.Code != ReadFile) {
        for (wchar_t Ch; Done + 2 <= Room && Next(Ch); Done += 2)
            memcpy(To + Done, &Ch, 2);
        return Done;
    }
    for (;;) {
        if (C.CutOutBytes) {
            ULONG Now = C.CutOutBytes < Room - Done ? C.CutOutBytes : Room - Done;
            memcpy(To + Done, C.CutOut, Now);
            for (u32 I = Now; I < C.CutOutBytes; ++I)
                C.CutOut[I - Now] = C.CutOut[I];
            C.CutOutBytes -= Now;
            Done += Now;
        }
        wchar_t Ch, Low = 0;
        if (Done == Room || !Next(Ch))
            return Done;
        if (Ch >= 0xD800 && Ch < 0xDC00 && !Next(Low))
            Low = 0;
        C.CutOutBytes = Encode(C.InputCp, Ch, Low, C.CutOut);
    }
}

// Whether a read is done, and with how many bytes.
bool TryRead(Console& C, PIRP I, NTSTATUS& Status, ULONG_PTR& Done)
{
    Wanted W = What(I);
    Status = STATUS_SUCCESS;
    Done = 0;
    if (W.Code == ReadInput) {
        if (!C.Waiting()) {
            Status = STATUS_PIPE_BROKEN;
            return C.Ended;
        }
        for (; Done + sizeof(Record) <= W.Bytes && C.Waiting(); Done += sizeof(Record)) {
            Record R = Take(C);
            memcpy(W.To + Done, &R, sizeof(R));
        }
        return true;
    }
    bool Control = W.Code == ReadConsoleControl;
    UCHAR* To = W.To + (Control ? sizeof(u32) : 0);
    ULONG Room = W.Bytes - (Control ? ULONG(sizeof(u32)) : 0);
    u32 KeyState = 0;
    auto Finish = [&](ULONG Bytes) {
        if (Control) {
            memcpy(W.To, &KeyState, sizeof(KeyState));
            Bytes += sizeof(u32);
        }
        Done = Bytes;
        return true;
    };
    auto GiveTyped = [&] {
        ULONG Bytes = Give(C, W, To, Room, [&](wchar_t& Ch) {
            if (C.TypedAt >= C.Typed.Size())
                return false;
            Ch = C.Typed[C.TypedAt++];
            return true;
        });
        if (C.TypedAt >= C.Typed.Size()) {
            C.Typed.Clear();
            C.TypedAt = 0;
        }
        return Finish(Bytes);
    };
    if (!C.Typed.IsEmpty() || (C.CutOutBytes && W.Code == ReadFile))
        return GiveTyped();
    if (!(C.Mode & LineInput)) {
        // Down to the last key that has no character: a read waits for one that has.
        while (C.Waiting()) {
            const Record& R = C.Records[C.First];
            if (R.Type == console::KeyEvent && R.Down && R.Char)
                break;
            Take(C);
        }
        if (!C.Waiting())
            return C.Ended ? Finish(0) : false;
        return Finish(Give(C, W, To, Room, [&](wchar_t& Ch) {
            while (C.Waiting()) {
                Record R = Take(C);
                if (R.Type == console::KeyEvent && R.Down && R.Char) {
                    Ch = R.Char;
                    return true;
                }
            }
            return false;
        }));
    }
    Screen& S = *C.Active;
    if (!C.Line.IsOpen()) {
        u32 Mask = 0;
        std::span<const wchar_t> Initial;
        if (Control) {
            memcpy(&Mask, W.To, sizeof(Mask));
            Initial = { reinterpret_cast<const wchar_t*>(W.To + sizeof(u32)), (W.InBytes - sizeof(u32)) / 2 };
        }
        C.Line.Inserts = true;
        if (!C.Line.Begin(S.Cells, C.Mode & EchoInput, Initial, Mask).Ok()) {
            Status = STATUS_INSUFFICIENT_RESOURCES;
            return true;
        }
    }
    auto Result = console::Line::Result::Goes;
    while (C.Waiting() && Result == console::Line::Result::Goes)
        Result = C.Line.Take(S, S.Cells, Take(C));
    if (Result == console::Line::Result::Goes)
        return C.Ended ? Finish(0) : false;
    std::span<const wchar_t> Text = C.Line.Text();
    KeyState = C.Line.KeyState();
    // Ctrl-Z at the beginning of a line is the end of a file.
    if (W.Code == ReadFile && !Text.empty() && Text[0] == 26)
        return Finish(0);
    for (wchar_t Ch : Text)
        if ((Ch != L'\n' || (C.Mode & ProcessedInput)) && !C.Typed.Push(Ch).Ok())
            break;
    return GiveTyped();
}

void CtrlKey(Console& C, Work& W, ULONG Event)
{
    Serve(C);                           // what was typed before comes first
    if (Event == CtrlC && C.Line.IsOpen() && !IsListEmpty(&C.Reads)) {
        // Whoever waits for a line gets an empty one.
        C.Line.Abandon(*C.Active, C.Active->Cells);
        for (wchar_t Ch : C.Line.Text())
            (void)C.Typed.Push(Ch);
        Serve(C);
    }
    Tell(C, W, Event, 0);
}

}

void InitializeReads(Console& C)
{
    KeInitializeSpinLock(&C.ReadLock);
    InitializeListHead(&C.Reads);
    IoCsqInitialize(&C.Csq, Insert, RemoveQueued, PeekRead, Acquire, Leave, Cancelled);
}

void Signal(Console& C)
{
    bool Now = C.Waiting() != 0 || C.Ended;
    if (Now == C.Signalled)
        return;
    C.Signalled = Now;
    for (LIST_ENTRY* E = C.Inputs.Flink; E != &C.Inputs; E = E->Flink)
        NeptuneSignalFile(Device, CONTAINING_RECORD(E, Handle, Link)->File, Now);
}

void Serve(Console& C)
{
    while (PIRP I = IoCsqRemoveNextIrp(&C.Csq, nullptr)) {
        NTSTATUS Status;
        ULONG_PTR Done;
        if (!TryRead(C, I, Status, Done)) {
            C.ReadFirst = true;
            IoCsqInsertIrp(&C.Csq, I, nullptr);
            C.ReadFirst = false;
            break;
        }
        Complete(I, Status, Done);
    }
    Signal(C);
    Show(C);
}

NTSTATUS StartRead(Console& C, PIRP Irp)
{
    IoCsqInsertIrp(&C.Csq, Irp, nullptr);
    Serve(C);
    return STATUS_PENDING;
}

void CancelReads(Console& C, PFILE_OBJECT File)
{
    while (PIRP I = IoCsqRemoveNextIrp(&C.Csq, File))
        Complete(I, STATUS_CANCELLED);
}

void AddRecords(Console& C, Work& W, std::span<const Record> All)
{
    for (const Record& R : All) {
        if (R.Type == console::KeyEvent && (C.Mode & ProcessedInput) && (R.State & console::keystate::AnyCtrl)) {
            // The key itself is not seen by programs, neither down nor up.
            bool C3 = R.Key == 'C' && !(R.State & (console::keystate::AnyAlt | console::keystate::Shift)), Break = R.Key == console::vk::Cancel;
            if (C3 || Break) {
                if (R.Down)
                    CtrlKey(C, W, Break ? CtrlBreak : CtrlC);
                continue;
            }
        }
        if (C.Waiting() < MostRecords)
            (void)C.Records.Push(R);
    }
    Serve(C);
}

NTSTATUS InputControl(Console& C, Work& W, ULONG Process, PIRP Irp, ULONG Code, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done)
{
    auto* Data = static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer);
    switch (Code) {
    case GetMode:
        if (InBytes || OutBytes != sizeof(u32))
            return STATUS_INVALID_PARAMETER;
        memcpy(Data, &C.Mode, sizeof(u32));
        Done = sizeof(u32);
        return STATUS_SUCCESS;
    case SetMode:
        if (InBytes != sizeof(u32) || OutBytes)
            return STATUS_INVALID_PARAMETER;
        memcpy(&C.Mode, Data, sizeof(u32));
        return STATUS_SUCCESS;
    case IsUnix: return STATUS_NOT_SUPPORTED;
    case WriteInput: {
        if (InBytes % sizeof(Record) || OutBytes)
            return STATUS_INVALID_PARAMETER;
        AddRecords(C, W, { reinterpret_cast<const Record*>(Data), InBytes / sizeof(Record) });
        return STATUS_SUCCESS;
    }
    case Peek: {
        if (InBytes)
            return STATUS_INVALID_PARAMETER;
        usize Count = OutBytes / sizeof(Record) < C.Waiting() ? OutBytes / sizeof(Record) : C.Waiting();
        if (Count)
            memcpy(Data, C.Records.Data() + C.First, Count * sizeof(Record));
        Done = Count * sizeof(Record);
        return STATUS_SUCCESS;
    }
    case GetInputInfo: {
        if (InBytes || OutBytes != sizeof(InputInfo))
            return STATUS_INVALID_PARAMETER;
        InputInfo I { C.InputCp, C.OutputCp, u32(C.Waiting()) };
        memcpy(Data, &I, sizeof(I));
        Done = sizeof(I);
        return STATUS_SUCCESS;
    }
    case SetInputInfo: {                // the code pages are loaded
        InputInfoParameters P;
        if (InBytes != sizeof(P) || OutBytes)
            return STATUS_INVALID_PARAMETER;
        memcpy(&P, Data, sizeof(P));
        if (P.Mask & 1)
            C.InputCp = P.Info.InputCp;
        if (P.Mask & 2)
            C.OutputCp = P.Info.OutputCp;
        return STATUS_SUCCESS;
    }
    case GetTitle: {
        // The length in characters, then as much of it as there is room for; two bytes less, as the structure's first character counts.
        constexpr ULONG Head = 8;
        if (InBytes || OutBytes < Head)
            return STATUS_INVALID_PARAMETER;
        u32 Length = u32(C.Title.Size()), Bytes = Length * 2 < OutBytes - Head ? Length * 2 : OutBytes - Head;
        memset(Data, 0, Head);
        memcpy(Data, &Length, sizeof(Length));
        if (Bytes)
            memcpy(Data + sizeof(u32), C.Title.Data(), Bytes);
        Done = Head + Bytes;
        return STATUS_SUCCESS;
    }
    case SetTitle:
        if (InBytes % 2 || OutBytes)
            return STATUS_INVALID_PARAMETER;
        C.Active->Title({ reinterpret_cast<wchar_t*>(Data), InBytes / 2 });
        return STATUS_SUCCESS;
    case CtrlEvent: {
        CtrlEventParameters P;
        if (InBytes != sizeof(P))
            return STATUS_INVALID_PARAMETER;
        memcpy(&P, Data, sizeof(P));
        if (P.Event != CtrlC && P.Event != CtrlBreak)
            return STATUS_INVALID_PARAMETER;
        Tell(C, W, u32(P.Event), P.Group);
        return STATUS_SUCCESS;
    }
    case Beep:
        if (IsShown(C))
            ThePainter().Bell();
        return STATUS_SUCCESS;
    case Flush:
        C.Records.Clear();
        C.First = 0;
        Signal(C);
        return STATUS_SUCCESS;
    case GetWindow: {
        u32 None = 0;
        if (InBytes || OutBytes != sizeof(None))
            return STATUS_INVALID_PARAMETER;
        memcpy(Data, &None, sizeof(None));
        Done = sizeof(None);
        return STATUS_SUCCESS;
    }
    case GetProcessList: {
        if (OutBytes < sizeof(u32))
            return STATUS_INVALID_PARAMETER;
        u32 Count = 0;
        for (LIST_ENTRY* E = C.Clients.Flink; E != &C.Clients; E = E->Flink) {
            ULONG Id = CONTAINING_RECORD(E, Client, Link)->Process;
            if ((Count + 1) * sizeof(u32) <= OutBytes)
                memcpy(Data + Count * sizeof(u32), &Id, sizeof(Id));
            ++Count;
        }
        Done = Count * sizeof(u32);
        if (Done <= OutBytes)
            return STATUS_SUCCESS;
        // The caller reads how many there are.
        memcpy(Data, &Count, sizeof(Count));
        Done = sizeof(Count);
        return STATUS_BUFFER_TOO_SMALL;
    }
    default: return STATUS_INVALID_HANDLE;
    }
    (void)Process;
}

}
