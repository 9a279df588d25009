// user32 without a screen: text, queues, timers, message-only windows within a thread and across threads.
#include "tests/guest/win32/tap.hpp"

namespace {

void Text()
{
    char A[1024];
    WCHAR W[1024];
    CHECK_EQ(wsprintfA(A, "%s-%d-%08X-%c", "abc", -5, 0xBEEF, 'z'), 17);
    CHECK_TEXTA(A, "abc--5-0000BEEF-z");
    CHECK_EQ(wsprintfW(W, L"%s %hs %S %5.2s|%-4u|%I64d", L"wide", "ansi", "other", L"xyz", 7, -(1ll << 33)), 38);
    CHECK_TEXT(W, L"wide ansi other    xy|7   |-8589934592");
    lstrcpyW(W, L"Stra\x00DF"
                L"e \x00E9t\x00E9");
    CHECK_TEXT(CharUpperW(W), L"STRA\x00DF"
                              L"E \x00C9T\x00C9");
    CHECK_EQ(ULONG_PTR(CharUpperW(LPWSTR(ULONG_PTR(L'q')))), ULONG_PTR(L'Q'));
    CHECK(IsCharAlphaW(L'x') && !IsCharAlphaW(L'1') && IsCharAlphaNumericW(L'1'));
    CHECK_EQ(CharNextA("ab") - "ab", 1);
    CHECK(CharToOemA("\xE9", A));
    CHECK_EQ(BYTE(A[0]), BYTE(0x82)); // é in code page 437
    CHECK(OemToCharA(A, A));
    CHECK_EQ(BYTE(A[0]), BYTE(0xE9));
}

void Rectangles()
{
    RECT A = { 0, 0, 10, 10 }, B = { 5, 5, 15, 15 }, Out;
    CHECK(IntersectRect(&Out, &A, &B));
    CHECK(Out.left == 5 && Out.top == 5 && Out.right == 10 && Out.bottom == 10);
    CHECK(UnionRect(&Out, &A, &B));
    CHECK(Out.left == 0 && Out.right == 15);
    RECT Left = { 0, 0, 4, 10 };
    CHECK(SubtractRect(&Out, &A, &Left));
    CHECK(Out.left == 4 && Out.right == 10);
    CHECK(!IntersectRect(&Out, &A, &(Out = { 20, 20, 30, 30 })));
    CHECK(PtInRect(&A, { 9, 9 }) && !PtInRect(&A, { 10, 9 }));
}

void Queue()
{
    MSG M;
    CHECK(!PeekMessageW(&M, nullptr, 0, 0, PM_REMOVE));
    CHECK(PostThreadMessageW(GetCurrentThreadId(), WM_USER + 1, 11, 12));
    CHECK(PostThreadMessageW(GetCurrentThreadId(), WM_USER + 2, 21, 22));
    CHECK_EQ(HIWORD(GetQueueStatus(QS_ALLINPUT)) & QS_POSTMESSAGE, QS_POSTMESSAGE);
    CHECK(PeekMessageW(&M, nullptr, WM_USER + 2, WM_USER + 2, PM_REMOVE));
    CHECK_EQ(M.wParam, 21u);
    CHECK(PeekMessageW(&M, nullptr, 0, 0, PM_NOREMOVE));
    CHECK_EQ(M.message, UINT(WM_USER + 1));
    PostQuitMessage(77);
    CHECK(GetMessageW(&M, nullptr, 0, 0));
    CHECK_EQ(M.lParam, 12);
    CHECK_EQ(GetMessageW(&M, nullptr, 0, 0), 0);
    CHECK_EQ(M.wParam, 77u);
    CHECK(!PeekMessageW(&M, nullptr, 0, 0, PM_REMOVE));

    UINT_PTR Timer = SetTimer(nullptr, 0, 30, nullptr);
    CHECK(Timer != 0);
    CHECK(GetMessageW(&M, nullptr, 0, 0));
    CHECK_EQ(M.message, UINT(WM_TIMER));
    CHECK_EQ(M.wParam, Timer);
    CHECK(KillTimer(nullptr, Timer));
    CHECK(!KillTimer(nullptr, Timer));

    CHECK_EQ(MsgWaitForMultipleObjects(0, nullptr, FALSE, 20, QS_ALLINPUT), DWORD(WAIT_TIMEOUT));
    HANDLE Event = CreateEventW(nullptr, FALSE, TRUE, nullptr);
    CHECK_EQ(MsgWaitForMultipleObjects(1, &Event, FALSE, 1000, QS_ALLINPUT), DWORD(WAIT_OBJECT_0));
    PostThreadMessageW(GetCurrentThreadId(), WM_USER, 0, 0);
    CHECK_EQ(MsgWaitForMultipleObjects(1, &Event, FALSE, 1000, QS_ALLINPUT), DWORD(WAIT_OBJECT_0 + 1));
    CHECK(PeekMessageW(&M, nullptr, 0, 0, PM_NOREMOVE));
    // Seen input does not wake any more, unless that is asked for.
    CHECK_EQ(MsgWaitForMultipleObjectsEx(1, &Event, 20, QS_ALLINPUT, 0), DWORD(WAIT_TIMEOUT));
    CHECK_EQ(MsgWaitForMultipleObjectsEx(1, &Event, 20, QS_ALLINPUT, MWMO_INPUTAVAILABLE), DWORD(WAIT_OBJECT_0 + 1));
    CHECK(PeekMessageW(&M, nullptr, 0, 0, PM_REMOVE));
    CloseHandle(Event);
    CHECK(!PostThreadMessageW(0x7FFFFFF0, WM_USER, 0, 0));
}

int Created, Destroyed;

LRESULT CALLBACK Procedure(HWND Window, UINT Message, WPARAM W, LPARAM L)
{
    switch (Message) {
    case WM_CREATE:
        Created = int(LONG_PTR(reinterpret_cast<CREATESTRUCTW*>(L)->lpCreateParams));
        return 0;
    case WM_DESTROY:
        ++Destroyed;
        return 0;
    case WM_USER:
        return LRESULT(W + L);
    case WM_USER + 1:
        return LRESULT(GetCurrentThreadId());
    case WM_USER + 2: // answers early, then goes on
        ReplyMessage(5);
        return 6;
    case WM_USER + 3: // sends back to the one that sent it
        return SendMessageW(HWND(W), WM_USER, 1, 2) + 100;
    case WM_USER + 4:
        Sleep(300);
        return 1;
    default:
        return DefWindowProcW(Window, Message, W, L);
    }
}

void Windows()
{
    WNDCLASSEXW Class = { sizeof(Class), 0,       Procedure,      8,      16, GetModuleHandleW(nullptr), nullptr, nullptr,
                          nullptr,       nullptr, L"NeptuneTest", nullptr };
    ATOM Atom = RegisterClassExW(&Class);
    CHECK(Atom != 0);
    CHECK(!RegisterClassExW(&Class) && GetLastError() == ERROR_CLASS_ALREADY_EXISTS);
    HWND Window = CreateWindowExW(0, L"NeptuneTest", L"Name", 0, 0, 0, 0, 0, HWND_MESSAGE, nullptr, nullptr, reinterpret_cast<void*>(42));
    CHECK(Window != nullptr);
    CHECK_EQ(Created, 42);
    CHECK(IsWindow(Window) && !IsWindowVisible(Window));
    CHECK_EQ(SendMessageW(Window, WM_USER, 3, 4), 7);
    WCHAR Name[32];
    char Narrow[32];
    CHECK_EQ(GetWindowTextW(Window, Name, 32), 4);
    CHECK_TEXT(Name, L"Name");
    CHECK(SetWindowTextA(Window, "Other"));
    CHECK_EQ(GetWindowTextA(Window, Narrow, 4), 3);
    CHECK_TEXTA(Narrow, "Oth");
    CHECK_EQ(GetClassNameW(Window, Name, 32), 11);
    CHECK_EQ(SetWindowLongPtrW(Window, GWLP_USERDATA, 0x1234567890), 0);
    CHECK_EQ(GetWindowLongPtrW(Window, GWLP_USERDATA), 0x1234567890);
    CHECK_EQ(SetWindowLongPtrW(Window, 8, 99), 0);
    CHECK_EQ(GetWindowLongPtrW(Window, 8), 99);
    SetLastError(0);
    CHECK(GetWindowLongPtrW(Window, 9) == 0 && GetLastError() == ERROR_INVALID_INDEX);
    CHECK(SetPropW(Window, L"prop", HANDLE(5)));
    CHECK_EQ(ULONG_PTR(GetPropA(Window, "PROP")), 5u);
    CHECK_EQ(ULONG_PTR(RemovePropW(Window, L"prop")), 5u);
    CHECK(FindWindowExW(HWND_MESSAGE, nullptr, L"NeptuneTest", nullptr) == Window);
    CHECK(!UnregisterClassW(L"NeptuneTest", nullptr) && GetLastError() == ERROR_CLASS_HAS_WINDOWS);

    MSG M;
    CHECK(PostMessageW(Window, WM_USER, 8, 9));
    CHECK(PeekMessageW(&M, Window, 0, 0, PM_REMOVE));
    CHECK_EQ(DispatchMessageW(&M), 17);

    CHECK(DestroyWindow(Window));
    CHECK_EQ(Destroyed, 1);
    CHECK(!IsWindow(Window));
    CHECK(!PostMessageW(Window, WM_USER, 0, 0) && GetLastError() == ERROR_INVALID_WINDOW_HANDLE);
    CHECK(UnregisterClassW(L"NeptuneTest", nullptr));
}

HANDLE Ready;
HWND Theirs;

DWORD WINAPI Other(void*)
{
    Theirs = CreateWindowExW(0, L"NeptuneTest", nullptr, 0, 0, 0, 0, 0, HWND_MESSAGE, nullptr, nullptr, nullptr);
    SetEvent(Ready);
    MSG M;
    while (GetMessageW(&M, nullptr, 0, 0) > 0) {
        DispatchMessageW(&M);
    }
    return DWORD(M.wParam);
}

void Threads()
{
    WNDCLASSW Class = { 0, Procedure, 0, 0, GetModuleHandleW(nullptr), nullptr, nullptr, nullptr, nullptr, L"NeptuneTest" };
    CHECK(RegisterClassW(&Class) != 0);
    HWND Mine = CreateWindowExW(0, L"NeptuneTest", nullptr, 0, 0, 0, 0, 0, HWND_MESSAGE, nullptr, nullptr, nullptr);
    Ready = CreateEventW(nullptr, FALSE, FALSE, nullptr);
    DWORD Id;
    HANDLE Thread = CreateThread(nullptr, 0, Other, nullptr, 0, &Id);
    WaitForSingleObject(Ready, INFINITE);
    CHECK_EQ(GetWindowThreadProcessId(Theirs, nullptr), Id);
    CHECK_EQ(SendMessageW(Theirs, WM_USER, 20, 22), 42);
    CHECK_EQ(DWORD(SendMessageW(Theirs, WM_USER + 1, 0, 0)), Id);
    CHECK_EQ(SendMessageW(Theirs, WM_USER + 2, 0, 0), 5);
    CHECK_EQ(SendMessageW(Theirs, WM_USER + 3, WPARAM(Mine), 0), 103); // it sends to us while we wait
    DWORD_PTR Result;
    CHECK(!SendMessageTimeoutW(Theirs, WM_USER + 4, 0, 0, SMTO_NORMAL, 50, &Result));
    CHECK(SendMessageTimeoutW(Theirs, WM_USER, 1, 1, SMTO_NORMAL, 5000, &Result));
    CHECK_EQ(Result, 2u);
    CHECK(SendNotifyMessageW(Theirs, WM_USER, 1, 1));
    CHECK(!DestroyWindow(Theirs) && GetLastError() == ERROR_ACCESS_DENIED);
    CHECK(PostThreadMessageW(Id, WM_QUIT, 9, 0));
    WaitForSingleObject(Thread, INFINITE);
    DWORD Code = 0;
    GetExitCodeThread(Thread, &Code);
    CHECK_EQ(Code, 9u);
    Sleep(50);
    CHECK(!IsWindow(Theirs));
    CloseHandle(Thread);
    CHECK(DestroyWindow(Mine));
    CHECK(UnregisterClassW(L"NeptuneTest", nullptr));
}

}

void Test()
{
    Text();
    Rectangles();
    Queue();
    Windows();
    Threads();
}
