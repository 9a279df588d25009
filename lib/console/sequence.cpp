// Escape sequences of output: cursor, erasing, scrolling, colours, modes, reports. What is not known is swallowed whole.
#include "lib/console/buffer.hpp"

namespace console {

namespace {

// The four bits of Windows for the eight colours of ECMA-48, whose red and blue have changed places.
constexpr u16 FromAnsi(u32 N) { return u16((N & 2) | (N & 1) << 2 | (N & 4) >> 2); }
i32 Clamp(i64 V, i32 Low, i32 High) { return V < Low ? Low : V > High ? High : i32(V); }

struct Report {
    wchar_t Text[32];
    u32 Length = 0;
    void Put(wchar_t C) { Text[Length++] = C; }
    void Put(const wchar_t* S)
    {
        while (*S)
            Put(*S++);
    }
    void Number(u32 N)
    {
        if (N >= 10)
            Number(N / 10);
        Put(wchar_t(L'0' + N % 10));
    }
    std::span<const wchar_t> All() const { return { Text, Length }; }
};

}

void Buffer::Sequence(Host& To, wchar_t C)
{
    switch (State_) {
    case In::Escape:
        Escape(To, C);
        break;
    case In::Charset:
        if (Middle_ == L'(')
            Drawing_ = C == L'0';
        State_ = In::Ground;
        break;
    case In::Csi:
        if (C >= L'0' && C <= L'9') {
            u32& P = Parameters_[Count_ ? Count_ - 1 : 0];
            if (!Count_)
                Count_ = 1;
            P = P < 100000 ? P * 10 + u32(C - L'0') : P;
        } else if (C == L';' || C == L':') {
            if (!Count_)
                Count_ = 1;
            if (Count_ < MostParameters)
                Parameters_[Count_++] = 0;
        } else if (C >= 0x3C && C <= 0x3F) {
            Private_ = C;
        } else if (C >= 0x20 && C <= 0x2F) {
            Middle_ = C;
        } else if (C >= 0x40 && C <= 0x7E) {
            State_ = In::Ground;
            Csi(To, C);
        } else if (C == 27) {
            State_ = In::Escape;
        } else if (C == 24 || C == 26) {
            State_ = In::Ground;
        } else if (C < 32) {
            Control(To, C, Processed | WrapAtEnd | Sequences);
        }
        break;
    case In::Osc:
        if (C == 7) {
            State_ = In::Ground;
            Osc(To);
        } else if (C == 27) {
            State_ = In::OscEscape;
        } else if (TextLength_ < MostText) {
            Text_[TextLength_++] = C;
        }
        break;
    case In::OscEscape:
        State_ = In::Ground;
        if (C == L'\\')
            Osc(To);
        else
            Escape(To, C);
        break;
    case In::Skip:
        if (C == 27)
            State_ = In::SkipEscape;
        else if (C == 7)
            State_ = In::Ground;
        break;
    case In::SkipEscape:
        State_ = C == L'\\' ? In::Ground : In::Skip;
        break;
    case In::Ground:
        break;
    }
}

void Buffer::Escape(Host& To, wchar_t C)
{
    State_ = In::Ground;
    switch (C) {
    case L'[':
        State_ = In::Csi;
        Private_ = Middle_ = 0;
        Count_ = 0;
        for (u32& P : Parameters_)
            P = 0;
        break;
    case L']':
        State_ = In::Osc;
        TextLength_ = 0;
        break;
    case L'P':
    case L'X':
    case L'^':
    case L'_':
        State_ = In::Skip;
        break;
    case L'(':
    case L')':
    case L'*':
    case L'+':
        State_ = In::Charset;
        Middle_ = C;
        break;
    case L'7':
        Saved_ = { X, Y, Attribute, Fore, Back };
        break;
    case L'8':
        X = Clamp(Saved_.X, 0, Width_ - 1);
        Y = Clamp(Saved_.Y, 0, Height_ - 1);
        Attribute = Saved_.Attribute;
        Fore = Saved_.Fore;
        Back = Saved_.Back;
        AtEnd = false;
        break;
    case L'E':
        X = 0;
        [[fallthrough]];
    case L'D':
        LineFeed(To);
        break;
    case L'M':
        AtEnd = false;
        if (Y == (MarginEnd_ ? MarginTop_ : Window.Top))
            ScrollRows(To, Y, MarginEnd_ ? MarginEnd_ - 1 : Window.Bottom, -1);
        else if (Y > 0)
            --Y;
        break;
    case L'c':
        ResetSequences();
        Erase(0, Window.Top, u32(Width_) * u32(Height_));
        X = 0;
        Y = Window.Top;
        break;
    }
}

void Buffer::ResetSequences()
{
    Attribute = DefaultAttribute;
    Fore = Back = 0;
    MarginTop_ = MarginEnd_ = 0;
    AtEnd = Drawing_ = CursorKeys = false;
    CursorVisible = true;
    Saved_ = {};
    if (!Other_.IsEmpty())
        Alternate(false);
}

void Buffer::Erase(i32 FromX, i32 FromY, u32 Count)
{
    Count = Room(FromX, FromY, Count);
    if (!Count)
        return;
    i32 Top = FromY;
    for (; Count; --Count) {
        Row(FromY)[FromX] = { L' ', Attribute, Fore, Back };
        if (++FromX == Width_) {
            FromX = 0;
            ++FromY;
        }
    }
    Dirty(Top, FromX ? FromY : FromY - 1);
}

void Buffer::ScrollRows(Host& To, i32 Top, i32 Bottom, i32 Lines)
{
    if (Top > Bottom)
        return;
    i32 Rows = Bottom - Top + 1;
    Lines = Clamp(Lines, -Rows, Rows);
    auto Copy = [&](i32 To, i32 From) { __builtin_memcpy(static_cast<void*>(Row(To)), Row(From), sizeof(Cell) * usize(Width_)); };
    if (Lines > 0)
        for (i32 R = Top; R + Lines <= Bottom; ++R)
            Copy(R, R + Lines);
    else
        for (i32 R = Bottom; R + Lines >= Top; --R)
            Copy(R, R + Lines);
    i32 First = Lines > 0 ? Bottom - Lines + 1 : Top, Last = Lines > 0 ? Bottom : Top - Lines - 1;
    for (i32 R = First; R <= Last; ++R)
        Erase(0, R, u32(Width_));
    Dirty(Top, Bottom);
    (void)To;
}

void Buffer::ShiftInRow(i32 Cells)
{
    Cell* R = Row(Y);
    i32 Length = Width_ - X;
    Cells = Clamp(Cells, -Length, Length);
    if (Cells > 0)
        for (i32 C = Width_ - 1; C >= X + Cells; --C)
            R[C] = R[C - Cells];
    else
        for (i32 C = X; C < Width_ + Cells; ++C)
            R[C] = R[C - Cells];
    Erase(Cells > 0 ? X : Width_ + Cells, Y, u32(Cells > 0 ? Cells : -Cells));
    Dirty(Y, Y);
}

void Buffer::Alternate(bool On)
{
    if (On == !Other_.IsEmpty())
        return;
    if (On) {
        Vector<Cell> New;
        if (!New.Resize(Cells_.Size()).Ok())
            return;
        Other_ = std::move(Cells_);
        Cells_ = std::move(New);
        for (i32 R = 0; R < Height_; ++R)
            for (i32 C = 0; C < Width_; ++C)
                Cells_[usize(R) * usize(Width_) + usize(C)] = Blank();
        OtherFirst_ = First_;
        First_ = 0;
        OtherCursor_ = { X, Y, Attribute, Fore, Back };
    } else {
        Cells_ = std::move(Other_);
        Other_.Clear();
        First_ = OtherFirst_;
        X = Clamp(OtherCursor_.X, 0, Width_ - 1);
        Y = Clamp(OtherCursor_.Y, 0, Height_ - 1);
    }
    AtEnd = false;
    Dirty(0, Height_ - 1);
}

void Buffer::PrivateMode(u32 Which, bool On)
{
    switch (Which) {
    case 1: CursorKeys = On; break;
    case 25: CursorVisible = On; break;
    case 47:
    case 1047:
    case 1049: Alternate(On); break;
    case 1048: On ? void(Saved_ = { X, Y, Attribute, Fore, Back }) : void((X = Clamp(Saved_.X, 0, Width_ - 1), Y = Clamp(Saved_.Y, 0, Height_ - 1))); break;
    }
}

void Buffer::Csi(Host& To, wchar_t Final)
{
    i32 N = Clamp(Parameter(0, 1), 1, 32767);
    i32 Top = MarginEnd_ && Y >= MarginTop_ ? MarginTop_ : Window.Top, End = MarginEnd_ && Y < MarginEnd_ ? MarginEnd_ : Window.Bottom + 1;
    if (Private_ == L'?') {
        if (Final == L'h' || Final == L'l')
            for (u32 I = 0; I < Count_; ++I)
                PrivateMode(Parameters_[I], Final == L'h');
        return;
    }
    if (Private_ || (Middle_ && Middle_ != L'!'))
        return;
    if (Middle_ == L'!') {
        if (Final == L'p')
            ResetSequences();
        return;
    }
    if (Final != L'm' && Final != L'n' && Final != L'c')
        AtEnd = false;
    switch (Final) {
    case L'A': Y = Clamp(i64(Y) - N, Top, Height_ - 1); break;
    case L'B':
    case L'e': Y = Clamp(i64(Y) + N, 0, End - 1); break;
    case L'C':
    case L'a': X = Clamp(i64(X) + N, 0, Width_ - 1); break;
    case L'D': X = Clamp(i64(X) - N, 0, Width_ - 1); break;
    case L'E':
        Y = Clamp(i64(Y) + N, 0, End - 1);
        X = 0;
        break;
    case L'F':
        Y = Clamp(i64(Y) - N, Top, Height_ - 1);
        X = 0;
        break;
    case L'G':
    case L'`': X = Clamp(N - 1, 0, Width_ - 1); break;
    case L'd': Y = Clamp(i64(Window.Top) + N - 1, 0, Window.Bottom); break;
    case L'H':
    case L'f':
        Y = Clamp(i64(Window.Top) + N - 1, 0, Window.Bottom);
        X = Clamp(i64(Parameter(1, 1)) - 1, 0, Width_ - 1);
        break;
    case L'J': {
        u32 Cells = u32(Width_) * u32(Window.Height()), Before = u32(Y - Window.Top) * u32(Width_) + u32(X);
        if (Y < Window.Top || Y > Window.Bottom)
            break;
        switch (Parameter(0, 0)) {
        case 0: Erase(X, Y, Cells - Before); break;
        case 1: Erase(0, Window.Top, Before + 1); break;
        case 2: Erase(0, Window.Top, Cells); break;
        }
        break;
    }
    case L'K':
        switch (Parameter(0, 0)) {
        case 0: Erase(X, Y, u32(Width_ - X)); break;
        case 1: Erase(0, Y, u32(X + 1)); break;
        case 2: Erase(0, Y, u32(Width_)); break;
        }
        break;
    case L'L':
    case L'M':
        if (!MarginEnd_ || (Y >= MarginTop_ && Y < MarginEnd_))
            ScrollRows(To, Y, End - 1, Final == L'L' ? -N : N);
        X = 0;
        break;
    case L'@': ShiftInRow(N); break;
    case L'P': ShiftInRow(-N); break;
    case L'X': Erase(X, Y, u32(N < Width_ - X ? N : Width_ - X)); break;
    case L'S': ScrollRows(To, MarginEnd_ ? MarginTop_ : Window.Top, MarginEnd_ ? MarginEnd_ - 1 : Window.Bottom, N); break;
    case L'T': ScrollRows(To, MarginEnd_ ? MarginTop_ : Window.Top, MarginEnd_ ? MarginEnd_ - 1 : Window.Bottom, -N); break;
    case L'b':
        for (; N > 0; --N)
            Char(To, Last_, Processed | WrapAtEnd | Sequences);
        break;
    case L'm': Rendition(); break;
    case L'r': {
        i32 First = N - 1, Last = Clamp(Parameter(1, u32(Window.Height())), 1, Window.Height());
        if (First >= Last - 1)
            break;
        bool Whole = First == 0 && Last == Window.Height();
        MarginTop_ = Whole ? 0 : Window.Top + First;
        MarginEnd_ = Whole ? 0 : Window.Top + Last;
        X = 0;
        Y = Window.Top;
        break;
    }
    case L's': Saved_ = { X, Y, Attribute, Fore, Back }; break;
    case L'u':
        X = Clamp(Saved_.X, 0, Width_ - 1);
        Y = Clamp(Saved_.Y, 0, Height_ - 1);
        break;
    case L'n': {
        Report R;
        if (Parameter(0, 0) == 5) {
            R.Put(L"\x1b[0n");
        } else if (Parameter(0, 0) == 6) {
            R.Put(L"\x1b[");
            R.Number(u32(Y - Window.Top + 1));
            R.Put(L';');
            R.Number(u32(X + 1));
            R.Put(L'R');
        }
        if (R.Length)
            To.Answer(R.All());
        break;
    }
    case L'c':
        if (!Parameter(0, 0)) {
            Report R;
            R.Put(L"\x1b[?1;0c");
            To.Answer(R.All());
        }
        break;
    }
}

void Buffer::Rendition256(u32& At, u32& Colour)
{
    u32 Kind = At + 1 < Count_ ? Parameters_[At + 1] : 0;
    if (Kind == 5 && At + 2 < Count_) {
        Colour = PaletteColour | (Parameters_[At + 2] & 0xFF);
        At += 2;
    } else if (Kind == 2 && At + 4 < Count_) {
        Colour = TrueColour | (Parameters_[At + 2] & 0xFF) << 16 | (Parameters_[At + 3] & 0xFF) << 8 | (Parameters_[At + 4] & 0xFF);
        At += 4;
    } else {
        At = Count_;
    }
}

void Buffer::Rendition()
{
    if (!Count_)
        Count_ = 1;
    for (u32 I = 0; I < Count_; ++I) {
        u32 P = Parameters_[I];
        if (P >= 30 && P <= 37) {
            Attribute = u16((Attribute & ~7) | FromAnsi(P - 30));
            Fore = 0;
        } else if (P >= 40 && P <= 47) {
            Attribute = u16((Attribute & ~0xF0) | FromAnsi(P - 40) << 4);
            Back = 0;
        } else if (P >= 90 && P <= 97) {
            Attribute = u16((Attribute & ~0xF) | FromAnsi(P - 90) | 8);
            Fore = 0;
        } else if (P >= 100 && P <= 107) {
            Attribute = u16((Attribute & ~0xF0) | (FromAnsi(P - 100) | 8) << 4);
            Back = 0;
        } else {
            switch (P) {
            case 0:
                Attribute = DefaultAttribute;
                Fore = Back = 0;
                break;
            case 1: Attribute |= 8; break;
            case 22: Attribute &= u16(~8); break;
            case 4: Attribute |= Underscore; break;
            case 24: Attribute &= u16(~Underscore); break;
            case 7: Attribute |= Reverse; break;
            case 27: Attribute &= u16(~Reverse); break;
            case 38: Rendition256(I, Fore); break;
            case 48: Rendition256(I, Back); break;
            case 39:
                Attribute = u16((Attribute & ~0xF) | 7);
                Fore = 0;
                break;
            case 49:
                Attribute &= u16(~0xF0);
                Back = 0;
                break;
            }
        }
    }
}

void Buffer::Osc(Host& To)
{
    u32 At = 0, Number = 0;
    while (At < TextLength_ && Text_[At] >= L'0' && Text_[At] <= L'9' && Number < 1000)
        Number = Number * 10 + u32(Text_[At++] - L'0');
    if (At < TextLength_ && Text_[At] == L';' && (Number == 0 || Number == 2))
        To.Title({ Text_ + At + 1, TextLength_ - At - 1 });
}

}
