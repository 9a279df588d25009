// Sending and posting to windows, the default procedure, and what a window keeps: text, longs, properties.
#include "win32/user32/class.hpp"

using namespace user32;

namespace {

enum class Wait { Forever, Timeout, Nobody };

LRESULT Send(HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode, Wait How, DWORD Timeout, bool& Good,
             SENDASYNCPROC Callback = nullptr, ULONG_PTR Data = 0)
{
    Good = true;
    if (Handle == HWND_BROADCAST) {
        return 1; // goes to all top-level windows, and there are none
    }
    Queue* Q = Mine();
    Sent* Item = nullptr;
    {
        win::Guard Hold(Lock);
        Window* It = Find(Handle);
        Queue* Target = It ? Of(It->Thread) : nullptr;
        if (!Q || !It || !Target) {
            Good = false;
            SetLastError(Q ? ERROR_INVALID_WINDOW_HANDLE : ERROR_NOT_ENOUGH_MEMORY);
            return 0;
        }
        if (Target != Q) {
            Item = static_cast<Sent*>(win::Allocate(sizeof(Sent)));
            HANDLE Reply = Item && How != Wait::Nobody ? CreateEventW(nullptr, TRUE, FALSE, nullptr) : nullptr;
            if (!Item || (How != Wait::Nobody && !Reply)) {
                win::Free(Item);
                Good = false;
                SetLastError(ERROR_NOT_ENOUGH_MEMORY);
                return 0;
            }
            Item->Window = Handle;
            Item->Message = Message;
            Item->W = W;
            Item->L = L;
            Item->Unicode = Unicode;
            Item->NobodyWaits = How == Wait::Nobody;
            Item->Callback = Callback;
            Item->CallbackData = Data;
            Item->Reply = Reply;
            Item->Sender = Q->Thread;
            Give(*Target, Item);
        }
    }
    if (!Item) {
        LRESULT Result = Call(Handle, Message, W, L, Unicode);
        if (Callback) {
            Callback(Handle, Message, Data, Result);
        }
        return Result;
    }
    LRESULT Result = 1;
    if (How != Wait::Nobody) {
        Result = 0;
        Good = AwaitReply(*Q, Item, How == Wait::Forever ? INFINITE : Timeout, Result);
    }
    return Result;
}

BOOL PostTo(HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    if (Handle == HWND_BROADCAST) {
        return TRUE;
    }
    if (!Handle) {
        return PostThreadMessageW(GetCurrentThreadId(), Message, W, L);
    }
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    Queue* Q = It ? Of(It->Thread) : nullptr;
    if (!Q) {
        return win::Fail(ERROR_INVALID_WINDOW_HANDLE);
    }
    return Post(*Q, It->Handle, Message, W, L) || win::Fail(ERROR_NOT_ENOUGH_MEMORY);
}

bool SetText(HWND Handle, win::Buffer<WCHAR> Text)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return false;
    }
    win::Free(It->Text);
    It->Text = Text.Release();
    return true;
}

win::Buffer<WCHAR> Copy(const WCHAR* Text)
{
    usize Size = Text ? win::Length(Text) + 1 : 1;
    win::Buffer<WCHAR> Result(Size);
    for (usize i = 0; Result && i + 1 < Size; ++i) {
        Result[i] = Text[i];
    }
    return Result;
}

LRESULT Default(HWND Handle, UINT Message, WPARAM W, LPARAM L, bool Unicode)
{
    switch (Message) {
    case WM_NCCREATE: {
        auto Info = reinterpret_cast<const CREATESTRUCTW*>(L);
        if (Info && Info->lpszName) {
            SetText(Handle, Unicode ? Copy(Info->lpszName) : win::Wide(reinterpret_cast<const char*>(Info->lpszName)));
        }
        return TRUE;
    }
    case WM_SETTEXT:
        return SetText(Handle, Unicode ? Copy(reinterpret_cast<const WCHAR*>(L)) : win::Wide(reinterpret_cast<const char*>(L)));
    case WM_GETTEXTLENGTH:
    case WM_GETTEXT: {
        win::Guard Hold(Lock);
        Window* It = Find(Handle);
        const WCHAR* Text = It && It->Text ? It->Text : L"";
        int Length = Unicode ? lstrlenW(Text) : WideCharToMultiByte(CP_ACP, 0, Text, -1, nullptr, 0, nullptr, nullptr) - 1;
        if (Message == WM_GETTEXTLENGTH) {
            return Length;
        }
        if (!W || !L) {
            return 0;
        }
        if (Unicode) {
            lstrcpynW(reinterpret_cast<WCHAR*>(L), Text, int(W));
        } else {
            win::Buffer<char> All = win::Narrow(Text);
            lstrcpynA(reinterpret_cast<char*>(L), All ? All.Get() : "", int(W));
        }
        return Length < int(W) ? Length : int(W) - 1;
    }
    case WM_CLOSE:
        DestroyWindow(Handle);
        return 0;
    case WM_QUERYENDSESSION:
    case WM_QUERYOPEN:
    case WM_ERASEBKGND:
        return TRUE;
    default:
        return 0;
    }
}

