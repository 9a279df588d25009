// Cancel-safe queues, and keys of devices.
#include "wdm/ntoskrnl/device.hpp"

using namespace host;

extern "C" {

// --- cancel-safe queues (csq.h)

static void NTAPI CsqCancel(PDEVICE_OBJECT, PIRP I)
{
    IoReleaseCancelSpinLock(I->CancelIrql);
    auto* Of = static_cast<PIO_CSQ>(I->Tail.Overlay.DriverContext[3]);
    if (Of->Type == IO_TYPE_CSQ_IRP_CONTEXT) {
        auto* C = reinterpret_cast<PIO_CSQ_IRP_CONTEXT>(Of);
        Of = C->Csq;
        C->Irp = nullptr;
    }
    KIRQL Irql;
    Of->CsqAcquireLock(Of, &Irql);
    Of->CsqRemoveIrp(Of, I);
    Of->CsqReleaseLock(Of, Irql);
    Of->CsqCompleteCanceledIrp(Of, I);
}
NTSTATUS NTAPI IoCsqInitialize(PIO_CSQ Q, PIO_CSQ_INSERT_IRP Insert, PIO_CSQ_REMOVE_IRP Remove, PIO_CSQ_PEEK_NEXT_IRP Peek, PIO_CSQ_ACQUIRE_LOCK Acquire, PIO_CSQ_RELEASE_LOCK Release,
                               PIO_CSQ_COMPLETE_CANCELED_IRP Complete)
{
    Q->Type = IO_TYPE_CSQ;
    Q->CsqInsertIrp = Insert;
    Q->CsqRemoveIrp = Remove;
    Q->CsqPeekNextIrp = Peek;
    Q->CsqAcquireLock = Acquire;
    Q->CsqReleaseLock = Release;
    Q->CsqCompleteCanceledIrp = Complete;
    Q->ReservePointer = nullptr;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoCsqInitializeEx(PIO_CSQ Q, PIO_CSQ_INSERT_IRP_EX Insert, PIO_CSQ_REMOVE_IRP Remove, PIO_CSQ_PEEK_NEXT_IRP Peek, PIO_CSQ_ACQUIRE_LOCK Acquire,
                                 PIO_CSQ_RELEASE_LOCK Release, PIO_CSQ_COMPLETE_CANCELED_IRP Complete)
{
    IoCsqInitialize(Q, reinterpret_cast<PIO_CSQ_INSERT_IRP>(Insert), Remove, Peek, Acquire, Release, Complete);
    Q->Type = IO_TYPE_CSQ_EX;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI IoCsqInsertIrpEx(PIO_CSQ Q, PIRP I, PIO_CSQ_IRP_CONTEXT Context, PVOID InsertContext)
{
    KIRQL Irql;
    NTSTATUS Status = STATUS_SUCCESS;
    Q->CsqAcquireLock(Q, &Irql);
    Q->ReservePointer = nullptr;
    if (Context) {
        Context->Type = IO_TYPE_CSQ_IRP_CONTEXT;
        Context->Irp = I;
        Context->Csq = Q;
        I->Tail.Overlay.DriverContext[3] = Context;
    } else {
        I->Tail.Overlay.DriverContext[3] = Q;
    }
    IoMarkIrpPending(I);
    if (Q->Type == IO_TYPE_CSQ_EX)
        Status = reinterpret_cast<PIO_CSQ_INSERT_IRP_EX>(Q->CsqInsertIrp)(Q, I, InsertContext);
    else
        Q->CsqInsertIrp(Q, I);
    if (Status < 0) {
        Q->CsqReleaseLock(Q, Irql);
        return Status;
    }
    IoSetCancelRoutine(I, CsqCancel);
    if (I->Cancel && IoSetCancelRoutine(I, nullptr)) {
        Q->CsqRemoveIrp(Q, I);
        if (Context)
            Context->Irp = nullptr;
        Q->CsqReleaseLock(Q, Irql);
        Q->CsqCompleteCanceledIrp(Q, I);
        return Status;
    }
    Q->CsqReleaseLock(Q, Irql);
    return Status;
}
void NTAPI IoCsqInsertIrp(PIO_CSQ Q, PIRP I, PIO_CSQ_IRP_CONTEXT Context) { IoCsqInsertIrpEx(Q, I, Context, nullptr); }
PIRP NTAPI IoCsqRemoveNextIrp(PIO_CSQ Q, PVOID PeekContext)
{
    KIRQL Irql;
    Q->CsqAcquireLock(Q, &Irql);
    Q->ReservePointer = nullptr;
    PIRP I = nullptr;
    while ((I = Q->CsqPeekNextIrp(Q, I, PeekContext))) {
        if (!IoSetCancelRoutine(I, nullptr))
            continue;                   // it is being cancelled
        Q->CsqRemoveIrp(Q, I);
        auto* Of = static_cast<PIO_CSQ_IRP_CONTEXT>(I->Tail.Overlay.DriverContext[3]);
        if (Of->Type == IO_TYPE_CSQ_IRP_CONTEXT)
            Of->Irp = nullptr;
        break;
    }
    Q->CsqReleaseLock(Q, Irql);
    return I;
}
PIRP NTAPI IoCsqRemoveIrp(PIO_CSQ Q, PIO_CSQ_IRP_CONTEXT Context)
{
    KIRQL Irql;
    Q->CsqAcquireLock(Q, &Irql);
    PIRP I = Context->Irp;
    if (I && IoSetCancelRoutine(I, nullptr)) {
        Q->CsqRemoveIrp(Q, I);
        Context->Irp = nullptr;
    } else {
        I = nullptr;
    }
    Q->CsqReleaseLock(Q, Irql);
    return I;
}

// --- keys

static NTSTATUS OpenBelow(PHANDLE Out, ACCESS_MASK Access, const WCHAR* Sub)
{
    WCHAR Path[400];
    usize At = ServiceKey.Length / 2;
    if (At > 300)
        return STATUS_OBJECT_NAME_INVALID;
    memcpy(Path, ServiceKey.Buffer, ServiceKey.Length);
    while (*Sub && At < 399)
        Path[At++] = *Sub++;
    UNICODE_STRING Name { USHORT(At * 2), USHORT(At * 2), Path };
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return NtCreateKey(Out, Access, &Attributes, 0, nullptr, 0, nullptr);
}
// A device's key is below its devnode's; what has none, and the driver's software key, is below the service's key.
NTSTATUS NTAPI IoOpenDeviceRegistryKey(PDEVICE_OBJECT D, ULONG Which, ACCESS_MASK Access, PHANDLE Key)
{
    struct {
        wd::Status Used;
        WCHAR Path[300];
    } Out {};
    wd::PropertyOf In { IdOf(D), ~0u, 0 };
    if (!(Which & 1) || Control(wd::Control::DeviceProperty, &In, sizeof(In), &Out, sizeof(Out)) < 0)
        return OpenBelow(Key, Access, Which & 1 ? L"\\Device" : L"\\Driver");
    WCHAR Text[440];
    usize At = 0;
    const WCHAR* Parts[] = { L"\\Registry\\Machine\\System\\CurrentControlSet\\Enum\\", Out.Path, L"\\Device Parameters" };
    for (const WCHAR* Part : Parts)
        for (; *Part && At < 439; ++Part)
            Text[At++] = *Part;
    UNICODE_STRING Name { USHORT(At * 2), USHORT(At * 2), Text };
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    return NtCreateKey(Key, Access, &Attributes, 0, nullptr, 0, nullptr);
}
NTSTATUS NTAPI IoOpenDriverRegistryKey(PDRIVER_OBJECT, ULONG, ACCESS_MASK Access, ULONG, PHANDLE Key) { return OpenBelow(Key, Access, L"\\Parameters"); }

}
