// DriverEntry, and the requests: what is opened, read, written, asked, closed.
#include "drivers/console/condrv/condrv.hpp"

namespace condrv {

using namespace driver;

PDEVICE_OBJECT Device;
FAST_MUTEX Lock;

namespace {

Handle& Of(PIRP Irp) { return *static_cast<Handle*>(IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext); }

bool Is(const UNICODE_STRING& Name, const wchar_t* Word)
{
    UNICODE_STRING Other;
    RtlInitUnicodeString(&Other, Word);
    UNICODE_STRING Rest = Name;
    if (Rest.Length && Rest.Buffer[0] == L'\\') {
        ++Rest.Buffer;
        Rest.Length -= 2;
    }
    return RtlEqualUnicodeString(&Rest, &Other, TRUE);
}

void SetScreen(Handle& H, Screen& S)
{
    H.Is = Kind::Screen;
    H.Shown = &S;
    ++S.Handles;
}
void SetInput(Handle& H, Console* C)
{
    H.Is = Kind::Input;
    H.Of = C;
    if (C) {
        Reference(*C);
        InsertTailList(&C->Inputs, &H.Link);
    }
}

// With the lock.
NTSTATUS OpenNamed(Handle& H, const UNICODE_STRING& Name, Handle* Root, ULONG Process, ACCESS_MASK Access)
{
    Console* Given = Root && Root->Is == Kind::Reference ? Root->Of : nullptr;
    if (Is(Name, L"Reference")) {
        Console* C = nullptr;
        if (Root && Root->Is == Kind::Server) {
            if (Root->Of)
                return STATUS_INVALID_HANDLE;
            C = NewConsole();
            if (!C)
                return STATUS_INSUFFICIENT_RESOURCES;
            Root->Of = C;               // its reference
        } else if (Root && Root->Is == Kind::Connection && Root->Attached) {
            C = Root->Attached->Of;
        } else {
            return STATUS_INVALID_HANDLE;
        }
        SetInput(H, C);
        H.Is = Kind::Reference;
        return STATUS_SUCCESS;
    }
    if (Is(Name, L"Connection")) {
        H.Is = Kind::Connection;
        if (!Root)
            return ClientOf(Process) ? STATUS_ACCESS_DENIED : STATUS_SUCCESS;
        if (Root->Is == Kind::Server)
            Given = Root->Of;
        return Given ? Attach(*Given, Process, &H.Attached) : STATUS_INVALID_HANDLE;
    }
    if (Root && Root->Is != Kind::Reference)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Is(Name, L"Server")) {
        H.Is = Kind::Server;
        return STATUS_SUCCESS;
    }
    Client* By = ClientOf(Process);
    Console* C = Given ? Given : By ? By->Of : nullptr;
    if (Is(Name, L"Input")) {
        SetInput(H, C);
        return STATUS_SUCCESS;
    }
    if (Is(Name, L"Output")) {
        H.Is = Kind::Output;
        H.Of = C;
        if (C)
            Reference(*C);
        return STATUS_SUCCESS;
    }
    bool Any = Is(Name, L"Console"), Out = Any && (Access & FILE_WRITE_DATA);
    if (Any && Out && (Access & FILE_READ_DATA))
        return STATUS_INVALID_PARAMETER;
    if (Is(Name, L"CurrentOut") || Out) {
        if (!C)
            return STATUS_INVALID_HANDLE;
        SetScreen(H, *C->Active);
        return STATUS_SUCCESS;
    }
    if (Is(Name, L"CurrentIn") || Any) {
        if (!C)
            return STATUS_INVALID_HANDLE;
        SetInput(H, C);
        return STATUS_SUCCESS;
    }
    if (Is(Name, L"ScreenBuffer")) {
        if (!C)
            return STATUS_INVALID_HANDLE;
        Screen* S = NewScreen(*C);
        if (!S)
            return STATUS_INSUFFICIENT_RESOURCES;
        SetScreen(H, *S);
        return STATUS_SUCCESS;
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

NTSTATUS NTAPI Create(PDEVICE_OBJECT, PIRP Irp)
{
    auto* S = IoGetCurrentIrpStackLocation(Irp);
    PFILE_OBJECT File = S->FileObject;
    auto* H = new (std::nothrow) Handle {};
    if (!H)
        return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES);
    H->File = File;
    InitializeListHead(&H->Link);
    auto* Root = File->RelatedFileObject ? static_cast<Handle*>(File->RelatedFileObject->FsContext) : nullptr;
    ACCESS_MASK Access = S->Parameters.Create.SecurityContext ? S->Parameters.Create.SecurityContext->DesiredAccess : 0;
    NTSTATUS Status;
    {
        Hold Held;
        Status = OpenNamed(*H, File->FileName, Root, IoGetRequestorProcessId(Irp), Access);
    }
    if (!NT_SUCCESS(Status)) {
        delete H;
        return Complete(Irp, Status);
    }
    File->FsContext = H;
    bool Waits = H->Is == Kind::Input || H->Is == Kind::Reference;
    ObReferenceObject(File);            // it could be closed as soon as it is open
    Complete(Irp, STATUS_SUCCESS, FILE_OPENED);
    if (Waits) {
        Hold Held;
        if (auto* There = static_cast<Handle*>(File->FsContext))
            NeptuneSignalFile(Device, File, There->Of && There->Of->Signalled);
    }
    ObDereferenceObject(File);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    {
        Work W;
        Hold Held;
        auto* H = static_cast<Handle*>(File->FsContext);
        if (Client* C = H->Attached) {
            H->Attached = nullptr;
            Detach(*C);
        }
        if (H->Of)
            CancelReads(*H->Of, File);
    }
    return Complete(Irp, STATUS_SUCCESS);
}

NTSTATUS NTAPI Close(PDEVICE_OBJECT, PIRP Irp)
{
    PFILE_OBJECT File = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    {
        Work W;
        Hold Held;
        auto* H = static_cast<Handle*>(File->FsContext);
        File->FsContext = nullptr;
        RemoveEntryList(&H->Link);
        if (H->Is == Kind::Screen)
            CloseScreen(*H->Shown);
        if (H->Of)
            Release(*H->Of);
        delete H;
    }
    return Complete(Irp, STATUS_SUCCESS);
}

// The console that a request is about: of Input and Output the caller's, if it has one.
Console* ConsoleFor(Handle& H, PIRP Irp)
{
    if (H.Is == Kind::Screen)
        return H.Shown->Of;
    if (H.Is == Kind::Input || H.Is == Kind::Output)
        if (Client* C = ClientOf(IoGetRequestorProcessId(Irp)))
            return C->Of;
    return H.Of;
}
Screen* ScreenFor(Handle& H, PIRP Irp)
{
    if (H.Is == Kind::Screen)
        return H.Shown;
    Console* C = H.Is == Kind::Output ? ConsoleFor(H, Irp) : nullptr;
    return C ? C->Active : nullptr;
}

NTSTATUS NTAPI Read(PDEVICE_OBJECT, PIRP Irp)
{
    Work W;
    Hold Held;
    Handle& H = Of(Irp);
    Console* C = H.Is == Kind::Input || H.Is == Kind::Reference ? ConsoleFor(H, Irp) : nullptr;
    if (!C)
        return Complete(Irp, STATUS_INVALID_HANDLE);
    if (!IoGetCurrentIrpStackLocation(Irp)->Parameters.Read.Length)
        return Complete(Irp, STATUS_SUCCESS);
    return StartRead(*C, Irp);
}

NTSTATUS NTAPI Write(PDEVICE_OBJECT, PIRP Irp)
{
    ULONG Bytes = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS Status;
    {
        Work W;
        Hold Held;
        Screen* S = ScreenFor(Of(Irp), Irp);
        if (!S)
            return Complete(Irp, STATUS_INVALID_HANDLE);
        Status = WriteBytes(*S, static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer), Bytes);
        if (S->Of) {
            if (S == S->Of->Active)
                Show(*S->Of);
            if (S->Of->Waiting())
                Serve(*S->Of);          // a report may have been asked for
        }
    }
    // The request ends when the terminal has its bytes: who writes faster waits here.
    return Complete(Irp, Status, NT_SUCCESS(Status) ? Bytes : 0);
}

NTSTATUS ServerControl(Handle& H, const UCHAR* Data, ULONG Code, ULONG InBytes)
{
    TerminalSize Size;
    if (Code != UseTerminal)
        return STATUS_INVALID_HANDLE;
    if (InBytes != sizeof(Size))
        return STATUS_INVALID_PARAMETER;
    memcpy(&Size, Data, sizeof(Size));
    return H.Of ? UseTerminalFor(*H.Of, Size) : STATUS_INVALID_HANDLE;
}

NTSTATUS Bind(Handle& H, ULONG Process, const UCHAR* Data, ULONG InBytes)
{
    ULONG Id, Flags;
    if (InBytes != sizeof(Id))
        return STATUS_INVALID_PARAMETER;
    memcpy(&Id, Data, sizeof(Id));
    if (H.Attached)
        return STATUS_INVALID_HANDLE;
    if (Id == 0xFFFFFFFF)               // the parent
        NeptuneConsoleClient(Process, &Id, &Flags);
    Client* Other = ClientOf(Id);
    return Other ? Attach(*Other->Of, Process, &H.Attached) : STATUS_ACCESS_DENIED;
}

bool IsRead(ULONG Code) { return Code == ReadConsole || Code == ReadFile || Code == ReadInput || Code == ReadConsoleControl; }
bool IsReadRight(ULONG Code, ULONG InBytes, ULONG OutBytes)
{
    switch (Code) {
    case ReadConsole: return !InBytes && OutBytes % 2 == 0;
    case ReadConsoleControl: return InBytes >= 4 && OutBytes >= 4 && (InBytes - 4) % 2 == 0 && (OutBytes - 4) % 2 == 0 && InBytes <= OutBytes;
    case ReadInput: return !InBytes && (!OutBytes || OutBytes >= sizeof(Record));
    default: return !InBytes;
    }
}

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT, PIRP Irp)
{
    auto& P = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl;
    ULONG Code = P.IoControlCode, InBytes = P.InputBufferLength, OutBytes = P.OutputBufferLength, Process = IoGetRequestorProcessId(Irp);
    auto* Data = static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer);
    // What needs the file system comes before the lock.
    if (Code == SetInputInfo && InBytes == sizeof(InputInfoParameters)) {
        InputInfoParameters I;
        memcpy(&I, Data, sizeof(I));
        for (u32 Bit : { 1u, 2u })
            if (I.Mask & Bit)
                if (NTSTATUS Status = LoadCodePage(Bit == 1 ? I.Info.InputCp : I.Info.OutputCp); !NT_SUCCESS(Status))
                    return Complete(Irp, Status);
    }
    if (Code == UseTerminal)
        if (NTSTATUS Status = OpenTerminal(); !NT_SUCCESS(Status))
            return Complete(Irp, Status);
    NTSTATUS Status = STATUS_INVALID_HANDLE;
    ULONG_PTR Done = 0;
    {
        Work W;
        Hold Held;
        Handle& H = Of(Irp);
        if (Code >> 16 != DeviceType) {
            Status = STATUS_INVALID_DEVICE_REQUEST;
        } else if (H.Is == Kind::Server) {
            Status = ServerControl(H, Data, Code, InBytes);
        } else if (H.Is == Kind::Connection) {
            if (Code == BindProcess)
                Status = Bind(H, Process, Data, InBytes);
        } else if (H.Is == Kind::Output || H.Is == Kind::Screen) {
            if (Screen* S = ScreenFor(H, Irp)) {
                Status = OutputControl(*S, Irp, Code, InBytes, OutBytes, Done);
                if (S->Of) {
                    Show(*S->Of);
                    if (S->Of->Waiting())
                        Serve(*S->Of);  // a report may have been asked for
                }
            }
        } else if (Console* C = ConsoleFor(H, Irp)) {
            if (IsRead(Code)) {
                if (!IsReadRight(Code, InBytes, OutBytes))
                    Status = STATUS_INVALID_PARAMETER;
                else if (!OutBytes)
                    Status = STATUS_SUCCESS;
                else
                    return StartRead(*C, Irp);
            } else {
                Status = InputControl(*C, W, Process, Irp, Code, InBytes, OutBytes, Done);
            }
        }
    }
    return Complete(Irp, Status, Done);
}

