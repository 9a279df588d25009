#include <DriverSpecs.h>
_Analysis_mode_(_Analysis_code_type_user_code_)
#include <Windows.h>
#include <winioctl.h>
#include <stdio.h>
#include <strsafe.h>
#include <Inc\public.h>

VOID __cdecl
main(
    _In_ ULONG argc,
    _In_reads_(argc) PCHAR argv[]
    )
{
    TCHAR Name[MAX_PATH];
    if (FAILED(StringCbPrintf(Name, sizeof(Name), "\\\\.\\%s", argc > 1 ? argv[1] : "Idioms"))) return;
    printf("%s %lx\n", Name, (ULONG)IOCTL_IDIOM);
}
