// The server's view of abi/services.def: per service a struct svc::X over the caller's captured arguments, and the
// handler's prototype. A NOW service is `Status NtX(ke::Caller&, svc::X&)`, a WAITS service `ke::Task<> NtX(...)`; a
// handler of the wrong kind does not link. Handlers return the status; the dispatcher replies.
// The arguments stay valid across co_await (they live in the Caller), and user memory may have changed by then.
#pragma once
#include "abi/services.hpp"
#include "ntos/ke/user.hpp"

using namespace nt;

#define P_IN(Type, Name) ke::Arg<Type> Name;
#define P_PTR(Type, Name) ke::UserPtr<Type> Name;
#define P_OUT(Type, Name) ke::UserPtr<Type> Name;
#define P_IO(Type, Name) ke::UserPtr<Type> Name;
#define P_BUF(Name) ke::UserBuffer Name;
#define SVC(Name, Kind, State, Text, Parameters) \
    struct Name {                                \
        Parameters                               \
    };
namespace svc {
#include "abi/services.def"
}
#undef SVC
#undef P_IN
#undef P_PTR
#undef P_OUT
#undef P_IO
#undef P_BUF

#define SVC_NOW(Name) Status Nt##Name(ke::Caller& Caller, svc::Name& Call);
#define SVC_WAITS(Name) ke::Task<> Nt##Name(ke::Caller& Caller, svc::Name& Call);
#define SVC(Name, Kind, State, Text, Parameters) SVC_##Kind(Name)
#include "abi/services.def"
#undef SVC
#undef SVC_NOW
#undef SVC_WAITS

namespace ke {

struct ServiceInfo {
    const char* Name;
    u8 ArgumentCount;
    Status (*Now)(Caller&, void*);          // one of the two, or neither for an absent service
    Task<> (*Waits)(Caller&, void*);
};
extern const ServiceInfo ServiceTable[];
inline constexpr u32 ServiceCount = u32(abi::Service::Count);

}
