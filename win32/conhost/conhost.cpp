// conhost.exe: kernelbase starts it for a new console and gives it the console's server handle. Consoles are condrv.sys's (drivers/console/condrv): there is nothing left to do.
extern "C" {
__declspec(dllimport) void __stdcall ExitProcess(unsigned Code);

void Start() { ExitProcess(0); }
}
