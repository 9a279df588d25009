// Resource lists of devices that no bus enumerates: ports, lines and memory at fixed places, as the registry declares them.
#include "wdm/ntoskrnl/device.hpp"

namespace host {

void DescribeFixed(CM_PARTIAL_RESOURCE_DESCRIPTOR& D, const wd::Resource& From)
{
    D.Type = UCHAR(From.Type);
    D.ShareDisposition = From.Shared ? CmResourceShareShared : CmResourceShareDeviceExclusive;
    if (From.Type == CmResourceTypeInterrupt) {
        D.Flags = From.Level ? CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE : CM_RESOURCE_INTERRUPT_LATCHED;
        D.u.Interrupt.Level = LineIrql;
        D.u.Interrupt.Vector = ULONG(From.Start) + LineVector;
        D.u.Interrupt.Affinity = 1;
    } else {
        D.Flags = From.Type == CmResourceTypePort ? CM_RESOURCE_PORT_IO | CM_RESOURCE_PORT_16_BIT_DECODE : CM_RESOURCE_MEMORY_READ_WRITE;
        D.u.Memory.Start.QuadPart = LONGLONG(From.Start);
        D.u.Memory.Length = ULONG(From.Bytes);
    }
}

CM_RESOURCE_LIST* FixedResources(const wd::Resource* R, ULONG Count)
{
    usize Bytes = sizeof(CM_RESOURCE_LIST) + Count * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
    auto* L = static_cast<CM_RESOURCE_LIST*>(ExAllocatePoolWithTag(PagedPool, Bytes, 'dxiF'));
    if (!L)
        return nullptr;
    memset(L, 0, Bytes);
    L->Count = 1;
    L->List[0].InterfaceType = Isa;
    auto& Partial = L->List[0].PartialResourceList;
    Partial.Version = Partial.Revision = 1;
    Partial.Count = Count;
    for (ULONG I = 0; I < Count; ++I)
        DescribeFixed(Partial.PartialDescriptors[I], R[I]);
    return L;
}

}
