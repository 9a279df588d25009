// Differences between what a buffer holds and what the terminal shows, as bytes.
#include "lib/console/painter.hpp"

namespace console {

using namespace nt;

namespace {

bool IsHigh(wchar_t C) { return C >= 0xD800 && C < 0xDC00; }
bool IsLow(wchar_t C) { return C >= 0xDC00 && C < 0xE000; }
bool SamePen(const Cell& A, const Cell& B)
{
    constexpr u16 Seen = 0xFF | Reverse | Underscore;
    return (A.Attribute & Seen) == (B.Attribute & Seen) && A.Fore == B.Fore && A.Back == B.Back;
}
constexpr u32 ToAnsi(u32 N) { return (N & 2) | (N & 1) << 2 | (N & 4) >> 2; }

}

Cell Visible(const Cell* Row, i32 Width, i32 X)
{
    Cell C = Row[X];
    if (!C.Char)
        C.Char = L' ';
    bool Whole = (C.Attribute & LeadingHalf)  ? X + 1 < Width && (Row[X + 1].Attribute & TrailingHalf) && IsWide(C.Char) && Row[X + 1].Char == C.Char
                 : (C.Attribute & TrailingHalf) ? X > 0 && (Row[X - 1].Attribute & LeadingHalf) && IsWide(C.Char) && Row[X - 1].Char == C.Char
                                                : true;
    if (!Whole) {
        C.Char = L' ';
        C.Attribute &= u16(~(LeadingHalf | TrailingHalf));
    } else if (IsWide(C.Char) && !(C.Attribute & (LeadingHalf | TrailingHalf))) {
        C.Char = 0xFFFD;
    } else if (C.Attribute & TrailingHalf) {
        C = Row[X - 1];                 // in its colours
        C.Attribute = u16((C.Attribute & ~LeadingHalf) | TrailingHalf);
    }
    return C;
}

Status Painter::Begin(i32 Width, i32 Height)
{
    Vector<Cell> Shown;
    TRY(Shown.Resize(usize(Width) * usize(Height)));
    Shown_ = std::move(Shown);
    Main_.Clear();
    Width_ = Width;
    Height_ = Height;
    ForgetAll();
    X_ = Y_ = 0;
    Reached_ = 1;
    Pen_ = {};
    Of_ = nullptr;
    CursorShown_ = true;
    Alternate_ = false;
    return STATUS_SUCCESS;
}

void Painter::ForgetAll()
{
    for (Cell& C : Shown_)
        C = {};
}

void Painter::Put(char C)
{
    if (!Output_.Push(u8(C)).Ok())
        Lost_ = true;
}

void Painter::Number(u32 N)
{
    if (N >= 10)
        Number(N / 10);
    Put(char('0' + N % 10));
}

void Painter::Code(u32 N, char Final)
{
    Text("\x1b[");
    if (N != 1)
        Number(N);
    Put(Final);
}

void Painter::Character(wchar_t C, wchar_t Low)
{
    u32 P = C;
    if (Low)
        P = 0x10000 + ((u32(C) - 0xD800) << 10) + (u32(Low) - 0xDC00);
    else if (C < 32 || (C >= 0x7F && C < 0xA0))
        P = C == 127 ? 0x2302 : C < 32 ? 0x2400 + C : L'?';     // a picture of it: controls would move the cursor
    else if (IsHigh(C) || IsLow(C))
        P = 0xFFFD;
    if (P < 0x80) {
        Put(char(P));
        return;
    }
    if (P < 0x800) {
        Put(char(0xC0 | P >> 6));
    } else {
        if (P < 0x10000) {
            Put(char(0xE0 | P >> 12));
        } else {
            Put(char(0xF0 | P >> 18));
            Put(char(0x80 | (P >> 12 & 0x3F)));
        }
        Put(char(0x80 | (P >> 6 & 0x3F)));
    }
    Put(char(0x80 | (P & 0x3F)));
}

void Painter::Pen(const Cell& C)
{
    if (SamePen(C, Pen_))
        return;
    Pen_ = C;
    Text("\x1b[");
    bool Usual = SamePen(C, Cell {});
    if (!Usual)
        Put('0');
    auto Colour = [&](u32 Beyond, u32 Nibble, u32 Default, u32 Base) {
        if (Beyond & TrueColour) {
            Put(';');
            Number(Base + 8);
            Text(";2;");
            Number(Beyond >> 16 & 0xFF);
            Put(';');
            Number(Beyond >> 8 & 0xFF);
            Put(';');
            Number(Beyond & 0xFF);
        } else if (Beyond & PaletteColour) {
            Put(';');
            Number(Base + 8);
            Text(";5;");
            Number(Beyond & 0xFF);
        } else if (Nibble != Default) {
            Put(';');
            Number((Nibble & 8 ? Base + 60 : Base) + ToAnsi(Nibble & 7));
        }
    };
    if (C.Attribute & Underscore)
        Text(";4");
    if (C.Attribute & Reverse)
        Text(";7");
    Colour(C.Fore, C.Attribute & 0xF, 7, 30);
    Colour(C.Back, C.Attribute >> 4 & 0xF, 0, 40);
    Put('m');
}

void Painter::Move(i32 X, i32 Y)
{
    if (Y >= Reached_) {
        if (Y_ < Reached_ - 1)
            Code(u32(Reached_ - 1 - Y_), 'B');
        Pen({});                        // a terminal may colour the new line
        for (i32 N = Reached_ - 1; N < Y; ++N)
            Text("\r\n");
        Reached_ = Y + 1;
        X_ = 0;
    } else if (Y > Y_) {
        if (Y - Y_ == 1 && X == 0) {
            Text("\r\n");
            X_ = 0;
        } else {
            Code(u32(Y - Y_), 'B');
        }
    } else if (Y < Y_) {
        Code(u32(Y_ - Y), 'A');
    }
    Y_ = Y;
    if (X == X_)
        return;
    if (X == 0) {
        Put('\r');
    } else if (X_ >= 0 && X > X_) {
        // Over a few cells by writing what is there.
        bool Plain = X - X_ <= 4;
        for (i32 N = X_; N < X && Plain; ++N)
            Plain = Row(Y)[N].Char >= 32 && Row(Y)[N].Char < 127 && SamePen(Row(Y)[N], Pen_);
        if (Plain)
            for (i32 N = X_; N < X; ++N)
                Put(char(Row(Y)[N].Char));
        else
            Code(u32(X - X_), 'C');
    } else if (X_ >= 0 && X_ - X <= 3) {
        for (i32 N = X_; N > X; --N)
            Put('\b');
    } else {
        Put('\r');
        Code(u32(X), 'C');
    }
    X_ = X;
}

void Painter::ShowRow(const Cell* From, i32 Cells, i32 Y)
{
    Cell* To = Row(Y);
    auto Is = [&](i32 X) { return X < Cells ? Visible(From, Cells, X) : Cell {}; };
    auto Differs = [&](i32 X) { return Is(X).Char != To[X].Char || !SamePen(Is(X), To[X]) || ((Is(X).Attribute ^ To[X].Attribute) & (LeadingHalf | TrailingHalf)); };
    i32 End = Width_;                   // behind the last cell that differs
    while (End > 0 && !Differs(End - 1))
        --End;
    if (!End)
        return;
    // From here on the row is blank: erasing is shorter.
    i32 Tail = Width_;
    while (Tail > 0 && Is(Tail - 1).Char == L' ' && SamePen(Is(Tail - 1), Cell {}))
        --Tail;
    bool Erase = End - Tail > 3;
    i32 Stop = Erase ? Tail : End;
    for (i32 X = 0; X < Stop;) {
        if (!Differs(X)) {
            ++X;
            continue;
        }
        // Few equal cells between two differences are written again. Never begin inside a wide character.
        i32 Begin = X, Last = X;
        if ((Is(X).Attribute & TrailingHalf) && X > 0)
            --Begin;
        if (IsLow(Is(X).Char) && X > 0)
            --Begin;
        for (i32 N = X; N < Stop && N - Last <= 4; ++N)
            if (Differs(N))
                Last = N;
        if ((IsHigh(Is(Last).Char) || (Is(Last).Attribute & LeadingHalf)) && Last + 1 < Width_)
            ++Last;
        Move(Begin, Y);
        for (i32 N = Begin; N <= Last; ++N) {
            Cell C = Is(N);
            To[N] = C;
            if (C.Attribute & TrailingHalf)
                continue;
            Pen(C);
            if (IsHigh(C.Char) && N < Last && IsLow(Is(N + 1).Char)) {
                Character(C.Char, Is(N + 1).Char);
                To[++N] = Is(N);
            } else {
                Character(C.Char, 0);
            }
        }
        X = Last + 1;
        X_ = X < Width_ ? X : -1;
    }
    if (Erase) {
        Move(Tail, Y);
        Pen({});
        Text("\x1b[K");
        for (i32 X = Tail; X < Width_; ++X)
            To[X] = {};
    }
}

void Painter::ScrollUp(i32 Lines)
{
    if (Lines > Height_)
        Lines = Height_;
    if (Y_ != Height_ - 1)
        Move(0, Height_ - 1);
    Pen({});
    for (i32 N = 0; N < Lines; ++N)
        Text("\r\n");
    X_ = 0;
    usize Keep = usize(Height_ - Lines) * usize(Width_);
    for (usize I = 0; I < Shown_.Size(); ++I)
        Shown_[I] = I < Keep ? Shown_[I + usize(Lines) * usize(Width_)] : Cell {};
}

void Painter::Switch(Buffer& B, bool Main)
{
    Of_ = &B;
    Scrolled_ = B.Scrolled;
    Top_ = B.Window.Top;
    Left_ = B.Window.Left;
    B.Dirty(0, B.Height() - 1);
    if (Main != Alternate_)
        return;
    Pen({});
    if (!Main) {
        Vector<Cell> Blank;
        if (!Blank.Resize(Shown_.Size()).Ok())
            return;                     // they share the main screen
        Main_ = std::move(Shown_);
        Shown_ = std::move(Blank);
        MainReached_ = Reached_;
        MainX_ = X_;
        MainY_ = Y_;
        Text("\x1b[?1049h\x1b[2J\x1b[H");
        Reached_ = Height_;
        X_ = Y_ = 0;
        Alternate_ = true;
    } else {
        Text("\x1b[?1049l");
        Shown_ = std::move(Main_);
        Main_.Clear();
        Reached_ = MainReached_;
        X_ = MainX_;
        Y_ = MainY_;
        Alternate_ = false;
    }
}

void Painter::Show(Buffer& B, bool Cursor)
{
    if (!Width_)
        return;
    if (!Of_)
        Switch(B, true);
    if (Lost_) {
        Lost_ = false;
        Text("\x1b[m\x1b[2J\x1b[H");
        Pen_ = {};
        X_ = Y_ = 0;
        Reached_ = Height_;
        ForgetAll();
        B.Dirty(0, B.Height() - 1);
    }
    i64 Up = i64(B.Scrolled - Scrolled_) + B.Window.Top - Top_;
    if (Up > 0)
        ScrollUp(i32(Up > Height_ ? Height_ : Up));
    bool All = Up != 0 || B.Window.Left != Left_;
    Scrolled_ = B.Scrolled;
    Top_ = B.Window.Top;
    Left_ = B.Window.Left;
    i32 Rows = B.Window.Height() < Height_ ? B.Window.Height() : Height_, Cells = B.Window.Width() < Width_ ? B.Window.Width() : Width_;
    i32 First = All ? 0 : B.DirtyTop - Top_, End = All ? Rows : B.DirtyEnd - Top_;
    for (i32 R = First > 0 ? First : 0; R < End && R < Rows; ++R)
        ShowRow(B.Row(Top_ + R) + Left_, Cells, R);
    B.Clean();
    if (!Cursor)
        return;
    i32 X = B.X - Left_, Y = B.Y - Top_;
    bool Visible = B.CursorVisible && X >= 0 && Y >= 0 && X < Width_ && Y < Height_;
    if (Visible)
        Move(X, Y);
    if (Visible != CursorShown_) {
        Text(Visible ? "\x1b[?25h" : "\x1b[?25l");
        CursorShown_ = Visible;
    }
}

Status Painter::Resize(i32 Width, i32 Height)
{
    bool Was = Alternate_;
    const Buffer* Of = Of_;
    TRY(Begin(Width, Height));
    Alternate_ = Was;
    if (Was)
        TRY(Main_.Resize(Shown_.Size()));
    MainReached_ = Reached_ = Height;
    MainX_ = MainY_ = 0;
    Of_ = Of;
    Text("\x1b[m\x1b[2J\x1b[H\x1b[?25h");
    return STATUS_SUCCESS;
}

void Painter::Title(std::span<const wchar_t> Name)
{
    Text("\x1b]0;");
    for (usize I = 0; I < Name.size(); ++I) {
        bool Pair = IsHigh(Name[I]) && I + 1 < Name.size() && IsLow(Name[I + 1]);
        if (Name[I] >= 32 && Name[I] != 127)
            Character(Name[I], Pair ? Name[I + 1] : wchar_t(0));
        I += Pair;
    }
    Put('\a');
}

void Painter::End()
{
    if (!Width_)
        return;
    if (Alternate_) {
        Pen({});
        Text("\x1b[?1049l");
        Shown_ = std::move(Main_);
        Reached_ = MainReached_;
        X_ = MainX_;
        Y_ = MainY_;
        Alternate_ = false;
    }
    Pen({});
    if (!CursorShown_)
        Text("\x1b[?25h");
    i32 Last = Reached_ - 1;
    auto IsBlank = [&](i32 Y) {
        for (i32 X = 0; X < Width_; ++X)
            if (Row(Y)[X].Char != L' ')
                return false;
        return true;
    };
    while (Last > Y_ && IsBlank(Last))
        --Last;
    if (Last > Y_) {
        Move(0, Last);
        Text("\r\n");
    }
    Width_ = 0;
}

}
