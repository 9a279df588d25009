// The smallest Win32 program: it imports kernel32 and ends with 0.
#include <windows.h>

void Start(void);
void Start(void)
{
    ExitProcess(0);
}
