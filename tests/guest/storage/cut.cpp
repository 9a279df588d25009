// cut.exe: what a power cut must not lose. cut.exe write SEED appends to files, creates files and sets values in the registry until the machine
// ends; a line is printed only when the flush of what it tells has returned:
//   A i file bytes     record i, appended to aFILE.dat in C:\work\cutSEED
//   C i bytes          record i is the file cI.dat there
//   K i slot           value SLOT of HKLM\SOFTWARE\CutSEED is i
// cut.exe values SEED prints "V slot value" for every such value. tools/neptune/cut_tests.py knows what record i holds.
#include "abi/nt/cm.hpp"
#include "tests/guest/fuzz/random.hpp"
#include "tests/guest/tap.hpp"

namespace {

constexpr u32 Slots = 16, Files = 5;

// Counted text put together of literals and numbers.
struct Text {
    WCHAR Characters[120];
    USHORT Length = 0;
    Text& operator<<(const WCHAR* S)
    {
        while (*S)
            Characters[Length++] = *S++;
        return *this;
    }
    Text& operator<<(u32 Number)
    {
        WCHAR Digits[10];
        u32 N = 0;
        do
            Digits[N++] = WCHAR(L'0' + Number % 10);
        while (Number /= 10);
        while (N)
            Characters[Length++] = Digits[--N];
        return *this;
    }
    UNICODE_STRING String() { return { USHORT(Length * 2), USHORT(Length * 2), Characters }; }
};

void Fail(const char* What, NTSTATUS Status)
{
    tap::Print("failed: %s 0x%x\n", What, unsigned(Status));
    RtlExitUserProcess(1);
}
#define MUST_DO(Call)                  \
    if (NTSTATUS S_ = (Call); S_ < 0)  \
    Fail(#Call, S_)

HANDLE OpenFile(Text& Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options)
{
    UNICODE_STRING Name = Path.String();
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io;
    HANDLE File;
    MUST_DO(NtCreateFile(&File, Access | SYNCHRONIZE, &Object, &Io, nullptr, 0, 7, Disposition, Options | FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0));
    return File;
}

HANDLE OpenKey(u32 Seed)
{
    Text Path;
    Path << L"\\Registry\\Machine\\SOFTWARE\\Cut" << Seed;
    UNICODE_STRING Name = Path.String();
    OBJECT_ATTRIBUTES Object { sizeof(Object), nullptr, &Name, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    HANDLE Key;
    MUST_DO(NtCreateKey(&Key, 0xF003F, &Object, 0, nullptr, 0, nullptr));
    return Key;
}

// Record i: its number and a random one, over and over.
void Record(HANDLE File, u32 Seed, u32 I, u32 Bytes, bool Append)
{
    static u64 Data[1024];
    for (u32 At = 0; At < 1024; At += 2) {
        Data[At] = I;
        Data[At + 1] = fuzz::Mix(Seed, I);
    }
    IO_STATUS_BLOCK Io;
    LARGE_INTEGER Where;
    Where.QuadPart = Append ? -1 : 0;
    MUST_DO(NtWriteFile(File, nullptr, nullptr, nullptr, &Io, Data, Bytes, &Where, nullptr));
    MUST_DO(NtFlushBuffersFile(File, &Io));
    MUST_DO(NtClose(File));
}

[[noreturn]] void Write(u32 Seed)
{
    Text Folder;
    Folder << L"\\??\\C:\\work\\cut" << Seed;
    NtClose(OpenFile(Folder, FILE_LIST_DIRECTORY, FILE_OPEN_IF, FILE_DIRECTORY_FILE));
    HANDLE Key = OpenKey(Seed);
    for (u32 I = 1;; ++I) {
        u64 Draw = fuzz::Mix(Seed + 0x100000, I);
        u32 Way = Draw % 8, Bytes = 1 + u32(Draw >> 8) % 6000;
        Text Path = Folder;
        if (Way < 4) {
            u32 Which = u32(Draw >> 40) % Files;
            Path << L"\\a" << Which << L".dat";
            Record(OpenFile(Path, FILE_WRITE_DATA, FILE_OPEN_IF, FILE_NON_DIRECTORY_FILE), Seed, I, Bytes, true);
            tap::Print("A %u %u %u\n", I, Which, Bytes);
        } else if (Way < 6) {
            Path << L"\\c" << I << L".dat";
            Record(OpenFile(Path, FILE_WRITE_DATA, FILE_CREATE, FILE_NON_DIRECTORY_FILE), Seed, I, Bytes, false);
            tap::Print("C %u %u\n", I, Bytes);
        } else {
            u32 Slot = u32(Draw >> 40) % Slots;
            Text Value;
            Value << Slot;
            UNICODE_STRING Name = Value.String();
            MUST_DO(NtSetValueKey(Key, &Name, 0, 4, &I, sizeof(I)));
            MUST_DO(NtFlushKey(Key));
            tap::Print("K %u %u\n", I, Slot);
        }
    }
}

void Values(u32 Seed)
{
    HANDLE Key = OpenKey(Seed);
    for (u32 Slot = 0; Slot < Slots; ++Slot) {
        Text Value;
        Value << Slot;
        UNICODE_STRING Name = Value.String();
        struct {
            ULONG Title, Type, Length, Data;
        } Info {};
        ULONG Length;
        NTSTATUS S = NtQueryValueKey(Key, &Name, 2, &Info, sizeof(Info), &Length);
        if (S >= 0)
            tap::Print("V %u %u\n", Slot, Info.Data);
        else if (S != STATUS_OBJECT_NAME_NOT_FOUND)
            Fail("NtQueryValueKey", S);
    }
}

}

extern "C" void NtProcessStartup(PEB* Process)
{
    UNICODE_STRING& Line = Process->ProcessParameters->CommandLine;
    u32 Seed = 0, End = Line.Length / 2, At = End;
    while (At && Line.Buffer[At - 1] >= L'0' && Line.Buffer[At - 1] <= L'9')
        --At;
    for (u32 I = At; I < End; ++I)
        Seed = Seed * 10 + (Line.Buffer[I] - L'0');
    if (At < 2 || At == End) {
        tap::Print("usage: cut.exe write|values SEED\n");
        RtlExitUserProcess(2);
    }
    if (Line.Buffer[At - 2] == L'e')
        Write(Seed);
    Values(Seed);
    RtlExitUserProcess(0);
}
