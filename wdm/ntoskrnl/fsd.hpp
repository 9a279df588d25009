// Private to ntoskrnl.exe: what file systems need of it.
#pragma once
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// A message about a volume.
void MountVolume(const wd::Message& M);
// The VPB of a volume's device; null for other devices.
VPB* VpbOf(DEVICE_OBJECT* Volume);
// The name of a file object may have been replaced by the file system.
void FreeFile(FILE_OBJECT* F);
// What IoGetRequestorProcess gives for a client: one address for each process id, not to be looked into.
PEPROCESS ClientProcess(u64 Id);
u64 ClientId(PEPROCESS Process);        // and back; this process's own for PsInitialSystemProcess

}
