// The routing of PCI interrupts: _PRT of every PCI bus in the namespace, with the link devices its entries name (ACPI 6.4, section 6.2.13).
#include "drivers/acpi/acpi/acpi.hpp"

#include "abi/wire/driver.hpp"

namespace acpi {

namespace {

namespace wd = wire::driver;

constexpr ULONG MostRoutes = wd::MaximumRoutes;
struct Line {
    ULONG Gsi;
    bool Level, ActiveLow, Found;
};
constexpr ULONG MostLinks = 32;
struct Table {
    ULONG Count, LinkCount;
    wd::Route Routes[MostRoutes];
    struct {
        ACPI_HANDLE Link;
        Line Is;
    } Links[MostLinks];                 // those asked already
};

ACPI_STATUS FirstLine(ACPI_RESOURCE* R, void* Context)
{
    auto& L = *static_cast<Line*>(Context);
    if (R->Type == ACPI_RESOURCE_TYPE_IRQ && R->Data.Irq.InterruptCount)
        L = { R->Data.Irq.Interrupts[0], R->Data.Irq.Triggering == ACPI_LEVEL_SENSITIVE, R->Data.Irq.Polarity == ACPI_ACTIVE_LOW, true };
    else if (R->Type == ACPI_RESOURCE_TYPE_EXTENDED_IRQ && R->Data.ExtendedIrq.InterruptCount)
        L = { R->Data.ExtendedIrq.Interrupts[0], R->Data.ExtendedIrq.Triggering == ACPI_LEVEL_SENSITIVE, R->Data.ExtendedIrq.Polarity == ACPI_ACTIVE_LOW, true };
    else
        return AE_OK;
    return AE_CTRL_TERMINATE;
}

// A link device: the line it is set to. One that is set to none, or turned off, is set to the first it can have.
Line OfLink(ACPI_HANDLE Link)
{
    Line L {};
    ACPI_OBJECT Object;
    ACPI_BUFFER Buffer { sizeof(Object), &Object };
    bool Off = ACPI_SUCCESS(AcpiEvaluateObjectTyped(Link, const_cast<char*>("_STA"), nullptr, &Buffer, ACPI_TYPE_INTEGER)) && !(Object.Integer.Value & 2);
    AcpiWalkResources(Link, const_cast<char*>(METHOD_NAME__CRS), FirstLine, &L);
    if (!Off && L.Found && L.Gsi)
        return L;
    L = {};
    AcpiWalkResources(Link, const_cast<char*>(METHOD_NAME__PRS), FirstLine, &L);
    if (!L.Found)
        return L;
    // _SRS takes what _CRS has, with that one line.
    ACPI_BUFFER Current { ACPI_ALLOCATE_BUFFER, nullptr };
    if (ACPI_FAILURE(AcpiGetCurrentResources(Link, &Current)))
        return {};
    bool Set = false;
    for (auto* R = static_cast<ACPI_RESOURCE*>(Current.Pointer); !Set && R->Type != ACPI_RESOURCE_TYPE_END_TAG && R->Length; R = ACPI_NEXT_RESOURCE(R)) {
        if (R->Type == ACPI_RESOURCE_TYPE_IRQ) {
            R->Data.Irq.InterruptCount = 1;
            R->Data.Irq.Interrupts[0] = UINT8(L.Gsi);
            Set = true;
        } else if (R->Type == ACPI_RESOURCE_TYPE_EXTENDED_IRQ) {
            R->Data.ExtendedIrq.InterruptCount = 1;
            R->Data.ExtendedIrq.Interrupts[0] = L.Gsi;
            Set = true;
        }
    }
    if (!Set || ACPI_FAILURE(AcpiSetCurrentResources(Link, &Current)))
        L = {};
    AcpiOsFree(Current.Pointer);
    return L;
}

Line OfLink(Table& T, ACPI_HANDLE Link)
{
    for (ULONG I = 0; I < T.LinkCount; ++I)
        if (T.Links[I].Link == Link)
            return T.Links[I].Is;
    Line L = OfLink(Link);
    if (T.LinkCount < MostLinks)
        T.Links[T.LinkCount++] = { Link, L };
    return L;
}

bool Number(ACPI_HANDLE Of, const char* Name, UINT64& To)
{
    ACPI_OBJECT Object;
    ACPI_BUFFER Buffer { sizeof(Object), &Object };
    if (ACPI_FAILURE(AcpiEvaluateObjectTyped(Of, const_cast<char*>(Name), nullptr, &Buffer, ACPI_TYPE_INTEGER)))
        return false;
    To = Object.Integer.Value;
    return true;
}

bool IsRootBridge(ACPI_HANDLE Device)
{
    ACPI_DEVICE_INFO* Info;
    if (ACPI_FAILURE(AcpiGetObjectInfo(Device, &Info)))
        return false;
    bool Is = (Info->Flags & ACPI_PCI_ROOT_BRIDGE) != 0;
    AcpiOsFree(Info);
    return Is;
}

// The number of the bus below a root bridge or a bridge on another bus; false: there is none.
bool BusBelow(ACPI_HANDLE Bridge, ULONG& Bus, ULONG Depth = 0)
{
    UINT64 N;
    if (IsRootBridge(Bridge)) {
        Bus = Number(Bridge, "_BBN", N) ? ULONG(N) & 255 : 0;
        return true;
    }
    ACPI_HANDLE Parent;
    ULONG Above;
    if (Depth > 8 || !Number(Bridge, "_ADR", N) || ACPI_FAILURE(AcpiGetParent(Bridge, &Parent)) || !BusBelow(Parent, Above, Depth + 1))
        return false;
    ACPI_PCI_ID Id { 0, UINT16(Above), UINT16(N >> 16 & 31), UINT16(N & 7) };
    UINT64 Header = 0, Secondary = 0;
    if (ACPI_FAILURE(AcpiOsReadPciConfiguration(&Id, 0x0E, &Header, 8)) || (Header & 0x7F) != 1 || ACPI_FAILURE(AcpiOsReadPciConfiguration(&Id, 0x19, &Secondary, 8)))
        return false;
    Bus = ULONG(Secondary);
    return Bus != 0;
}

ACPI_STATUS RouteBus(ACPI_HANDLE Device, UINT32, void* Context, void**)
{
    auto& T = *static_cast<Table*>(Context);
    ACPI_HANDLE Method;
    ULONG Bus;
    if (ACPI_FAILURE(AcpiGetHandle(Device, const_cast<char*>("_PRT"), &Method)) || !BusBelow(Device, Bus))
        return AE_OK;
    ACPI_BUFFER Buffer { ACPI_ALLOCATE_BUFFER, nullptr };
    if (ACPI_STATUS Status = AcpiGetIrqRoutingTable(Device, &Buffer); ACPI_FAILURE(Status)) {
        Say("the routing of bus %u cannot be had: %s\n", unsigned(Bus), AcpiFormatException(Status));
        return AE_OK;
    }
    for (auto* E = static_cast<ACPI_PCI_ROUTING_TABLE*>(Buffer.Pointer); E->Length && T.Count < MostRoutes;
         E = reinterpret_cast<ACPI_PCI_ROUTING_TABLE*>(reinterpret_cast<UCHAR*>(E) + E->Length)) {
        Line L { E->SourceIndex, true, true, true };
        ACPI_HANDLE Link;
        if (E->Source[0])
            L = ACPI_SUCCESS(AcpiGetHandle(Device, E->Source, &Link)) ? OfLink(T, Link) : Line {};
        if (L.Found && L.Gsi < 256 && E->Pin < 4)
            T.Routes[T.Count++] = { Bus, ULONG(E->Address >> 16) & 31, E->Pin + 1, L.Gsi, L.Level, L.ActiveLow, {} };
    }
    AcpiOsFree(Buffer.Pointer);
    return AE_OK;
}

}

void RouteInterrupts()
{
    // The interpreter is told that the I/O APIC is in use before the tables are asked.
    ACPI_OBJECT Apic {};
    Apic.Type = ACPI_TYPE_INTEGER;
    Apic.Integer.Value = 1;
    ACPI_OBJECT_LIST List { 1, &Apic };
    AcpiEvaluateObject(nullptr, const_cast<char*>("\\_PIC"), &List, nullptr);
    auto* T = static_cast<Table*>(ExAllocatePoolWithTag(PagedPool, sizeof(Table), 'ipcA'));
    if (!T)
        return;
    T->Count = T->LinkCount = 0;
    AcpiWalkNamespace(ACPI_TYPE_DEVICE, ACPI_ROOT_OBJECT, 16, RouteBus, nullptr, T, nullptr);
    if (NTSTATUS Status = Tell(ULONG(wd::Control::PciRoutes), T->Routes, T->Count * ULONG(sizeof(wd::Route))); !NT_SUCCESS(Status))
        Say("the routing of PCI interrupts is not taken: 0x%x\n", unsigned(Status));
    ExFreePool(T);
}

}
