// What a compiler expects of a driver's run-time library: the mark of floating-point use, and the entry point of Microsoft's buffer security
// library (which sets up a stack cookie and goes on to DriverEntry; there is no cookie here).
#include <wdm.h>

int _fltused = 0x9875;

DRIVER_INITIALIZE DriverEntry;

NTSTATUS GsDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return DriverEntry(DriverObject, RegistryPath);
}
