// ReactOS's development kit of native structures; a driver gets what ntifs.h has of them.
#pragma once
#include <ntifs.h>

#ifdef __cplusplus
extern "C" {
#endif
struct _LOADER_PARAMETER_BLOCK;
extern NTSYSAPI struct _LOADER_PARAMETER_BLOCK *KeLoaderBlock;
NTHALAPI VOID NTAPI HalDisplayString(PUCHAR String);
NTKERNELAPI VOID NTAPI InbvAcquireDisplayOwnership(VOID);
NTKERNELAPI BOOLEAN NTAPI InbvCheckDisplayOwnership(VOID);
NTKERNELAPI BOOLEAN NTAPI InbvDisplayString(PCHAR String);
NTKERNELAPI BOOLEAN NTAPI InbvResetDisplay(VOID);
#ifdef __cplusplus
}
#endif
