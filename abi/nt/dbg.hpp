// What a debugger gets from NtWaitForDebugEvent.
#pragma once
#include "abi/nt/context.hpp"

namespace nt {

enum DBG_STATE : ULONG {
    DbgIdle, DbgReplyPending, DbgCreateThreadStateChange, DbgCreateProcessStateChange, DbgExitThreadStateChange, DbgExitProcessStateChange,
    DbgExceptionStateChange, DbgBreakpointStateChange, DbgSingleStepStateChange, DbgLoadDllStateChange, DbgUnloadDllStateChange,
};

struct DBGUI_WAIT_STATE_CHANGE {
    ULONG NewState;
    ULONG Pad;
    CLIENT_ID AppClientId;
    union {
        struct {
            EXCEPTION_RECORD Record;
            ULONG FirstChance;
        } Exception;
        struct {
            HANDLE Handle;
            ULONG SubSystemKey;
            PVOID StartAddress;
        } CreateThread;
        struct {
            HANDLE Process, Thread;
            ULONG SubSystemKey;
            HANDLE File;
            PVOID Base;
            ULONG DebugInfoOffset, DebugInfoSize;
            ULONG ThreadSubSystemKey;
            PVOID StartAddress;
        } CreateProcess;
        struct {
            NTSTATUS Status;
        } Exit;
        struct {
            HANDLE File;
            PVOID Base;
            ULONG DebugInfoOffset, DebugInfoSize;
            PVOID NamePointer;
        } LoadDll;
        struct {
            PVOID Base;
        } UnloadDll;
    };
};
NT_SIZE(DBGUI_WAIT_STATE_CHANGE, 0xB8);

}
