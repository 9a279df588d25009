// ntdddisk.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NTDDDISK_H
#define NEPTUNE_DDK_NTDDDISK_H
#include <wdm.h>
#include_next <ntdddisk.h>

#ifndef IOCTL_DISK_COPY_DATA
#define IOCTL_DISK_COPY_DATA CTL_CODE(IOCTL_DISK_BASE, 0x0019, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)
typedef struct _DISK_COPY_DATA_PARAMETERS {
    LARGE_INTEGER SourceOffset, DestinationOffset, CopyLength;
    ULONGLONG Reserved;
} DISK_COPY_DATA_PARAMETERS, *PDISK_COPY_DATA_PARAMETERS;
#endif
#endif
