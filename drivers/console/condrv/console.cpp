// Consoles, their screens and processes.
#include "drivers/console/condrv/condrv.hpp"

const std::nothrow_t std::nothrow;
void* operator new(size_t Bytes, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes ? Bytes : 1, 'noCN'); }
void* operator new(size_t Bytes, std::align_val_t, const std::nothrow_t&) noexcept { return ExAllocatePoolWithTag(NonPagedPool, Bytes ? Bytes : 1, 'noCN'); }
void operator delete(void* At) noexcept
{
    if (At)
        ExFreePool(At);
}
void operator delete(void* At, size_t) noexcept { operator delete(At); }
void operator delete(void* At, std::align_val_t) noexcept { operator delete(At); }
void operator delete(void* At, size_t, std::align_val_t) noexcept { operator delete(At); }

namespace condrv {

namespace {

LIST_ENTRY Clients = { &Clients, &Clients };

}

Work::~Work()
{
    for (const One& E : Events_)
        NeptuneConsoleControl(E.Process, E.Event);      // the process may have gone
    SendOutput();
}

Console* NewConsole()
{
    auto* C = new (std::nothrow) Console;
    if (!C)
        return nullptr;
    InitializeListHead(&C->Screens);
    InitializeListHead(&C->Clients);
    InitializeListHead(&C->Inputs);
    InitializeReads(*C);
    C->References = 1;
    C->Main = C->Active = NewScreen(*C);
    if (!C->Main) {
        delete C;
        return nullptr;
    }
    return C;
}

void Reference(Console& C) { ++C.References; }

void Release(Console& C)
{
    if (--C.References)
        return;
    LeaveTerminal(C);
    while (!IsListEmpty(&C.Screens)) {
        auto* S = CONTAINING_RECORD(RemoveHeadList(&C.Screens), Screen, Link);
        InitializeListHead(&S->Link);
        S->Of = nullptr;
        if (!S->Handles)
            delete S;
    }
    delete &C;
}

Screen* NewScreen(Console& C)
{
    auto* S = new (std::nothrow) Screen;
    if (!S)
        return nullptr;
    S->Of = &C;
    i32 Width = C.Columns, Height = C.Rows;
    if (!S->Cells.Create(Width, Height, Width, Height, C.Active ? C.Active->Cells.Attribute : console::DefaultAttribute).Ok()) {
        delete S;
        return nullptr;
    }
    if (C.Active)
        S->Cells.PopupAttribute = C.Active->Cells.Attribute;
    InsertTailList(&C.Screens, &S->Link);
    return S;
}

void MakeActive(Screen& S)
{
    Console& C = *S.Of;
    if (C.Active == &S)
        return;
    C.Active = &S;
    if (IsShown(C))
        ThePainter().Switch(S.Cells, &S == C.Main);
}

void CloseScreen(Screen& S)
{
    if (--S.Handles)
        return;
    if (Console* C = S.Of) {
        if (&S == C->Main)
            return;
        if (C->Active == &S)
            MakeActive(*C->Main);
        RemoveEntryList(&S.Link);
    }
    delete &S;
}

Client* ClientOf(ULONG Process)
{
    for (LIST_ENTRY* E = Clients.Flink; E != &Clients; E = E->Flink)
        if (auto* C = CONTAINING_RECORD(E, Client, All); C->Process == Process)
            return C;
    return nullptr;
}

NTSTATUS Attach(Console& C, ULONG Process, Client** Out)
{
    if (ClientOf(Process))
        return STATUS_ACCESS_DENIED;
    ULONG Parent, Flags;
    NeptuneConsoleClient(Process, &Parent, &Flags);     // without an answer it is a group of its own
    auto* New = new (std::nothrow) Client;
    if (!New)
        return STATUS_INSUFFICIENT_RESOURCES;
    Client* From = ClientOf(Parent);
    New->Process = Process;
    New->Group = From && From->Of == &C && !(Flags & 1) ? From->Group : Process;
    New->Of = &C;
    if (IsListEmpty(&C.Clients) && C.HasShell && !C.Shell)
        C.Shell = Process;
    Reference(C);
    InsertTailList(&Clients, &New->All);
    InsertHeadList(&C.Clients, &New->Link);
    *Out = New;
    return STATUS_SUCCESS;
}

void Detach(Client& C)
{
    RemoveEntryList(&C.All);
    RemoveEntryList(&C.Link);
    if (C.Of->Shell == C.Process)
        C.Of->Shell = 0;
    Release(*C.Of);
    delete &C;
}

void Tell(Console& C, Work& W, ULONG Event, ULONG Group)
{
    for (LIST_ENTRY* E = C.Clients.Flink; E != &C.Clients; E = E->Flink) {
        auto* To = CONTAINING_RECORD(E, Client, Link);
        if ((!Group || To->Group == Group) && !(Event == CtrlC && To->Process == C.Shell))
            W.Tell(To->Process, Event);
    }
}

void Screen::BeforeScroll(Buffer& B)
{
    if (Of && Of->Active == this && IsShown(*Of))
        ThePainter().Show(B, false);
}

void Screen::Bell()
{
    if (Of && IsShown(*Of))
        ThePainter().Bell();
}

void Screen::Answer(std::span<const wchar_t> Text)
{
    if (!Of)
        return;
    for (wchar_t C : Text) {
        (void)Of->Records.Push(console::MakeKey(0, C, 0, true));
        (void)Of->Records.Push(console::MakeKey(0, C, 0, false));
    }
}

void Screen::Title(std::span<const wchar_t> Text)
{
    if (!Of)
        return;
    Of->Title.Clear();
    for (wchar_t C : Text)
        (void)Of->Title.Push(C);
    if (IsShown(*Of))
        ThePainter().Title(Text);
}

}
