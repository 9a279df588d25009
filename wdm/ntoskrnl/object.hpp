// Private to ntoskrnl.exe: objects with a header of ours in front, and those that stand for handles.
#pragma once
#include "wdm/ntoskrnl/host.hpp"

namespace host {

// What a proxy's first bytes are: DISPATCHER_HEADER.Type, then the handle where WaitListHead would be.
inline constexpr UCHAR ProxyObject = 0x7F, ProxySize = 'P';
struct HandleProxy {
    DISPATCHER_HEADER Header;           // Type ProxyObject, Size ProxySize, SignalState = wd::HandleGot.Type
    HANDLE Handle;
    LONG References;
};
// One reference; the handle is the proxy's from now on (closed if there is no memory: null). Type: as SignalState.
PVOID NewProxy(HANDLE H, ULONG Type);
inline HANDLE ProxyHandle(PVOID Object)
{
    auto* P = static_cast<HandleProxy*>(Object);
    return P->Header.Type == ProxyObject && P->Header.Size == ProxySize ? P->Handle : nullptr;
}

}
