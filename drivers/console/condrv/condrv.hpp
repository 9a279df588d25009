// The console driver: it is also what other systems have a console host for. A console has input records, screen buffers and processes; one of them is shown on
// the host's terminal, the others on nothing.
//
// \Device\ConDrv\Server makes a console, Reference (relative to a Server) stands for it: a process has it as ProcessParameters.ConsoleHandle. Connection (relative to a Reference) attaches the
// process that opens it, until that handle is closed. Input and Output are the console of whoever uses them; CurrentIn, CurrentOut and ScreenBuffer that of whoever opened them.
// All state is under one lock (Hold). What blocks (the terminal) or calls into processes is done without it: Work collects it.
#pragma once
#include "lib/console/line.hpp"
#include "lib/console/painter.hpp"

#include "drivers/common/driver.hpp"
#include "abi/wire/condrv.hpp"
#include "wdm/ntoskrnl/console.hpp"

namespace condrv {

using console::Buffer;
using console::Record;
struct Console;

struct Screen final : Buffer::Host {
    LIST_ENTRY Link;                    // of the console's
    Console* Of;
    LONG Handles = 0;
    Buffer Cells;
    u32 Mode = console::Processed | console::WrapAtEnd;
    u8 Cut[4] {};                       // a character of WriteFile's that is not complete
    u32 CutBytes = 0;
    void BeforeScroll(Buffer&) override;
    void Bell() override;
    void Answer(std::span<const wchar_t> Text) override;
    void Title(std::span<const wchar_t> Text) override;
};

struct Console {
    LIST_ENTRY Screens, Clients, Inputs;        // Inputs: open files whose signal is the console's
    LONG References = 0;                // open files that are or name it, and clients
    Screen *Main = nullptr, *Active = nullptr;
    u32 Mode = 0x1F7;
    u32 InputCp = 65001, OutputCp = 65001;
    Vector<wchar_t> Title;
    Vector<Record> Records;
    usize First = 0;                    // of Records
    console::Line Line;
    Vector<wchar_t> Typed;              // a line that is ready
    usize TypedAt = 0;
    u8 CutOut[4] {};                    // of a character, for a reader with a smaller buffer
    u32 CutOutBytes = 0;
    LIST_ENTRY Reads;                   // IRPs that wait
    KSPIN_LOCK ReadLock;
    IO_CSQ Csq;
    bool ReadFirst = false;             // the next one goes to the head
    bool Signalled = false, Ended = false, HasShell = false;    // Ended: the terminal has gone
    ULONG Shell = 0;
    i32 Columns = 80, Rows = 25;
    usize Waiting() const { return Records.Size() - First; }
};

struct Client {
    LIST_ENTRY All, Link;
    ULONG Process, Group;
    Console* Of;
};

enum class Kind : u8 { Server, Connection, Reference, Input, Output, Screen };
struct Handle {                         // FsContext
    Kind Is;
    Console* Of;                        // may be null: of Input, Output, and a Server that has no console yet
    struct Screen* Shown;               // of Kind::Screen
    LIST_ENTRY Link;                    // Console::Inputs, of Input and Reference
    Client* Attached;                   // of a Connection
    PFILE_OBJECT File;
};

extern PDEVICE_OBJECT Device;
extern FAST_MUTEX Lock;
class Hold {
public:
    Hold() { ExAcquireFastMutex(&Lock); }
    ~Hold() { ExReleaseFastMutex(&Lock); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
};

// What is to be done when the lock is free: events for processes, and the terminal.
class Work {
public:
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    ~Work();
    void Tell(ULONG Process, ULONG Event) { (void)Events_.Push(One { Process, Event }); }

private:
    struct One {
        ULONG Process, Event;
    };
    Vector<One> Events_;
};

// --- consoles (console.cpp), all with the lock
Console* NewConsole();                  // one reference; null: no memory
void Reference(Console& C);
void Release(Console& C);
Client* ClientOf(ULONG Process);
// STATUS_ACCESS_DENIED: the process has one already.
NTSTATUS Attach(Console& C, ULONG Process, Client** Out);
void Detach(Client& C);
Screen* NewScreen(Console& C);
void CloseScreen(Screen& S);
void MakeActive(Screen& S);
// To the processes of a group, 0 all.
void Tell(Console& C, Work& W, ULONG Event, ULONG Group);

// --- input (input.cpp), with the lock
void AddRecords(Console& C, Work& W, std::span<const Record> R);
// Gives waiting reads what there is.
void Serve(Console& C);
void Signal(Console& C);
void InitializeReads(Console& C);
NTSTATUS StartRead(Console& C, PIRP Irp);       // pending
void CancelReads(Console& C, PFILE_OBJECT File);
NTSTATUS InputControl(Console& C, Work& W, ULONG Process, PIRP Irp, ULONG Code, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done);

// --- output (output.cpp), with the lock
NTSTATUS OutputControl(Screen& S, PIRP Irp, ULONG Code, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done);
NTSTATUS WriteBytes(Screen& S, const UCHAR* From, ULONG Bytes);

// --- code pages (codepage.cpp)
// STATUS_INVALID_PARAMETER: there is none, or it has characters of two bytes. At PASSIVE_LEVEL, without the lock.
NTSTATUS LoadCodePage(u32 Number);
// With the lock, of loaded ones. Decode: what is left of a character at the end is kept in Cut.
NTSTATUS Decode(u32 CodePage, const UCHAR* From, ULONG Bytes, u8* Cut, u32& CutBytes, Vector<wchar_t>& To);
// The character's bytes; Low: the second half of a surrogate pair, or 0.
u32 Encode(u32 CodePage, wchar_t C, wchar_t Low, u8* To);

// --- the terminal (terminal.cpp)
NTSTATUS UseTerminalFor(Console& C, const TerminalSize& Size);  // with the lock
// PASSIVE_LEVEL, without the lock: the host's streams are opened and read from now on.
NTSTATUS OpenTerminal();
void LeaveTerminal(Console& C);         // with the lock
bool IsShown(const Console& C);
console::Painter& ThePainter();
void Show(Console& C);                  // with the lock
void SendOutput();                      // without

}