LONG_PTR Fetch(HWND Handle, int Index, bool Set, LONG_PTR Value, usize Size, bool Unicode)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return win::Fail(ERROR_INVALID_WINDOW_HANDLE);
    }
    auto Swap = [&]<typename T>(T& Field) {
        LONG_PTR Old = LONG_PTR(Field);
        if (Set) {
            Field = T(Value);
        }
        return Old;
    };
    switch (Index) {
    case GWL_STYLE:
        return LONG(Swap(It->Style));
    case GWL_EXSTYLE:
        return LONG(Swap(It->ExStyle));
    case GWLP_ID:
        return Swap(It->Id);
    case GWLP_USERDATA:
        return Swap(It->UserData);
    case GWLP_HINSTANCE:
        return Swap(It->Instance);
    case GWLP_HWNDPARENT:
        return LONG_PTR(It->Parent == HWND_MESSAGE ? nullptr : It->Parent);
    case GWLP_WNDPROC: {
        LONG_PTR Old = LONG_PTR(It->Proc);
        if (Set) {
            It->Proc = WNDPROC(Value);
            It->Unicode = Unicode;
        }
        return Old;
    }
    default:
        break;
    }
    if (Index < 0 || usize(Index) + Size > usize(It->Kind->WindowExtra)) {
        return win::Fail(ERROR_INVALID_INDEX);
    }
    LONG_PTR Old = 0;
    __builtin_memcpy(&Old, It->Extra + Index, Size);
    if (Set) {
        __builtin_memcpy(It->Extra + Index, &Value, Size);
    }
    return Size == 4 ? LONG(Old) : Size == 2 ? WORD(Old) : Old;
}

LONG_PTR FetchClass(HWND Handle, int Index, bool Set, LONG_PTR Value, usize Size)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return win::Fail(ERROR_INVALID_WINDOW_HANDLE);
    }
    Class& C = *It->Kind;
    LONG_PTR Old = 0;
    switch (Index) {
    case GCW_ATOM:
        return C.Atom;
    case GCL_CBCLSEXTRA:
        return C.ClassExtra;
    case GCL_CBWNDEXTRA:
        return C.WindowExtra;
    case GCL_STYLE:
        Old = LONG_PTR(C.Style);
        C.Style = Set ? UINT(Value) : C.Style;
        return Old;
    case GCLP_HMODULE:
        return LONG_PTR(C.Module);
    case GCLP_WNDPROC:
        Old = LONG_PTR(C.Proc);
        C.Proc = Set ? WNDPROC(Value) : C.Proc;
        return Old;
    default:
        break;
    }
    if (Index < 0 || usize(Index) + Size > usize(C.ClassExtra)) {
        return win::Fail(ERROR_INVALID_INDEX);
    }
    __builtin_memcpy(&Old, C.Extra + Index, Size);
    if (Set) {
        __builtin_memcpy(C.Extra + Index, &Value, Size);
    }
    return Old;
}

Property* FindProperty(Window* It, const WCHAR* Name, Property*** Link)
{
    ATOM Atom = IsAtom(Name) ? ATOM(ULONG_PTR(Name)) : GlobalFindAtomW(Name);
    for (Property** At = &It->Properties; Atom && *At; At = &(*At)->Next) {
        if ((*At)->Atom == Atom) {
            if (Link) {
                *Link = At;
            }
            return *At;
        }
    }
    return nullptr;
}

}

