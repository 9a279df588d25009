// Shows a screen buffer's window on a terminal that understands escape sequences (ECMA-48, as xterm and its kin), by as few bytes as it takes: it knows what the terminal shows.
//
// The terminal is somebody's: what it showed before stays. The painter's first row is the row where the terminal's cursor is when it begins; it only ever moves
// relative to that, and rows that have not been reached yet are reached by line feeds, with which the terminal scrolls as it should. When the buffer scrolls, so does the terminal.
#pragma once
#include "lib/console/buffer.hpp"

namespace console {

// What a terminal can show of a cell: halves of characters that have lost the other half are blank, wide characters in one cell a substitute.
Cell Visible(const Cell* Row, i32 Width, i32 X);

class Painter {
public:
    // The terminal has this size. STATUS_NO_MEMORY.
    Status Begin(i32 Width, i32 Height);
    // Makes the terminal show the buffer's window; cheap when little has changed. The buffer is clean afterwards.
    // Without Cursor the cursor may be left anywhere.
    void Show(Buffer& B, bool Cursor = true);
    // Another buffer is shown from now on: the first one given to Show on the terminal's main screen, others on its alternate one.
    void Switch(Buffer& B, bool Main);
    // The terminal has another size and may have moved its lines: all is painted anew.
    Status Resize(i32 Width, i32 Height);
    void Bell() { Put('\a'); }
    void Title(std::span<const wchar_t> Text);
    // Leaves the terminal as a program does that ends: usual colours, the cursor below what was written.
    void End();

    i32 Width() const { return Width_; }
    i32 Height() const { return Height_; }
    // What is to be sent to the terminal. When there is no memory, output is lost (and told by Lost) and everything is painted anew later.
    Vector<u8>& Output() { return Output_; }

private:
    void Put(char C);
    void Text(const char* S)
    {
        while (*S)
            Put(*S++);
    }
    void Number(u32 N);
    void Code(u32 N, char Final);       // CSI N Final
    void Character(wchar_t C, wchar_t Low);
    void Pen(const Cell& C);
    void Move(i32 X, i32 Y);
    void ShowRow(const Cell* From, i32 Cells, i32 Y);
    void ScrollUp(i32 Lines);
    void ForgetAll();
    Cell* Row(i32 Y) { return Shown_.Data() + usize(Y) * usize(Width_); }

    Vector<Cell> Shown_, Main_;         // Main_: what the main screen shows while the alternate one is used
    Vector<u8> Output_;
    i32 Width_ = 0, Height_ = 0;
    i32 X_ = 0, Y_ = 0;                 // the terminal's cursor; X_ -1: it is in row Y_, who knows where
    i32 Reached_ = 1, MainReached_ = 1, MainX_ = 0, MainY_ = 0;
    Cell Pen_;                          // colours in use
    bool CursorShown_ = true, Alternate_ = false, Lost_ = false;
    const Buffer* Of_ = nullptr;
    u64 Scrolled_ = 0;                  // the buffer's, when it was last shown
    i32 Top_ = 0, Left_ = 0;
};

}
