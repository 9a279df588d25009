// Screen buffers: size, and what is placed in them.
#include "lib/console/buffer.hpp"

namespace console {

using namespace nt;

namespace {

constexpr i32 MostSide = 32767;

i32 Least(i32 A, i32 B) { return A < B ? A : B; }

}

Status Buffer::Create(i32 Width, i32 Height, i32 WindowWidth, i32 WindowHeight, u16 With)
{
    if (Width < 1 || Height < 1 || Width > MostSide || Height > MostSide)
        return STATUS_INVALID_PARAMETER;
    if (u64(Width) * u64(Height) > MostCells)
        return STATUS_NO_MEMORY;
    TRY(Cells_.Resize(usize(Width) * usize(Height)));
    Width_ = Width;
    Height_ = Height;
    First_ = 0;
    Attribute = With;
    for (Cell& C : Cells_)
        C = Blank();
    Window = { 0, 0, Least(Width, WindowWidth) - 1, Least(Height, WindowHeight) - 1 };
    Dirty(0, Height - 1);
    return STATUS_SUCCESS;
}

Status Buffer::Resize(i32 Width, i32 Height, bool KeepCursor)
{
    if (Width == Width_ && Height == Height_)
        return STATUS_SUCCESS;
    if (Width < 1 || Height < 1 || Width > MostSide || Height > MostSide)
        return STATUS_INVALID_PARAMETER;
    if (u64(Width) * u64(Height) > MostCells)
        return STATUS_NO_MEMORY;
    Vector<Cell> New;
    TRY(New.Resize(usize(Width) * usize(Height)));
    i32 Gone = KeepCursor && Y >= Height ? Y - Height + 1 : 0;
    for (i32 R = 0; R < Height; ++R)
        for (i32 C = 0; C < Width; ++C)
            New[usize(R) * usize(Width) + usize(C)] = R + Gone < Height_ && C < Width_ ? Row(R + Gone)[C] : Blank();
    Cells_ = std::move(New);
    Other_.Clear();
    Width_ = Width;
    Height_ = Height;
    First_ = 0;
    Scrolled += u64(Gone);
    MarginTop_ = MarginEnd_ = 0;
    AtEnd = false;
    X = Least(X, Width - 1);
    Y = Least(Y - Gone, Height - 1);
    i32 W = Least(Window.Width(), Width), H = Least(Window.Height(), Height);
    Window.Left = Least(Window.Left, Width - W);
    Window.Top = Least(Window.Top, Height - H);
    Window.Right = Window.Left + W - 1;
    Window.Bottom = Window.Top + H - 1;
    Dirty(0, Height - 1);
    return STATUS_SUCCESS;
}

void Buffer::Dirty(i32 Top, i32 Bottom)
{
    if (DirtyTop == DirtyEnd) {
        DirtyTop = Top;
        DirtyEnd = Bottom + 1;
        return;
    }
    DirtyTop = Least(DirtyTop, Top);
    if (Bottom + 1 > DirtyEnd)
        DirtyEnd = Bottom + 1;
}

u32 Buffer::Room(i32 FromX, i32 FromY, u32 Count) const
{
    if (FromX < 0 || FromY < 0 || FromX >= Width_ || FromY >= Height_)
        return 0;
    u32 There = u32(Height_ - FromY) * u32(Width_) - u32(FromX);
    return Count < There ? Count : There;
}

void Buffer::Put(i32 AtX, i32 AtY, wchar_t Char, u16 With, Part What)
{
    if (AtX < 0 || AtY < 0 || AtX >= Width_ || AtY >= Height_)
        return;
    Cell& C = Row(AtY)[AtX];
    if (What != Part::Attribute)
        C.Char = Char;
    if (What != Part::Text) {
        C.Attribute = With;
        C.Fore = C.Back = 0;
    }
    Dirty(AtY, AtY);
}

void Buffer::Fill(i32 FromX, i32 FromY, u32 Count, wchar_t Char, u16 With, Part What)
{
    Count = Room(FromX, FromY, Count);
    for (i32 C = FromX, R = FromY; Count; --Count) {
        Put(C, R, Char, With, What);
        if (++C == Width_) {
            C = 0;
            ++R;
        }
    }
}

Status Buffer::Scroll(const Rect& From, i32 ToX, i32 ToY, const Rect& Clip, wchar_t Char, u16 With)
{
    Rect In = Clip.Clipped(All());
    if (In.IsEmpty() || From.IsEmpty() || From.Left < 0 || From.Top < 0 || From.Right >= Width_ || From.Bottom >= Height_ || ToX < 0 || ToY < 0 ||
        ToX >= Width_ || ToY >= Height_)
        return STATUS_INVALID_PARAMETER;
    Rect To { ToX, ToY, ToX + From.Width() - 1, ToY + From.Height() - 1 };
    Rect Target = To.Clipped(In), Source = From.Clipped(In);
    i32 ShiftX = From.Left - To.Left, ShiftY = From.Top - To.Top;
    // The order of rows and columns is such that nothing is overwritten before it has been copied.
    if (!Target.IsEmpty())
        for (i32 N = 0; N < Target.Height(); ++N) {
            i32 R = ShiftY < 0 ? Target.Bottom - N : Target.Top + N;
            for (i32 M = 0; M < Target.Width(); ++M) {
                i32 C = ShiftX < 0 ? Target.Right - M : Target.Left + M;
                Row(R)[C] = Row(R + ShiftY)[C + ShiftX];
            }
        }
    for (i32 R = Source.Top; R <= Source.Bottom; ++R)
        for (i32 C = Source.Left; C <= Source.Right; ++C)
            if (C < Target.Left || C > Target.Right || R < Target.Top || R > Target.Bottom)
                Row(R)[C] = { Char, With, 0, 0 };
    Dirty(Least(Source.Top, Target.Top), (Source.Bottom > Target.Bottom ? Source : Target).Bottom);
    return STATUS_SUCCESS;
}

bool Buffer::SetCursor(i32 ToX, i32 ToY)
{
    if (ToX < 0 || ToY < 0 || ToX >= Width_ || ToY >= Height_)
        return false;
    X = ToX;
    Y = ToY;
    AtEnd = false;
    ShowCursor();
    return true;
}

void Buffer::ShowCursor()
{
    i32 W = Window.Width(), H = Window.Height();
    if (X < Window.Left)
        Window.Left = X;
    if (X >= Window.Left + W)
        Window.Left = X - W + 1;
    if (Y < Window.Top)
        Window.Top = Y;
    if (Y >= Window.Top + H)
        Window.Top = Y - H + 1;
    Window.Right = Window.Left + W - 1;
    Window.Bottom = Window.Top + H - 1;
}

bool Buffer::SetWindow(const Rect& To)
{
    if (To.IsEmpty() || To.Left < 0 || To.Top < 0 || To.Right >= Width_ || To.Bottom >= Height_)
        return false;
    Window = To;
    return true;
}

}
