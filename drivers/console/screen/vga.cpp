// The VGA's text mode (IBM VGA technical reference; the registers are those of every PC display adapter of PCI class 03 00).
#include "drivers/console/screen/screen.hpp"

namespace screen {

namespace {

// Offsets from 3C0h.
enum : ULONG { AttributeIndex = 0x00, MiscellaneousOutput = 0x02, Sequencer = 0x04, Graphics = 0x0E, Crtc = 0x14, Status = 0x1A };
constexpr ULONG TextWindow = 0x18000;   // B8000h in the window

UCHAR Get(Adapter& A, ULONG Group, UCHAR Index)
{
    Out8(A.Ports + Group, Index);
    return In8(A.Ports + Group + 1);
}
void Set(Adapter& A, ULONG Group, UCHAR Index, UCHAR Value)
{
    Out8(A.Ports + Group, Index);
    Out8(A.Ports + Group + 1, Value);
}

// Mode 3, 80 columns and 25 rows of cells of 9 by 16, but with 16 background colours instead of blinking.
void SetMode3(Adapter& A)
{
    constexpr UCHAR SequencerValues[] = { 0x03, 0x00, 0x03, 0x00, 0x02 }, GraphicsValues[] = { 0, 0, 0, 0, 0, 0x10, 0x0E, 0, 0xFF },
                    CrtcValues[] = { 0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF },
                    AttributeValues[] = { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x04, 0, 0x0F, 0x08, 0 };
    Out8(A.Ports + MiscellaneousOutput, 0x67);
    for (UCHAR I = 0; I < sizeof(SequencerValues); ++I)
        Set(A, Sequencer, I, SequencerValues[I]);
    Set(A, Crtc, 0x11, 0x0E);           // the first registers can be written
    for (UCHAR I = 0; I < sizeof(CrtcValues); ++I)
        Set(A, Crtc, I, CrtcValues[I]);
    for (UCHAR I = 0; I < sizeof(GraphicsValues); ++I)
        Set(A, Graphics, I, GraphicsValues[I]);
    (void)In8(A.Ports + Status);        // the next one to the attribute controller is an index
    for (UCHAR I = 0; I < sizeof(AttributeValues); ++I) {
        Out8(A.Ports + AttributeIndex, I);
        Out8(A.Ports + AttributeIndex, AttributeValues[I]);
    }
    Out8(A.Ports + AttributeIndex, 0x20);       // the picture on
}

// Plane 2 has the font, 32 bytes for each character: it is let into A0000h for the time of reading.
void ReadFont(Adapter& A)
{
    UCHAR Mask = Get(A, Sequencer, 2), Memory = Get(A, Sequencer, 4), Map = Get(A, Graphics, 4), Mode = Get(A, Graphics, 5), Misc = Get(A, Graphics, 6);
    Set(A, Sequencer, 4, 0x06);         // all of the memory, no odd and even planes
    Set(A, Graphics, 4, 2);
    Set(A, Graphics, 5, 0);
    Set(A, Graphics, 6, 0x04);          // A0000h, 64 KiB
    for (ULONG G = 0; G < Glyphs; ++G)
        for (ULONG Line = 0; Line < GlyphHeight; ++Line)
            A.Font[G * GlyphHeight + Line] = A.Window[G * 32 + Line];
    Set(A, Sequencer, 2, Mask);
    Set(A, Sequencer, 4, Memory);
    Set(A, Graphics, 4, Map);
    Set(A, Graphics, 5, Mode);
    Set(A, Graphics, 6, Misc);
}

}

bool StartText(Adapter& A)
{
    SetMode3(A);
    ReadFont(A);
    for (ULONG I = 0; I < GlyphHeight; ++I)
        if (A.Font['A' * GlyphHeight + I])
            return true;
    return false;
}

void PutText(Adapter& A, ULONG Index, Cell C)
{
    *reinterpret_cast<volatile USHORT*>(A.Window + TextWindow + Index * 2) = USHORT(C.Character | C.Attribute << 8);
}

void PutTextCursor(Adapter& A, ULONG Index, bool Visible)
{
    Set(A, Crtc, 0x0E, UCHAR(Index >> 8));
    Set(A, Crtc, 0x0F, UCHAR(Index));
    UCHAR Start = Get(A, Crtc, 0x0A);
    Set(A, Crtc, 0x0A, Visible ? Start & ~0x20 : Start | 0x20);
}

}
