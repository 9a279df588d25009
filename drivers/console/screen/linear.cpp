// A linear frame buffer of 32 bits for each pixel, by the mode registers of the adapter that Bochs and QEMU model (QEMU's docs/specs/standard-vga.txt). The text mode's
// memory, its font among it, is the first 256 KiB of the same memory: the frame begins behind it.
#include "drivers/console/screen/screen.hpp"

namespace screen {

namespace {

enum Register : ULONG { Id, XResolution, YResolution, BitsPerPixel, Enable, Bank, VirtualWidth, VirtualHeight, XOffset, YOffset };
constexpr USHORT Enabled = 0x01, LinearFrame = 0x40, KeepMemory = 0x80;
constexpr ULONG TextBytes = 256 * 1024;
constexpr ULONG Colours[16] = { 0x000000, 0x0000AA, 0x00AA00, 0x00AAAA, 0xAA0000, 0xAA00AA, 0xAA5500, 0xAAAAAA,
                                0x555555, 0x5555FF, 0x55FF55, 0x55FFFF, 0xFF5555, 0xFF55FF, 0xFFFF55, 0xFFFFFF };

ULONG LinesOfText(ULONG Width) { return (TextBytes + Width * 4 - 1) / (Width * 4); }

}

void StopLinear(Adapter& A)
{
    A.Width = A.Height = 0;
    if (A.Registers && (A.Registers[Id] & 0xFFF0) == 0xB0C0)
        A.Registers[Enable] = 0;
}

NTSTATUS StartLinear(Adapter& A, ULONG Width, ULONG Height)
{
    if (!A.Registers || (A.Registers[Id] & 0xFFF0) != 0xB0C0)
        return STATUS_NOT_SUPPORTED;
    if (Width % GlyphWidth || Width < 320 || Width / GlyphWidth > MostColumns || Height < 200 || Height / GlyphHeight > MostRows)
        return STATUS_INVALID_PARAMETER;
    constexpr ULONG Most = TextBytes + (MostColumns * GlyphWidth * MostRows * GlyphHeight + MostColumns * GlyphWidth) * 4;
    if (!A.Frame) {
        A.FrameBytes = A.MemoryBytes < Most ? A.MemoryBytes : Most;
        A.Frame = static_cast<volatile UCHAR*>(MmMapIoSpace(A.Memory, A.FrameBytes, MmNonCached));
        if (!A.Frame)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    if ((LinesOfText(Width) + Height) * Width * 4 > A.FrameBytes)
        return STATUS_INVALID_PARAMETER;
    A.Registers[Enable] = 0;
    A.Registers[XResolution] = USHORT(Width);
    A.Registers[YResolution] = USHORT(Height);
    A.Registers[BitsPerPixel] = 32;
    A.Registers[Enable] = Enabled | LinearFrame | KeepMemory;
    A.Registers[VirtualWidth] = USHORT(Width);
    A.Registers[XOffset] = 0;
    A.Registers[YOffset] = USHORT(LinesOfText(Width));
    A.Width = Width;
    A.Height = Height;
    auto* At = reinterpret_cast<volatile ULONG*>(A.Frame + LinesOfText(Width) * Width * 4);
    for (ULONG I = 0; I < Width * Height; ++I)          // also what no cell covers
        At[I] = 0;
    return STATUS_SUCCESS;
}

void PutLinear(Adapter& A, ULONG Column, ULONG Row, Cell C, bool Cursor)
{
    auto* At = reinterpret_cast<volatile ULONG*>(A.Frame + (LinesOfText(A.Width) + Row * GlyphHeight) * A.Width * 4) + Column * GlyphWidth;
    ULONG Foreground = Colours[C.Attribute & 15], Background = Colours[C.Attribute >> 4];
    for (ULONG Line = 0; Line < GlyphHeight; ++Line, At += A.Width) {
        UCHAR Bits = A.Font[C.Character * GlyphHeight + Line];
        if (Cursor && Line >= GlyphHeight - 2)
            Bits = 0xFF;
        for (ULONG X = 0; X < GlyphWidth; ++X)
            At[X] = Bits >> (7 - X) & 1 ? Foreground : Background;
    }
}

}
