// A screen buffer: cells with attributes, a cursor, a window that is shown. Text goes into it in one of two ways: placed (rectangles, fills, scrolls, as the
// Win32 functions do) or written behind the cursor (Write), with control characters and, if the mode says so, escape sequences (ECMA-48, as Windows' console has them).
//
// Coordinates are cells, from 0; what lies outside is left out. All functions work on any arguments. Rows that have changed since Clean are between DirtyTop and DirtyEnd.
#pragma once
#include <span>

#include "lib/core/result.hpp"
#include "lib/core/vector.hpp"

namespace console {

// Attributes are those of CHAR_INFO: four bits of foreground, four of background, COMMON_LVB_*.
inline constexpr u16 DefaultAttribute = 7, LeadingHalf = 0x100, TrailingHalf = 0x200, Reverse = 0x4000, Underscore = 0x8000;

// A colour beyond the sixteen: 0 none (the attribute counts), PaletteColour | number of 256, TrueColour | 0xRRGGBB.
inline constexpr u32 PaletteColour = 1 << 24, TrueColour = 2 << 24;

struct Cell {
    wchar_t Char = L' ';
    u16 Attribute = DefaultAttribute;
    u32 Fore = 0, Back = 0;
    bool operator==(const Cell&) const = default;
};

struct Rect {
    i32 Left, Top, Right, Bottom;       // inclusive
    i32 Width() const { return Right - Left + 1; }
    i32 Height() const { return Bottom - Top + 1; }
    bool IsEmpty() const { return Right < Left || Bottom < Top; }
    Rect Clipped(const Rect& To) const
    {
        return { Left > To.Left ? Left : To.Left, Top > To.Top ? Top : To.Top, Right < To.Right ? Right : To.Right, Bottom < To.Bottom ? Bottom : To.Bottom };
    }
};

// Output modes, as SetConsoleMode has them.
enum : u32 { Processed = 1, WrapAtEnd = 2, Sequences = 4, NoAutoReturn = 8 };

enum class Part { Text, Attribute, Both };

// Cells at most in a buffer.
inline constexpr u32 MostCells = 5 << 18;

class Buffer {
public:
    // What a buffer tells and asks while it is written to; all may do nothing.
    class Host {
    public:
        virtual void BeforeScroll(Buffer&) { }          // the top row goes away next
        virtual void Bell() { }
        virtual void Answer(std::span<const wchar_t>) { }       // to be read as input: reports that a sequence asked for
        virtual void Title(std::span<const wchar_t>) { }

    protected:
        ~Host() = default;
    };

    // Blank, of this size (1 to 32767 each; STATUS_INVALID_PARAMETER, STATUS_NO_MEMORY); Window: as much of it as there is.
    Status Create(i32 Width, i32 Height, i32 WindowWidth, i32 WindowHeight, u16 Attribute = DefaultAttribute);
    // Keeps what fits: with Bottom the rows up to the cursor's stay, otherwise the upper ones. The window is moved and cut to fit.
    Status Resize(i32 Width, i32 Height, bool KeepCursor = false);

    i32 Width() const { return Width_; }
    i32 Height() const { return Height_; }
    Rect All() const { return { 0, 0, Width_ - 1, Height_ - 1 }; }
    Cell* Row(i32 Y) { return Cells_.Data() + usize((Y + First_) % Height_) * usize(Width_); }
    const Cell* Row(i32 Y) const { return Cells_.Data() + usize((Y + First_) % Height_) * usize(Width_); }

    // --- placed
    // From (X, Y) on, row by row, how many cells there are: of Count at most.
    u32 Room(i32 X, i32 Y, u32 Count) const;
    void Put(i32 X, i32 Y, wchar_t Char, u16 Attribute, Part What);
    void Fill(i32 X, i32 Y, u32 Count, wchar_t Char, u16 Attribute, Part What);
    // As ScrollConsoleScreenBuffer. STATUS_INVALID_PARAMETER: the source is not in the buffer, or the destination's corner.
    Status Scroll(const Rect& From, i32 ToX, i32 ToY, const Rect& Clip, wchar_t Char, u16 Attribute);

    // --- written
    void Write(Host& To, std::span<const wchar_t> Text, u32 Mode);
    // One character at the cursor, as it is; the cursor goes on, to the next row at the end of one. For line input.
    void PutNext(Host& To, wchar_t C);
    void LineFeed(Host& To);
    bool SetCursor(i32 X, i32 Y);       // false: outside
    // The window follows the cursor.
    void ShowCursor();
    bool SetWindow(const Rect& To);     // false: not in the buffer

    i32 X = 0, Y = 0;
    bool AtEnd = false;                 // the last column has been written, and the next character wraps first
    Rect Window {};
    u16 Attribute = DefaultAttribute, PopupAttribute = 0xF5;
    u32 Fore = 0, Back = 0;
    u32 CursorSize = 25;                // percent
    bool CursorVisible = true;
    bool CursorKeys = false;            // sequences asked that cursor keys be told as applications want them
    u64 Scrolled = 0;                   // rows that have left at the top, ever
    i32 DirtyTop = 0, DirtyEnd = 0;
    void Dirty(i32 Top, i32 Bottom);
    void Clean() { DirtyTop = DirtyEnd = 0; }
    Cell Blank() const { return { L' ', Attribute, Fore, Back }; }

private:
    enum class In : u8 { Ground, Escape, Charset, Csi, Osc, OscEscape, Skip, SkipEscape };
    static constexpr u32 MostParameters = 16, MostText = 256;

    void Char(Host& To, wchar_t C, u32 Mode);
    void Control(Host& To, wchar_t C, u32 Mode);
    void Sequence(Host& To, wchar_t C);
    void Escape(Host& To, wchar_t C);
    void Csi(Host& To, wchar_t Final);
    void PrivateMode(u32 Which, bool On);
    void Rendition();
    void Rendition256(u32& At, u32& Colour);
    void Osc(Host& To);
    void Erase(i32 FromX, i32 FromY, u32 Count);
    void ScrollRows(Host& To, i32 Top, i32 Bottom, i32 Lines);        // up if positive
    void ShiftInRow(i32 Lines);
    void Alternate(bool On);
    void ResetSequences();
    u32 Parameter(u32 N, u32 Otherwise) const { return N < Count_ && Parameters_[N] ? Parameters_[N] : Otherwise; }
    i32 MarginEnd() const { return MarginEnd_ ? MarginEnd_ : Height_; }

    Vector<Cell> Cells_, Other_;        // Other_: the main screen, while the alternate one is shown
    i32 Width_ = 0, Height_ = 0, First_ = 0, OtherFirst_ = 0;
    i32 Left_ = 0;                      // the first column that a call of Write has written to
    i32 MarginTop_ = 0, MarginEnd_ = 0; // of scrolling, by a sequence; MarginEnd_ 0: all rows
    In State_ = In::Ground;
    wchar_t Private_ = 0, Middle_ = 0, Last_ = L' ';
    u32 Parameters_[MostParameters] {};
    u32 Count_ = 0;
    wchar_t Text_[MostText] {};
    u32 TextLength_ = 0;
    bool Drawing_ = false;              // the line drawing set
    struct Saved {
        i32 X = 0, Y = 0;
        u16 Attribute = DefaultAttribute;
        u32 Fore = 0, Back = 0;
    } Saved_, OtherCursor_;
};

// Whether a character takes two cells.
bool IsWide(wchar_t C);

}
