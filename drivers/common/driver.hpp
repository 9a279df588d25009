// What our drivers share: completing, passing on, and ports. The headers' inline functions for ports and for the time are for ring 0 (here each IN or OUT would be an
// exception to be emulated): the ones that ntoskrnl.exe exports take their place.
#pragma once
#define READ_PORT_UCHAR Inline_READ_PORT_UCHAR
#define READ_PORT_USHORT Inline_READ_PORT_USHORT
#define READ_PORT_ULONG Inline_READ_PORT_ULONG
#define WRITE_PORT_UCHAR Inline_WRITE_PORT_UCHAR
#define WRITE_PORT_USHORT Inline_WRITE_PORT_USHORT
#define WRITE_PORT_ULONG Inline_WRITE_PORT_ULONG
#define READ_PORT_BUFFER_UCHAR Inline_READ_PORT_BUFFER_UCHAR
#define WRITE_PORT_BUFFER_UCHAR Inline_WRITE_PORT_BUFFER_UCHAR
#define KeQueryInterruptTime Inline_KeQueryInterruptTime
#include "wdm/ntoskrnl/ddk.hpp"
#undef READ_PORT_UCHAR
#undef READ_PORT_USHORT
#undef READ_PORT_ULONG
#undef WRITE_PORT_UCHAR
#undef WRITE_PORT_USHORT
#undef WRITE_PORT_ULONG
#undef READ_PORT_BUFFER_UCHAR
#undef WRITE_PORT_BUFFER_UCHAR
#undef KeQueryInterruptTime

extern "C" {
__declspec(dllimport) UCHAR NTAPI READ_PORT_UCHAR(PUCHAR Port);
__declspec(dllimport) USHORT NTAPI READ_PORT_USHORT(PUSHORT Port);
__declspec(dllimport) ULONG NTAPI READ_PORT_ULONG(PULONG Port);
__declspec(dllimport) void NTAPI WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value);
__declspec(dllimport) void NTAPI WRITE_PORT_USHORT(PUSHORT Port, USHORT Value);
__declspec(dllimport) void NTAPI WRITE_PORT_ULONG(PULONG Port, ULONG Value);
__declspec(dllimport) void NTAPI READ_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR To, ULONG Count);
__declspec(dllimport) void NTAPI WRITE_PORT_BUFFER_UCHAR(PUCHAR Port, PUCHAR From, ULONG Count);
__declspec(dllimport) ULONGLONG NTAPI KeQueryInterruptTime();
}

namespace driver {

inline NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information = 0, CCHAR Boost = IO_NO_INCREMENT)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, Boost);
    return Status;
}

// To the device below, as it is.
inline NTSTATUS PassOn(PDEVICE_OBJECT Below, PIRP Irp)
{
    IoSkipCurrentIrpStackLocation(Irp);
    return IofCallDriver(Below, Irp);
}
inline NTSTATUS PassOnPower(PDEVICE_OBJECT Below, PIRP Irp)
{
    PoStartNextPowerIrp(Irp);
    IoSkipCurrentIrpStackLocation(Irp);
    return PoCallDriver(Below, Irp);
}

inline NTSTATUS NTAPI Succeed(PDEVICE_OBJECT, PIRP Irp) { return Complete(Irp, STATUS_SUCCESS); }

// --- plug and play

// The end of AddDevice: the device lies on Pdo's stack, and what it is sent has buffers. Otherwise it is deleted, and Below null.
inline NTSTATUS Attach(PDEVICE_OBJECT D, PDEVICE_OBJECT Pdo, PDEVICE_OBJECT& Below, NTSTATUS Otherwise = STATUS_NO_SUCH_DEVICE)
{
    Below = IoAttachDeviceToDeviceStack(D, Pdo);
    if (!Below) {
        IoDeleteDevice(D);
        return Otherwise;
    }
    D->Flags |= DO_BUFFERED_IO;
    D->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

// IRP_MN_START_DEVICE: what is below starts, then Start().
template <typename F> NTSTATUS StartDevice(PDEVICE_OBJECT Below, PIRP Irp, F&& Start)
{
    NTSTATUS Status = IoForwardIrpSynchronously(Below, Irp) ? Irp->IoStatus.Status : STATUS_UNSUCCESSFUL;
    return Complete(Irp, NT_SUCCESS(Status) ? Start() : Status);
}

// The end of IRP_MN_REMOVE_DEVICE. Pool: freed, too.
inline NTSTATUS RemoveDevice(PDEVICE_OBJECT D, PDEVICE_OBJECT Below, PIRP Irp, PVOID Pool = nullptr)
{
    Irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS Status = PassOn(Below, Irp);
    IoDetachDevice(Below);
    if (Pool)
        ExFreePool(Pool);
    IoDeleteDevice(D);
    return Status;
}

// A line of the device's resources, shared with whoever wants it.
inline NTSTATUS ConnectLine(PKINTERRUPT* To, PKSERVICE_ROUTINE Isr, PVOID Context, const CM_PARTIAL_RESOURCE_DESCRIPTOR& Line)
{
    KIRQL Irql = KIRQL(Line.u.Interrupt.Level);
    return IoConnectInterrupt(To, Isr, Context, nullptr, Line.u.Interrupt.Vector, Irql, Irql,
                              Line.Flags == CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE ? LevelSensitive : Latched, TRUE, 1, FALSE);
}

// --- cancel-safe queues that are lists of IRPs

inline void NTAPI RemoveQueued(PIO_CSQ, PIRP I) { RemoveEntryList(&I->Tail.Overlay.ListEntry); }
// The next after After (null: the first), of this file if one is given.
inline PIRP PeekQueued(LIST_ENTRY& Head, PIRP After, PVOID File)
{
    for (LIST_ENTRY* E = After ? After->Tail.Overlay.ListEntry.Flink : Head.Flink; E != &Head; E = E->Flink) {
        PIRP I = CONTAINING_RECORD(E, IRP, Tail.Overlay.ListEntry);
        if (!File || IoGetCurrentIrpStackLocation(I)->FileObject == File)
            return I;
    }
    return nullptr;
}

// --- resources

inline UCHAR In8(ULONG Port) { return READ_PORT_UCHAR(reinterpret_cast<PUCHAR>(ULONG_PTR(Port))); }
inline void Out8(ULONG Port, UCHAR Value) { WRITE_PORT_UCHAR(reinterpret_cast<PUCHAR>(ULONG_PTR(Port)), Value); }
inline void InMany8(ULONG Port, UCHAR* To, ULONG Count) { READ_PORT_BUFFER_UCHAR(reinterpret_cast<PUCHAR>(ULONG_PTR(Port)), To, Count); }
inline void OutMany8(ULONG Port, UCHAR* From, ULONG Count) { WRITE_PORT_BUFFER_UCHAR(reinterpret_cast<PUCHAR>(ULONG_PTR(Port)), From, Count); }

// The N-th resource of a type, translated; null: there is none.
inline const CM_PARTIAL_RESOURCE_DESCRIPTOR* Resource(PIRP Start, UCHAR Type, ULONG N = 0)
{
    auto* L = IoGetCurrentIrpStackLocation(Start)->Parameters.StartDevice.AllocatedResourcesTranslated;
    for (ULONG I = 0; L && I < L->List[0].PartialResourceList.Count; ++I) {
        auto& D = L->List[0].PartialResourceList.PartialDescriptors[I];
        if (D.Type == Type && N-- == 0)
            return &D;
    }
    return nullptr;
}

}
