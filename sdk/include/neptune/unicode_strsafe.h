// The UNICODE_STRING functions of ntstrsafe.h: they never write past MaximumLength; what does not fit is cut, with STATUS_BUFFER_OVERFLOW.
#ifndef NEPTUNE_UNICODE_STRSAFE_H
#define NEPTUNE_UNICODE_STRSAFE_H
#include <stdarg.h>

#define NTSTRSAFE_UNICODE_STRING_MAX_CCH (0xffff / sizeof(WCHAR))
#ifndef STRSAFE_FILL_BEHIND
#define STRSAFE_FILL_BEHIND 0x00000200
#endif
#define NEPTUNE_STRSAFE FORCEINLINE NTSTATUS

NEPTUNE_STRSAFE RtlUnicodeStringValidate(const UNICODE_STRING *String)
{
    if (String == NULL || String->Length % sizeof(WCHAR) != 0 || String->MaximumLength % sizeof(WCHAR) != 0 || String->Length > String->MaximumLength ||
        (String->Buffer == NULL && (String->Length != 0 || String->MaximumLength != 0)))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}
NEPTUNE_STRSAFE RtlUnicodeStringValidateEx(const UNICODE_STRING *String, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    return RtlUnicodeStringValidate(String);
}
// The characters of a terminated string, at most Most of them.
FORCEINLINE SIZE_T NeptuneCount(const WCHAR *Text, SIZE_T Most)
{
    SIZE_T Count = 0;
    if (Text != NULL)
        while (Count < Most && Text[Count] != 0) Count++;
    return Count;
}
FORCEINLINE NTSTATUS RtlUnicodeStringInit(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source)
{
    SIZE_T Count = NeptuneCount(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH);
    RtlZeroMemory(Destination, sizeof(*Destination));
    if (Count >= NTSTRSAFE_UNICODE_STRING_MAX_CCH) return STATUS_INVALID_PARAMETER;
    if (Source != NULL) {
        Destination->Buffer = (PWCH)Source;
        Destination->Length = (USHORT)(Count * sizeof(WCHAR));
        Destination->MaximumLength = (USHORT)(Destination->Length + sizeof(WCHAR));
    }
    return STATUS_SUCCESS;
}
FORCEINLINE NTSTATUS RtlUnicodeStringInitEx(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, ULONG Flags)
{
    UNREFERENCED_PARAMETER(Flags);
    return RtlUnicodeStringInit(Destination, Source);
}
// Count characters to the place From (in characters) of the destination.
FORCEINLINE NTSTATUS NeptunePut(PUNICODE_STRING Destination, SIZE_T From, const WCHAR *Text, SIZE_T Count)
{
    SIZE_T Room;
    NTSTATUS Status = RtlUnicodeStringValidate(Destination);
    if (!NT_SUCCESS(Status)) return Status;
    Room = Destination->MaximumLength / sizeof(WCHAR) - From;
    if (Count > Room) {
        Count = Room;
        Status = STATUS_BUFFER_OVERFLOW;
    }
    RtlMoveMemory(Destination->Buffer + From, Text, Count * sizeof(WCHAR));
    Destination->Length = (USHORT)((From + Count) * sizeof(WCHAR));
    return Status;
}
#define NeptuneEnd(String) ((String)->Length / sizeof(WCHAR))
NEPTUNE_STRSAFE RtlUnicodeStringCopy(PUNICODE_STRING Destination, PCUNICODE_STRING Source) { return NeptunePut(Destination, 0, Source->Buffer, NeptuneEnd(Source)); }
NEPTUNE_STRSAFE RtlUnicodeStringCopyString(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source)
{
    return NeptunePut(Destination, 0, Source, NeptuneCount(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH));
}
NEPTUNE_STRSAFE RtlUnicodeStringCchCopyN(PUNICODE_STRING Destination, PCUNICODE_STRING Source, SIZE_T Count)
{
    return NeptunePut(Destination, 0, Source->Buffer, Count < NeptuneEnd(Source) ? Count : NeptuneEnd(Source));
}
NEPTUNE_STRSAFE RtlUnicodeStringCbCopyN(PUNICODE_STRING Destination, PCUNICODE_STRING Source, SIZE_T Bytes)
{
    return RtlUnicodeStringCchCopyN(Destination, Source, Bytes / sizeof(WCHAR));
}
NEPTUNE_STRSAFE RtlUnicodeStringCchCopyStringN(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, SIZE_T Count)
{
    return NeptunePut(Destination, 0, Source, NeptuneCount(Source, Count));
}
NEPTUNE_STRSAFE RtlUnicodeStringCbCopyStringN(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, SIZE_T Bytes)
{
    return RtlUnicodeStringCchCopyStringN(Destination, Source, Bytes / sizeof(WCHAR));
}
NEPTUNE_STRSAFE RtlUnicodeStringCat(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return NeptunePut(Destination, NeptuneEnd(Destination), Source->Buffer, NeptuneEnd(Source));
}
NEPTUNE_STRSAFE RtlUnicodeStringCatString(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source)
{
    return NeptunePut(Destination, NeptuneEnd(Destination), Source, NeptuneCount(Source, NTSTRSAFE_UNICODE_STRING_MAX_CCH));
}
NEPTUNE_STRSAFE RtlUnicodeStringCchCatN(PUNICODE_STRING Destination, PCUNICODE_STRING Source, SIZE_T Count)
{
    return NeptunePut(Destination, NeptuneEnd(Destination), Source->Buffer, Count < NeptuneEnd(Source) ? Count : NeptuneEnd(Source));
}
NEPTUNE_STRSAFE RtlUnicodeStringCbCatN(PUNICODE_STRING Destination, PCUNICODE_STRING Source, SIZE_T Bytes)
{
    return RtlUnicodeStringCchCatN(Destination, Source, Bytes / sizeof(WCHAR));
}
NEPTUNE_STRSAFE RtlUnicodeStringCchCatStringN(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, SIZE_T Count)
{
    return NeptunePut(Destination, NeptuneEnd(Destination), Source, NeptuneCount(Source, Count));
}
NEPTUNE_STRSAFE RtlUnicodeStringCbCatStringN(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Source, SIZE_T Bytes)
{
    return RtlUnicodeStringCchCatStringN(Destination, Source, Bytes / sizeof(WCHAR));
}
NEPTUNE_STRSAFE RtlUnicodeStringVPrintf(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Format, va_list Arguments)
{
    SIZE_T Room;
    int Made;
    NTSTATUS Status = RtlUnicodeStringValidate(Destination);
    if (!NT_SUCCESS(Status)) return Status;
    Room = Destination->MaximumLength / sizeof(WCHAR);
    Made = Room != 0 ? _vsnwprintf(Destination->Buffer, Room, Format, Arguments) : -1;
    if (Made < 0 || (SIZE_T)Made > Room) {
        Destination->Length = (USHORT)(Room * sizeof(WCHAR));
        return STATUS_BUFFER_OVERFLOW;
    }
    Destination->Length = (USHORT)((SIZE_T)Made * sizeof(WCHAR));
    return STATUS_SUCCESS;
}
static inline NTSTATUS RtlUnicodeStringPrintf(PUNICODE_STRING Destination, NTSTRSAFE_PCWSTR Format, ...)
{
    NTSTATUS Status;
    va_list Arguments;
    va_start(Arguments, Format);
    Status = RtlUnicodeStringVPrintf(Destination, Format, Arguments);
    va_end(Arguments);
    return Status;
}
#undef NEPTUNE_STRSAFE
#endif
