// Windows without a screen: message-only windows (parent HWND_MESSAGE) and their children work fully inside the
// process. Windows that would have to be shown cannot be made: there is no desktop.
#pragma once
#include "win32/user32/queue.hpp"

namespace user32 {

struct Class {
    Class* Next;
    ATOM Atom;
    HINSTANCE Module;
    WNDPROC Proc;
    bool Unicode;
    UINT Style;
    int ClassExtra, WindowExtra;
    HICON Icon, SmallIcon;
    HCURSOR Cursor;
    HBRUSH Background;
    UINT Windows;
    WCHAR Name[256];
    u8* Extra;
};

struct Property {
    Property* Next;
    ATOM Atom;
    HANDLE Value;
};

struct Window {
    HWND Handle, Parent;
    Class* Kind;
    WNDPROC Proc;
    bool Unicode;
    bool Dying;
    DWORD Thread;
    DWORD Style, ExStyle;
    HINSTANCE Instance;
    LONG_PTR Id, UserData;
    WCHAR* Text;
    Property* Properties;
    u8* Extra;
    ULONGLONG Born; // creation order, for FindWindowEx
};

// The window of a handle, null if there is none; Lock is held.
Window* Find(HWND Handle);
// Calls a window's procedure on the calling thread. Unicode says what strings the caller's parameters are.
LRESULT Call(HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode);
// Calls a procedure, translating the strings of the messages that carry some when the two sides differ.
LRESULT Translate(WNDPROC Proc, bool ProcUnicode, HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode);
void DestroyWindowsOf(DWORD Thread);

}
