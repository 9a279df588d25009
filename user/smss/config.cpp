#include "user/smss/config.hpp"

#include "abi/nt/io.hpp"
#include "abi/services.hpp"
#include "lib/rtl/rtl.hpp"

extern "C" PVOID NTAPI RtlAllocateHeap(PVOID Heap, ULONG Flags, SIZE_T Bytes);

namespace smss {

static void* Allocate(SIZE_T Bytes)
{
    return RtlAllocateHeap(RtlGetCurrentPeb()->ProcessHeap, 8 /* zeroed */, Bytes);
}

static NTSTATUS ReadAll(const WCHAR* Path, char*& Data, ULONG& Size)
{
    UNICODE_STRING Name;
    RtlInitUnicodeString(&Name, Path);
    OBJECT_ATTRIBUTES Attributes { sizeof(Attributes), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE File;
    IO_STATUS_BLOCK Io;
    NTSTATUS Status = NtOpenFile(&File, FILE_READ_DATA | SYNCHRONIZE, &Attributes, &Io, FILE_SHARE_READ, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    if (!NT_SUCCESS(Status))
        return Status;
    FILE_STANDARD_INFORMATION Info;
    Status = NtQueryInformationFile(File, &Io, &Info, sizeof(Info), FileStandardInformation);
    if (NT_SUCCESS(Status)) {
        Size = ULONG(Info.EndOfFile.QuadPart);
        Data = static_cast<char*>(Allocate(Size + 1));
        Status = Data ? NtReadFile(File, nullptr, nullptr, nullptr, &Io, Data, Size, nullptr, nullptr) : STATUS_NO_MEMORY;
    }
    NtClose(File);
    return Status;
}

// UTF-8 to a terminated string of the heap.
static NTSTATUS Convert(const char* From, ULONG Bytes, Text& To)
{
    ULONG Needed = 0;
    NTSTATUS Status = RtlUTF8ToUnicodeN(nullptr, 0, &Needed, From, Bytes);
    if (!NT_SUCCESS(Status))
        return Status;
    if (Needed > 0xFFFC)
        return STATUS_NAME_TOO_LONG;
    To.Data = static_cast<WCHAR*>(Allocate(Needed + 2));
    if (!To.Data)
        return STATUS_NO_MEMORY;
    To.Bytes = USHORT(Needed);
    return RtlUTF8ToUnicodeN(To.Data, Needed, &Needed, From, Bytes);
}

static bool Is(const char* Key, ULONG Length, const char* Name)
{
    ULONG I = 0;
    while (I < Length && Name[I] == Key[I])
        ++I;
    return I == Length && !Name[I];
}

NTSTATUS ReadConfig(Config& To)
{
    char* Data;
    ULONG Size;
    NTSTATUS Status = ReadAll(L"\\??\\C:\\neptune.ini", Data, Size);
    if (!NT_SUCCESS(Status))
        return Status;
    // The environment is at most as long as the file.
    To.Environment = static_cast<WCHAR*>(Allocate((SIZE_T(Size) + 2) * sizeof(WCHAR)));
    if (!To.Environment)
        return STATUS_NO_MEMORY;
    SIZE_T Used = 0;
    for (ULONG At = 0; At < Size;) {
        ULONG End = At;
        while (End < Size && Data[End] != '\n')
            ++End;
        ULONG Equals = At;
        while (Equals < End && Data[Equals] != '=')
            ++Equals;
        const char* Value = Data + Equals + 1;
        ULONG Bytes = Equals < End ? End - Equals - 1 : 0;
        if (Bytes && Value[Bytes - 1] == '\r')
            --Bytes;
        Text* Field = Is(Data + At, Equals - At, "image") ? &To.Image : Is(Data + At, Equals - At, "command") ? &To.Command :
                      Is(Data + At, Equals - At, "directory") ? &To.Directory : nullptr;
        if (Field && Equals < End) {
            Status = Convert(Value, Bytes, *Field);
        } else if (Is(Data + At, Equals - At, "env") && Equals < End) {
            Text Variable;
            Status = Convert(Value, Bytes, Variable);
            for (ULONG I = 0; NT_SUCCESS(Status) && I <= Variable.Bytes / sizeof(WCHAR); ++I)
                To.Environment[Used++] = Variable.Data[I];
        }
        if (!NT_SUCCESS(Status))
            return Status;
        At = End + 1;
    }
    To.EnvironmentBytes = (Used + 1) * sizeof(WCHAR);
    return To.Image.Bytes ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

}
