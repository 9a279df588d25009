// What the system is to a program of another architecture than the machine's; programs here always are of the machine's.
#include "ntdll/ntdll.hpp"

extern "C" NTSTATUS NTAPI RtlGetNativeSystemInformation(ULONG Class, PVOID Information, ULONG Length, ULONG* Used)
{
    return NtQuerySystemInformation(Class, Information, Length, Used);
}
