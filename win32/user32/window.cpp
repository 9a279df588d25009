// The table of windows, their making and end, and the calling of window procedures.
#include "win32/user32/window.hpp"

#include "win32/user32/class.hpp"

namespace user32 {
namespace {

// A handle is (generation << 16 | index * 4 + base), so that a stale one is told from a new one in the same place.
constexpr u32 MaxWindows = 2048, FirstIndex = 0x40;
Window* Table[MaxWindows];
u16 Generation[MaxWindows];
ULONGLONG Births;

HWND HandleOf(u32 Index) { return HWND(LONG_PTR(u32(Generation[Index]) << 16 | (Index + FirstIndex) << 1)); }

// Only these carry text that has to be translated between an A and a W side.
bool CarriesText(UINT Message)
{
    return Message == WM_SETTEXT || Message == WM_GETTEXT || Message == WM_GETTEXTLENGTH || Message == WM_NCCREATE ||
           Message == WM_CREATE || Message == WM_SETTINGCHANGE || Message == WM_DEVMODECHANGE;
}

const void* TextOrAtom(const void* Text, bool ToWide, win::Buffer<WCHAR>& Wide, win::Buffer<char>& Narrow)
{
    if (IsAtom(Text)) {
        return Text;
    }
    if (ToWide) {
        Wide.Reset(win::Wide(static_cast<const char*>(Text)).Release());
        return Wide.Get();
    }
    Narrow.Reset(win::Narrow(static_cast<const WCHAR*>(Text)).Release());
    return Narrow.Get();
}

}

Window* Find(HWND Handle)
{
    u32 Value = u32(ULONG_PTR(Handle)), Index = ((Value & 0xFFFF) >> 1) - FirstIndex;
    if (Index >= MaxWindows || !Table[Index] || (Value >> 16 && Generation[Index] != Value >> 16)) {
        return nullptr;
    }
    return Table[Index];
}

LRESULT Translate(WNDPROC Proc, bool ProcUnicode, HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode)
{
    if (ProcUnicode == Unicode || !L || !CarriesText(Message)) {
        return Proc(Handle, Message, W, L);
    }
    win::Buffer<WCHAR> Wide, WideClass;
    win::Buffer<char> Narrow, NarrowClass;
    switch (Message) {
    case WM_GETTEXTLENGTH:
        return Proc(Handle, Message, W, L);
    case WM_GETTEXT: {
        if (ProcUnicode) {
            win::Buffer<WCHAR> Text(W + 1);
            if (!Text || !W) {
                return 0;
            }
            Proc(Handle, Message, W, LPARAM(Text.Get()));
            int Count = WideCharToMultiByte(CP_ACP, 0, Text, -1, reinterpret_cast<char*>(L), int(W), nullptr, nullptr);
            reinterpret_cast<char*>(L)[W - 1] = 0;
            return Count ? Count - 1 : LRESULT(W - 1);
        }
        win::Buffer<char> Text(2 * W + 1);
        if (!Text || !W) {
            return 0;
        }
        Proc(Handle, Message, 2 * W, LPARAM(Text.Get()));
        int Count = MultiByteToWideChar(CP_ACP, 0, Text, -1, reinterpret_cast<WCHAR*>(L), int(W));
        reinterpret_cast<WCHAR*>(L)[W - 1] = 0;
        return Count ? Count - 1 : LRESULT(W - 1);
    }
    case WM_NCCREATE:
    case WM_CREATE: {
        auto From = reinterpret_cast<const CREATESTRUCTW*>(L);
        CREATESTRUCTW Copy = *From;
        Copy.lpszName = static_cast<LPCWSTR>(TextOrAtom(From->lpszName, ProcUnicode, Wide, Narrow));
        Copy.lpszClass = static_cast<LPCWSTR>(TextOrAtom(From->lpszClass, ProcUnicode, WideClass, NarrowClass));
        return Proc(Handle, Message, W, LPARAM(&Copy));
    }
    default:
        return Proc(Handle, Message, W, LPARAM(TextOrAtom(reinterpret_cast<const void*>(L), ProcUnicode, Wide, Narrow)));
    }
}

LRESULT Call(HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode)
{
    WNDPROC Proc;
    bool ProcUnicode;
    {
        win::Guard Hold(Lock);
        Window* It = Find(Handle);
        if (!It) {
            SetLastError(ERROR_INVALID_WINDOW_HANDLE);
            return 0;
        }
        Proc = It->Proc;
        ProcUnicode = It->Unicode;
    }
    return Translate(Proc, ProcUnicode, Handle, Message, W, L, Unicode);
}

namespace {

// Takes the window out of the table and frees it.
void Remove(HWND Handle)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return;
    }
    u32 Index = (u32(ULONG_PTR(Handle)) & 0xFFFF) / 2 - FirstIndex;
    Table[Index] = nullptr;
    --It->Kind->Windows;
    if (Queue* Q = Of(It->Thread)) {
        ForgetWindow(*Q, It->Handle);
    }
    while (Property* P = It->Properties) {
        It->Properties = P->Next;
        win::Free(P);
    }
    win::Free(It->Text);
    win::Free(It);
}

