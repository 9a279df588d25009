// What a terminal sends becomes key records: UTF-8, control characters, the escape sequences of cursor and function keys (xterm's, with its modifier parameters).
#pragma once
#include <span>

#include "lib/core/types.hpp"

namespace console {

// An INPUT_RECORD. Type 1: a key.
struct Record {
    u16 Type, Unused;
    u32 Down;
    u16 Repeat, Key, Scan;
    wchar_t Char;
    u32 State;
};
static_assert(sizeof(Record) == 20);
inline constexpr u16 KeyEvent = 1, MouseEvent = 2, SizeEvent = 4, MenuEvent = 8, FocusEvent = 16;

namespace vk {
inline constexpr u16 Cancel = 3, Back = 8, Tab = 9, Return = 13, Shift = 16, Control = 17, Menu = 18, Pause = 19, Escape = 27, Space = 32, Prior = 33, Next = 34, End = 35,
                     Home = 36, Left = 37, Up = 38, Right = 39, Down = 40, Insert = 45, Delete = 46, F1 = 112;
}
namespace keystate {
inline constexpr u32 RightAlt = 1, LeftAlt = 2, RightCtrl = 4, LeftCtrl = 8, Shift = 16, Enhanced = 256;
inline constexpr u32 AnyCtrl = RightCtrl | LeftCtrl, AnyAlt = RightAlt | LeftAlt;
}

Record MakeKey(u16 Key, wchar_t Char, u32 State, bool Down);
// The key of a character on the US keyboard (0: none), with Shift, Ctrl in State.
u16 KeyOf(wchar_t Char, u32& State);

class Keys {
public:
    class Sink {
    public:
        virtual void Key(const Record& R) = 0;

    protected:
        ~Sink() = default;
    };
    // Raw: sequences are not understood; every character is a key of its own (ENABLE_VIRTUAL_TERMINAL_INPUT).
    void Feed(Sink& To, std::span<const u8> Bytes, bool Raw);
    // An ESC may be the key or begin a sequence: when nothing has come for a moment it was the key.
    bool IsWaiting() const { return State_ != In::Ground; }
    void Flush(Sink& To);

private:
    enum class In : u8 { Ground, Escape, Csi, Ss3 };
    void Byte(Sink& To, u8 B, bool Raw);
    void Char(Sink& To, u32 Point, u32 State, bool Raw);
    void Press(Sink& To, u16 Key, wchar_t Char, u32 State);
    void Special(Sink& To, u8 Final);

    In State_ = In::Ground;
    u32 Point_ = 0, Left_ = 0;          // of a UTF-8 sequence
    u32 Parameters_[3] {}, Count_ = 0;
};

}
