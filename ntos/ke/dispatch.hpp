// The dispatcher's loop; see dispatch.cpp.
#pragma once
#include "lib/core/result.hpp"

namespace ke {

[[noreturn]] void Dispatch(u64 Endpoint);
// Starts the guard, a thread that takes the dispatcher's own faults (and logs them as a panic, with what was being served).
Status StartGuard();
// The service being run, and for whom; null between messages. For panics.
struct InHand {
    const struct ServiceInfo* Service = nullptr;
    class Caller* By = nullptr;
};
extern InHand Serving;
// Logs the next Count service calls with their arguments and failures.
void TraceServices(u64 Count);

}