EXPORT LRESULT WINAPI SendMessageW(HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    bool Good;
    return Send(Handle, Message, W, L, true, Wait::Forever, 0, Good);
}
EXPORT LRESULT WINAPI SendMessageA(HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    bool Good;
    return Send(Handle, Message, W, L, false, Wait::Forever, 0, Good);
}
EXPORT LRESULT WINAPI SendMessageTimeoutW(HWND Handle, UINT Message, WPARAM W, LPARAM L, UINT, UINT Timeout, PDWORD_PTR Result)
{
    bool Good;
    LRESULT Value = Send(Handle, Message, W, L, true, Wait::Timeout, Timeout, Good);
    if (Result) {
        *Result = DWORD_PTR(Value);
    }
    return Good;
}
EXPORT LRESULT WINAPI SendMessageTimeoutA(HWND Handle, UINT Message, WPARAM W, LPARAM L, UINT, UINT Timeout, PDWORD_PTR Result)
{
    bool Good;
    LRESULT Value = Send(Handle, Message, W, L, false, Wait::Timeout, Timeout, Good);
    if (Result) {
        *Result = DWORD_PTR(Value);
    }
    return Good;
}
EXPORT BOOL WINAPI SendNotifyMessageW(HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    bool Good;
    Send(Handle, Message, W, L, true, Wait::Nobody, 0, Good);
    return Good;
}
EXPORT BOOL WINAPI SendNotifyMessageA(HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    bool Good;
    Send(Handle, Message, W, L, false, Wait::Nobody, 0, Good);
    return Good;
}
EXPORT BOOL WINAPI SendMessageCallbackW(HWND Handle, UINT Message, WPARAM W, LPARAM L, SENDASYNCPROC Callback, ULONG_PTR Data)
{
    bool Good;
    Send(Handle, Message, W, L, true, Wait::Nobody, 0, Good, Callback, Data);
    return Good;
}
EXPORT BOOL WINAPI SendMessageCallbackA(HWND Handle, UINT Message, WPARAM W, LPARAM L, SENDASYNCPROC Callback, ULONG_PTR Data)
{
    bool Good;
    Send(Handle, Message, W, L, false, Wait::Nobody, 0, Good, Callback, Data);
    return Good;
}
EXPORT BOOL WINAPI PostMessageW(HWND Handle, UINT Message, WPARAM W, LPARAM L) { return PostTo(Handle, Message, W, L); }
EXPORT BOOL WINAPI PostMessageA(HWND Handle, UINT Message, WPARAM W, LPARAM L) { return PostTo(Handle, Message, W, L); }
// Nobody receives a broadcast.
EXPORT LONG WINAPI BroadcastSystemMessageW(DWORD, LPDWORD, UINT, WPARAM, LPARAM) { return 1; }
EXPORT LONG WINAPI BroadcastSystemMessageA(DWORD, LPDWORD, UINT, WPARAM, LPARAM) { return 1; }

EXPORT LRESULT WINAPI DefWindowProcW(HWND Handle, UINT Message, WPARAM W, LPARAM L) { return Default(Handle, Message, W, L, true); }
EXPORT LRESULT WINAPI DefWindowProcA(HWND Handle, UINT Message, WPARAM W, LPARAM L) { return Default(Handle, Message, W, L, false); }
EXPORT LRESULT WINAPI CallWindowProcW(WNDPROC Proc, HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    return Proc ? Proc(Handle, Message, W, L) : 0;
}
EXPORT LRESULT WINAPI CallWindowProcA(WNDPROC Proc, HWND Handle, UINT Message, WPARAM W, LPARAM L)
{
    return Proc ? Proc(Handle, Message, W, L) : 0;
}