NTSTATUS NTAPI FlushBuffers(PDEVICE_OBJECT, PIRP Irp)
{
    Hold Held;
    Handle& H = Of(Irp);
    Console* C = H.Is == Kind::Input || H.Is == Kind::Reference ? ConsoleFor(H, Irp) : nullptr;
    if (!C)
        return Complete(Irp, STATUS_INVALID_HANDLE);
    C->Records.Clear();
    C->First = 0;
    Signal(*C);
    return Complete(Irp, STATUS_SUCCESS);
}

}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    using namespace condrv;
    ExInitializeFastMutex(&Lock);
    UNICODE_STRING Name = RTL_CONSTANT_STRING(L"\\Device\\ConDrv");
    NTSTATUS Status = IoCreateDevice(Driver, 0, &Name, DeviceType, 0, FALSE, &Device);
    if (!NT_SUCCESS(Status))
        return Status;
    Device->Flags |= DO_BUFFERED_IO;
    static const WCHAR* const Links[][2] = {
        { L"\\DosDevices\\CONIN$", L"\\Device\\ConDrv\\CurrentIn" }, { L"\\DosDevices\\CONOUT$", L"\\Device\\ConDrv\\CurrentOut" }, { L"\\DosDevices\\CON", L"\\Device\\ConDrv\\Console" }
    };
    for (auto& L : Links) {
        UNICODE_STRING From, To;
        RtlInitUnicodeString(&From, L[0]);
        RtlInitUnicodeString(&To, L[1]);
        IoCreateSymbolicLink(&From, &To);       // without them programs cannot open the console by name
    }
    Driver->MajorFunction[IRP_MJ_CREATE] = Create;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Close;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_WRITE] = Write;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = FlushBuffers;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    Device->Flags &= ~DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}
