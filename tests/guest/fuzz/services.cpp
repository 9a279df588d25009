// The service table as data.
#include "tests/guest/fuzz/child.hpp"

namespace fuzz {

#define P_IN(Type, Name) { Passing::In, #Type, #Name },
#define P_PTR(Type, Name) { Passing::Pointer, #Type, #Name },
#define P_OUT(Type, Name) { Passing::Out, #Type, #Name },
#define P_IO(Type, Name) { Passing::InOut, #Type, #Name },
#define P_BUF(Name) { Passing::Buffer, "", #Name },
#define SVC(Name, Kind, State, Text, List) static const Parameter Of##Name[] = { List { Passing::In, "", "" } };
#include "abi/services.def"
#undef SVC

#define SVC(Name, Kind, State, Text, List) { #Name, Of##Name, sizeof(Of##Name) / sizeof(Parameter) - 1 },
static const Service Raw[] = {
#include "abi/services.def"
};
#undef SVC
static_assert(sizeof(Raw) / sizeof(Raw[0]) == ServiceCount);

bool Equal(const char* A, const char* B)
{
    while (*A && *A == *B)
        ++A, ++B;
    return *A == *B;
}

bool Contains(const char* Text, const char* Part)
{
    for (; *Text; ++Text) {
        u32 I = 0;
        while (Part[I] && Text[I] == Part[I])
            ++I;
        if (!Part[I])
            return true;
    }
    return false;
}

const Service* TheServices()
{
    return Raw;
}

bool IsDeadly(u32 Number)
{
    static constexpr abi::Service Deadly[] = {
        abi::Service::TerminateProcess, abi::Service::TerminateThread, abi::Service::TerminateJobObject, abi::Service::SuspendProcess, abi::Service::SuspendThread,
        abi::Service::FreeVirtualMemory, abi::Service::UnmapViewOfSection, abi::Service::UnmapViewOfSectionEx, abi::Service::ProtectVirtualMemory,
        abi::Service::Continue, abi::Service::SetContextThread, abi::Service::RaiseException, abi::Service::RaiseHardError, abi::Service::SetInformationProcess,
        abi::Service::DelayExecution, abi::Service::WaitForAlertByThreadId, abi::Service::ListenPort, abi::Service::ReplyWaitReceivePort,
    };
    for (abi::Service S : Deadly)
        if (Number == u32(S))
            return true;
    return false;
}

}