EXPORT BOOL WINAPI SetWindowTextW(HWND Handle, LPCWSTR Text)
{
    return IsWindow(Handle) && SendMessageW(Handle, WM_SETTEXT, 0, LPARAM(Text));
}
EXPORT BOOL WINAPI SetWindowTextA(HWND Handle, LPCSTR Text)
{
    return IsWindow(Handle) && SendMessageA(Handle, WM_SETTEXT, 0, LPARAM(Text));
}
EXPORT int WINAPI GetWindowTextW(HWND Handle, LPWSTR Out, int Size)
{
    return IsWindow(Handle) ? int(SendMessageW(Handle, WM_GETTEXT, WPARAM(Size), LPARAM(Out))) : 0;
}
EXPORT int WINAPI GetWindowTextA(HWND Handle, LPSTR Out, int Size)
{
    return IsWindow(Handle) ? int(SendMessageA(Handle, WM_GETTEXT, WPARAM(Size), LPARAM(Out))) : 0;
}
EXPORT int WINAPI GetWindowTextLengthW(HWND Handle) { return IsWindow(Handle) ? int(SendMessageW(Handle, WM_GETTEXTLENGTH, 0, 0)) : 0; }
EXPORT int WINAPI GetWindowTextLengthA(HWND Handle) { return IsWindow(Handle) ? int(SendMessageA(Handle, WM_GETTEXTLENGTH, 0, 0)) : 0; }

EXPORT LONG_PTR WINAPI GetWindowLongPtrW(HWND Handle, int Index) { return Fetch(Handle, Index, false, 0, 8, true); }
EXPORT LONG_PTR WINAPI GetWindowLongPtrA(HWND Handle, int Index) { return Fetch(Handle, Index, false, 0, 8, false); }
EXPORT LONG_PTR WINAPI SetWindowLongPtrW(HWND Handle, int Index, LONG_PTR Value) { return Fetch(Handle, Index, true, Value, 8, true); }
EXPORT LONG_PTR WINAPI SetWindowLongPtrA(HWND Handle, int Index, LONG_PTR Value) { return Fetch(Handle, Index, true, Value, 8, false); }
EXPORT LONG WINAPI GetWindowLongW(HWND Handle, int Index) { return LONG(Fetch(Handle, Index, false, 0, 4, true)); }
EXPORT LONG WINAPI GetWindowLongA(HWND Handle, int Index) { return LONG(Fetch(Handle, Index, false, 0, 4, false)); }
EXPORT LONG WINAPI SetWindowLongW(HWND Handle, int Index, LONG Value) { return LONG(Fetch(Handle, Index, true, Value, 4, true)); }
EXPORT LONG WINAPI SetWindowLongA(HWND Handle, int Index, LONG Value) { return LONG(Fetch(Handle, Index, true, Value, 4, false)); }
EXPORT WORD WINAPI GetWindowWord(HWND Handle, int Index) { return WORD(Fetch(Handle, Index, false, 0, 2, true)); }
EXPORT WORD WINAPI SetWindowWord(HWND Handle, int Index, WORD Value) { return WORD(Fetch(Handle, Index, true, Value, 2, true)); }
EXPORT ULONG_PTR WINAPI GetClassLongPtrW(HWND Handle, int Index) { return ULONG_PTR(FetchClass(Handle, Index, false, 0, 8)); }
EXPORT ULONG_PTR WINAPI GetClassLongPtrA(HWND Handle, int Index) { return ULONG_PTR(FetchClass(Handle, Index, false, 0, 8)); }
EXPORT ULONG_PTR WINAPI SetClassLongPtrW(HWND Handle, int Index, LONG_PTR Value)
{
    return ULONG_PTR(FetchClass(Handle, Index, true, Value, 8));
}
EXPORT ULONG_PTR WINAPI SetClassLongPtrA(HWND Handle, int Index, LONG_PTR Value)
{
    return ULONG_PTR(FetchClass(Handle, Index, true, Value, 8));
}
EXPORT DWORD WINAPI GetClassLongW(HWND Handle, int Index) { return DWORD(FetchClass(Handle, Index, false, 0, 4)); }
EXPORT DWORD WINAPI GetClassLongA(HWND Handle, int Index) { return DWORD(FetchClass(Handle, Index, false, 0, 4)); }

EXPORT int WINAPI GetClassNameW(HWND Handle, LPWSTR Out, int Size)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It || Size <= 0) {
        return win::Fail(It ? ERROR_INSUFFICIENT_BUFFER : ERROR_INVALID_WINDOW_HANDLE);
    }
    lstrcpynW(Out, It->Kind->Name, Size);
    return lstrlenW(Out);
}
EXPORT int WINAPI GetClassNameA(HWND Handle, LPSTR Out, int Size)
{
    WCHAR Wide[256];
    if (Size <= 0 || !GetClassNameW(Handle, Wide, 256)) {
        return 0;
    }
    win::Buffer<char> Text = win::Narrow(Wide);
    lstrcpynA(Out, Text ? Text.Get() : "", Size);
    return lstrlenA(Out);
}

