// Characters as bytes and back: UTF-8, and code pages of one byte a character from the system's c_*.nls files.
#include "drivers/console/condrv/condrv.hpp"

namespace condrv {

namespace {

constexpr u32 Utf8 = 65001, Tables = 16, HeaderWords = 13;
struct CodePage {
    u32 Number;
    wchar_t Chars[256];
} Pages[Tables];
u32 Loaded;

const CodePage* Find(u32 Number)
{
    for (u32 I = 0; I < Loaded; ++I)
        if (Pages[I].Number == Number)
            return &Pages[I];
    return nullptr;
}

// Words of the file: 0 the header's length (13), 2 bytes a character at most; behind the header one word, then 256 characters.
NTSTATUS ReadTable(u32 Number, wchar_t* To)
{
    WCHAR Path[] = L"\\SystemRoot\\System32\\c_00000.nls";
    WCHAR Digits[6];
    u32 N = 0;
    for (u32 Left = Number; Left || !N; Left /= 10)
        Digits[N++] = WCHAR(L'0' + Left % 10);
    u32 At = 23;
    while (N)
        Path[At++] = Digits[--N];
    for (const WCHAR* End = L".nls"; *End;)
        Path[At++] = *End++;
    Path[At] = 0;
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Attributes;
    InitializeObjectAttributes(&Attributes, &Name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    IO_STATUS_BLOCK Io;
    HANDLE File;
    NTSTATUS Status = ZwOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Io, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
        return STATUS_INVALID_PARAMETER;
    static USHORT Words[HeaderWords + 1 + 256];
    LARGE_INTEGER Zero {};
    Status = ZwReadFile(File, nullptr, nullptr, nullptr, &Io, Words, sizeof(Words), &Zero, nullptr);
    ZwClose(File);
    if (!NT_SUCCESS(Status) || Io.Information != sizeof(Words) || Words[0] != HeaderWords || Words[2] != 1)
        return STATUS_INVALID_PARAMETER;
    for (u32 I = 0; I < 256; ++I)
        To[I] = wchar_t(Words[HeaderWords + 1 + I]);
    return STATUS_SUCCESS;
}

}

NTSTATUS LoadCodePage(u32 Number)
{
    if (Number == Utf8)
        return STATUS_SUCCESS;
    if (Number > 65535)
        return STATUS_INVALID_PARAMETER;
    {
        Hold Held;
        if (Find(Number))
            return STATUS_SUCCESS;
    }
    static FAST_MUTEX Reading;          // of the words above
    static LONG Ready;
    if (InterlockedCompareExchange(&Ready, 1, 0) == 0)
        ExInitializeFastMutex(&Reading);
    CodePage New { Number, {} };
    if (NTSTATUS Status = ReadTable(Number, New.Chars); !NT_SUCCESS(Status))
        return Status;
    Hold Held;
    if (!Find(Number)) {
        if (Loaded == Tables)
            return STATUS_INVALID_PARAMETER;
        Pages[Loaded++] = New;
    }
    return STATUS_SUCCESS;
}

NTSTATUS Decode(u32 CodePageNumber, const UCHAR* From, ULONG Bytes, u8* Cut, u32& CutBytes, Vector<wchar_t>& To)
{
    if (!To.Reserve(Bytes + 2).Ok())
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const CodePage* P = Find(CodePageNumber)) {
        for (ULONG I = 0; I < Bytes; ++I)
            (void)To.Push(P->Chars[From[I]]);
        return STATUS_SUCCESS;
    }
    auto Length = [](u8 B) -> u32 { return B < 0x80 ? 1 : B >= 0xC2 && B < 0xE0 ? 2 : B >= 0xE0 && B < 0xF0 ? 3 : B >= 0xF0 && B < 0xF5 ? 4 : 0; };
    for (ULONG I = 0; I < Bytes;) {
        u8 B = From[I];
        if (!CutBytes && B < 0x80) [[likely]] {
            (void)To.Push(wchar_t(B));
            ++I;
            continue;
        }
        if (CutBytes ? (B & 0xC0) != 0x80 : !Length(B)) {
            (void)To.Push(wchar_t(0xFFFD));
            if (CutBytes)
                CutBytes = 0;           // and B again
            else
                ++I;
            continue;
        }
        Cut[CutBytes++] = B;
        ++I;
        u32 Whole = Length(Cut[0]);
        if (CutBytes < Whole)
            continue;
        u32 P = Cut[0] & (0xFF >> (Whole + 1));
        for (u32 K = 1; K < Whole; ++K)
            P = P << 6 | (Cut[K] & 0x3F);
        CutBytes = 0;
        if (P > 0x10FFFF || (P >= 0xD800 && P < 0xE000) || (Whole == 3 && P < 0x800) || (Whole == 4 && P < 0x10000)) {
            (void)To.Push(wchar_t(0xFFFD));
        } else if (P >= 0x10000) {
            (void)To.Push(wchar_t(0xD7C0 + (P >> 10)));
            (void)To.Push(wchar_t(0xDC00 | (P & 0x3FF)));
        } else {
            (void)To.Push(wchar_t(P));
        }
    }
    return STATUS_SUCCESS;
}

u32 Encode(u32 CodePageNumber, wchar_t C, wchar_t Low, u8* To)
{
    if (const CodePage* P = Find(CodePageNumber)) {
        for (u32 I = 0; I < 256; ++I)
            if (P->Chars[I] == C) {
                *To = u8(I);
                return 1;
            }
        *To = '?';
        return 1;
    }
    u32 P = Low ? 0x10000 + ((u32(C) - 0xD800) << 10) + (u32(Low) - 0xDC00) : C;
    if (!Low && C >= 0xD800 && C < 0xE000)
        P = 0xFFFD;
    if (P < 0x80) {
        To[0] = u8(P);
        return 1;
    }
    u32 N = P < 0x800 ? 2 : P < 0x10000 ? 3 : 4;
    for (u32 I = N - 1; I; --I, P >>= 6)
        To[I] = u8(0x80 | (P & 0x3F));
    To[0] = u8(P | (0xF00 >> N & 0xFF));
    return N;
}

}
