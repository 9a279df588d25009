// wdmhost.exe, the program of a driver's process: everything is in ntoskrnl.exe, which it brings along.
extern "C" __declspec(dllimport) void WdmHostMain();

extern "C" void NtProcessStartup(void*)
{
    WdmHostMain();
}
