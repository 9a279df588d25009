// A small XML reader, enough for manifests: elements, attributes, namespaces by prefix or default, text, comments, declarations,
// CDATA. Input is UTF-8 or UTF-16 with a byte-order mark. Depth is limited; what it does not know it skips.
#include "ntdll/process/manifest.hpp"

#include "ntdll/heap/heap.hpp"

extern "C" {
NTSTATUS NTAPI RtlUTF8ToUnicodeN(WCHAR* To, ULONG Room, ULONG* Used, const char* From, ULONG Bytes);
NTSTATUS NTAPI RtlGUIDFromString(const UNICODE_STRING* String, GUID* Guid);
NTSTATUS NTAPI LdrFindResource_U(PVOID Handle, const LDR_RESOURCE_INFO* Info, ULONG Level, const IMAGE_RESOURCE_DATA_ENTRY** Entry);
NTSTATUS NTAPI LdrAccessResource(PVOID Handle, const IMAGE_RESOURCE_DATA_ENTRY* Entry, PVOID* Data, ULONG* Size);
}

namespace {

struct Piece {
    const WCHAR* Text = nullptr;
    u32 Length = 0;
    bool Is(const WCHAR* Other) const
    {
        u32 I = 0;
        for (; I < Length && Other[I]; ++I) {
            if (Text[I] != Other[I])
                return false;
        }
        return I == Length && !Other[I];
    }
    bool IsNoCase(const WCHAR* Other) const
    {
        u32 I = 0;
        for (; I < Length && Other[I]; ++I) {
            if (RtlUpcaseUnicodeChar(Text[I]) != RtlUpcaseUnicodeChar(Other[I]))
                return false;
        }
        return I == Length && !Other[I];
    }
    bool Same(Piece P) const
    {
        if (P.Length != Length)
            return false;
        for (u32 I = 0; I < Length; ++I) {
            if (Text[I] != P.Text[I])
                return false;
        }
        return true;
    }
};

constexpr bool Space(WCHAR C) { return C == ' ' || C == '\t' || C == '\r' || C == '\n'; }

Piece Trim(Piece P)
{
    while (P.Length && Space(P.Text[0]))
        ++P.Text, --P.Length;
    while (P.Length && Space(P.Text[P.Length - 1]))
        --P.Length;
    return P;
}

struct Attribute {
    Piece Prefix, Name, Value;
};

void Split(Piece Whole, Piece& Prefix, Piece& Name)
{
    Prefix = {};
    Name = Whole;
    for (u32 I = 0; I < Whole.Length; ++I) {
        if (Whole.Text[I] == ':') {
            Prefix = { Whole.Text, I };
            Name = { Whole.Text + I + 1, Whole.Length - I - 1 };
            return;
        }
    }
}

class Reader {
public:
    Reader(Manifest& Out, const WCHAR* Text, u32 Length) : Out_(Out), At_(Text), End_(Text + Length) { }

    NTSTATUS Run()
    {
        while (At_ < End_) {
            const WCHAR* TextStart = At_;
            while (At_ < End_ && *At_ != '<')
                ++At_;
            if (Depth_)
                Frames_[Depth_ - 1].Text = Frames_[Depth_ - 1].Text.Length ? Frames_[Depth_ - 1].Text : Trim({ TextStart, u32(At_ - TextStart) });
            if (At_ == End_)
                break;
            if (Starts(L"<!--")) {
                if (!SkipPast(L"-->"))
                    return Bad;
            } else if (Starts(L"<![CDATA[")) {
                if (!SkipPast(L"]]>"))
                    return Bad;
            } else if (Starts(L"<?")) {
                if (!SkipPast(L"?>"))
                    return Bad;
            } else if (Starts(L"<!")) {
                if (!SkipPast(L">"))
                    return Bad;
            } else if (Starts(L"</")) {
                At_ += 2;
                Piece Name = Word();
                SkipSpace();
                if (!Depth_ || !Frames_[Depth_ - 1].Whole.Same(Name) || !Take('>'))
                    return Bad;
                Close();
            } else if (NTSTATUS Status = Open(); Status < 0) {
                return Status;
            }
        }
        return Depth_ || !Seen_ ? Bad : STATUS_SUCCESS;
    }

private:
    static constexpr NTSTATUS Bad = STATUS_SXS_CANT_GEN_ACTCTX;
    static constexpr u32 MaxDepth = 32, MaxAttributes = 16, MaxSpaces = 32;
    struct Frame {
        Piece Whole, Name, Namespace, Text;
        u32 Spaces;             // namespace declarations before it
    };
    struct Declaration {
        Piece Prefix, Uri;
    };

