// The terminal's bytes as keys.
#include "lib/console/keys.hpp"

namespace console {

namespace {

struct Symbol {
    wchar_t Plain, Shifted;
    u16 Key, Scan;
};
constexpr Symbol Symbols[] = {
    { L'`', L'~', 0xC0, 0x29 }, { L'1', L'!', '1', 0x02 },   { L'2', L'@', '2', 0x03 },  { L'3', L'#', '3', 0x04 },  { L'4', L'$', '4', 0x05 },  { L'5', L'%', '5', 0x06 },
    { L'6', L'^', '6', 0x07 },  { L'7', L'&', '7', 0x08 },   { L'8', L'*', '8', 0x09 },  { L'9', L'(', '9', 0x0A },  { L'0', L')', '0', 0x0B },  { L'-', L'_', 0xBD, 0x0C },
    { L'=', L'+', 0xBB, 0x0D }, { L'[', L'{', 0xDB, 0x1A },  { L']', L'}', 0xDD, 0x1B }, { L';', L':', 0xBA, 0x27 }, { L'\'', L'"', 0xDE, 0x28 }, { L'\\', L'|', 0xDC, 0x2B },
    { L',', L'<', 0xBC, 0x33 }, { L'.', L'>', 0xBE, 0x34 },  { L'/', L'?', 0xBF, 0x35 },
};
constexpr u8 LetterScans[26] = { 0x1E, 0x30, 0x2E, 0x20, 0x12, 0x21, 0x22, 0x23, 0x17, 0x24, 0x25, 0x26, 0x32, 0x31, 0x18, 0x19, 0x10, 0x13, 0x1F, 0x14, 0x16, 0x2F, 0x11, 0x2D, 0x15, 0x2C };

u16 ScanOf(u16 Key)
{
    if (Key >= 'A' && Key <= 'Z')
        return LetterScans[Key - 'A'];
    for (const Symbol& S : Symbols)
        if (S.Key == Key)
            return S.Scan;
    if (Key >= vk::F1 && Key < vk::F1 + 12)
        return u16(Key < vk::F1 + 10 ? 0x3B + Key - vk::F1 : 0x57 + Key - vk::F1 - 10);
    switch (Key) {
    case vk::Back: return 0x0E;
    case vk::Tab: return 0x0F;
    case vk::Return: return 0x1C;
    case vk::Shift: return 0x2A;
    case vk::Control: return 0x1D;
    case vk::Menu: return 0x38;
    case vk::Escape: return 0x01;
    case vk::Space: return 0x39;
    case vk::Prior: return 0x49;
    case vk::Next: return 0x51;
    case vk::End: return 0x4F;
    case vk::Home: return 0x47;
    case vk::Left: return 0x4B;
    case vk::Up: return 0x48;
    case vk::Right: return 0x4D;
    case vk::Down: return 0x50;
    case vk::Insert: return 0x52;
    case vk::Delete: return 0x53;
    }
    return 0;
}

}

u16 KeyOf(wchar_t C, u32& State)
{
    if (C >= L'a' && C <= L'z')
        return u16(C - L'a' + 'A');
    if (C >= L'A' && C <= L'Z') {
        State |= keystate::Shift;
        return u16(C);
    }
    if (C == L' ')
        return vk::Space;
    for (const Symbol& S : Symbols)
        if (S.Plain == C) {
            return S.Key;
        } else if (S.Shifted == C) {
            State |= keystate::Shift;
            return S.Key;
        }
    switch (C) {
    case 8: return vk::Back;
    case 9: return vk::Tab;
    case 13: return vk::Return;
    case 27: return vk::Escape;
    case 0:
        State |= keystate::LeftCtrl;
        return '2';
    case 28:
        State |= keystate::LeftCtrl;
        return 0xDC;
    case 29:
        State |= keystate::LeftCtrl;
        return 0xDD;
    case 30:
        State |= keystate::LeftCtrl | keystate::Shift;
        return '6';
    case 31:
        State |= keystate::LeftCtrl | keystate::Shift;
        return 0xBD;
    }
    if (C < 27) {
        State |= keystate::LeftCtrl;
        return u16(C - 1 + 'A');
    }
    return 0;
}

Record MakeKey(u16 Key, wchar_t Char, u32 State, bool Down) { return { KeyEvent, 0, Down, 1, Key, ScanOf(Key), Char, State }; }

void Keys::Press(Sink& To, u16 Key, wchar_t Char, u32 State)
{
    To.Key(MakeKey(Key, Char, State, true));
    To.Key(MakeKey(Key, Char, State, false));
}

void Keys::Char(Sink& To, u32 Point, u32 State, bool Raw)
{
    if (Point >= 0x10000) {
        Press(To, 0, wchar_t(0xD7C0 + (Point >> 10)), State);
        Press(To, 0, wchar_t(0xDC00 | (Point & 0x3FF)), State);
        return;
    }
    wchar_t C = wchar_t(Point);
    if (C == 127 && !Raw)
        C = 8;                          // what the Backspace key sends
    else if (C == 8 && !Raw) {
        Press(To, vk::Back, 127, State | keystate::LeftCtrl);
        return;
    }
    if (C == 10 && !Raw) {
        Press(To, vk::Return, 10, State | keystate::LeftCtrl);
        return;
    }
    u16 Key = KeyOf(C, State);
    Press(To, Key, C, State);
}

void Keys::Special(Sink& To, u8 Final)
{
    u32 Modifiers = (Count_ > 1 && Parameters_[1] ? Parameters_[1] - 1 : 0), State = 0;
    if (Modifiers & 1)
        State |= keystate::Shift;
    if (Modifiers & 2)
        State |= keystate::LeftAlt;
    if (Modifiers & 4)
        State |= keystate::LeftCtrl;
    u16 Key = 0;
    bool Enhanced = true;
    switch (Final) {
    case 'A': Key = vk::Up; break;
    case 'B': Key = vk::Down; break;
    case 'C': Key = vk::Right; break;
    case 'D': Key = vk::Left; break;
    case 'F': Key = vk::End; break;
    case 'H': Key = vk::Home; break;
    case 'Z':
        Press(To, vk::Tab, 9, State | keystate::Shift);
        return;
    case 'P':
    case 'Q':
    case 'R':
    case 'S':
        Key = u16(vk::F1 + Final - 'P');
        Enhanced = false;
        break;
    case '~': {
        static constexpr u8 Numbers[] = { 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24 };
        switch (Parameters_[0]) {
        case 1:
        case 7: Key = vk::Home; break;
        case 2: Key = vk::Insert; break;
        case 3: Key = vk::Delete; break;
        case 4:
        case 8: Key = vk::End; break;
        case 5: Key = vk::Prior; break;
        case 6: Key = vk::Next; break;
        default:
            for (u32 I = 0; I < sizeof(Numbers); ++I)
                if (Numbers[I] == Parameters_[0]) {
                    Key = u16(vk::F1 + I);
                    Enhanced = false;
                }
        }
        break;
    }
    }
    if (Key)
        Press(To, Key, 0, State | (Enhanced ? keystate::Enhanced : 0));
}

void Keys::Byte(Sink& To, u8 B, bool Raw)
{
    if (Left_) {
        if ((B & 0xC0) == 0x80) {
            Point_ = Point_ << 6 | (B & 0x3F);
            if (--Left_ == 0)
                Char(To, Point_ > 0x10FFFF || (Point_ >= 0xD800 && Point_ < 0xE000) ? 0xFFFD : Point_, 0, Raw);
            return;
        }
        Left_ = 0;
        Char(To, 0xFFFD, 0, Raw);
    }
    switch (State_) {
    case In::Escape:
        if (B == '[' || B == 'O') {
            State_ = B == '[' ? In::Csi : In::Ss3;
            Count_ = 0;
            Parameters_[0] = Parameters_[1] = Parameters_[2] = 0;
            return;
        }
        State_ = In::Ground;
        if (B == 27) {
            Press(To, vk::Escape, 27, 0);
            State_ = In::Escape;
            return;
        }
        if (B < 0x80)
            Char(To, B, keystate::LeftAlt, false);
        return;
    case In::Csi:
    case In::Ss3:
        if (B >= '0' && B <= '9') {
            if (!Count_)
                Count_ = 1;
            u32& P = Parameters_[Count_ - 1];
            P = P < 10000 ? P * 10 + (B - '0') : P;
        } else if (B == ';') {
            Count_ = Count_ ? (Count_ < 3 ? Count_ + 1 : 3) : 2;
        } else if (B == 27) {
            State_ = In::Escape;
        } else if (B >= 0x40 && B <= 0x7E) {
            State_ = In::Ground;
            Special(To, B);
        } else if (B >= 0x80 || B < 32) {
            State_ = In::Ground;
        }
        return;
    case In::Ground:
        break;
    }
    if (B == 27 && !Raw) {
        State_ = In::Escape;
    } else if (B < 0x80) {
        Char(To, B, 0, Raw);
    } else if (B >= 0xC2 && B < 0xF5) {
        Left_ = B < 0xE0 ? 1 : B < 0xF0 ? 2 : 3;
        Point_ = B & (0x3F >> Left_);
    } else {
        Char(To, 0xFFFD, 0, Raw);
    }
}

void Keys::Feed(Sink& To, std::span<const u8> Bytes, bool Raw)
{
    for (u8 B : Bytes)
        Byte(To, B, Raw);
}

void Keys::Flush(Sink& To)
{
    In Was = State_;
    State_ = In::Ground;
    if (Was == In::Ground)
        return;
    Press(To, vk::Escape, 27, 0);
    if (Was == In::Csi)
        Press(To, 0xDB, L'[', 0);
    else if (Was == In::Ss3)
        Press(To, 'O', L'O', keystate::Shift);
}

}
