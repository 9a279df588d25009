// Requests to screen buffers.
#include "drivers/console/condrv/condrv.hpp"

namespace condrv {

using console::Part;
using console::Rect;

namespace {

constexpr u32 Colours[16] = { 0x0C0C0C, 0xDA3700, 0x0EA113, 0xDD963A, 0x1F0FC5, 0x981788, 0x009CC1, 0xCCCCCC,
                              0x767676, 0xFF783B, 0x0CC616, 0xD6D661, 0x5648E7, 0x9E00B4, 0xA5F1F9, 0xF2F2F2 };

Part PartOf(u32 Mode) { return Mode == 0 ? Part::Text : Mode == 1 ? Part::Attribute : Part::Both; }
Rect Wide(const SmallRect& R) { return { R.Left, R.Top, R.Right, R.Bottom }; }
i16 Short(i32 V) { return i16(V); }

void GetInfo(Screen& S, OutputInfo& To)
{
    const Buffer& B = S.Cells;
    const Console* C = S.Of;
    To.CursorSize = i16(B.CursorSize);
    To.CursorVisible = B.CursorVisible;
    To.CursorX = Short(B.X);
    To.CursorY = Short(B.Y);
    To.Width = Short(B.Width());
    To.Height = Short(B.Height());
    To.Attribute = i16(B.Attribute);
    To.PopupAttribute = i16(B.PopupAttribute);
    To.Window = { Short(B.Window.Left), Short(B.Window.Top), Short(B.Window.Right), Short(B.Window.Bottom) };
    To.MaxWidth = Short(C ? C->Columns : 80);
    To.MaxHeight = Short(C ? C->Rows : 25);
    To.FontWidth = 8;
    To.FontHeight = 16;
    To.FontWeight = 400;
    To.FontPitchFamily = 0x30;
    for (u32 I = 0; I < 16; ++I)
        To.Colours[I] = Colours[I];
}

NTSTATUS SetInfo(Screen& S, const OutputInfoParameters& P)
{
    Buffer& B = S.Cells;
    const OutputInfo& I = P.Info;
    if (P.Mask & SetCursorGeometry) {
        if (I.CursorSize < 1 || I.CursorSize > 100)
            return STATUS_INVALID_PARAMETER;
        B.CursorSize = u32(I.CursorSize);
        B.CursorVisible = I.CursorVisible != 0;
    }
    if (P.Mask & SetSize) {
        if (I.Width < 1 || I.Height < 1)
            return STATUS_INVALID_PARAMETER;
        if (!B.Resize(I.Width, I.Height).Ok())
            return STATUS_INVALID_PARAMETER;
    }
    if ((P.Mask & SetCursorPosition) && !B.SetCursor(I.CursorX, I.CursorY))
        return STATUS_INVALID_PARAMETER;
    if (P.Mask & SetAttribute) {
        B.Attribute = u16(I.Attribute);
        B.Fore = B.Back = 0;
    }
    if (P.Mask & SetPopupAttribute)
        B.PopupAttribute = u16(I.PopupAttribute);
    if (P.Mask & SetWindow) {
        Rect W = Wide(I.Window);
        if (S.Of && (W.Width() > S.Of->Columns || W.Height() > S.Of->Rows))
            return STATUS_INVALID_PARAMETER;
        if (!B.SetWindow(W))
            return STATUS_INVALID_PARAMETER;
        B.Dirty(0, B.Height() - 1);
    }
    return STATUS_SUCCESS;              // fonts and the largest size are the terminal's
}

// Data follows the parameters; both lie in the system buffer, where the answer goes.
NTSTATUS Write(Screen& S, UCHAR* Data, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done)
{
    if ((OutBytes != sizeof(u32) && OutBytes != sizeof(SmallRect)) || InBytes < sizeof(OutputParameters))
        return STATUS_INVALID_PARAMETER;
    OutputParameters P;
    memcpy(&P, Data, sizeof(P));
    Buffer& B = S.Cells;
    if (P.Mode > 2 || (OutBytes == sizeof(SmallRect) && !P.Width))
        return STATUS_INVALID_PARAMETER;
    u32 Size = P.Mode == 2 ? sizeof(CharInfo) : 2, Count = (InBytes - ULONG(sizeof(P))) / Size, I = 0;
    if (P.X >= u32(B.Width()))
        return STATUS_SUCCESS;
    const UCHAR* From = Data + sizeof(P);
    for (; I < Count; ++I, From += Size) {
        u64 X = P.Width ? u64(P.X) + I % P.Width : (u64(P.X) + I) % u32(B.Width());
        u64 Y = P.Width ? u64(P.Y) + I / P.Width : P.Y + (u64(P.X) + I) / u32(B.Width());
        if (Y >= u32(B.Height()))
            break;
        if (X >= u32(B.Width()))
            continue;
        CharInfo C {};
        memcpy(P.Mode == 1 ? static_cast<void*>(&C.Attribute) : &C, From, Size);
        B.Put(i32(X), i32(Y), C.Char, C.Attribute, PartOf(P.Mode));
    }
    if (OutBytes == sizeof(SmallRect)) {
        u64 Right = u64(P.X) + P.Width, Bottom = u64(P.Y) + Count / P.Width;
        SmallRect R { i16(P.X), i16(P.Y), i16((Right < u32(B.Width()) ? Right : u32(B.Width())) - 1), i16((Bottom < u32(B.Height()) ? Bottom : u32(B.Height())) - 1) };
        memcpy(Data, &R, sizeof(R));
    } else {
        memcpy(Data, &I, sizeof(I));
    }
    Done = OutBytes;
    return STATUS_SUCCESS;
}

NTSTATUS Read(Screen& S, UCHAR* Data, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done)
{
    if (InBytes != sizeof(OutputParameters))
        return STATUS_INVALID_PARAMETER;
    OutputParameters P;
    memcpy(&P, Data, sizeof(P));
    const Buffer& B = S.Cells;
    bool Inside = P.X < u32(B.Width()) && P.Y < u32(B.Height());
    if (P.Mode < 2) {
        u32 Count = Inside ? B.Room(i32(P.X), i32(P.Y), OutBytes / 2) : 0;
        i32 X = i32(P.X), Y = i32(P.Y);
        for (u32 I = 0; I < Count; ++I) {
            const console::Cell& C = B.Row(Y)[X];
            memcpy(Data + I * 2, P.Mode ? static_cast<const void*>(&C.Attribute) : &C.Char, 2);
            if (++X == B.Width()) {
                X = 0;
                ++Y;
            }
        }
        Done = Count * 2;
        return STATUS_SUCCESS;
    }
    if (P.Mode > 2 || !P.Width || OutBytes < sizeof(SmallRect) || !Inside)
        return STATUS_INVALID_PARAMETER;
    u64 Rows = (OutBytes - sizeof(SmallRect)) / (u64(P.Width) * sizeof(CharInfo));
    if (Rows > u32(B.Height()) - P.Y)
        Rows = u32(B.Height()) - P.Y;
    u32 Width = P.Width < u32(B.Width()) - P.X ? P.Width : u32(B.Width()) - P.X;
    SmallRect R { i16(P.X), i16(P.Y), i16(P.X + Width - 1), i16(P.Y + Rows - 1) };
    memcpy(Data, &R, sizeof(R));
    UCHAR* To = Data + sizeof(R);
    for (u32 Y = 0; Y < Rows; ++Y)
        for (u32 X = 0; X < Width; ++X, To += sizeof(CharInfo)) {
            const console::Cell& C = B.Row(i32(P.Y + Y))[P.X + X];
            CharInfo I { C.Char, C.Attribute };
            memcpy(To, &I, sizeof(I));
        }
    Done = ULONG_PTR(To - Data);
    return STATUS_SUCCESS;
}

NTSTATUS Fill(Screen& S, UCHAR* Data, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done)
{
    FillParameters P;
    if (InBytes != sizeof(P) || OutBytes != sizeof(u32))
        return STATUS_INVALID_PARAMETER;
    memcpy(&P, Data, sizeof(P));
    if (P.Mode < 0 || P.Mode > 2)
        return STATUS_INVALID_PARAMETER;
    u32 Count = S.Cells.Room(P.X, P.Y, u32(P.Count));
    S.Cells.Fill(P.X, P.Y, Count, P.Char, P.Attribute, PartOf(u32(P.Mode)));
    memcpy(Data, &Count, sizeof(Count));
    Done = sizeof(Count);
    return STATUS_SUCCESS;
}

NTSTATUS Move(Screen& S, const UCHAR* Data, ULONG InBytes, ULONG OutBytes)
{
    ScrollParameters P;
    if (InBytes != sizeof(P) || OutBytes)
        return STATUS_INVALID_PARAMETER;
    memcpy(&P, Data, sizeof(P));
    return S.Cells.Scroll(Wide(P.From), P.ToX, P.ToY, Wide(P.Clip), P.Fill.Char, P.Fill.Attribute).Ok() ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS WriteText(Screen& S, std::span<const wchar_t> Text)
{
    S.Cells.Write(S, Text, S.Mode);
    return STATUS_SUCCESS;
}

}

NTSTATUS WriteBytes(Screen& S, const UCHAR* From, ULONG Bytes)
{
    Vector<wchar_t> Text;
    NTSTATUS Status = Decode(S.Of ? S.Of->OutputCp : 65001, From, Bytes, S.Cut, S.CutBytes, Text);
    return NT_SUCCESS(Status) ? WriteText(S, Text.Span()) : Status;
}

NTSTATUS OutputControl(Screen& S, PIRP Irp, ULONG Code, ULONG InBytes, ULONG OutBytes, ULONG_PTR& Done)
{
    auto* Data = static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer);
    switch (Code) {
    case GetMode:
        if (InBytes || OutBytes != sizeof(u32))
            return STATUS_INVALID_PARAMETER;
        memcpy(Data, &S.Mode, sizeof(u32));
        Done = sizeof(u32);
        return STATUS_SUCCESS;
    case SetMode:
        if (InBytes != sizeof(u32) || OutBytes)
            return STATUS_INVALID_PARAMETER;
        memcpy(&S.Mode, Data, sizeof(u32));
        return STATUS_SUCCESS;
    case IsUnix: return STATUS_NOT_SUPPORTED;
    case Activate:
        if (InBytes || OutBytes)
            return STATUS_INVALID_PARAMETER;
        if (!S.Of)
            return STATUS_INVALID_HANDLE;
        MakeActive(S);
        return STATUS_SUCCESS;
    case WriteConsole:
        if (InBytes % 2 || OutBytes)
            return STATUS_INVALID_PARAMETER;
        return WriteText(S, { reinterpret_cast<wchar_t*>(Data), InBytes / 2 });
    case WriteFile:
        Done = InBytes;
        return WriteBytes(S, Data, InBytes);
    case WriteOutput: return Write(S, Data, InBytes, OutBytes, Done);
    case ReadOutput: return Read(S, Data, InBytes, OutBytes, Done);
    case FillOutput: return Fill(S, Data, InBytes, OutBytes, Done);
    case Scroll: return Move(S, Data, InBytes, OutBytes);
    case GetOutputInfo: {
        if (InBytes || OutBytes < sizeof(OutputInfo))
            return STATUS_INVALID_PARAMETER;
        OutputInfo I;
        GetInfo(S, I);
        memcpy(Data, &I, sizeof(I));
        // The font's name follows, if there is room.
        static constexpr wchar_t Font[] = L"Terminal";
        Done = sizeof(I);
        if (OutBytes >= sizeof(I) + sizeof(Font) - 2) {
            memcpy(Data + sizeof(I), Font, sizeof(Font) - 2);
            Done += sizeof(Font) - 2;
        }
        return STATUS_SUCCESS;
    }
    case SetOutputInfo: {
        OutputInfoParameters P;
        if (InBytes < sizeof(P) || OutBytes)
            return STATUS_INVALID_PARAMETER;
        memcpy(&P, Data, sizeof(P));
        return SetInfo(S, P);
    }
    default: return STATUS_INVALID_HANDLE;
    }
}

}