    bool Starts(const WCHAR* S) const
    {
        const WCHAR* P = At_;
        for (; *S; ++S, ++P) {
            if (P == End_ || *P != *S)
                return false;
        }
        return true;
    }
    bool SkipPast(const WCHAR* S)
    {
        for (; At_ < End_; ++At_) {
            if (Starts(S)) {
                while (*S++)
                    ++At_;
                return true;
            }
        }
        return false;
    }
    void SkipSpace()
    {
        while (At_ < End_ && Space(*At_))
            ++At_;
    }
    bool Take(WCHAR C)
    {
        if (At_ == End_ || *At_ != C)
            return false;
        ++At_;
        return true;
    }
    Piece Word()
    {
        const WCHAR* Start = At_;
        while (At_ < End_ && !Space(*At_) && *At_ != '=' && *At_ != '>' && *At_ != '/')
            ++At_;
        return { Start, u32(At_ - Start) };
    }
    Piece UriOf(Piece Prefix) const
    {
        for (u32 I = SpaceCount_; I; --I) {
            if (Spaces_[I - 1].Prefix.Same(Prefix))
                return Spaces_[I - 1].Uri;
        }
        return {};
    }

    NTSTATUS Open()
    {
        ++At_;
        if (Depth_ == MaxDepth)
            return Bad;
        Frame& F = Frames_[Depth_];
        F = {};
        F.Spaces = SpaceCount_;
        F.Whole = Word();
        if (!F.Whole.Length)
            return Bad;
        u32 Count = 0;
        bool Empty = false;
        for (;;) {
            SkipSpace();
            if (Take('>'))
                break;
            if (Take('/')) {
                if (!Take('>'))
                    return Bad;
                Empty = true;
                break;
            }
            Piece Whole = Word();
            SkipSpace();
            if (!Whole.Length || !Take('='))
                return Bad;
            SkipSpace();
            if (At_ == End_ || (*At_ != '"' && *At_ != '\''))
                return Bad;
            WCHAR Quote = *At_++;
            const WCHAR* Start = At_;
            while (At_ < End_ && *At_ != Quote)
                ++At_;
            Piece Value { Start, u32(At_ - Start) };
            if (!Take(Quote))
                return Bad;
            Attribute A;
            Split(Whole, A.Prefix, A.Name);
            A.Value = Value;
            if (Whole.Is(L"xmlns") || A.Prefix.Is(L"xmlns")) {
                if (SpaceCount_ < MaxSpaces)
                    Spaces_[SpaceCount_++] = { Whole.Is(L"xmlns") ? Piece {} : A.Name, Value };
            } else if (Count < MaxAttributes) {
                Attributes_[Count++] = A;
            }
        }
        Piece Prefix;
        Split(F.Whole, Prefix, F.Name);
        F.Namespace = UriOf(Prefix);
        if (!Depth_) {
            if (Seen_ || !F.Name.Is(L"assembly"))
                return Bad;
            Seen_ = true;
        }
        ++Depth_;
        Element(F, Count);
        if (Empty)
            Close();
        return STATUS_SUCCESS;
    }