EXPORT DWORD WINAPI GetWindowThreadProcessId(HWND Handle, LPDWORD Process)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return DWORD(win::Fail(ERROR_INVALID_WINDOW_HANDLE));
    }
    if (Process) {
        *Process = GetCurrentProcessId();
    }
    return It->Thread;
}
EXPORT BOOL WINAPI IsWindowUnicode(HWND Handle)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    return It ? It->Unicode : win::Fail(ERROR_INVALID_WINDOW_HANDLE);
}
EXPORT HWND WINAPI GetParent(HWND Handle)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It) {
        return HWND(ULONG_PTR(win::Fail(ERROR_INVALID_WINDOW_HANDLE)));
    }
    return It->Parent == HWND_MESSAGE ? nullptr : It->Parent;
}
EXPORT HWND WINAPI GetAncestor(HWND Handle, UINT Kind)
{
    HWND Parent = GetParent(Handle);
    if (Kind == GA_PARENT) {
        return Parent;
    }
    while (Parent) {
        Handle = Parent;
        Parent = GetParent(Handle);
    }
    return IsWindow(Handle) ? Handle : nullptr;
}
EXPORT BOOL WINAPI IsChild(HWND Parent, HWND Handle)
{
    while (Handle && Parent) {
        Handle = GetParent(Handle);
        if (Handle == Parent) {
            return TRUE;
        }
    }
    return FALSE;
}
// Nothing is ever seen.
EXPORT BOOL WINAPI IsWindowVisible(HWND) { return FALSE; }
EXPORT BOOL WINAPI ShowWindow(HWND Handle, int)
{
    IsWindow(Handle);
    return FALSE;
}
EXPORT BOOL WINAPI IsWindowEnabled(HWND Handle) { return IsWindow(Handle) && !(Fetch(Handle, GWL_STYLE, false, 0, 4, true) & WS_DISABLED); }
EXPORT int WINAPI GetDlgCtrlID(HWND Handle) { return int(Fetch(Handle, GWLP_ID, false, 0, 8, true)); }

EXPORT BOOL WINAPI SetPropW(HWND Handle, LPCWSTR Name, HANDLE Value)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    if (!It || !Name) {
        return win::Fail(It ? ERROR_INVALID_PARAMETER : ERROR_INVALID_WINDOW_HANDLE);
    }
    Property* P = FindProperty(It, Name, nullptr);
    if (!P) {
        ATOM Atom = IsAtom(Name) ? ATOM(ULONG_PTR(Name)) : GlobalAddAtomW(Name);
        P = Atom ? static_cast<Property*>(win::Allocate(sizeof(Property))) : nullptr;
        if (!P) {
            return win::Fail(ERROR_NOT_ENOUGH_MEMORY);
        }
        P->Atom = Atom;
        P->Next = It->Properties;
        It->Properties = P;
    }
    P->Value = Value;
    return TRUE;
}
EXPORT HANDLE WINAPI GetPropW(HWND Handle, LPCWSTR Name)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    Property* P = It && Name ? FindProperty(It, Name, nullptr) : nullptr;
    return P ? P->Value : nullptr;
}
EXPORT HANDLE WINAPI RemovePropW(HWND Handle, LPCWSTR Name)
{
    win::Guard Hold(Lock);
    Window* It = Find(Handle);
    Property** Link;
    Property* P = It && Name ? FindProperty(It, Name, &Link) : nullptr;
    if (!P) {
        return nullptr;
    }
    HANDLE Value = P->Value;
    *Link = P->Next;
    win::Free(P);
    return Value;
}
EXPORT BOOL WINAPI SetPropA(HWND Handle, LPCSTR Name, HANDLE Value) { return SetPropW(Handle, WideName(Name), Value); }
EXPORT HANDLE WINAPI GetPropA(HWND Handle, LPCSTR Name) { return GetPropW(Handle, WideName(Name)); }
EXPORT HANDLE WINAPI RemovePropA(HWND Handle, LPCSTR Name) { return RemovePropW(Handle, WideName(Name)); }
