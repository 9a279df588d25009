#pragma once
#include "lib/core/types.hpp"

namespace ps {
class Process;
}

namespace io {

// One read or write, answered at once.
struct Transfer {
    ps::Process* Process = nullptr;     // whose memory Address is in
    u64 Address = 0;
    u32 Length = 0, Key = 0;
    u64 Offset = 0;                     // meaningless for files without position
    bool Append = false;                // write at the end
    u64 Done = 0;                       // bytes
};

}