    Piece Value(const WCHAR* Name, u32 Count) const
    {
        for (u32 I = 0; I < Count; ++I) {
            if (Attributes_[I].Name.Is(Name))
                return Attributes_[I].Value;
        }
        return {};
    }
    bool Inside(const WCHAR* Parent) const { return Depth_ >= 2 && Frames_[Depth_ - 2].Name.Is(Parent); }

    void Element(const Frame& F, u32 Count)
    {
        if (F.Name.Is(L"supportedOS") && Inside(L"application")) {
            Piece Id = Value(L"Id", Count);
            UNICODE_STRING S { USHORT(Id.Length * 2), USHORT(Id.Length * 2), const_cast<WCHAR*>(Id.Text) };
            GUID Guid;
            if (Out_.SystemCount < 16 && Id.Length && RtlGUIDFromString(&S, &Guid) >= 0)
                Out_.Systems[Out_.SystemCount++] = Guid;
        } else if (F.Name.Is(L"requestedExecutionLevel")) {
            Piece Level = Value(L"level", Count);
            Out_.RunLevel = Level.IsNoCase(L"asInvoker") ? 1 : Level.IsNoCase(L"highestAvailable") ? 2 : Level.IsNoCase(L"requireAdministrator") ? 3 : 0;
            Out_.UiAccess = Value(L"uiAccess", Count).IsNoCase(L"true");
        }
    }

    void Close()
    {
        Frame& F = Frames_[--Depth_];
        if (Depth_ && Frames_[Depth_ - 1].Name.Is(L"windowsSettings") && F.Text.Length) {
            auto* S = NewZeroed<Setting>((F.Namespace.Length + F.Name.Length + F.Text.Length) * 2);
            if (S) {
                auto* To = reinterpret_cast<WCHAR*>(S + 1);
                auto Copy = [&](Piece P, WCHAR*& Field, u32& Length) {
                    Field = To;
                    Length = P.Length;
                    if (P.Length)
                        __builtin_memcpy(To, P.Text, P.Length * 2);
                    To += P.Length;
                };
                Copy(F.Namespace, S->Namespace, S->NamespaceLength);
                Copy(F.Name, S->Name, S->NameLength);
                Copy(F.Text, S->Value, S->ValueLength);
                S->Next = Out_.Settings;
                Out_.Settings = S;
            }
        }
        SpaceCount_ = F.Spaces;
    }

    Manifest& Out_;
    const WCHAR *At_, *End_;
    u32 Depth_ = 0, SpaceCount_ = 0;
    bool Seen_ = false;
    Frame Frames_[MaxDepth];
    Declaration Spaces_[MaxSpaces];
    Attribute Attributes_[MaxAttributes];
};

}

NTSTATUS Manifest::Parse(const u8* Text, u64 Size)
{
    if (Size > 4 * MiB)
        return STATUS_SXS_CANT_GEN_ACTCTX;
    // The reader keeps nothing of its input.
    auto* Wide = static_cast<WCHAR*>(RtlAllocateHeap(Peb()->ProcessHeap, 0, Size * 2 + sizeof(Reader) + 16));
    if (!Wide)
        return STATUS_NO_MEMORY;
    u32 Length = 0;
    if (Size >= 2 && Text[0] == 0xFF && Text[1] == 0xFE) {
        Length = u32(Size / 2 - 1);
        __builtin_memcpy(Wide, Text + 2, Length * 2);
    } else if (Size >= 2 && Text[0] == 0xFE && Text[1] == 0xFF) {
        Length = u32(Size / 2 - 1);
        for (u32 I = 0; I < Length; ++I)
            Wide[I] = WCHAR(Text[2 + I * 2] << 8 | Text[3 + I * 2]);
    } else {
        u64 Skip = Size >= 3 && Text[0] == 0xEF && Text[1] == 0xBB && Text[2] == 0xBF ? 3 : 0;
        ULONG Bytes = 0;
        RtlUTF8ToUnicodeN(Wide, ULONG(Size * 2), &Bytes, reinterpret_cast<const char*>(Text + Skip), ULONG(Size - Skip));
        Length = Bytes / 2;
    }
    while (Length && !Wide[Length - 1])     // resources are often padded
        --Length;
    auto* R = new (reinterpret_cast<void*>(AlignUp(u64(Wide + Size), 16))) Reader(*this, Wide, Length);
    NTSTATUS Status = R->Run();
    Free(Wide);
    Present = Status >= 0;
    if (!Present)
        Clear();
    return Status;
}

