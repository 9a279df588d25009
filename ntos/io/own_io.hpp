// Files that the Executive reads and writes for itself, also those of file-system drivers: its own requests, which carry their data with them and need no client's memory.
// For: the process they count as being from (it may have ended). Nothing here is alertable; a request that does not end keeps its task waiting.
#pragma once
#include <span>

#include "ntos/io/io.hpp"

namespace io {

// Opens a file as NtCreateFile would, with the caller's rights, and waits until it is open.
ke::Task<> OpenOwn(ke::Caller& Caller, const ob::Attributes& Named, ob::Name Suffix, CreateParameters How, RefPtr<File>& To);
// All of From, at most Limit bytes (STATUS_FILE_TOO_LARGE), appended to To, which must live as long as the task.
ke::Task<> ReadOwn(Ref<ps::Process> For, Ref<File> From, usize Limit, Vector<u8>& To);
// Bytes must live as long as the task.
ke::Task<> WriteOwn(Ref<ps::Process> For, Ref<File> To, u64 Offset, std::span<const u8> Bytes);
ke::Task<> FlushOwn(Ref<ps::Process> For, Ref<File> Of);
// Closes a file that nobody has a handle to.
ke::Task<> CloseOwn(Ref<File> Of);

}
