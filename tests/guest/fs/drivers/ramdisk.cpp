// Disks in memory for tests: \Device\RamDisk0 and so on, with the content of C:\work\ramdisk0.img and so on; \??\R:, S:, T: are links to them. Reads and writes are counted, and can be made to fail.
#include "tests/guest/fs/drivers/ramdisk.hpp"

#include "wdm/ntoskrnl/ddk.hpp"

namespace {

struct Disk {
    UCHAR* Bytes;
    ULONGLONG Size;
    ramdisk::Counts Counts;
    ULONG FailWrites;
};

NTSTATUS Complete(PIRP I, NTSTATUS Status, ULONG_PTR Information = 0)
{
    I->IoStatus.Status = Status;
    I->IoStatus.Information = Information;
    IoCompleteRequest(I, IO_DISK_INCREMENT);
    return Status;
}

NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT, PIRP I) { return Complete(I, STATUS_SUCCESS); }

NTSTATUS NTAPI Transfer(PDEVICE_OBJECT D, PIRP I)
{
    auto* Of = static_cast<Disk*>(D->DeviceExtension);
    auto* S = IoGetCurrentIrpStackLocation(I);
    ULONGLONG At = ULONGLONG(S->Parameters.Read.ByteOffset.QuadPart);
    ULONG Bytes = S->Parameters.Read.Length;
    if (At % 512 || Bytes % 512 || At > Of->Size || Bytes > Of->Size - At)
        return Complete(I, STATUS_INVALID_PARAMETER);
    if (!Bytes)
        return Complete(I, STATUS_SUCCESS);
    auto* Buffer = static_cast<UCHAR*>(MmGetSystemAddressForMdlSafe(I->MdlAddress, NormalPagePriority));
    if (S->MajorFunction == IRP_MJ_READ) {
        memcpy(Buffer, Of->Bytes + At, Bytes);
        ++Of->Counts.Reads;
        Of->Counts.BytesRead += Bytes;
    } else {
        if (Of->FailWrites)
            return Complete(I, STATUS_IO_DEVICE_ERROR);
        memcpy(Of->Bytes + At, Buffer, Bytes);
        ++Of->Counts.Writes;
        Of->Counts.BytesWritten += Bytes;
    }
    return Complete(I, STATUS_SUCCESS, Bytes);
}

NTSTATUS NTAPI Flush(PDEVICE_OBJECT D, PIRP I)
{
    ++static_cast<Disk*>(D->DeviceExtension)->Counts.Flushes;
    return Complete(I, STATUS_SUCCESS);
}

NTSTATUS NTAPI Control(PDEVICE_OBJECT D, PIRP I)
{
    auto* Of = static_cast<Disk*>(D->DeviceExtension);
    auto* S = IoGetCurrentIrpStackLocation(I);
    auto& P = S->Parameters.DeviceIoControl;
    void* Buffer = I->AssociatedIrp.SystemBuffer;
    switch (P.IoControlCode) {
    case 0x0007405C:                    // IOCTL_DISK_GET_LENGTH_INFO
        if (P.OutputBufferLength < 8)
            return Complete(I, STATUS_BUFFER_TOO_SMALL);
        memcpy(Buffer, &Of->Size, 8);
        return Complete(I, STATUS_SUCCESS, 8);
    case 0x00070000: {                  // IOCTL_DISK_GET_DRIVE_GEOMETRY
        struct {
            ULONGLONG Cylinders;
            ULONG Media, Tracks, Sectors, Bytes;
        } G { Of->Size / 512 / 63 / 16, 12, 16, 63, 512 };
        if (P.OutputBufferLength < sizeof(G))
            return Complete(I, STATUS_BUFFER_TOO_SMALL);
        memcpy(Buffer, &G, sizeof(G));
        return Complete(I, STATUS_SUCCESS, sizeof(G));
    }
    case 0x00070024: return Complete(I, STATUS_SUCCESS);        // IOCTL_DISK_IS_WRITABLE
    case ramdisk::GetCounts:
        if (P.OutputBufferLength < sizeof(Of->Counts))
            return Complete(I, STATUS_BUFFER_TOO_SMALL);
        memcpy(Buffer, &Of->Counts, sizeof(Of->Counts));
        return Complete(I, STATUS_SUCCESS, sizeof(Of->Counts));
    case ramdisk::FailWrites:
        if (P.InputBufferLength < 4)
            return Complete(I, STATUS_BUFFER_TOO_SMALL);
        memcpy(&Of->FailWrites, Buffer, 4);
        return Complete(I, STATUS_SUCCESS);
    }
    return Complete(I, STATUS_INVALID_DEVICE_REQUEST);
}

NTSTATUS Load(const WCHAR* Path, UCHAR*& Bytes, ULONGLONG& Size)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    HANDLE File;
    IO_STATUS_BLOCK Iosb;
    NTSTATUS Status = ZwOpenFile(&File, GENERIC_READ | SYNCHRONIZE, &Attributes, &Iosb, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (Status < 0)
        return Status;
    FILE_STANDARD_INFORMATION Info;
    Status = ZwQueryInformationFile(File, &Iosb, &Info, sizeof(Info), FileStandardInformation);
    if (Status >= 0) {
        Size = ULONGLONG(Info.EndOfFile.QuadPart) & ~511ull;
        Bytes = static_cast<UCHAR*>(ExAllocatePoolWithTag(NonPagedPool, SIZE_T(Size), 'dmaR'));
        Status = Bytes ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
    }
    for (ULONGLONG Done = 0; Status >= 0 && Done < Size;) {
        ULONG Part = Size - Done < 0x100000 ? ULONG(Size - Done) : 0x100000;
        LARGE_INTEGER At;
        At.QuadPart = LONGLONG(Done);
        Status = ZwReadFile(File, nullptr, nullptr, nullptr, &Iosb, Bytes + Done, Part, &At, nullptr);
        Done += Part;
    }
    ZwClose(File);
    return Status;
}

}

extern "C" NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    WCHAR Image[] = L"\\??\\C:\\work\\ramdisk0.img", Device[] = L"\\Device\\RamDisk0", Link[] = L"\\DosDevices\\R:";
    Driver->MajorFunction[IRP_MJ_CREATE] = Driver->MajorFunction[IRP_MJ_CLOSE] = Driver->MajorFunction[IRP_MJ_CLEANUP] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_READ] = Driver->MajorFunction[IRP_MJ_WRITE] = Transfer;
    Driver->MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Flush;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    NTSTATUS Status = STATUS_NO_SUCH_FILE;
    for (int N = 0; N < 4; ++N) {
        Image[19] = Device[15] = WCHAR(L'0' + N);
        Link[12] = WCHAR(L'R' + N);
        UCHAR* Bytes = nullptr;
        ULONGLONG Size = 0;
        NTSTATUS S = Load(Image, Bytes, Size);
        if (S < 0) {
            if (N == 0)
                return S;
            break;
        }
        UNICODE_STRING Name, LinkName;
        RtlInitUnicodeString(&Name, Device);
        RtlInitUnicodeString(&LinkName, Link);
        PDEVICE_OBJECT D;
        Status = IoCreateDevice(Driver, sizeof(Disk), &Name, FILE_DEVICE_DISK, 0, FALSE, &D);
        if (Status < 0)
            return Status;
        auto* Of = static_cast<Disk*>(D->DeviceExtension);
        *Of = { Bytes, Size, {}, 0 };
        D->Flags |= DO_DIRECT_IO;
        IoCreateSymbolicLink(&LinkName, &Name);
        D->Flags &= ~DO_DEVICE_INITIALIZING;
    }
    return Status;
}