// Some child of Parent; Lock is held.
HWND AnyChild(HWND Parent)
{
    for (Window* It : Table) {
        if (It && It->Parent == Parent) {
            return It->Handle;
        }
    }
    return nullptr;
}

void Destroy(HWND Handle)
{
    Call(Handle, WM_DESTROY, 0, 0, true);
    for (;;) {
        HWND Child;
        {
            win::Guard Hold(Lock);
            Child = AnyChild(Handle);
        }
        if (!Child) {
            break;
        }
        Destroy(Child);
    }
    Call(Handle, WM_NCDESTROY, 0, 0, true);
    Remove(Handle);
}

HWND Create(DWORD ExStyle, const WCHAR* ClassName, const void* Name, bool Unicode, DWORD Style, int X, int Y, int Width, int Height,
            HWND Parent, HMENU Menu, HINSTANCE Instance, void* Parameter, const void* ClassNameAsGiven)
{
    if (!Mine()) {
        return HWND(ULONG_PTR(win::Fail(ERROR_NOT_ENOUGH_MEMORY)));
    }
    HWND Handle;
    {
        win::Guard Hold(Lock);
        Class* Kind = ClassName ? FindClass(Instance ? Instance : GetModuleHandleW(nullptr), ClassName) : nullptr;
        if (!Kind) {
            return HWND(ULONG_PTR(win::Fail(ERROR_CANNOT_FIND_WND_CLASS)));
        }
        if (Parent != HWND_MESSAGE && !(Parent && Find(Parent))) {
            // No desktop: as for a process that may not open one.
            return HWND(ULONG_PTR(win::Fail(Parent ? ERROR_INVALID_WINDOW_HANDLE : ERROR_ACCESS_DENIED)));
        }
        u32 Index = 0;
        while (Index < MaxWindows && Table[Index]) {
            ++Index;
        }
        auto It = Index < MaxWindows ? static_cast<Window*>(win::Allocate(sizeof(Window) + usize(Kind->WindowExtra))) : nullptr;
        if (!It) {
            return HWND(ULONG_PTR(win::Fail(ERROR_NOT_ENOUGH_MEMORY)));
        }
        Generation[Index] = u16(Generation[Index] % 0x7FFE + 1);
        It->Handle = HandleOf(Index);
        It->Parent = Parent;
        It->Kind = Kind;
        It->Proc = Kind->Proc;
        It->Unicode = Kind->Unicode;
        It->Thread = GetCurrentThreadId();
        It->Style = Style & ~DWORD(WS_VISIBLE);
        It->ExStyle = ExStyle;
        It->Instance = Instance;
        It->Id = LONG_PTR(Menu);
        It->Extra = reinterpret_cast<u8*>(It + 1);
        It->Born = ++Births;
        ++Kind->Windows;
        Table[Index] = It;
        Handle = It->Handle;
    }
    CREATESTRUCTW Info = { Parameter,
                           Instance,
                           Menu,
                           Parent,
                           Height,
                           Width,
                           Y,
                           X,
                           LONG(Style),
                           static_cast<LPCWSTR>(Name),
                           static_cast<LPCWSTR>(ClassNameAsGiven),
                           ExStyle };
    if (!Call(Handle, WM_NCCREATE, 0, LPARAM(&Info), Unicode)) {
        Remove(Handle);
        return nullptr;
    }
    if (Call(Handle, WM_CREATE, 0, LPARAM(&Info), Unicode) == -1) {
        DestroyWindow(Handle);
        return nullptr;
    }
    return IsWindow(Handle) ? Handle : nullptr;
}

// Window names compare without case.
bool SameText(const WCHAR* Have, const WCHAR* Want) { return lstrcmpiW(Have ? Have : L"", Want) == 0; }

