// The screen's content: writing, the control codes, and showing what has changed.
#include "drivers/console/screen/screen.hpp"

namespace screen {

void Screen::Reset(ULONG Columns, ULONG Rows)
{
    Columns_ = Columns;
    Rows_ = Rows;
    Cursor_ = { {}, 1, 0 };
    Known_ = false;
    for (Cell& C : Wanted_)
        C = { ' ', Attribute_ };
}

void Screen::NewLine()
{
    Cursor_.At.Column = 0;
    if (++Cursor_.At.Row < Rows_)
        return;
    Cursor_.At.Row = USHORT(Rows_ - 1);
    memmove(Wanted_, Wanted_ + Columns_, (Rows_ - 1) * Columns_ * sizeof(Cell));
    for (ULONG I = 0; I < Columns_; ++I)
        Wanted_[(Rows_ - 1) * Columns_ + I] = { ' ', Attribute_ };
}

void Screen::Put(UCHAR Character)
{
    Position& P = Cursor_.At;
    switch (Character) {
    case '\r':
        P.Column = 0;
        return;
    case '\n':
        NewLine();
        return;
    case '\t':
        do
            Put(' ');
        while (P.Column % 8);
        return;
    case '\b':
        if (P.Column)
            --P.Column;
        return;
    case 7:
        return;
    }
    Wanted_[At(P)] = { Character, Attribute_ };
    if (++P.Column == Columns_)
        NewLine();
}

void Screen::Write(const UCHAR* Text, ULONG Count)
{
    for (ULONG I = 0; I < Count; ++I)
        Put(Text[I]);
    Show();
}

void Screen::Show()
{
    bool Linear = Card.Width != 0, Moved = !Known_ || memcmp(&Cursor_, &CursorShown_, sizeof(Cursor)) != 0;
    ULONG Here = At(Cursor_.At), There = Known_ ? At(CursorShown_.At) : Here;
    for (ULONG I = 0; I < Columns_ * Rows_; ++I) {
        bool Redraw = !Known_ || Wanted_[I].Character != Shown_[I].Character || Wanted_[I].Attribute != Shown_[I].Attribute;
        if (Linear && (Redraw || (Moved && (I == Here || I == There))))
            PutLinear(Card, I % Columns_, I / Columns_, Wanted_[I], Cursor_.Visible && I == Here);
        else if (!Linear && Redraw)
            PutText(Card, I, Wanted_[I]);
        Shown_[I] = Wanted_[I];
    }
    if (!Linear && Moved)
        PutTextCursor(Card, Here, Cursor_.Visible);
    CursorShown_ = Cursor_;
    Known_ = true;
}

NTSTATUS Screen::Move(const Area& A)
{
    if (A.Left > A.Right || A.Top > A.Bottom || !Has({ A.Right, A.Bottom }))
        return STATUS_INVALID_PARAMETER;
    int Height = A.Bottom - A.Top + 1, Lines = A.Lines;
    for (int I = 0; I < Height; ++I) {
        int To = Lines >= 0 ? I : Height - 1 - I, From = To + Lines;       // in the order in which nothing is overwritten before it is moved
        for (ULONG X = A.Left; X <= A.Right; ++X)
            Wanted_[(A.Top + ULONG(To)) * Columns_ + X] = From >= 0 && From < Height ? Wanted_[(A.Top + ULONG(From)) * Columns_ + X] : A.With;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Screen::ChangeMode(const Mode& M)
{
    if (!M.Width && !M.Height) {
        StopLinear(Card);
        Reset(80, 25);
        return StartText(Card) ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
    }
    NTSTATUS Status = StartLinear(Card, M.Width, M.Height);
    if (NT_SUCCESS(Status))
        Reset(M.Width / GlyphWidth, M.Height / GlyphHeight);
    return Status;
}

NTSTATUS Screen::Control(ULONG Code, void* Buffer, ULONG In, ULONG Out, ULONG_PTR* Information)
{
    NTSTATUS Status = STATUS_SUCCESS;
    auto Take = [&](auto& To) {
        if (In < sizeof(To)) {
            Status = STATUS_BUFFER_TOO_SMALL;
            return false;
        }
        memcpy(&To, Buffer, sizeof(To));
        return true;
    };
    auto TakePosition = [&](Position& To) {
        if (Take(To) && !Has(To))
            Status = STATUS_INVALID_PARAMETER;
        return NT_SUCCESS(Status);
    };
    Position P;
    switch (Code) {
    case GetInfo: {
        Info I { USHORT(Columns_), USHORT(Rows_), Cursor_, USHORT(Card.Width), USHORT(Card.Height), Attribute_, {} };
        if (Out < sizeof(I))
            return STATUS_BUFFER_TOO_SMALL;
        memcpy(Buffer, &I, sizeof(I));
        *Information = sizeof(I);
        return STATUS_SUCCESS;
    }
    case SetCursor: {
        Cursor C;
        if (!Take(C))
            return Status;
        if (!Has(C.At))
            return STATUS_INVALID_PARAMETER;
        Cursor_ = { C.At, USHORT(C.Visible != 0), 0 };
        break;
    }
    case SetAttribute:
        if (!Take(Attribute_))
            return Status;
        break;
    case ReadCells: {
        if (!TakePosition(P))
            return Status;
        ULONG Left = Columns_ * Rows_ - At(P), Count = Out / sizeof(Cell) < Left ? Out / sizeof(Cell) : Left;
        memcpy(Buffer, Wanted_ + At(P), Count * sizeof(Cell));
        *Information = Count * sizeof(Cell);
        return STATUS_SUCCESS;
    }
    case WriteCells: {
        if (!TakePosition(P))
            return Status;
        ULONG Count = (In - sizeof(P)) / sizeof(Cell);
        if (Count > Columns_ * Rows_ - At(P))
            return STATUS_INVALID_PARAMETER;
        memcpy(Wanted_ + At(P), static_cast<UCHAR*>(Buffer) + sizeof(P), Count * sizeof(Cell));
        break;
    }
    case Fill: {
        Filling F;
        if (!Take(F))
            return Status;
        if (!Has(F.From) || F.Count > Columns_ * Rows_ - At(F.From))
            return STATUS_INVALID_PARAMETER;
        for (ULONG I = 0; I < F.Count; ++I)
            Wanted_[At(F.From) + I] = F.With;
        break;
    }
    case Scroll: {
        Area A;
        if (!Take(A))
            return Status;
        Status = Move(A);
        break;
    }
    case SetMode: {
        Mode M;
        if (!Take(M))
            return Status;
        Status = ChangeMode(M);
        break;
    }
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (NT_SUCCESS(Status))
        Show();
    return Status;
}

}
