// What the console's driver needs beyond Windows' interface: signals of its files, and threads in the processes of a console.
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"

extern "C" {
// From now on a wait for this file ends when it is set, not when its requests end. At PASSIVE_LEVEL, after the file has been opened (its IRP_MJ_CREATE is complete).
__declspec(dllimport) NTSTATUS NTAPI NeptuneSignalFile(PDEVICE_OBJECT Device, PFILE_OBJECT File, BOOLEAN Set);
// A thread in the process calls the handlers that it has for the event (CTRL_C_EVENT ...).
__declspec(dllimport) NTSTATUS NTAPI NeptuneConsoleControl(ULONG Process, ULONG Event);
// The process that made it, and ConsoleFlags of its parameters (1: it ignores Ctrl-C).
__declspec(dllimport) NTSTATUS NTAPI NeptuneConsoleClient(ULONG Process, PULONG Parent, PULONG Flags);
}
