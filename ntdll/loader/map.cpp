// Finding an image file, mapping it, relocating it.
#include "ntdll/loader/loader.hpp"

namespace ldr {

u32 LengthOf(const WCHAR* S)
{
    u32 N = 0;
    while (S[N])
        ++N;
    return N;
}

bool HasPath(const WCHAR* Name, u32 Length)
{
    for (u32 I = 0; I < Length; ++I) {
        if (Name[I] == '\\' || Name[I] == '/' || Name[I] == ':')
            return true;
    }
    return false;
}

Name DirectoryOf(const UNICODE_STRING& FullName)
{
    u32 Length = FullName.Length / 2;
    while (Length && FullName.Buffer[Length - 1] != '\\')
        --Length;
    return { FullName.Buffer, Length };
}

Text& Text::Add(const WCHAR* Source, u32 Length)
{
    if (Failed_)
        return *this;
    if (Length_ + Length + 1 > Room_) {
        u32 Room = (Length_ + Length + 1) * 2 + 64;
        auto* Bigger = static_cast<WCHAR*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, u64(Room) * 2));
        if (!Bigger) {
            Failed_ = true;
            return *this;
        }
        if (Length_)
            __builtin_memcpy(Bigger, Buffer_, Length_ * 2);
        Free(Buffer_);
        Buffer_ = Bigger;
        Room_ = Room;
    }
    __builtin_memcpy(Buffer_ + Length_, Source, Length * 2);
    Length_ += Length;
    Buffer_[Length_] = 0;
    return *this;
}

Text& Text::AddAscii(const char* Source)
{
    for (; *Source; ++Source) {
        WCHAR C = u8(*Source);
        Add(&C, 1);
    }
    return *this;
}

namespace {

constexpr ACCESS_MASK FileExecute = 0x20, FileReadData = 0x1, FileReadAttributes = 0x80;
constexpr ULONG ShareRead = 1, ShareDelete = 4, SynchronousNonAlert = 0x20, NonDirectory = 0x40;

bool Missing(NTSTATUS Status)
{
    return Status == STATUS_OBJECT_NAME_NOT_FOUND || Status == STATUS_OBJECT_PATH_NOT_FOUND || Status == STATUS_NO_SUCH_FILE
        || Status == STATUS_OBJECT_NAME_INVALID || Status == STATUS_OBJECT_PATH_SYNTAX_BAD || Status == STATUS_OBJECT_PATH_INVALID
        || Status == STATUS_DLL_NOT_FOUND || Status == STATUS_FILE_IS_A_DIRECTORY || Status == STATUS_BAD_NETWORK_PATH
        || Status == STATUS_NO_SUCH_DEVICE || Status == STATUS_NO_MEDIA_IN_DEVICE || Status == STATUS_NOT_A_DIRECTORY;
}

class OwnHandle {
public:
    OwnHandle() = default;
    OwnHandle(const OwnHandle&) = delete;
    OwnHandle& operator=(const OwnHandle&) = delete;
    ~OwnHandle()
    {
        if (Value)
            NtClose(Value);
    }
    HANDLE Value = nullptr;
};

// An image section of the file with this DOS path.
NTSTATUS OpenImageFile(const WCHAR* DosPath, OwnHandle& Section)
{
    UNICODE_STRING Nt;
    if (!RtlDosPathNameToNtPathName_U(DosPath, &Nt, nullptr, nullptr))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Nt, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    OwnHandle File;
    NTSTATUS Status = NtOpenFile(&File.Value, SYNCHRONIZE | FileExecute | FileReadData | FileReadAttributes, &Attributes, &Io, ShareRead | ShareDelete,
                                 SynchronousNonAlert | NonDirectory);
    RtlFreeUnicodeString(&Nt);
    if (Status < 0) {
        File.Value = nullptr;
        return Status;
    }
    Status = NtCreateSection(&Section.Value, SECTION_QUERY | SECTION_MAP_READ | SECTION_MAP_EXECUTE | STANDARD_RIGHTS_REQUIRED, nullptr, nullptr,
                             PAGE_EXECUTE_READ, SEC_IMAGE, File.Value);
    if (Status < 0)
        Section.Value = nullptr;
    return Status;
}

// \KnownDlls holds sections of the system's own images; without the directory every image is looked for.
constinit HANDLE KnownDirectory = nullptr;
constinit bool KnownLooked = false;

NTSTATUS OpenKnown(const WCHAR* Name, u32 Length, OwnHandle& Section)
{
    if (!KnownLooked) {
        KnownLooked = true;
        UNICODE_STRING Path;
        RtlInitUnicodeString(&Path, L"\\KnownDlls");
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Path, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        if (NtOpenDirectoryObject(&KnownDirectory, 3, &Attributes) < 0)      // DIRECTORY_QUERY | DIRECTORY_TRAVERSE
            KnownDirectory = nullptr;
    }
    if (!KnownDirectory)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    UNICODE_STRING Entry { USHORT(Length * 2), USHORT(Length * 2), const_cast<WCHAR*>(Name) };
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), KnownDirectory, &Entry, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    NTSTATUS Status = NtOpenSection(&Section.Value, SECTION_QUERY | SECTION_MAP_READ | SECTION_MAP_EXECUTE, &Attributes);
    if (Status < 0)
        Section.Value = nullptr;
    return Status;
}

