// Window classes of the process.
#include "win32/user32/class.hpp"

namespace user32 {

Class* Classes;

Class* FindClass(HINSTANCE Module, const WCHAR* Name)
{
    ATOM Atom = IsAtom(Name) ? ATOM(ULONG_PTR(Name)) : FindAtomW(Name);
    if (!Atom) {
        return nullptr;
    }
    Class* Global = nullptr;
    for (Class* C = Classes; C; C = C->Next) {
        if (C->Atom == Atom) {
            if (!Module || C->Module == Module) {
                return C;
            }
            if (C->Style & CS_GLOBALCLASS) {
                Global = C;
            }
        }
    }
    return Global;
}

}

using namespace user32;

namespace {

ATOM Register(const WNDCLASSEXW& From, const WCHAR* Name, bool Unicode)
{
    if (From.cbClsExtra < 0 || From.cbWndExtra < 0 || !From.lpfnWndProc || !Name) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    WCHAR Text[256];
    if (IsAtom(Name)) {
        if (!GetAtomNameW(ATOM(ULONG_PTR(Name)), Text, 256)) {
            return 0;
        }
    } else {
        if (win::Length(Name) >= 256 || !*Name) {
            SetLastError(ERROR_INVALID_PARAMETER);
            return 0;
        }
        lstrcpyW(Text, Name);
    }
    HINSTANCE Module = From.hInstance ? From.hInstance : GetModuleHandleW(nullptr);
    win::Guard Hold(Lock);
    Class* Old = FindClass(Module, Text);
    if (Old && Old->Module == Module) {
        SetLastError(ERROR_CLASS_ALREADY_EXISTS);
        return 0;
    }
    auto C = static_cast<Class*>(win::Allocate(sizeof(Class) + usize(From.cbClsExtra)));
    ATOM Atom = C ? AddAtomW(Text) : 0;
    if (!Atom) {
        win::Free(C);
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return 0;
    }
    C->Atom = Atom;
    C->Module = Module;
    C->Proc = From.lpfnWndProc;
    C->Unicode = Unicode;
    C->Style = From.style;
    C->ClassExtra = From.cbClsExtra;
    C->WindowExtra = From.cbWndExtra;
    C->Icon = From.hIcon;
    C->SmallIcon = From.hIconSm;
    C->Cursor = From.hCursor;
    C->Background = From.hbrBackground;
    C->Extra = reinterpret_cast<u8*>(C + 1);
    lstrcpyW(C->Name, Text);
    C->Next = Classes;
    Classes = C;
    return Atom;
}

BOOL Unregister(const WCHAR* Name, HINSTANCE Module)
{
    if (!Name) {
        return win::Fail(ERROR_CLASS_DOES_NOT_EXIST);
    }
    win::Guard Hold(Lock);
    Class* C = FindClass(Module ? Module : GetModuleHandleW(nullptr), Name);
    if (!C) {
        return win::Fail(ERROR_CLASS_DOES_NOT_EXIST);
    }
    if (C->Windows) {
        return win::Fail(ERROR_CLASS_HAS_WINDOWS);
    }
    for (Class** At = &Classes; *At; At = &(*At)->Next) {
        if (*At == C) {
            *At = C->Next;
            break;
        }
    }
    DeleteAtom(C->Atom);
    win::Free(C);
    return TRUE;
}

// Fills the fields that do not depend on the character width; the class's atom, 0 if there is none.
template <typename Info> ATOM Describe(HINSTANCE Module, const WCHAR* Name, Info& Out)
{
    if (!Name) {
        SetLastError(ERROR_CLASS_DOES_NOT_EXIST);
        return 0;
    }
    win::Guard Hold(Lock);
    Class* C = FindClass(Module, Name);
    if (!C) {
        SetLastError(ERROR_CLASS_DOES_NOT_EXIST);
        return 0;
    }
    Out.style = C->Style;
    Out.lpfnWndProc = C->Proc;
    Out.cbClsExtra = C->ClassExtra;
    Out.cbWndExtra = C->WindowExtra;
    Out.hInstance = Module;
    Out.hIcon = C->Icon;
    Out.hCursor = C->Cursor;
    Out.hbrBackground = C->Background;
    Out.lpszMenuName = nullptr;
    if constexpr (requires { Out.hIconSm; }) {
        Out.hIconSm = C->SmallIcon;
    }
    return C->Atom;
}

WNDCLASSEXW Widen(const WNDCLASSEXA& From)
{
    return { sizeof(WNDCLASSEXW), From.style,   From.lpfnWndProc,   From.cbClsExtra, From.cbWndExtra, From.hInstance,
             From.hIcon,          From.hCursor, From.hbrBackground, nullptr,         nullptr,         From.hIconSm };
}

}

EXPORT ATOM WINAPI RegisterClassExW(const WNDCLASSEXW* From)
{
    if (!From || From->cbSize != sizeof(*From)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    return Register(*From, From->lpszClassName, true);
}
EXPORT ATOM WINAPI RegisterClassExA(const WNDCLASSEXA* From)
{
    if (!From || From->cbSize != sizeof(*From)) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return 0;
    }
    WideName Name(From->lpszClassName);
    return Register(Widen(*From), Name, false);
}
EXPORT ATOM WINAPI RegisterClassW(const WNDCLASSW* From)
{
    WNDCLASSEXW Full = { sizeof(Full), From->style,   From->lpfnWndProc,   From->cbClsExtra,   From->cbWndExtra,    From->hInstance,
                         From->hIcon,  From->hCursor, From->hbrBackground, From->lpszMenuName, From->lpszClassName, nullptr };
    return Register(Full, From->lpszClassName, true);
}
EXPORT ATOM WINAPI RegisterClassA(const WNDCLASSA* From)
{
    WNDCLASSEXW Full = { sizeof(Full), From->style,   From->lpfnWndProc,   From->cbClsExtra, From->cbWndExtra, From->hInstance,
                         From->hIcon,  From->hCursor, From->hbrBackground, nullptr,          nullptr,          nullptr };
    WideName Name(From->lpszClassName);
    return Register(Full, Name, false);
}
EXPORT BOOL WINAPI UnregisterClassW(LPCWSTR Name, HINSTANCE Module) { return Unregister(Name, Module); }
EXPORT BOOL WINAPI UnregisterClassA(LPCSTR Name, HINSTANCE Module) { return Unregister(WideName(Name), Module); }

EXPORT BOOL WINAPI GetClassInfoExW(HINSTANCE Module, LPCWSTR Name, LPWNDCLASSEXW Out)
{
    ATOM Atom = Describe(Module, Name, *Out);
    if (Atom) {
        Out->lpszClassName = Name;
    }
    return Atom;
}
EXPORT BOOL WINAPI GetClassInfoExA(HINSTANCE Module, LPCSTR Name, LPWNDCLASSEXA Out)
{
    ATOM Atom = Describe(Module, WideName(Name), *Out);
    if (Atom) {
        Out->lpszClassName = Name;
    }
    return Atom;
}
EXPORT BOOL WINAPI GetClassInfoW(HINSTANCE Module, LPCWSTR Name, LPWNDCLASSW Out)
{
    ATOM Atom = Describe(Module, Name, *Out);
    if (Atom) {
        Out->lpszClassName = Name;
    }
    return Atom;
}
EXPORT BOOL WINAPI GetClassInfoA(HINSTANCE Module, LPCSTR Name, LPWNDCLASSA Out)
{
    ATOM Atom = Describe(Module, WideName(Name), *Out);
    if (Atom) {
        Out->lpszClassName = Name;
    }
    return Atom;
}
