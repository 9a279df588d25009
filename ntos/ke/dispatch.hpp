// The dispatcher's loop; see dispatch.cpp.
#pragma once
#include "ntos/ke/task.hpp"

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
// The rest of a service that has ended with Caller::Attention: waits for pages, runs it again, writes what was kept. Stack: where its arguments from the fourth on are still to be read, or 0.
ke::Task<> Settle(class Caller& By, const struct ServiceInfo& Service, u64 Stack, Status Outcome);
// Services that somebody else has a say in. Wants must be quick; Around runs the service (or not) and gives its outcome.
class ServiceWatch {
public:
    virtual bool Wants(u32 Number, class Caller& By) = 0;
    virtual Task<> Around(class Caller& By, u32 Number, const struct ServiceInfo& Service) = 0;
};
extern constinit ServiceWatch* Watching;        // null: nobody
// Runs a service to its end, as the dispatcher does.
Task<> RunService(class Caller& By, const struct ServiceInfo& Service);
// Logs the next Count service calls with their arguments and failures.
void TraceServices(u64 Count);

}