Result<Module*> MapSection(HANDLE Section, const WCHAR* FullName, u32 Length, LDR_DLL_LOAD_REASON Reason)
{
    PVOID Base = nullptr;
    SIZE_T Size = 0;
    // A debugger finds the name there when it hears of the image.
    PVOID Before = std::exchange(Teb()->NtTib.ArbitraryUserPointer, const_cast<WCHAR*>(FullName));
    NTSTATUS Status = NtMapViewOfSection(Section, CurrentProcess(), &Base, 0, 0, nullptr, &Size, ViewShare, 0, PAGE_EXECUTE_READ);
    Teb()->NtTib.ArbitraryUserPointer = Before;
    if (Status < 0)
        return Status;
    auto Unmap = [&](NTSTATUS S) {
        NtUnmapViewOfSection(CurrentProcess(), Base);
        return NtStatus(S);
    };
    if (Status == STATUS_IMAGE_MACHINE_TYPE_MISMATCH)
        return Unmap(STATUS_INVALID_IMAGE_FORMAT);
    auto View = Image::Check(Base, Size);
    if (!View.Ok())
        return Unmap(View.Code());
    core::Status Relocated = Relocate(View.Value());
    if (!Relocated.Ok())
        return Unmap(Relocated.Code());
    auto Added = AddModule(Base, FullName, Length, Reason);
    if (!Added.Ok())
        return Unmap(Added.Code());
    return Added.Value();
}

// The full DOS path of Directory\Name, made absolute. False: no memory.
bool FullPath(const WCHAR* Path, Text& Out)
{
    ULONG Bytes = RtlGetFullPathName_U(Path, 0, nullptr, nullptr);
    if (!Bytes)
        return false;
    auto* Buffer = static_cast<WCHAR*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, u64(Bytes) + 2));
    if (!Buffer)
        return false;
    ULONG Used = RtlGetFullPathName_U(Path, Bytes + 2, Buffer, nullptr);
    if (Used && Used <= Bytes)
        Out.Add(Buffer, Used / 2);
    Free(Buffer);
    return Out.Ok() && Out.Length();
}

// Resolves API sets and adds ".dll" to a name without a dot in its last component; a dot at the end is dropped.
bool Normalise(const Request& R, Text& Out)
{
    Name N { R.Name, R.Length };
    if (IsApiSet(N.Text, N.Length)) {
        Name Importer = R.Importer ? Name { R.Importer->BaseDllName.Buffer, R.Importer->BaseDllName.Length / 2u } : Name {};
        if (Name Host = ResolveApiSet(N.Text, N.Length, Importer.Text, Importer.Length); Host.Length) {
            Out.Add(Host);
            return Out.Ok();
        }
    }
    bool Dot = false;
    for (u32 I = 0; I < N.Length; ++I) {
        if (N.Text[I] == '.')
            Dot = true;
        else if (N.Text[I] == '\\' || N.Text[I] == '/')
            Dot = false;
    }
    Out.Add(N.Text, N.Length && N.Text[N.Length - 1] == '.' ? N.Length - 1 : N.Length);
    if (!Dot)
        Out.Add(L".dll", 4);
    return Out.Ok();
}

}

