// Reading neptune.ini.
#include "user/smss/smss.hpp"

extern "C" {
PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Size);
PVOID NTAPI RtlReAllocateHeap(PVOID Heap, ULONG Flags, PVOID Memory, SIZE_T Size);
BOOLEAN NTAPI RtlFreeHeap(PVOID Heap, ULONG Flags, PVOID Memory);
PEB* NTAPI RtlGetCurrentPeb();
NTSTATUS NTAPI RtlUTF8ToUnicodeN(WCHAR* To, ULONG Room, ULONG* Used, const char* From, ULONG Bytes);
}

namespace smss {

Text::~Text()
{
    if (Buffer_)
        RtlFreeHeap(RtlGetCurrentPeb()->ProcessHeap, 0, Buffer_);
}

bool Text::Append(const WCHAR* Chars, u32 Length)
{
    if (Length_ + Length + 1 > Room_) {
        u32 Room = (Length_ + Length + 1) * 2;
        PVOID Heap = RtlGetCurrentPeb()->ProcessHeap;
        PVOID Bigger = Buffer_ ? RtlReAllocateHeap(Heap, 0, Buffer_, Room * 2) : RtlAllocateHeap(Heap, 0, Room * 2);
        if (!Bigger)
            return false;
        Buffer_ = static_cast<WCHAR*>(Bigger);
        Room_ = Room;
    }
    for (u32 I = 0; I < Length; ++I)
        Buffer_[Length_ + I] = Chars[I];
    Length_ += Length;
    Buffer_[Length_] = 0;
    return true;
}

bool Text::AppendUtf8(const char* Bytes, u32 Length)
{
    WCHAR Piece[256];
    while (Length) {
        // Never cut a character: step back over continuation bytes.
        u32 Now = Length < 200 ? Length : 200;
        while (Now < Length && Now > 1 && (Bytes[Now] & 0xC0) == 0x80)
            --Now;
        ULONG Used = 0;
        RtlUTF8ToUnicodeN(Piece, sizeof(Piece), &Used, Bytes, Now);
        if (!Append(Piece, Used / 2))
            return false;
        Bytes += Now;
        Length -= Now;
    }
    return true;
}

namespace {

struct Span {
    const char* Start;
    u32 Length;
    bool Is(const char* Other) const
    {
        u32 I = 0;
        for (; I < Length && Other[I]; ++I) {
            if (Start[I] != Other[I])
                return false;
        }
        return I == Length && !Other[I];
    }
};

// The value with its continuation lines.
void Value(const char*& At, const char* End, Text& Out)
{
    for (;;) {
        const char* Start = At;
        while (At < End && *At != '\n')
            ++At;
        u32 Length = u32(At - Start);
        if (Length && Start[Length - 1] == '\r')
            --Length;
        Out.AppendUtf8(Start, Length);
        if (At < End)
            ++At;
        if (At == End || *At != '\t')
            return;
        ++At;
        Out.Append(L"\n", 1);
    }
}

}

void Parse(const char* Bytes, u64 Length, Sink& To)
{
    const char *At = Bytes, *End = Bytes + Length;
    if (Length >= 3 && u8(At[0]) == 0xEF && u8(At[1]) == 0xBB && u8(At[2]) == 0xBF)
        At += 3;
    // One program is built at a time.
    alignas(Program) char Room[sizeof(Program)];
    Program* Current = nullptr;
    auto Finish = [&] {
        if (Current) {
            To.OnProgram(*Current);
            Current->~Program();
            Current = nullptr;
        }
    };
    while (At < End) {
        const char* Line = At;
        while (At < End && *At != '=' && *At != '\n')
            ++At;
        Span Key { Line, u32(At - Line) };
        if (At == End || *At == '\n') {
            if (At < End)
                ++At;
            if (Key.Length && *Line != '#' && *Line != '\r')
                To.OnMistake(Line, Key.Length);
            continue;
        }
        ++At;
        Text V;
        Value(At, End, V);
        auto Is = [&](const WCHAR* Word) {
            u32 I = 0;
            while (I < V.Length() && V.Chars()[I] == Word[I])
                ++I;
            return I == V.Length() && !Word[I];
        };
        if (Key.Is("mode")) {
            if (Is(L"run") || Is(L"shell") || Is(L"init"))
                To.OnMode(Is(L"run") ? Mode::Run : Is(L"shell") ? Mode::Shell : Mode::Init);
            else
                To.OnMistake(Line, u32(At - Line));
        } else if (Key.Is("disk")) {
            To.OnDisk(V);
        } else if (Key.Is("dir")) {
            To.OnDirectory(V);
        } else if (Key.Is("mark")) {
            To.OnMark(V);
        } else if (Key.Is("driver")) {
            Finish();
            To.OnDriver(V);
        } else if (Key.Is("drive")) {
            Finish();
            To.OnDrive(V);
        } else if (Key.Is("volumes")) {
            Finish();
            u32 Count = 0;
            for (u32 I = 0; I < V.Length(); ++I)
                Count = V.Chars()[I] >= L'0' && V.Chars()[I] <= L'9' && Count < 100 ? Count * 10 + (V.Chars()[I] - L'0') : 1000;
            if (Count && Count < 1000)
                To.OnVolumes(Count);
            else
                To.OnMistake(Line, Key.Length);
        } else if (Key.Is("console")) {
            Finish();
            u32 Numbers[2] {}, At = 0;
            for (u32 I = 0; I < V.Length() && At < 2; ++I)
                if (V.Chars()[I] == L'x')
                    ++At;
                else
                    Numbers[At] = V.Chars()[I] >= L'0' && V.Chars()[I] <= L'9' && Numbers[At] < 1000 ? Numbers[At] * 10 + (V.Chars()[I] - L'0') : 10000;
            if (At == 1)
                To.OnConsole(Numbers[0], Numbers[1]);
            else
                To.OnMistake(Line, Key.Length);
        } else if (Key.Is("image")) {
            Finish();
            Current = new (Room) Program;
            Current->Image.Append(V.Chars(), V.Length());
        } else if (Current && Key.Is("command")) {
            Current->Command.Append(V.Chars(), V.Length());
        } else if (Current && Key.Is("directory")) {
            Current->Directory.Append(V.Chars(), V.Length());
        } else if (Current && Key.Is("env")) {
            Current->Environment.Append(V.Chars(), V.Length());
            Current->Environment.Append(L"", 1);
        } else {
            To.OnMistake(Line, Key.Length);
        }
    }
    Finish();
}

}
