// From NTSTATUS to Win32 errors.
#include "lib/rtl/errors.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

extern "C" {

ULONG NTAPI RtlNtStatusToDosErrorNoTeb(NTSTATUS Code)
{
    u32 Status = u32(Code);
    if (!Status || (Status & 0x20000000))
        return Status;                  // success, or a code of the application's own
    if ((Status & 0xF0000000) == 0xD0000000)
        Status &= ~0x10000000u;
    u32 Facility = Status >> 16;
    if (Facility == 0xC001 || Facility == 0x8007 || Facility == 0xC007)
        return Status & 0xFFFF;         // a Win32 error in disguise
    usize Low = 0, High = sizeof(rtl::ErrorRuns) / sizeof(rtl::ErrorRuns[0]);
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        const rtl::ErrorRun& Run = rtl::ErrorRuns[Middle];
        if (Status < Run.Status)
            High = Middle;
        else if (Status - Run.Status >= Run.Count)
            Low = Middle + 1;
        else
            return rtl::ErrorCodes[Run.First + (Status - Run.Status)];
    }
    return 317;                         // ERROR_MR_MID_NOT_FOUND
}

#if defined(_WIN32) || __STDC_HOSTED__
ULONG NTAPI RtlNtStatusToDosError(NTSTATUS Status)
{
    if (TEB* Thread = rtl::platform::Teb())
        Thread->LastStatusValue = Status;
    return RtlNtStatusToDosErrorNoTeb(Status);
}
#endif

}
