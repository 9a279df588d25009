// Writing behind the cursor.
#include "lib/console/buffer.hpp"

namespace console {

bool IsWide(wchar_t C)
{
    return (C >= 0x1100 && C <= 0x115F) || (C >= 0x2E80 && C <= 0x303E) || (C >= 0x3041 && C <= 0xA4CF) || (C >= 0xAC00 && C <= 0xD7A3) ||
           (C >= 0xF900 && C <= 0xFAFF) || (C >= 0xFE30 && C <= 0xFE6F) || (C >= 0xFF00 && C <= 0xFF60) || (C >= 0xFFE0 && C <= 0xFFE6);
}

void Buffer::LineFeed(Host& To)
{
    AtEnd = false;
    if (MarginEnd_ && Y == MarginEnd_ - 1) {
        ScrollRows(To, MarginTop_, MarginEnd_ - 1, 1);
    } else if (Y + 1 < Height_) {
        ++Y;
    } else if (!MarginEnd_) {
        To.BeforeScroll(*this);
        First_ = (First_ + 1) % Height_;
        for (i32 C = 0; C < Width_; ++C)
            Row(Height_ - 1)[C] = Blank();
        ++Scrolled;
        if (DirtyTop > 0)
            --DirtyTop;
        Dirty(Height_ - 1, Height_ - 1);
    }
    ShowCursor();
}

void Buffer::PutNext(Host& To, wchar_t C)
{
    Cell* R = Row(Y);
    R[X] = { C, Attribute, Fore, Back };
    Dirty(Y, Y);
    if (++X == Width_) {
        X = 0;
        LineFeed(To);
    }
}

void Buffer::Char(Host& To, wchar_t C, u32 Mode)
{
    bool Wraps = Mode & WrapAtEnd, Late = (Mode & Sequences) && Wraps, Wide = IsWide(C) && Width_ > 1;
    if (Drawing_ && C >= L'`' && C <= L'~') {
        static constexpr wchar_t Lines[] = L"\x25C6\x2592\x2409\x240C\x240D\x240A\xB0\xB1\x2424\x240B\x2518\x2510\x250C\x2514\x253C\x23BA\x23BB\x2500\x23BC\x23BD"
                                           L"\x251C\x2524\x2534\x252C\x2502\x2264\x2265\x3C0\x2260\xA3\xB7";
        C = Lines[C - L'`'];
    }
    if (AtEnd) {
        AtEnd = false;
        if (Wraps) {
            X = 0;
            LineFeed(To);
        }
    }
    if (Wide && X == Width_ - 1) {
        if (!Wraps)
            return;
        X = 0;
        LineFeed(To);
    }
    Cell* R = Row(Y);
    // Half of a character that loses the other half becomes a blank.
    if ((R[X].Attribute & TrailingHalf) && X > 0)
        R[X - 1] = { L' ', u16(R[X - 1].Attribute & ~LeadingHalf), R[X - 1].Fore, R[X - 1].Back };
    i32 After = X + (Wide ? 2 : 1);
    if (After < Width_ && (R[After].Attribute & TrailingHalf))
        R[After] = { L' ', u16(R[After].Attribute & ~TrailingHalf), R[After].Fore, R[After].Back };
    R[X] = { C, u16(Attribute | (Wide ? LeadingHalf : 0)), Fore, Back };
    if (Wide)
        R[X + 1] = { C, u16(Attribute | TrailingHalf), Fore, Back };
    Dirty(Y, Y);
    Last_ = C;
    Left_ = X < Left_ ? X : Left_;
    X = After;
    if (X < Width_)
        return;
    if (Wraps && !Late) {
        X = 0;
        LineFeed(To);
    } else {
        // Without wrap what does not fit overwrites what this call has written, or with sequences the last column.
        AtEnd = Late;
        X = (Mode & Sequences) ? Width_ - 1 : Left_;
    }
}

void Buffer::Control(Host& To, wchar_t C, u32 Mode)
{
    switch (C) {
    case 7:
        To.Bell();
        break;
    case 8:
        AtEnd = false;
        if (X > 0)
            --X;
        break;
    case 9:
        do
            Char(To, L' ', Mode);
        while (X % 8 && !AtEnd && X < Width_ - 1);
        break;
    case 10:
    case 11:
    case 12:
        LineFeed(To);
        if (!((Mode & NoAutoReturn) && (Mode & Sequences)))
            X = 0;
        break;
    case 13:
        X = 0;
        AtEnd = false;
        break;
    case 14:
        Drawing_ = (Mode & Sequences) != 0;
        break;
    case 15:
        Drawing_ = false;
        break;
    }
}

void Buffer::Write(Host& To, std::span<const wchar_t> Text, u32 Mode)
{
    if (!(Mode & Sequences))
        State_ = In::Ground;
    Left_ = X;
    for (wchar_t C : Text) {
        if (State_ != In::Ground) {
            Sequence(To, C);
        } else if (C == 27 && (Mode & Sequences) && (Mode & Processed)) {
            State_ = In::Escape;
        } else if (C < 7 || C > 15 || !(Mode & Processed)) {
            Char(To, C, Mode);
        } else {
            Control(To, C, Mode);
        }
    }
    ShowCursor();
}

}