HWND FindNext(HWND Parent, HWND After, const WCHAR* ClassName, const WCHAR* Name)
{
    win::Guard Hold(Lock);
    if (Parent != HWND_MESSAGE && Parent && !Find(Parent)) {
        return HWND(ULONG_PTR(win::Fail(ERROR_INVALID_WINDOW_HANDLE)));
    }
    Window* Previous = After ? Find(After) : nullptr;
    ATOM Atom = !ClassName ? ATOM(0) : IsAtom(ClassName) ? ATOM(ULONG_PTR(ClassName)) : FindAtomW(ClassName);
    Window* Best = nullptr;
    for (Window* It : Table) {
        if (!It || It->Parent != Parent || (ClassName && It->Kind->Atom != Atom) || (Name && !SameText(It->Text, Name)) ||
            (Previous && It->Born <= Previous->Born)) {
            continue;
        }
        if (!Best || It->Born < Best->Born) {
            Best = It;
        }
    }
    return Best ? Best->Handle : HWND(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND)));
}

}

void DestroyWindowsOf(DWORD Thread)
{
    for (u32 i = 0; i < MaxWindows; ++i) {
        HWND Handle = nullptr;
        {
            win::Guard Hold(Lock);
            if (Table[i] && Table[i]->Thread == Thread) {
                Handle = Table[i]->Handle;
            }
        }
        if (Handle) {
            Remove(Handle); // a thread that is gone calls no procedures
        }
    }
}

}

using namespace user32;

EXPORT HWND WINAPI CreateWindowExW(DWORD ExStyle, LPCWSTR ClassName, LPCWSTR Name, DWORD Style, int X, int Y, int Width, int Height,
                                   HWND Parent, HMENU Menu, HINSTANCE Instance, LPVOID Parameter)
{
    return Create(ExStyle, ClassName, Name, true, Style, X, Y, Width, Height, Parent, Menu, Instance, Parameter, ClassName);
}
EXPORT HWND WINAPI CreateWindowExA(DWORD ExStyle, LPCSTR ClassName, LPCSTR Name, DWORD Style, int X, int Y, int Width, int Height,
                                   HWND Parent, HMENU Menu, HINSTANCE Instance, LPVOID Parameter)
{
    WideName Wide(ClassName);
    return Create(ExStyle, Wide, Name, false, Style, X, Y, Width, Height, Parent, Menu, Instance, Parameter, ClassName);
}
EXPORT BOOL WINAPI DestroyWindow(HWND Handle)
{
    {
        win::Guard Hold(Lock);
        Window* It = Find(Handle);
        if (!It) {
            return win::Fail(ERROR_INVALID_WINDOW_HANDLE);
        }
        if (It->Thread != GetCurrentThreadId()) {
            return win::Fail(ERROR_ACCESS_DENIED);
        }
        if (It->Dying) {
            return TRUE;
        }
        It->Dying = true;
        Handle = It->Handle;
    }
    Destroy(Handle);
    return TRUE;
}
EXPORT BOOL WINAPI IsWindow(HWND Handle)
{
    win::Guard Hold(Lock);
    return Find(Handle) || win::Fail(ERROR_INVALID_WINDOW_HANDLE);
}
EXPORT HWND WINAPI FindWindowExW(HWND Parent, HWND After, LPCWSTR ClassName, LPCWSTR Name)
{
    return FindNext(Parent, After, ClassName, Name);
}
EXPORT HWND WINAPI FindWindowExA(HWND Parent, HWND After, LPCSTR ClassName, LPCSTR Name)
{
    return FindNext(Parent, After, WideName(ClassName), win::Wide(Name));
}
// There are no top-level windows.
EXPORT HWND WINAPI FindWindowW(LPCWSTR, LPCWSTR) { return HWND(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }
EXPORT HWND WINAPI FindWindowA(LPCSTR, LPCSTR) { return HWND(ULONG_PTR(win::Fail(ERROR_FILE_NOT_FOUND))); }
EXPORT BOOL WINAPI EnumWindows(WNDENUMPROC, LPARAM) { return TRUE; }
EXPORT BOOL WINAPI EnumThreadWindows(DWORD, WNDENUMPROC, LPARAM) { return TRUE; }
EXPORT BOOL WINAPI EnumDesktopWindows(HDESK, WNDENUMPROC, LPARAM) { return TRUE; }
EXPORT BOOL WINAPI EnumChildWindows(HWND Parent, WNDENUMPROC Visit, LPARAM Data)
{
    if (!Parent) {
        return TRUE;
    }
    for (HWND Child = FindNext(Parent, nullptr, nullptr, nullptr); Child;) {
        HWND Next = FindNext(Parent, Child, nullptr, nullptr);
        if (!Visit(Child, Data) || !EnumChildWindows(Child, Visit, Data)) {
            return FALSE;
        }
        Child = Next;
    }
    return TRUE;
}
