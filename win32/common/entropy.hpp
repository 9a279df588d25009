// Random bytes for this process: a ChaCha20 generator seeded from the CPU's random number instruction, the system's
// interrupt statistics (which the Executive fills with random bytes) and clocks, counters and addresses. Thread-safe.
#pragma once
#include "lib/core/types.hpp"

// False only if no source of real randomness answered; nothing was written then.
bool RandomBytes(u8* Out, usize Size);
