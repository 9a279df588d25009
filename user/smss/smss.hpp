// The first process. It reads \??\C:\neptune.ini, runs the programs named there one after the other with their standard handles on the
// host's streams, tells the host how each ended, and turns the machine off.
//
// neptune.ini is UTF-8, one key=value a line; a line that begins with a tab goes on with the value before it, after a line break.
//   mode=run | shell | init    run: the programs below. shell: the same, and the host is told `ready` first. init: no programs;
//                              the system stays up.
//   disk=mbr:<signature>:<offset> | gpt:<guid>     this partition (numbers in hexadecimal) becomes C:, and its hives the registry's; what the machine
//                              was started from is X: then. Without a program, C:\neptune.ini is read after this one
//   dir=<object path>          a directory of the object namespace to be created
//   mark=<text>                written to the output and the error stream after each program, so that the host can tell their output apart
//   driver=<name>              a driver to be loaded, by its service key; when it does not start, no program after it does
//   drive=<letter>:            a drive that must be there before a program starts: it is waited for; disks get their letters after that (volumes)
//   volumes=<number>           so many volumes besides the first and C: must have a drive letter before a program starts: they are waited for
//   console=<columns>x<rows>   the programs have a console (drivers/console/condrv), shown on the terminal behind the host's streams, which is of this size
//   image=<DOS path>           begins a program; what follows is its:
//   command=<command line>     (the image's name if absent)
//   directory=<DOS path>       current directory (C:\ if absent)
//   env=<name>=<value>         one variable, any number of times
// Lines of the control stream: `ready`, `exit <decimal>`, `error <text>`.
#pragma once
#include "abi/nt/io.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/status.hpp"
#include "abi/services.hpp"
#include "lib/core/result.hpp"

namespace smss {

// A wide string of the process heap.
class Text {
public:
    Text() = default;
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    ~Text();
    bool Append(const WCHAR* Chars, u32 Length);
    bool AppendUtf8(const char* Bytes, u32 Length);
    void Clear() { Length_ = 0; }
    const WCHAR* Chars() const { return Buffer_ ? Buffer_ : L""; }
    u32 Length() const { return Length_; }
    UNICODE_STRING String() const { return { USHORT(Length_ * 2), USHORT(Length_ * 2 + 2), const_cast<WCHAR*>(Chars()) }; }

private:
    WCHAR* Buffer_ = nullptr;
    u32 Length_ = 0, Room_ = 0;
};

struct Program {
    Text Image, Command, Directory;
    Text Environment;               // name=value NUL ... ; the last NUL is added when it is used
};

enum class Mode { Run, Shell, Init };

// Calls for what the settings say, in their order.
class Sink {
public:
    virtual void OnMode(Mode M) = 0;
    virtual void OnDisk(const Text& Where) = 0;
    virtual void OnDirectory(const Text& Path) = 0;
    virtual void OnMark(const Text& Mark) = 0;
    virtual void OnDriver(const Text& Name) = 0;
    virtual void OnDrive(const Text& Drive) = 0;
    virtual void OnVolumes(u32 Count) = 0;
    virtual void OnConsole(u32 Columns, u32 Rows) = 0;
    virtual void OnProgram(Program& P) = 0;
    virtual void OnMistake(const char* Line, u32 Length) = 0;

protected:
    ~Sink() = default;
};
void Parse(const char* Bytes, u64 Length, Sink& To);

// The host's streams. False: there is no such device.
bool OpenStreams();
void Tell(const char* Line);                                // to the control stream; adds the line break
void TellFailure(const char* What, const Text& Of, NTSTATUS Status);
// Programs get a console from now on, and it instead of the streams. Shell: the first one is a shell, which Ctrl-C does not end.
NTSTATUS UseConsole(u32 Columns, u32 Rows, bool Shell);
// What follows each program's output; at most 64 characters of ASCII count.
void SetMark(const Text& Mark);
// Makes a partition C: and loads its hives. False: it cannot be; the host has been told.
bool UseDisk(const Text& Where);
// Other volumes may have drive letters from now on. Called again it does nothing.
void AssignLetters();
// Whether so many volumes besides C: and X: have one, after a while.
bool WaitForLetters(u32 Count);
// Starts, waits, tells how it ended.
void Run(Program& P);

}