Status Relocate(const Image& I)
{
    auto& Nt = *I.Headers();
    const u64 Delta = u64(I.Base()) - Nt.OptionalHeader.ImageBase;
    if (!Delta)
        return STATUS_SUCCESS;
    if (Nt.FileHeader.Characteristics & IMAGE_FILE_RELOCS_STRIPPED)
        return STATUS_CONFLICTING_ADDRESSES;
    u32 Bytes;
    u8* Start = I.Directory(IMAGE_DIRECTORY_ENTRY_BASERELOC, Bytes);
    if (!Start)
        return STATUS_SUCCESS;                      // nothing in it depends on the address
    auto* Sections = IMAGE_FIRST_SECTION(&Nt);
    auto SetProtection = [&](bool Writable) {
        for (u32 S = 0; S < Nt.FileHeader.NumberOfSections; ++S) {
            auto& Section = Sections[S];
            if (Section.Characteristics & IMAGE_SCN_MEM_WRITE || !I.Has(Section.VirtualAddress, 1))
                continue;
            u64 Size = Section.Misc.VirtualSize ? Section.Misc.VirtualSize : Section.SizeOfRawData;
            if (!Size || !I.Has(Section.VirtualAddress, Size))
                continue;
            ULONG Old;
            bool Execute = Section.Characteristics & IMAGE_SCN_MEM_EXECUTE;
            ProtectRange(At<>(I.Base(), Section.VirtualAddress), Size,
                         Writable ? PAGE_READWRITE : Execute ? PAGE_EXECUTE_READ : PAGE_READONLY, Old);
        }
    };
    SetProtection(true);
    Status Answer = STATUS_SUCCESS;
    u8* At = Start;
    while (u64(Start + Bytes - At) >= sizeof(IMAGE_BASE_RELOCATION)) {
        auto& Block = *reinterpret_cast<IMAGE_BASE_RELOCATION*>(At);
        if (!Block.SizeOfBlock)
            break;
        if (Block.SizeOfBlock < sizeof(Block) || Block.SizeOfBlock > u64(Start + Bytes - At)) {
            Answer = STATUS_INVALID_IMAGE_FORMAT;
            break;
        }
        auto* Entry = reinterpret_cast<u16*>(&Block + 1);
        auto* End = reinterpret_cast<u16*>(At + Block.SizeOfBlock);
        for (; Entry < End; ++Entry) {
            u16 Type = *Entry >> 12;
            if (Type == IMAGE_REL_BASED_ABSOLUTE)
                continue;
            u64* Where = I.Get<u64>(u64(Block.VirtualAddress) + (*Entry & 0xFFF));
            if (Type != IMAGE_REL_BASED_DIR64 || !Where) {
                Answer = STATUS_INVALID_IMAGE_FORMAT;
                break;
            }
            *Where += Delta;
        }
        At += Block.SizeOfBlock;
    }
    SetProtection(false);
    return Answer;
}

Module* FindLoaded(const Request& R)
{
    Text Wanted;
    if (!Normalise(R, Wanted))
        return nullptr;
    if (!HasPath(Wanted.Chars(), Wanted.Length()))
        return FindByBaseName(Wanted.Chars(), Wanted.Length());
    Text Full;
    return FullPath(Wanted.Chars(), Full) ? FindByFullName(Full.Chars(), Full.Length()) : nullptr;
}

Result<Module*> FindOrMap(const Request& R, LDR_DLL_LOAD_REASON Reason)
{
    Text Wanted;
    if (!R.Length)
        return STATUS_DLL_NOT_FOUND;
    if (!Normalise(R, Wanted))
        return STATUS_NO_MEMORY;

    if (HasPath(Wanted.Chars(), Wanted.Length())) {
        Text Full;
        if (!FullPath(Wanted.Chars(), Full))
            return STATUS_DLL_NOT_FOUND;
        if (Module* M = FindByFullName(Full.Chars(), Full.Length()))
            return M;
        OwnHandle Section;
        NTSTATUS Status = OpenImageFile(Full.Chars(), Section);
        if (Status < 0)
            return NtStatus(Missing(Status) ? STATUS_DLL_NOT_FOUND : Status);
        return MapSection(Section.Value, Full.Chars(), Full.Length(), Reason);
    }

    if (Module* M = FindByBaseName(Wanted.Chars(), Wanted.Length()))
        return M;
    OwnHandle Known;
    if (OpenKnown(Wanted.Chars(), Wanted.Length(), Known) >= 0) {
        Text Full;
        Full.Add(Name { L"C:\\Windows\\System32\\", 20 }).Add(Wanted.Chars(), Wanted.Length());
        return Full.Ok() ? MapSection(Known.Value, Full.Chars(), Full.Length(), Reason) : Result<Module*>(NtStatus(STATUS_NO_MEMORY));
    }

    Text Directories;
    if (!SearchPath(R, Directories))
        return STATUS_NO_MEMORY;
    const WCHAR* At = Directories.Chars();
    NTSTATUS Worst = STATUS_DLL_NOT_FOUND;
    while (*At) {
        u32 Length = 0;
        while (At[Length] && At[Length] != ';')
            ++Length;
        if (Length) {
            Text Candidate, Full;
            Candidate.Add(At, Length);
            if (At[Length - 1] != '\\' && At[Length - 1] != '/')
                Candidate.Add(L"\\", 1);
            Candidate.Add(Wanted.Chars(), Wanted.Length());
            OwnHandle Section;
            if (Candidate.Ok() && FullPath(Candidate.Chars(), Full)) {
                NTSTATUS Status = OpenImageFile(Full.Chars(), Section);
                if (Status >= 0)
                    return MapSection(Section.Value, Full.Chars(), Full.Length(), Reason);
                // As Windows: a file that is there but is no image ends the search.
                if (!Missing(Status))
                    return NtStatus(Status);
            }
        }
        At += Length + (At[Length] == ';');
    }
    return NtStatus(Worst);
}

}
