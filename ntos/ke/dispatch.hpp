// The dispatcher's loop; see dispatch.cpp.
#pragma once
#include "lib/core/types.hpp"

namespace ke {

[[noreturn]] void Dispatch(u64 Endpoint);
// Logs the next Count service calls with their arguments and failures.
void TraceServices(u64 Count);

}
