// Line input.
#include "lib/console/line.hpp"

namespace console {

using namespace nt;

Status Line::Begin(Buffer& B, bool Echo, std::span<const wchar_t> Initial, u32 Mask)
{
    Text_.Clear();
    At_ = Shown_ = 0;
    Echo_ = Echo;
    Mask_ = Mask;
    KeyState_ = 0;
    Recalled_ = Lines_;
    Open_ = true;
    TRY(Text_.Reserve(64));
    i32 Back = 0;
    for (wchar_t C : Initial.first(Initial.size() < MostLength ? Initial.size() : MostLength)) {
        TRY(Text_.Push(C));
        ++Back;
    }
    At_ = u32(Text_.Size());
    Shown_ = At_;
    // The caller has written what is there already: the line begins so many cells before the cursor.
    i64 Cell = (i64(B.Y) + i64(B.Scrolled)) * B.Width() + B.X - Back;
    StartX_ = i32(Cell >= 0 ? Cell % B.Width() : 0);
    StartY_ = Cell >= 0 ? Cell / B.Width() : 0;
    return STATUS_SUCCESS;
}

void Line::Insert(wchar_t C)
{
    if (!Inserts && At_ < Text_.Size()) {
        Text_[At_++] = C;
        return;
    }
    if (Text_.Size() >= MostLength || !Text_.Push(C).Ok())
        return;
    for (usize I = Text_.Size() - 1; I > At_; --I)
        Text_[I] = Text_[I - 1];
    Text_[At_++] = C;
}

void Line::Remove(u32 From, u32 To)
{
    u32 Size = u32(Text_.Size());
    for (u32 I = To; I < Size; ++I)
        Text_[From + I - To] = Text_[I];
    (void)Text_.Resize(Size - (To - From));
    At_ = From;
}

void Line::Replace(std::span<const wchar_t> With)
{
    Text_.Clear();
    At_ = 0;
    bool Was = Inserts;
    Inserts = true;
    for (wchar_t C : With)
        Insert(C);
    Inserts = Was;
}

void Line::Draw(Buffer::Host& To, Buffer& B, bool Last)
{
    if (!Echo_)
        return;
    i64 Top = StartY_ - i64(B.Scrolled);
    // Its beginning may have left at the top: what has gone is not drawn.
    u32 Skip = Top < 0 ? u32(-Top) * u32(B.Width()) - u32(StartX_) : 0;
    B.X = Top < 0 ? 0 : StartX_;
    B.Y = Top < 0 ? 0 : i32(Top < B.Height() ? Top : B.Height() - 1);
    B.AtEnd = false;
    u32 Cells = 0;
    i32 CursorX = B.X;
    i64 CursorY = i64(B.Y) + i64(B.Scrolled);
    auto Cell = [&](wchar_t C) {
        if (Cells++ >= Skip)
            B.PutNext(To, C);
    };
    for (u32 I = 0; I <= Text_.Size(); ++I) {
        if (I == At_) {
            CursorX = B.X;
            CursorY = i64(B.Y) + i64(B.Scrolled);
        }
        if (I == Text_.Size())
            break;
        wchar_t C = Text_[I];
        if (C == 9) {
            do
                Cell(L' ');
            while (B.X % 8);
        } else if (C < 32) {
            Cell(L'^');
            Cell(wchar_t(C + 64));
        } else if (IsWide(C)) {
            if (B.X == B.Width() - 1)
                Cell(L' ');
            Cell(C);
            Cell(C);
            if (B.X >= 2) {
                B.Row(B.Y)[B.X - 2].Attribute |= LeadingHalf;
                B.Row(B.Y)[B.X - 1].Attribute |= TrailingHalf;
            }
        } else {
            Cell(C);
        }
    }
    u32 Now = Cells;
    i32 EndX = B.X;
    i64 EndY = i64(B.Y) + i64(B.Scrolled);
    while (Cells < Shown_)
        Cell(L' ');
    Shown_ = Now;
    i64 Y = (Last ? EndY : CursorY) - i64(B.Scrolled);
    B.X = Last ? EndX : CursorX;
    B.Y = i32(Y < 0 ? 0 : Y);
    B.ShowCursor();
}

u32 Line::WordLeft() const
{
    u32 I = At_;
    while (I > 0 && Text_[I - 1] == L' ')
        --I;
    while (I > 0 && Text_[I - 1] != L' ')
        --I;
    return I;
}

u32 Line::WordRight() const
{
    u32 I = At_, Size = u32(Text_.Size());
    while (I < Size && Text_[I] != L' ')
        ++I;
    while (I < Size && Text_[I] == L' ')
        ++I;
    return I;
}

void Line::Recall(u32 Which)
{
    Recalled_ = Which;
    Replace(Which < Lines_ ? std::span<const wchar_t>(History_[Which].Span()) : std::span<const wchar_t>());
}

void Line::Remember()
{
    if (Text_.IsEmpty() || !Echo_)
        return;                         // what is not shown is not kept: passwords
    auto Same = [&](const Vector<wchar_t>& Other) {
        return Other.Size() == Text_.Size() && !__builtin_memcmp(Other.Data(), Text_.Data(), Text_.Size() * sizeof(wchar_t));
    };
    if (Lines_ && Same(History_[Lines_ - 1]))
        return;
    if (Lines_ == MostHistory) {
        for (u32 I = 0; I + 1 < Lines_; ++I)
            History_[I] = std::move(History_[I + 1]);
        --Lines_;
    }
    Vector<wchar_t> Copy;
    for (wchar_t C : Text_)
        if (!Copy.Push(C).Ok())
            return;
    History_[Lines_++] = std::move(Copy);
}

Line::Result Line::Take(Buffer::Host& To, Buffer& B, const Record& R)
{
    if (R.Type != KeyEvent || !R.Down)
        return Result::Goes;
    bool Ctrl = R.State & keystate::AnyCtrl, Alt = R.State & keystate::AnyAlt;
    u32 Size = u32(Text_.Size());
    for (u32 N = R.Repeat ? R.Repeat : 1; N; --N) {
        Size = u32(Text_.Size());
        if (R.Char && R.Char < 32 && (Mask_ & 1u << R.Char)) {
            // It replaces what is behind the cursor only in the answer: the reader looks for it.
            Insert(R.Char);
            KeyState_ = R.State;
            Open_ = false;
            return Result::Woken;
        }
        switch (R.Key) {
        case vk::Return:
            if (Ctrl)
                continue;
            Remember();
            Draw(To, B, true);
            if (Echo_) {
                B.X = 0;
                B.LineFeed(To);
            }
            KeyState_ = R.State;
            Open_ = false;
            (void)Text_.Push(L'\r');
            (void)Text_.Push(L'\n');
            return Result::Ready;
        case vk::Back:
            if (At_)
                Remove(Ctrl ? WordLeft() : At_ - 1, At_);
            break;
        case vk::Delete:
            if (At_ < Size) {
                u32 Keep = At_;
                Remove(At_, At_ + 1);
                At_ = Keep;
            }
            break;
        case vk::Escape:
            Replace({});
            Recalled_ = Lines_;
            break;
        case vk::Left: At_ = Ctrl ? WordLeft() : At_ ? At_ - 1 : 0; break;
        case vk::Right: At_ = Ctrl ? WordRight() : At_ < Size ? At_ + 1 : At_; break;
        case vk::Home:
            if (Ctrl)
                Remove(0, At_);
            At_ = 0;
            break;
        case vk::End:
            if (Ctrl)
                Remove(At_, Size);
            else
                At_ = Size;
            break;
        case vk::Insert: Inserts = !Inserts; break;
        case vk::Up:
            if (Recalled_)
                Recall(Recalled_ - 1);
            break;
        case vk::Down:
            if (Recalled_ < Lines_)
                Recall(Recalled_ + 1);
            break;
        case vk::Prior:
            if (Lines_)
                Recall(0);
            break;
        case vk::Next:
            if (Lines_)
                Recall(Lines_ - 1);
            break;
        default:
            if (!R.Char || (Alt && !Ctrl && R.Char < 128))
                continue;
            Insert(R.Char);
        }
    }
    Draw(To, B, false);
    return Result::Goes;
}

void Line::Abandon(Buffer::Host& To, Buffer& B)
{
    Draw(To, B, true);
    if (Echo_) {
        B.PutNext(To, L'^');
        B.PutNext(To, L'C');
        B.X = 0;
        B.LineFeed(To);
    }
    Text_.Clear();
    (void)Text_.Push(L'\r');
    (void)Text_.Push(L'\n');
    Open_ = false;
}

}
