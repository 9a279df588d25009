// What a compiler expects of a driver's run-time library: the mark of floating-point use, and the entry point of Microsoft's buffer security
// library (which sets up a stack cookie and goes on to DriverEntry; there is no cookie here), and C99's vsnprintf, which stdio.h calls by MinGW's
// name: it ends the text always and says how long it had to be, of which ntoskrnl's _vsnprintf does neither when the room is too small.
#include <stdarg.h>
#include <wdm.h>

int _fltused = 0x9875;

DRIVER_INITIALIZE DriverEntry;

NTSTATUS GsDriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    return DriverEntry(DriverObject, RegistryPath);
}

int __cdecl _vsnprintf(char* To, size_t Room, const char* Format, va_list Arguments);

int __cdecl __ms_vsnprintf(char* To, size_t Room, const char* Format, va_list Arguments)
{
    if (Room == 0)
        return _vsnprintf(NULL, 0, Format, Arguments);
    va_list Again;
    va_copy(Again, Arguments);
    int Length = _vsnprintf(To, Room, Format, Arguments);
    if (Length < 0 || (size_t)Length >= Room)
    {
        To[Room - 1] = 0;
        Length = _vsnprintf(NULL, 0, Format, Again);
    }
    va_end(Again);
    return Length;
}
