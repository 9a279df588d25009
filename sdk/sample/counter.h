// What the driver and its programs share: the device's name, its control codes, and what they carry.
#ifndef COUNTER_H
#define COUNTER_H

#define COUNTER_DEVICE L"\\Device\\NeptuneCounter"
#define COUNTER_LINK L"\\DosDevices\\NeptuneCounter"
#define COUNTER_PATH "\\\\.\\NeptuneCounter" // for CreateFile

// In: LONG64, added to the counter. Out: LONG64, the counter afterwards.
#define IOCTL_COUNTER_ADD CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS)
// Out: COUNTER_STATE.
#define IOCTL_COUNTER_QUERY CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_READ_ACCESS)
// In: LONG64, a bound. Waits until the counter reaches it; completes with STATUS_CANCELLED when the file is closed before.
#define IOCTL_COUNTER_WAIT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_READ_ACCESS)
// In: any bytes. Out: the same bytes in upper case, through the caller's own pages.
#define IOCTL_COUNTER_SHOUT CTL_CODE(FILE_DEVICE_UNKNOWN, 0x803, METHOD_OUT_DIRECT, FILE_READ_ACCESS)

typedef struct _COUNTER_STATE {
    long long Value;
    unsigned long Opens;   // files opened since the driver started
    unsigned long Waiting; // requests of IOCTL_COUNTER_WAIT in the queue
} COUNTER_STATE;

#endif
