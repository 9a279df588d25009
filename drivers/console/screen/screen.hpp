// A display of text: the cells as they should be and as they are shown, and the two back ends that show them.
#pragma once
#include "drivers/common/driver.hpp"
#include "drivers/console/screen/ioctl.hpp"

namespace screen {

using namespace driver;

constexpr ULONG MostColumns = 128, MostRows = 48, GlyphWidth = 8, GlyphHeight = 16, Glyphs = 256;

// A display adapter that does what a VGA does, and maybe more: its registers and memory (vga.cpp, linear.cpp).
struct Adapter {
    ULONG Ports;                        // 3C0h
    volatile UCHAR* Window;             // A0000h to BFFFFh
    // Of the adapter QEMU and Bochs model: its mode registers and frame buffer; null: there are none.
    volatile USHORT* Registers;
    PHYSICAL_ADDRESS Memory;
    ULONG MemoryBytes;
    volatile UCHAR* Frame;              // mapped when it is first used
    ULONG FrameBytes;
    ULONG Width, Height;                // of the linear mode; 0: text
    UCHAR Font[Glyphs * GlyphHeight];
};

// Sets the mode, whatever there was, and reads the font. False: the adapter's memory has none.
bool StartText(Adapter& A);
void PutText(Adapter& A, ULONG Index, Cell C);
void PutTextCursor(Adapter& A, ULONG Index, bool Visible);

void StopLinear(Adapter& A);            // whatever was before; a text mode must be set then
NTSTATUS StartLinear(Adapter& A, ULONG Width, ULONG Height);
void PutLinear(Adapter& A, ULONG Column, ULONG Row, Cell C, bool Cursor);

class Screen {
public:
    Adapter Card;
    void Prepare() { Attribute_ = 7; }          // of zeroed memory
    void Reset(ULONG Columns, ULONG Rows);      // empty, all of it to be shown anew
    void Write(const UCHAR* Text, ULONG Count);
    NTSTATUS Control(ULONG Code, void* Buffer, ULONG In, ULONG Out, ULONG_PTR* Information);
    void Show();                                // what is not shown as it should be

private:
    void Put(UCHAR Character);
    void NewLine();
    bool Has(Position P) const { return P.Column < Columns_ && P.Row < Rows_; }
    ULONG At(Position P) const { return P.Row * Columns_ + P.Column; }
    NTSTATUS Move(const Area& A);
    NTSTATUS ChangeMode(const Mode& M);
    Cell Wanted_[MostColumns * MostRows], Shown_[MostColumns * MostRows];
    ULONG Columns_, Rows_;
    Cursor Cursor_, CursorShown_;
    UCHAR Attribute_;
    bool Known_;                                // Shown_ is so
};

}
