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

inline NTSTATUS NTAPI SetEventAndKeep(PDEVICE_OBJECT, PIRP, PVOID Event)
{
    KeSetEvent(static_cast<PKEVENT>(Event), IO_NO_INCREMENT, FALSE);
    return STATUS_MORE_PROCESSING_REQUIRED;
}
// To the device below; it comes back here, not yet complete.
inline NTSTATUS PassOnAndWait(PDEVICE_OBJECT Below, PIRP Irp)
{
    KEVENT Event;
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    IoCopyCurrentIrpStackLocationToNext(Irp);
    IoSetCompletionRoutine(Irp, SetEventAndKeep, &Event, TRUE, TRUE, TRUE);
    NTSTATUS Status = IofCallDriver(Below, Irp);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Irp->IoStatus.Status;
    }
    return Status;
}

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
