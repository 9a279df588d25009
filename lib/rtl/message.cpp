// Messages: texts with inserts, and finding them in a module's message table.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

#if defined(_WIN32)
extern "C" NTSTATUS NTAPI LdrFindResource_U(PVOID Module, const LDR_RESOURCE_INFO* Info, ULONG Level, const IMAGE_RESOURCE_DATA_ENTRY** Entry);
extern "C" NTSTATUS NTAPI LdrAccessResource(PVOID Module, const IMAGE_RESOURCE_DATA_ENTRY* Entry, PVOID* At, ULONG* Size);
#endif

namespace {

constexpr u32 MaxInsert = 99;

// The arguments. Those of a va_list are fetched in order and kept, since inserts may name them in any; width and precision
// written as stars come before the value, and with a va_list do not count as inserts: the next insert takes the value's number.
struct Inserts {
    va_list* List;
    ULONG_PTR* Array;
    ULONG_PTR Values[MaxInsert + 4];
    u32 Known = 0;                      // of Values; of Array: the highest insert so far

    ULONG_PTR Fetch(u32 Number)
    {
        while (Known < Number)
            Values[Known++] = va_arg(*List, ULONG_PTR);
        return Values[Number - 1];
    }
    // The printf arguments of one insert: its stars and its value.
    void Collect(u32 Number, u32 Stars, ULONG_PTR (&To)[3])
    {
        if (Array) {
            To[0] = Array[Number - 1];
            if (Known < Number)
                Known = Number;
            for (u32 I = 0; I < Stars; ++I)
                To[I + 1] = Array[Known++];
            return;
        }
        if (Number > 1)
            Fetch(Number - 1);
        for (u32 I = 0; I < Stars; ++I)
            To[I] = Fetch(I ? Known + 1 : Number);
        if (Stars) {
            --Known;
            To[Stars] = Fetch(Known + 1);
        } else {
            To[0] = Fetch(Number);
        }
    }
};

struct Writer {
    WCHAR* To;
    usize Room, Used = 0;               // characters
    usize LineStart = 0;
    usize Space = ~usize(0);            // where the line may be broken

    bool Put(const WCHAR* Text, usize Count)
    {
        if (Count > Room - Used)
            return false;
        CRT(memcpy)(To + Used, Text, Count * 2);
        Used += Count;
        return true;
    }
    void StartLine()
    {
        LineStart = Used;
        Space = ~usize(0);
    }
    // Breaks a line that has reached the width: at its last space, which with others before it goes, or right here.
    bool Wrap(ULONG Width)
    {
        if (!Width || Used - LineStart < Width)
            return true;
        usize Cut = Used, Next = Used;
        if (Space != ~usize(0)) {
            Cut = Space;
            Next = Space + 1;
            while (Cut > LineStart && (To[Cut - 1] == ' ' || To[Cut - 1] == '\t'))
                --Cut;
        }
        if (Cut + 2 + (Used - Next) > Room)
            return false;
        CRT(memmove)(To + Cut + 2, To + Next, (Used - Next) * 2);
        To[Cut] = '\r';
        To[Cut + 1] = '\n';
        Used = Cut + 2 + (Used - Next);
        LineStart = Cut + 2;
        Space = ~usize(0);
        return true;
    }
};

bool Contains(const char* Set, WCHAR C)
{
    for (; *Set; ++Set)
        if (C == *Set)
            return true;
    return false;
}

// An insert, P behind its number: alone, or with a printf directive between exclamation marks.
NTSTATUS PutInsert(Writer& Out, Inserts& Args, u32 Number, const WCHAR*& P, bool Ansi)
{
    WCHAR Format[36] = { '%' };
    u32 Length = 1, Stars = 0;
    if (*P == '!') {
        const WCHAR* F = P + 1;
        const WCHAR* End = CRT(wcschr)(F, '!');
        if (!End || End - F > 30)
            return STATUS_INVALID_PARAMETER;
        P = End + 1;
        for (; F < End && Contains("0123456789 +-*#.", *F); ++F) {
            Stars += *F == '*';
            Format[Length++] = *F;
        }
        if (Stars > 2)
            return STATUS_INVALID_PARAMETER;
        // In a text for bytes, strings are of bytes.
        if (Ansi && F < End && Contains("cCsS", *F))
            Format[Length++] = *F++ ^ 0x20;
        while (F < End)
            Format[Length++] = *F++;
    } else {
        Format[Length++] = Ansi ? 'S' : 's';
    }
    Format[Length] = 0;
    if (!Args.Array && !Args.List)
        return STATUS_INVALID_PARAMETER;
    ULONG_PTR Values[3] = {};
    Args.Collect(Number, Stars, Values);
    usize Left = Out.Room - Out.Used;
    if (!Left)
        return STATUS_BUFFER_OVERFLOW;
    int Count = CRT(_snwprintf_s)(Out.To + Out.Used, Left, Left - 1, Format, Values[0], Values[1], Values[2]);
    if (Count < 0)
        return STATUS_BUFFER_OVERFLOW;
    Out.Used += usize(Count);
    return STATUS_SUCCESS;
}

}

