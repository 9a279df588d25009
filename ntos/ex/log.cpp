#include "ntos/ex/log.hpp"

#include "kernel/kernel.hpp"

namespace ex {

namespace {

// Collects a line; long ones go out in pieces.
class Line {
public:
    ~Line() { Flush(); }
    void Put(char C)
    {
        Text_[Used_++] = C;
        if (Used_ == sizeof(Text_))
            Flush();
    }
    void Put(u64 Value, u32 Base, u32 Width)
    {
        char Digits[24];
        u32 N = 0;
        do
            Digits[N++] = "0123456789abcdef"[Value % Base];
        while (Value /= Base);
        while (N < Width)
            Digits[N++] = '0';
        while (N)
            Put(Digits[--N]);
    }
    void Put(ob::Name Name)
    {
        for (usize I = 0; I < Name.Length; ++I) {
            u32 C = Name.Data[I];
            if (C < 0x80) {
                Put(char(C));
            } else if (C < 0x800) {
                Put(char(0xC0 | C >> 6));
                Put(char(0x80 | (C & 0x3F)));
            } else {
                Put(char(0xE0 | C >> 12));
                Put(char(0x80 | (C >> 6 & 0x3F)));
                Put(char(0x80 | (C & 0x3F)));
            }
        }
    }

private:
    void Flush()
    {
        if (Used_)
            kernel::DebugWrite(Text_, Used_);
        Used_ = 0;
    }
    char Text_[256];
    u32 Used_ = 0;
};

}

void LogList(const char* Format, const LogArgument* Arguments, usize Count)
{
    Line Out;
    usize Next = 0;
    for (const char* F = Format; *F; ++F) {
        if (*F != '%') {
            Out.Put(*F);
            continue;
        }
        char Kind = *++F;
        if (Kind == '%' || !Kind) {
            Out.Put('%');
            if (!Kind)
                return;
            continue;
        }
        if (Next == Count) {
            Out.Put('?');
            continue;
        }
        const LogArgument& A = Arguments[Next++];
        if (Kind == 's' && A.Kind == LogArgument::Text) {
            for (const char* S = A.String; *S; ++S)
                Out.Put(*S);
        } else if (Kind == 'S' && A.Kind == LogArgument::Wide) {
            Out.Put(A.Name);
        } else if (A.Kind != LogArgument::Number) {
            Out.Put('?');
        } else if (Kind == 'u') {
            Out.Put(A.Value, 10, 0);
        } else if (Kind == 'd') {
            if (i64(A.Value) < 0)
                Out.Put('-');
            Out.Put(i64(A.Value) < 0 ? 0 - A.Value : A.Value, 10, 0);
        } else if (Kind == 'x') {
            Out.Put(A.Value, 16, 0);
        } else if (Kind == 'p') {
            Out.Put(A.Value, 16, 16);
        } else {
            Out.Put('?');
        }
    }
}

}
