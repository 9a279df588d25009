// Line input: what is typed until Enter, with editing and the lines that were typed before. The line is shown in a screen buffer, from where its cursor was at the beginning.
#pragma once
#include "lib/console/buffer.hpp"
#include "lib/console/keys.hpp"

namespace console {

class Line {
public:
    enum class Result { Goes, Ready, Woken };           // Woken: by a control character of the mask
    // A new line, with text that is there already (it has been shown). Mask: control characters (bit N: the one with code N) that end it and stay in it.
    // The show begins behind B's cursor if Echo.
    Status Begin(Buffer& B, bool Echo, std::span<const wchar_t> Initial = {}, u32 Mask = 0);
    bool IsOpen() const { return Open_; }
    // Takes a key; draws into B.
    Result Take(Buffer::Host& To, Buffer& B, const Record& R);
    // Ends it as Enter does, with nothing in it.
    void Abandon(Buffer::Host& To, Buffer& B);
    std::span<const wchar_t> Text() const { return Text_.Span(); }
    u32 KeyState() const { return KeyState_; }
    bool Inserts = true;

private:
    static constexpr u32 MostHistory = 50, MostLength = 8191;
    void Insert(wchar_t C);
    void Remove(u32 From, u32 To);
    void Replace(std::span<const wchar_t> With);
    void Draw(Buffer::Host& To, Buffer& B, bool Last);
    void Recall(u32 Which);
    void Remember();
    u32 WordLeft() const;
    u32 WordRight() const;

    Vector<wchar_t> Text_;
    u32 At_ = 0, Shown_ = 0;            // Shown_: cells that the last drawing took
    bool Open_ = false, Echo_ = false;
    i32 StartX_ = 0;
    i64 StartY_ = 0;                    // row + Buffer::Scrolled
    u32 Mask_ = 0, KeyState_ = 0;
    Vector<wchar_t> History_[MostHistory];
    u32 Lines_ = 0, Recalled_ = 0;      // History_[0] is the oldest; Recalled_ == Lines_: none
};

}
