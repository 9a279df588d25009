// What the loader asks of the rest of ntdll while processes and threads begin and end.
#pragma once
#include "ntdll/ntdll.hpp"

bool RtlpMoveProcessParameters();           // into the heap; false if there is no memory
void RtlpInitializeTls();                   // the TlsAlloc bitmaps
void RtlpInitializeNls();                   // code pages, upper-case table, locale file
void RtlpInitializeActivationContexts();    // the program's manifest
void RtlpStartInitialThread();
void RtlpStartThread();                     // activation-context stack
void RtlpEndThreadCallbacks();              // FLS callbacks: before the DLLs are told
void RtlpEndThread();                       // frees what RtlpStartThread made
// At process end, when the other threads are gone whatever they held: the process heap's lock.
void RtlpForgetLocks();

extern "C" {
void NTAPI RtlExitUserThread(NTSTATUS Status);
void NTAPI RtlExitUserProcess(NTSTATUS Status);
}
