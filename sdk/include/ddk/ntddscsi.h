// ntddscsi.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDSCSI_H
#define NEPTUNE_DDK_NTDDSCSI_H
#include <wdm.h>
#include_next <ntddscsi.h>

// Windows 8's requests with commands of any length.
#ifndef IOCTL_SCSI_PASS_THROUGH_EX
#define IOCTL_SCSI_PASS_THROUGH_EX CTL_CODE(IOCTL_SCSI_BASE, 0x0411, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
#define IOCTL_SCSI_PASS_THROUGH_DIRECT_EX CTL_CODE(IOCTL_SCSI_BASE, 0x0412, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
typedef struct _SCSI_PASS_THROUGH_EX {
    ULONG Version, Length, CdbLength, StorAddressLength;
    UCHAR ScsiStatus, SenseInfoLength, DataDirection, Reserved;
    ULONG TimeOutValue, StorAddressOffset, SenseInfoOffset, DataOutTransferLength, DataInTransferLength;
    ULONG_PTR DataOutBufferOffset, DataInBufferOffset;
    UCHAR Cdb[1];
} SCSI_PASS_THROUGH_EX, *PSCSI_PASS_THROUGH_EX;
typedef struct _SCSI_PASS_THROUGH_DIRECT_EX {
    ULONG Version, Length, CdbLength, StorAddressLength;
    UCHAR ScsiStatus, SenseInfoLength, DataDirection, Reserved;
    ULONG TimeOutValue, StorAddressOffset, SenseInfoOffset, DataOutTransferLength, DataInTransferLength;
    PVOID DataOutBuffer, DataInBuffer;
    UCHAR Cdb[1];
} SCSI_PASS_THROUGH_DIRECT_EX, *PSCSI_PASS_THROUGH_DIRECT_EX;
#endif
#endif
