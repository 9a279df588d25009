// portcls.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_PORTCLS_H
#define NEPTUNE_DDK_PORTCLS_H
#include <ntddk.h>
#include <windef.h>
#include <neptune/com_macros.h>
typedef struct {
    ULONG FifoSize;
    ULONG ChipsetDelay;
    ULONG CodecDelay;
} KSRTAUDIO_HWLATENCY, *PKSRTAUDIO_HWLATENCY;
typedef struct {
    PVOID Register;
    ULONG Width;
    ULONGLONG Numerator;
    ULONGLONG Denominator;
    ULONG Accuracy;
} KSRTAUDIO_HWREGISTER, *PKSRTAUDIO_HWREGISTER;
#include_next <portcls.h>
#endif
