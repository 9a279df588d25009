// \Device\Screen: text on the display. What is written is text in the display's own character set (code page 437): CR, LF (to the first column of the next line), TAB
// (every eight columns) and BS move the cursor, BEL does nothing, all else is a character with the current attribute. At the end of the last line the screen scrolls.
// Control codes: METHOD_BUFFERED. Positions count from 0, column first. STATUS_INVALID_PARAMETER: a position or size that is not on the screen.
#pragma once

namespace screen {

constexpr unsigned Code(unsigned Function, unsigned Access = 0) { return 0x8053u << 16 | Access << 14 | (0x800 + Function) << 2; }
enum : unsigned {
    GetInfo = Code(0),              // -> Info
    SetCursor = Code(1),            // Cursor
    SetAttribute = Code(2),         // unsigned char: colours of what is written from now on, foreground | background << 4
    ReadCells = Code(3),            // Position -> Cells from there, as many as fit, over the ends of lines
    WriteCells = Code(4),           // Position, then Cells
    Fill = Code(5),                 // Filling
    Scroll = Code(6),               // Area
    SetMode = Code(7),              // Mode. The screen is empty then
};

struct Cell {
    unsigned char Character, Attribute;
};
struct Position {
    unsigned short Column, Row;
};
struct Cursor {
    Position At;
    unsigned short Visible, Unused;
};
struct Info {
    unsigned short Columns, Rows;
    Cursor Where;
    unsigned short Width, Height;   // in pixels; 0: a text mode
    unsigned char Attribute, Unused[3];
};
struct Filling {
    Position From;
    unsigned int Count;
    Cell With;
};
// Moves the lines of a rectangle up (Lines > 0) or down; With fills what becomes free.
struct Area {
    unsigned short Left, Top, Right, Bottom;    // the last two are within
    short Lines;
    Cell With;
};
struct Mode {
    unsigned short Width, Height;   // 0, 0: text of 80 columns and 25 rows; else a linear frame buffer of that many pixels
};

}