NTSTATUS Manifest::FromModule(PVOID Module, u64 Id)
{
    LDR_RESOURCE_INFO Info { RT_MANIFEST, Id ? Id : 1, 0 };
    const IMAGE_RESOURCE_DATA_ENTRY* Entry;
    NTSTATUS Status = LdrFindResource_U(Module, &Info, 3, &Entry);
    for (u64 Other = 2; Status < 0 && !Id && Other < 4; ++Other) {
        Info.Name = Other;
        Status = LdrFindResource_U(Module, &Info, 3, &Entry);
    }
    if (Status < 0)
        return Status;
    PVOID Data;
    ULONG Size;
    Status = LdrAccessResource(Module, Entry, &Data, &Size);
    return Status < 0 ? Status : Parse(static_cast<const u8*>(Data), Size);
}

NTSTATUS Manifest::FromFile(const WCHAR* DosPath, u64 Id)
{
    UNICODE_STRING Nt;
    if (!RtlDosPathNameToNtPathName_U(DosPath, &Nt, nullptr, nullptr))
        return STATUS_NO_SUCH_FILE;
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, &Nt, OBJ_CASE_INSENSITIVE, nullptr, nullptr };
    IO_STATUS_BLOCK Io {};
    HANDLE File, Section;
    NTSTATUS Status = NtOpenFile(&File, 0x120089, &Attributes, &Io, 5, 0x60);       // GENERIC_READ, share read and delete
    RtlFreeUnicodeString(&Nt);
    if (Status < 0)
        return Status;
    Status = NtCreateSection(&Section, SECTION_MAP_READ | SECTION_QUERY, nullptr, nullptr, PAGE_READONLY, SEC_COMMIT, File);
    NtClose(File);
    if (Status < 0)
        return Status;
    PVOID Base = nullptr;
    SIZE_T Size = 0;
    Status = NtMapViewOfSection(Section, CurrentProcess(), &Base, 0, 0, nullptr, &Size, ViewUnmap, 0, PAGE_READONLY);
    SECTION_BASIC_INFORMATION Basic {};
    if (NtQuerySection(Section, SectionBasicInformation, &Basic, sizeof(Basic), nullptr) >= 0 && u64(Basic.MaximumSize.QuadPart) < Size)
        Size = u64(Basic.MaximumSize.QuadPart);
    NtClose(Section);
    if (Status < 0)
        return Status;
    if (Size > 2 && *static_cast<const u16*>(Base) == IMAGE_DOS_SIGNATURE)
        Status = FromModule(reinterpret_cast<PVOID>(u64(Base) | 1), Id);
    else
        Status = Parse(static_cast<const u8*>(Base), Size);
    NtUnmapViewOfSection(CurrentProcess(), Base);
    return Status;
}

const Setting* Manifest::Find(const WCHAR* Namespace, const WCHAR* Name) const
{
    for (const Setting* S = Settings; S; S = S->Next) {
        if (Piece { S->Name, S->NameLength }.Is(Name) && (!Namespace || Piece { S->Namespace, S->NamespaceLength }.Is(Namespace)))
            return S;
    }
    return nullptr;
}

void Manifest::Clear()
{
    while (Settings) {
        Setting* Next = Settings->Next;
        Free(Settings);
        Settings = Next;
    }
    *this = {};
}
