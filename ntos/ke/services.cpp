#include "ntos/ke/services.hpp"

namespace ke {

template <typename Call, Status (*Handler)(Caller&, Call&)> static Status NowThunk(Caller& By, void* Arguments)
{
    return Handler(By, *static_cast<Call*>(Arguments));
}

template <typename Call, Task<> (*Handler)(Caller&, Call&)> static Task<> WaitsThunk(Caller& By, void* Arguments)
{
    return Handler(By, *static_cast<Call*>(Arguments));
}

#define P_IN(Type, Name) +1
#define P_PTR(Type, Name) +1
#define P_OUT(Type, Name) +1
#define P_IO(Type, Name) +1
#define P_BUF(Name) +1
#define HANDLER_NOW(Name) NowThunk<svc::Name, Nt##Name>, nullptr
#define HANDLER_WAITS(Name) nullptr, WaitsThunk<svc::Name, Nt##Name>
#define STATE_COMPLETE(Kind, Name) HANDLER_##Kind(Name)
#define STATE_PARTIAL_(Kind, Name) HANDLER_##Kind(Name)
#define STATE_ABSENT(Kind, Name) nullptr, nullptr
#define COMPLETE COMPLETE
#define PARTIAL(Missing) PARTIAL_
#define JOIN_(State, Kind, Name) STATE_##State(Kind, Name)
#define JOIN(State, Kind, Name) JOIN_(State, Kind, Name)
#define SVC(Name, Kind, State, Text, Parameters) { #Name, 0 Parameters, JOIN(State, Kind, Name) },
const ServiceInfo ServiceTable[] = {
#include "abi/services.def"
};
#undef SVC

// Each view is exactly its arguments.
#define SVC(Name, Kind, State, Text, Parameters) \
    static_assert(sizeof(svc::Name) == ((0 Parameters) ? 8 * (0 Parameters) : 1) && (0 Parameters) <= Caller::MaximumArguments);
#include "abi/services.def"

}