extern "C" {

NTSTATUS NTAPI RtlFormatMessage(const WCHAR* Text, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN Array, va_list* Arguments, WCHAR* To, ULONG Room, ULONG* Size)
{
    Inserts Args { Array ? nullptr : Arguments, Array ? reinterpret_cast<ULONG_PTR*>(Arguments) : nullptr, {}, 0 };
    Writer Out { To, Room / 2 };
    for (const WCHAR* P = Text; *P;) {
        bool Fits = true;
        WCHAR C = *P++;
        if (C == '\r' && *P == '\n')
            ++P;
        if ((C == '\r' || C == '\n') && !Width) {
            Fits = Out.Put(L"\r\n", 2);
            Out.StartLine();
        } else if (C == '\r' || C == '\n' || C == ' ') {      // with a width the text's own lines flow together
            Out.Space = Out.Used;
            Fits = Out.Put(L" ", 1);
        } else if (C == '\t') {
            if (Out.Used && Out.Space == Out.Used - 1)
                Out.Space = Out.Used;
            Fits = Out.Put(L"\t", 1);
        } else if (C != '%') {
            Fits = Out.Put(&C, 1);
        } else if (!*P) {
            return STATUS_INVALID_PARAMETER;
        } else if (*P == '0') {         // the end, without a new line
            break;
        } else if (*P >= '1' && *P <= '9' && !IgnoreInserts) {
            u32 Number = u32(*P++ - '0');
            if (*P >= '0' && *P <= '9')
                Number = Number * 10 + u32(*P++ - '0');
            if (NTSTATUS Status = PutInsert(Out, Args, Number, P, Ansi); Status < 0)
                return Status;
        } else if (*P == 'n' || (*P == 't' && Width)) {
            ++P;
            Fits = Out.Put(L"\r\n", 2);
            Out.StartLine();
        } else if (*P == 't') {
            ++P;
            Fits = Out.Put(L"\t", 1);
        } else if (*P == 'r') {
            ++P;
            Fits = Out.Put(L"\r", 1);
            Out.StartLine();
        } else if (IgnoreInserts) {
            Fits = Out.Put(P - 1, 2);
            ++P;
        } else {
            Fits = Out.Put(P++, 1);
        }
        if (!Fits || !Out.Wrap(Width))
            return STATUS_BUFFER_OVERFLOW;
    }
    if (!Out.Put(L"", 1))
        return STATUS_BUFFER_OVERFLOW;
    if (Size)
        *Size = ULONG(Out.Used * 2);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI RtlFormatMessageEx(const WCHAR* Text, ULONG Width, BOOLEAN IgnoreInserts, BOOLEAN Ansi, BOOLEAN Array, va_list* Arguments, WCHAR* To, ULONG Room, ULONG* Size, ULONG)
{
    return RtlFormatMessage(Text, Width, IgnoreInserts, Ansi, Array, Arguments, To, Room, Size);
}

#if defined(_WIN32)
NTSTATUS NTAPI RtlFindMessage(PVOID Module, ULONG Type, ULONG Language, ULONG Id, MESSAGE_RESOURCE_ENTRY** Entry)
{
    LDR_RESOURCE_INFO Info = { Type, 1, Language };
    const IMAGE_RESOURCE_DATA_ENTRY* Found;
    if (NTSTATUS Status = LdrFindResource_U(Module, &Info, 3, &Found); Status < 0)
        return Status;
    PVOID At;
    ULONG Size;
    if (NTSTATUS Status = LdrAccessResource(Module, Found, &At, &Size); Status < 0)
        return Status;
    auto* Data = static_cast<MESSAGE_RESOURCE_DATA*>(At);
    if (Size < sizeof(DWORD) || Data->NumberOfBlocks > (Size - sizeof(DWORD)) / sizeof(MESSAGE_RESOURCE_BLOCK))
        return STATUS_INVALID_IMAGE_FORMAT;
    for (u32 I = 0; I < Data->NumberOfBlocks; ++I) {
        const MESSAGE_RESOURCE_BLOCK& Block = Data->Blocks[I];
        if (Id < Block.LowId || Id > Block.HighId)
            continue;
        u64 Offset = Block.OffsetToEntries;
        for (u32 Skip = Id - Block.LowId;; --Skip) {
            if (Offset > Size || Size - Offset < 4)
                return STATUS_INVALID_IMAGE_FORMAT;
            auto* Message = reinterpret_cast<MESSAGE_RESOURCE_ENTRY*>(static_cast<u8*>(At) + Offset);
            if (Message->Length < 4 || Message->Length > Size - Offset)
                return STATUS_INVALID_IMAGE_FORMAT;
            if (!Skip) {
                *Entry = Message;
                return STATUS_SUCCESS;
            }
            Offset += Message->Length;
        }
    }
    return STATUS_MESSAGE_NOT_FOUND;
}
#endif

}
