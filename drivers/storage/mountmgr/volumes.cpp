// Volumes that come and go, and their links.
#include "drivers/storage/mountmgr/mountmgr.hpp"

#include <new>

namespace mountmgr {

Volume* Volumes;
bool Automatic;

// --- names

bool Name::Set(const void* From, ULONG FromBytes)
{
    if (FromBytes > MaximumName || FromBytes % sizeof(WCHAR))
        return false;
    memmove(Text, From, FromBytes);
    Bytes = USHORT(FromBytes);
    Text[Bytes / sizeof(WCHAR)] = 0;
    return true;
}

bool Name::Set(const WCHAR* From)
{
    Bytes = 0;
    return Add(From);
}

bool Name::Add(const WCHAR* More)
{
    for (; *More; ++More) {
        if (Bytes >= MaximumName)
            return false;
        Text[Bytes / sizeof(WCHAR)] = *More;
        Bytes += sizeof(WCHAR);
    }
    Text[Bytes / sizeof(WCHAR)] = 0;
    return true;
}

bool Name::Equals(const Name& Other) const
{
    UNICODE_STRING A = String(), B = Other.String();
    return RtlEqualUnicodeString(&A, &B, TRUE);
}

bool Name::StartsWith(const WCHAR* Prefix) const
{
    UNICODE_STRING A, B = String();
    RtlInitUnicodeString(&A, Prefix);
    return RtlPrefixUnicodeString(&A, &B, TRUE);
}

bool IsLetter(const Name& N)
{
    WCHAR C = N.Text[12];
    return N.Bytes == 14 * sizeof(WCHAR) && N.StartsWith(L"\\DosDevices\\") && N.Text[13] == L':' && ((C >= L'A' && C <= L'Z') || (C >= L'a' && C <= L'z'));
}

bool IsVolumeName(const Name& N)
{
    UNICODE_STRING Text = N.String();
    return MOUNTMGR_IS_NT_VOLUME_NAME(&Text);
}

void LetterName(WCHAR Letter, Name& To)
{
    WCHAR End[] = { Letter, L':', 0 };
    To.Set(L"\\DosDevices\\");
    To.Add(End);
}

static void VolumeName(const GUID& G, Name& To)
{
    UNICODE_STRING Text;
    To.Set(L"\\??\\Volume");
    if (!NT_SUCCESS(RtlStringFromGUID(G, &Text)))
        return;
    // In small letters, as on Windows.
    for (USHORT I = 0; I < Text.Length / sizeof(WCHAR); ++I)
        if (Text.Buffer[I] >= L'A' && Text.Buffer[I] <= L'Z')
            Text.Buffer[I] |= 0x20;
    To.Add(Text.Buffer);
    RtlFreeUnicodeString(&Text);
}

// "#{GUID}": the volume is to have no letter.
static void NoLetterName(const Name& VolumeName, Name& To)
{
    To.Set(L"#");
    To.Add(VolumeName.Text + 10);
}

// --- links

// What a link of the namespace leads to. False: there is none of that name.
static bool Target(const Name& Of, Name& To)
{
    UNICODE_STRING Path = Of.String();
    OBJECT_ATTRIBUTES Object;
    HANDLE Link;
    InitializeObjectAttributes(&Object, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    NTSTATUS Status = ZwOpenSymbolicLinkObject(&Link, SYMBOLIC_LINK_QUERY, &Object);
    To.Set(L"");
    if (!NT_SUCCESS(Status))
        return Status == STATUS_OBJECT_TYPE_MISMATCH;   // something has the name
    UNICODE_STRING Text { 0, MaximumName, To.Text };
    if (NT_SUCCESS(ZwQuerySymbolicLinkObject(Link, &Text, nullptr)))
        To.Set(Text.Buffer, Text.Length);
    ZwClose(Link);
    return true;
}

static NTSTATUS Tell(const Volume& V, ULONG Code, const Name& N);

Link* FindLink(const Volume& V, bool (*Is)(const Name&))
{
    for (Link* L = V.Links; L; L = L->Next)
        if (Is(L->Of))
            return L;
    return nullptr;
}

NTSTATUS MakeLink(Volume& V, const Name& N)
{
    for (Link* L = V.Links; L; L = L->Next)
        if (L->Of.Equals(N))
            return STATUS_SUCCESS;
    auto* L = static_cast<Link*>(ExAllocatePoolWithTag(PagedPool, sizeof(Link), Tag));
    if (!L)
        return STATUS_INSUFFICIENT_RESOURCES;
    L = new (L) Link { V.Links, N, true };
    UNICODE_STRING Text = N.String(), Device = V.Device.String();
    NTSTATUS Status = IoCreateSymbolicLink(&Text, &Device);
    if (Status == STATUS_OBJECT_NAME_COLLISION) {
        Name Other;
        L->Ours = false;
        Status = Target(N, Other) && Other.Equals(V.Device) ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION;
    }
    if (!NT_SUCCESS(Status)) {
        ExFreePoolWithTag(L, Tag);
        return Status;
    }
    V.Links = L;
    Tell(V, IOCTL_MOUNTDEV_LINK_CREATED, N);
    return STATUS_SUCCESS;
}

void DropLink(Volume& V, Link& L)
{
    UNICODE_STRING Text = L.Of.String();
    if (L.Ours) {
        IoDeleteSymbolicLink(&Text);
    } else {
        // Somebody else's: it was made to stay.
        OBJECT_ATTRIBUTES Object;
        HANDLE Handle;
        InitializeObjectAttributes(&Object, &Text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
        if (NT_SUCCESS(ZwOpenSymbolicLinkObject(&Handle, DELETE, &Object))) {
            ZwMakeTemporaryObject(Handle);
            ZwClose(Handle);
        }
    }
    Tell(V, IOCTL_MOUNTDEV_LINK_DELETED, L.Of);
    for (Link** At = &V.Links; *At; At = &(*At)->Next)
        if (*At == &L) {
            *At = L.Next;
            break;
        }
    ExFreePoolWithTag(&L, Tag);
}

// --- what a volume is asked

static HANDLE Open(const Name& Path)
{
    UNICODE_STRING Text = Path.String();
    OBJECT_ATTRIBUTES Object;
    IO_STATUS_BLOCK Io;
    HANDLE File;
    InitializeObjectAttributes(&Object, &Text, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    // Its attributes only: that mounts nothing.
    NTSTATUS Status = ZwOpenFile(&File, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &Object, &Io, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_SYNCHRONOUS_IO_NONALERT);
    return NT_SUCCESS(Status) ? File : nullptr;
}

static NTSTATUS Ask(HANDLE File, ULONG Code, void* In, ULONG InBytes, void* Out, ULONG OutBytes)
{
    IO_STATUS_BLOCK Io {};
    return ZwDeviceIoControlFile(File, nullptr, nullptr, nullptr, &Io, Code, In, InBytes, Out, OutBytes);
}

static NTSTATUS Tell(const Volume& V, ULONG Code, const Name& N)
{
    HANDLE File = Open(V.Device);
    if (!File)
        return STATUS_NO_SUCH_DEVICE;
    struct {
        USHORT Bytes;
        WCHAR Text[MaximumName / sizeof(WCHAR)];
    } Input;
    Input.Bytes = N.Bytes;
    memcpy(Input.Text, N.Text, N.Bytes);
    NTSTATUS Status = Ask(File, Code, &Input, ULONG(offsetof(decltype(Input), Text)) + N.Bytes, nullptr, 0);
    ZwClose(File);
    return Status;
}

// GPT_BASIC_DATA_ATTRIBUTE_NO_DRIVE_LETTER and _HIDDEN.
constexpr ULONGLONG NoDriveLetter = 1ull << 63, Hidden = 1ull << 62;

// False: it is no volume that could have names.
static bool Describe(Volume& V, HANDLE File, Name& Suggested)
{
    struct {
        USHORT Bytes;
        UCHAR Data[MaximumName > MaximumId ? MaximumName : MaximumId];
    } Answer {};
    if (!NT_SUCCESS(Ask(File, IOCTL_MOUNTDEV_QUERY_DEVICE_NAME, nullptr, 0, &Answer, sizeof(Answer))) || !Answer.Bytes || !V.Device.Set(Answer.Data, Answer.Bytes))
        return false;
    Answer = {};
    if (!NT_SUCCESS(Ask(File, IOCTL_MOUNTDEV_QUERY_UNIQUE_ID, nullptr, 0, &Answer, sizeof(Answer))) || !Answer.Bytes || Answer.Bytes > MaximumId)
        return false;
    V.Unique.Bytes = Answer.Bytes;
    memcpy(V.Unique.Data, Answer.Data, Answer.Bytes);
    V.HasStable = NT_SUCCESS(Ask(File, IOCTL_MOUNTDEV_QUERY_STABLE_GUID, nullptr, 0, &V.Stable, sizeof(V.Stable)));
    IO_STATUS_BLOCK Io;
    FILE_FS_DEVICE_INFORMATION About {};
    if (NT_SUCCESS(ZwQueryVolumeInformationFile(File, &Io, &About, sizeof(About), FileFsDeviceInformation)))
        V.Removable = (About.Characteristics & FILE_REMOVABLE_MEDIA) != 0;
    VOLUME_GET_GPT_ATTRIBUTES_INFORMATION Attributes {};
    if (NT_SUCCESS(Ask(File, IOCTL_VOLUME_GET_GPT_ATTRIBUTES, nullptr, 0, &Attributes, sizeof(Attributes))))
        V.NoLetter = (Attributes.GptAttributes & (NoDriveLetter | Hidden)) != 0;
    struct {
        BOOLEAN OnlyAlone;
        USHORT Bytes;
        WCHAR Text[MaximumName / sizeof(WCHAR)];
    } Suggestion {};
    static_assert(offsetof(decltype(Suggestion), Text) == offsetof(MOUNTDEV_SUGGESTED_LINK_NAME, Name));
    if (NT_SUCCESS(Ask(File, IOCTL_MOUNTDEV_QUERY_SUGGESTED_LINK_NAME, nullptr, 0, &Suggestion, sizeof(Suggestion))))
        Suggested.Set(Suggestion.Text, Suggestion.Bytes);
    return true;
}

// --- coming and going

Volume* Find(const Name& Device)
{
    Name Where;
    for (Volume* V = Volumes; V; V = V->Next) {
        if (V->Device.Equals(Device) || V->Interface.Equals(Device))
            return V;
        for (Link* L = V->Links; L; L = L->Next)
            if (L->Of.Equals(Device))
                return V;
    }
    if (!Target(Device, Where) || !Where.Bytes)
        return nullptr;
    for (Volume* V = Volumes; V; V = V->Next)
        if (V->Device.Equals(Where))
            return V;
    return nullptr;
}

static void Remove(Volume& V)
{
    while (V.Links)
        DropLink(V, *V.Links);
    for (Volume** At = &Volumes; *At; At = &(*At)->Next)
        if (*At == &V) {
            *At = V.Next;
            break;
        }
    ExFreePoolWithTag(&V, Tag);
}

// Whether the letter is kept for somebody else.
static bool IsKept(const Name& Letter, const Id& For)
{
    struct Search {
        const Name& Letter;
        const Id& For;
        bool Found;
    } S { Letter, For, false };
    ForEachKept([](void* Context, const Name& N, const Id& Unique) {
        auto& S = *static_cast<Search*>(Context);
        S.Found |= N.Equals(S.Letter) && !Unique.Equals(S.For);
        return !S.Found;
    }, &S);
    return S.Found;
}

static bool Take(Volume& V, const Name& Letter)
{
    Name Where;
    if (Target(Letter, Where) ? !Where.Equals(V.Device) : IsKept(Letter, V.Unique))
        return false;
    if (!NT_SUCCESS(MakeLink(V, Letter)))
        return false;
    Keep(Letter, V.Unique);
    return true;
}

bool GiveLetter(Volume& V)
{
    if (FindLink(V, IsLetter))
        return true;
    Name Letter;
    for (WCHAR C = L'C'; C <= L'Z'; ++C) {
        LetterName(C, Letter);
        if (Take(V, Letter))
            return true;
    }
    return false;
}

// The names that its id has had.
static void Recall(Volume& V)
{
    ForEachKept([](void* Context, const Name& N, const Id& Unique) {
        auto& V = *static_cast<Volume*>(Context);
        if (!Unique.Equals(V.Unique))
            return true;
        if (N.Text[0] == L'#')
            V.NoLetter = true;
        else if ((IsLetter(N) && !FindLink(V, IsLetter)) || IsVolumeName(N))
            MakeLink(V, N);
        return true;
    }, &V);
}

bool Arrive(const UNICODE_STRING& Interface)
{
    auto* V = static_cast<Volume*>(ExAllocatePoolWithTag(PagedPool, sizeof(Volume), Tag));
    if (!V)
        return false;
    V = new (V) Volume {};
    Name Suggested;
    HANDLE File = V->Interface.Set(Interface.Buffer, Interface.Length) ? Open(V->Interface) : nullptr;
    bool Good = File && Describe(*V, File, Suggested);
    if (File)
        ZwClose(File);
    if (!Good) {
        ExFreePoolWithTag(V, Tag);
        return false;
    }
    // One that is told again, or another in its place.
    for (Volume* Old = Volumes; Old; Old = Old->Next)
        if (Old->Device.Equals(V->Device) || Old->Interface.Equals(V->Interface)) {
            Remove(*Old);
            break;
        }
    V->Next = Volumes;
    Volumes = V;
    // A letter that somebody has given it already.
    Name N, Where;
    for (WCHAR C = L'A'; C <= L'Z' && !FindLink(*V, IsLetter); ++C) {
        LetterName(C, N);
        if (Target(N, Where) && Where.Equals(V->Device) && NT_SUCCESS(MakeLink(*V, N)))
            Keep(N, V->Unique);
    }
    Recall(*V);
    if (!FindLink(*V, IsVolumeName)) {
        GUID G = V->Stable;
        if (V->HasStable || NT_SUCCESS(ExUuidCreate(&G))) {
            VolumeName(G, N);
            if (NT_SUCCESS(MakeLink(*V, N)))
                Keep(N, V->Unique);
        }
    }
    if (!V->NoLetter && !FindLink(*V, IsLetter)) {
        if (IsLetter(Suggested))
            Take(*V, Suggested);
        if (Automatic && !GiveLetter(*V))
            DbgPrint("mountmgr: no letter is left for %S\n", V->Device.Text);
    }
    Changed();
    return true;
}

void Depart(const UNICODE_STRING& Interface)
{
    Name N;
    if (!N.Set(Interface.Buffer, Interface.Length))
        return;
    for (Volume* V = Volumes; V; V = V->Next)
        if (V->Interface.Equals(N)) {
            Remove(*V);
            Changed();
            return;
        }
}

void LettersFor(Volume& V, bool Wanted)
{
    Name N;
    V.NoLetter = !Wanted;
    Link* L = FindLink(V, IsVolumeName);
    if (!L)
        return;
    NoLetterName(L->Of, N);
    if (Wanted)
        Forget(N);
    else
        Keep(N, V.Unique);
}

}
