// Arguments: by the type and the name of the parameter, nearly valid more often than not.
#include "tests/guest/fuzz/child.hpp"

namespace fuzz {

namespace {

template <typename T> T* Place(Random& R, u32 Extra = 0)
{
    return reinterpret_cast<T*>(AnyAddress(R, sizeof(T) + Extra, 0) & ~u64(7));
}
template <typename T> u64 Address(T* P) { return reinterpret_cast<u64>(P); }
template <typename T> T* Pointer(u64 A) { return reinterpret_cast<T*>(A); }

// One of the structure's words becomes something else.
template <typename T> u64 Spoil(Random& R, T* Structure, u32 Percent = 35)
{
    bool Wrong = R.Percent(Percent);
    u32 At = R.Below(sizeof(T) / 4), Way = R.Below(3);
    u64 Value = AnyNumber(R), Pointer = AnyAddress(R, 64, 60);
    if (Wrong) {
        if (Way == 0)
            reinterpret_cast<u32*>(Structure)[At] = u32(Value);
        else
            reinterpret_cast<u64*>(Structure)[At / 2 < sizeof(T) / 8 ? At / 2 : 0] = Way == 1 ? Value : Pointer;
    }
    // Now and then the structure lies where it cannot be read.
    return R.Percent(4) ? AnyAddress(R, sizeof(T), 100) : reinterpret_cast<u64>(Structure);
}

constexpr const WCHAR* Names[] = {
    L"fuzz", L"event", L"", L"\\", L"\\BaseNamedObjects\\fuzz1", L"\\BaseNamedObjects\\fuzz2", L"\\BaseNamedObjects", L"\\??\\C:\\fuzz\\file0",
    L"\\??\\C:\\fuzz\\file9", L"\\??\\C:\\fuzz\\folder1\\deep", L"\\??\\C:\\fuzz", L"\\??\\C:\\fuzz\\", L"\\??\\C:\\work\\fuzzchild.exe", L"\\??\\C:", L"\\Device",
    L"\\Device\\NamedPipe\\fuzz1", L"\\Device\\NamedPipe\\", L"\\Device\\Mailslot\\fuzz1", L"\\Registry", L"\\Registry\\Machine\\Software\\fuzz\\key1",
    L"\\Registry\\Machine\\Software\\fuzz\\key2\\sub", L"\\Registry\\Machine", L"\\Registry\\User", L"\\SystemRoot\\System32\\ntdll.dll", L"\\KnownDlls",
    L"\\??\\pipe\\fuzz0", L"\\Device\\HostLink\\control", L"\\Device\\HostLink\\stdin", L"\\Device\\Null", L"\\ObjectTypes\\Event", L"\\Sessions\\1\\BaseNamedObjects\\x",
    L"a\\b\\c\\d\\e\\f\\g", L"*", L"*.*", L"file?", L":stream", L"\\??\\C:\\fuzz\\file0:s:$DATA", L"\\\\\\", L"..\\..", L"\\GLOBAL??\\C:", L"\\RPC Control\\fuzzport",
    L"\\??\\C:\\fuzz\\folder0\\..\\x", L"value", L"SymbolicLinkValue", L"\\Windows", L"\\??", L"\\NoSuch\\thing", L"TokenSource", L"fuzz.txt",
};

u64 BuildSid(Random& R)
{
    struct Long {
        UCHAR Revision, Count, Authority[6];
        ULONG Sub[4];
    };
    static constexpr ULONG First[] = { 0, 11, 18, 21, 32, 4, 7, 12 };
    Long* S = Place<Long>(R);
    *S = { 1, UCHAR(1 + R.Below(2)), { 0, 0, 0, 0, 0, UCHAR(R.Percent(70) ? 5 : 1) }, { R.Of(First), 544, 3, 4 } };
    return Spoil(R, S, 15);
}

u64 BuildAcl(Random& R)
{
    struct List {
        ACL Head;
        struct {
            ACE_HEADER Header;
            ACCESS_MASK Mask;
            UCHAR Revision, Count, Authority[6];
            ULONG Sub[2];
        } Aces[3];
    };
    List* L = Place<List>(R);
    u32 Count = R.Below(4);
    *L = {};
    L->Head = { 2, 0, USHORT(8 + Count * 24), USHORT(Count), 0 };
    for (auto& A : L->Aces)
        A = { { UCHAR(R.Below(3)), UCHAR(R.Below(32)), 24 }, ACCESS_MASK(R.Percent(60) ? 0x10000000 : AnyNumber(R)), 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, 544 + R.Below(2) } };
    return Spoil(R, L, 25);
}

// Things that structures are made of, in a row.
u64 BuildSoup(Random& R)
{
    constexpr u32 Words = 24;
    struct Soup {
        u64 Word[Words];
    };
    Soup* S = Place<Soup>(R);
    for (u64& W : S->Word) {
        switch (R.Below(8)) {
        case 0: W = u64(AnyHandle(R, "Event")); break;
        case 1: W = u64(AnyHandle(R, "File")); break;
        case 2: W = AnyAddress(R, 64, 20); break;
        case 3: W = AnyNumber(R); break;
        case 4: W = R.Below(4) | u64(R.Below(64)) << 32; break;
        case 5: W = BuildSid(R); break;
        case 6: W = 0x0066007500660066; break;
        default: W = R.Below(16); break;
        }
    }
    return R.Percent(6) ? AnyAddress(R, sizeof(Soup), 100) : Address(S);
}

u64 BuildPortMessage(Random& R)
{
    struct Long {
        PORT_MESSAGE Head;
        u64 Data[32];
    };
    Long* M = Place<Long>(R);
    u32 Data = R.Below(200);
    M->Head = {};
    M->Head.DataLength = SHORT(Data);
    M->Head.TotalLength = SHORT(Data + sizeof(PORT_MESSAGE));
    M->Head.Type = SHORT(R.Below(16));
    M->Head.MessageId = R.Below(8);
    return Spoil(R, M);
}

// What NtSetInformationFile reads: a handle, a length and a name fit many classes.
u64 BuildFileInformation(Random& R)
{
    struct Rename {
        u64 Replace;
        HANDLE Root;
        ULONG Length;
        WCHAR Name[24];
    };
    Rename* S = Place<Rename>(R);
    const WCHAR* Text = R.Of(Names);
    u32 I = 0;
    for (; Text[I] && I < 24; ++I)
        S->Name[I] = Text[I];
    *S = { R.Below(4), R.Percent(70) ? nullptr : AnyHandle(R, "File"), I * 2, {} };
    for (u32 J = 0; J < I; ++J)
        S->Name[J] = Text[J];
    return Spoil(R, S, 25);
}

u64 BuildTime(Random& R, bool Waits)
{
    if (R.Percent(Waits ? 2 : 10))
        return 0;
    LARGE_INTEGER* T = Place<LARGE_INTEGER>(R);
    u32 Way = R.Below(100), Short = R.Below(20000);
    u64 Wild = AnyNumber(R);
    T->QuadPart = Way < 40 ? 0 : Way < (Waits ? 97u : 60u) ? -i64(Short) : i64(Wild);
    return R.Percent(4) ? AnyAddress(R, 8, 100) : Address(T);
}

u64 BuildParameters(Random& R)
{
    RTL_USER_PROCESS_PARAMETERS* P = Place<RTL_USER_PROCESS_PARAMETERS>(R, 256);
    memset(P, 0, sizeof(*P));
    P->Length = P->MaximumLength = sizeof(*P) + 128;
    P->Flags = R.Below(2);
    u32 Offset = sizeof(*P);
    for (UNICODE_STRING* S : { &P->ImagePathName, &P->CommandLine, &P->DllPath }) {
        *S = { 20, 22, Pointer<WCHAR>(Offset + (P->Flags ? Address(P) : 0)) };
        Offset += 24;
    }
    return Spoil(R, P, 40);
}

u64 BuildAttributeList(Random& R)
{
    struct List {
        SIZE_T Total;
        PS_ATTRIBUTE A[4];
        WCHAR Image[40];
    };
    List* L = Place<List>(R);
    *L = {};
    const WCHAR* Image = R.Percent(70) ? L"\\??\\C:\\work\\fuzzchild.exe" : R.Of(Names);
    u32 Length = 0;
    for (; Image[Length] && Length < 40; ++Length)
        L->Image[Length] = Image[Length];
    u32 Count = R.Percent(60) ? 1 + R.Below(4) : 1;
    L->Total = 8 + Count * sizeof(PS_ATTRIBUTE);
    L->A[0] = { PS_ATTRIBUTE_IMAGE_NAME, Length * 2, { Address(L->Image) }, nullptr };
    static constexpr ULONG_PTR Others[] = { PS_ATTRIBUTE_PARENT_PROCESS, PS_ATTRIBUTE_DEBUG_OBJECT, PS_ATTRIBUTE_TOKEN, PS_ATTRIBUTE_CLIENT_ID, PS_ATTRIBUTE_TEB_ADDRESS,
                                            PS_ATTRIBUTE_IMAGE_INFO, PS_ATTRIBUTE_HANDLE_LIST, PS_ATTRIBUTE_JOB_LIST, PS_ATTRIBUTE_STD_HANDLE_INFO, 0x20099 };
    for (u32 I = 1; I < 4; ++I) {
        ULONG_PTR Which = R.Of(Others);
        u64 Value = Which == PS_ATTRIBUTE_PARENT_PROCESS ? ~u64(0)
            : Which == PS_ATTRIBUTE_TOKEN                ? u64(AnyHandle(R, "Token"))
                                                         : AnyAddress(R, 64);
        L->A[I] = { Which, Which == PS_ATTRIBUTE_IMAGE_INFO ? 64u : R.Percent(70) ? 16u : R.Below(5000), { Value }, nullptr };
    }
    return Spoil(R, L, 30);
}

// How many bytes a length parameter claims.
u64 AnyLength(Random& R)
{
    u32 Way = R.Below(100), Small = R.Below(80), Middle = R.Below(0x10000);
    u64 Wild = AnyNumber(R);
    return Way < 45 ? Small & ~3u : Way < 60 ? Small : Way < 75 ? 0x1000 : Way < 90 ? Middle : Wild;
}

u64 AnyIn(Random& R, const Parameter& P)
{
    if (Equal(P.Type, "HANDLE"))
        return u64(Contains(P.Name, "ThreadId") ? Handle(R.Below(64) * 4) : AnyHandle(R, P.Name));
    if (Contains(P.Name, "Length") || Contains(P.Name, "Size") || Contains(P.Name, "NumberOf"))
        return AnyLength(R);
    if (Contains(P.Name, "Class") || Contains(P.Name, "Level") || Contains(P.Name, "Command"))
        return R.Percent(92) ? R.Below(R.Percent(50) ? 40 : 130) : AnyNumber(R);
    if (Equal(P.Type, "ACCESS_MASK")) {
        static constexpr u64 Masks[] = { 0x10000000, 0x80000000, 0x1F01FF, 0x1F0003, 0xF003F, 0x02000000, 0x01000000, 0x100000, 0, 0x20019, 0xF01FF };
        return R.Percent(80) ? R.Of(Masks) : AnyNumber(R);
    }
    if (Contains(P.Name, "Protect")) {
        static constexpr u64 Kinds[] = { 1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x104, 0x204, 0x404, 0 };
        return R.Percent(85) ? R.Of(Kinds) : AnyNumber(R);
    }
    if (Contains(P.Name, "Type") || Contains(P.Name, "AllocationAttributes")) {
        static constexpr u64 Kinds[] = { 0x1000, 0x2000, 0x3000, 0x4000, 0x8000, 0x40000, 0x102000, 0x8000000, 0x1000000, 0x4000000, 0, 1, 2, 3 };
        return R.Percent(85) ? R.Of(Kinds) : AnyNumber(R);
    }
    if (Contains(P.Name, "IoControlCode")) {
        // Method and access in the low bits, device in the high ones.
        static constexpr u64 Codes[] = { 0x110000, 0x110004, 0x110008, 0x11400C, 0x110018, 0x11C017, 0x90028, 0x9C040, 0x900A8, 0x900A4, 0x90000, 0x500000 };
        return R.Percent(70) ? R.Of(Codes) + R.Below(4) * R.Below(2) : AnyNumber(R);
    }
    if (Contains(P.Name, "ApcRoutine") || Contains(P.Name, "StartRoutine") || Contains(P.Name, "TimerApcRoutine"))
        return R.Percent(50) ? 0 : R.Percent(50) ? Address(Memory.Code) : AnyAddress(R, 1, 50);
    if (Equal(P.Type, "PVOID"))
        return Contains(P.Name, "BaseAddress") ? Address(Memory.Playground) + AlignDown(R.Below(PlaygroundBytes), R.Percent(80) ? 0x10000 : 0x1000) : AnyAddress(R, 64, 30);
    if (Equal(P.Type, "BOOLEAN"))
        return R.Percent(90) ? R.Below(2) : AnyNumber(R);
    if (Contains(P.Name, "ZeroBits"))
        return R.Percent(80) ? 0 : R.Below(70);
    // Flags and options: few bits, mostly.
    u32 Bits = R.Below(3);
    u64 Value = 0;
    for (u32 I = 0; I < Bits; ++I)
        Value |= u64(1) << R.Below(R.Percent(80) ? 14 : 32);
    u64 Wild = AnyNumber(R);
    return R.Percent(80) ? Value : Wild;
}

}

u64 BuildText(Random& R, u32 Bad)
{
    struct Text {
        UNICODE_STRING Head;
        WCHAR Chars[64];
    };
    Text* T = Place<Text>(R);
    const WCHAR* From = R.Of(Names);
    u32 Length = 0;
    for (; From[Length] && Length < 64; ++Length)
        T->Chars[Length] = From[Length];
    T->Head = { USHORT(Length * 2), USHORT(R.Percent(80) ? 128 : Length * 2), T->Chars };
    // Long names, odd lengths, names across pages.
    switch (R.Below(100) < Bad ? R.Below(6) : 6) {
    case 0: T->Head.Length |= 1; break;
    case 1: T->Head.Length = 0xFFFE; T->Head.MaximumLength = 0xFFFE; T->Head.Buffer = Pointer<WCHAR>(Address(Memory.Good)); break;
    case 2: T->Head.Buffer = Pointer<WCHAR>(AnyAddress(R, 128, 100)); break;
    case 3: T->Head.MaximumLength = USHORT(R.Below(8)); break;
    case 4: T->Head.Length = USHORT(R.Below(0x400) * 2); T->Head.MaximumLength = 0x800; break;
    case 5: return AnyAddress(R, 16, 100);
    default: break;
    }
    return Address(T);
}

u64 BuildSecurity(Random& R)
{
    SECURITY_DESCRIPTOR* D = Place<SECURITY_DESCRIPTOR>(R);
    SID* Owner = Pointer<SID>(BuildSid(R));
    SID* Group = Pointer<SID>(BuildSid(R));
    ACL* Sacl = Pointer<ACL>(BuildAcl(R));
    ACL* Dacl = Pointer<ACL>(BuildAcl(R));
    *D = { 1, 0, SECURITY_DESCRIPTOR_CONTROL(4 | (R.Percent(20) ? 0x10 : 0)), R.Percent(50) ? Owner : nullptr, R.Percent(50) ? Group : nullptr, Sacl, R.Percent(90) ? Dacl : nullptr };
    if (R.Percent(15))
        D->Control = SECURITY_DESCRIPTOR_CONTROL(R.Next());
    return Spoil(R, D, 20);
}

u64 BuildObjectAttributes(Random& R)
{
    if (R.Percent(15))
        return 0;
    OBJECT_ATTRIBUTES* O = Place<OBJECT_ATTRIBUTES>(R);
    u64 Name = BuildText(R, 25), Security = BuildSecurity(R), Qos = BuildSoup(R);
    HANDLE Root = AnyHandle(R, R.Of({ "File", "Directory", "Key" }));
    static constexpr ULONG Flags[] = { OBJ_CASE_INSENSITIVE, 0, OBJ_CASE_INSENSITIVE | OBJ_OPENIF, OBJ_INHERIT, OBJ_PERMANENT, 0x100, 0x400, 0x800, 0x1FF2 };
    *O = { sizeof(*O), R.Percent(80) ? nullptr : Root, R.Percent(90) ? Pointer<UNICODE_STRING>(Name) : nullptr, R.Of(Flags), R.Percent(85) ? nullptr : Pointer<void>(Security),
           R.Percent(90) ? nullptr : Pointer<void>(Qos) };
    return Spoil(R, O, 20);
}

u64 BuildContext(Random& R)
{
    CONTEXT* C = Place<CONTEXT>(R, 16);
    C = Pointer<CONTEXT>(AlignUp(Address(C), 16));
    memset(C, 0, sizeof(*C));
    static constexpr ULONG Flags[] = { 0x10000B, 0x10001F, 0x100001, 0x100002, 0x100010, 0x100004, 0, 0xFFFFFFFF };
    C->ContextFlags = R.Of(Flags);
    u64* Registers = &C->Rax;
    for (u32 I = 0; I < 17; ++I)
        Registers[I] = R.Percent(50) ? AnyAddress(R, 64) : AnyNumber(R);
    C->Rip = R.Percent(40) ? Address(Memory.Code) : AnyAddress(R, 1, 70);
    C->Rsp = R.Percent(50) ? Address(Memory.Good) + GoodBytes - 0x100 : AnyAddress(R, 8, 80);
    C->EFlags = ULONG(R.Percent(50) ? 0x202 : AnyNumber(R));
    C->SegCs = R.Percent(70) ? 0x33 : WORD(R.Next());
    C->SegSs = R.Percent(70) ? 0x2B : WORD(R.Next());
    C->MxCsr = ULONG(R.Percent(80) ? 0x1F80 : AnyNumber(R));
    C->FltSave.MxCsr = ULONG(R.Percent(80) ? 0x1F80 : AnyNumber(R));
    C->Dr7 = AnyNumber(R);
    return R.Percent(6) ? AnyAddress(R, sizeof(*C), 100) : Address(C);
}

u64 AnyArgument(Random& R, const Service& S, u32 Number)
{
    const Parameter& P = S.Parameters[Number];
    if (R.Percent(2))
        return AnyNumber(R);
    if (P.How == Passing::In)
        return AnyIn(R, P);
    if (P.How == Passing::Buffer) {
        if (Contains(P.Name, "SecurityDescriptor"))
            return BuildSecurity(R);
        if (Contains(P.Name, "Message") || Contains(P.Name, "ConnectionRequest"))
            return BuildPortMessage(R);
        if (Contains(P.Name, "Dacl"))
            return BuildAcl(R);
        if (Contains(P.Name, "Sid"))
            return BuildSid(R);
        if (Equal(P.Name, "FileInformation"))
            return R.Percent(60) ? BuildFileInformation(R) : BuildSoup(R);
        if (Contains(P.Name, "User") || Contains(P.Name, "Groups") || Contains(P.Name, "Privileges") || Contains(P.Name, "NewState") || Contains(P.Name, "Owner"))
            return BuildSoup(R);
        return R.Percent(35) ? BuildSoup(R) : R.Percent(8) ? 0 : AnyAddress(R, R.Percent(50) ? 0x1000 : 0x10000, 15);
    }
    if (P.How == Passing::Out) {
        // New handles often take the place of one that is used further on.
        if (Equal(P.Type, "HANDLE") && R.Percent(50))
            return Address(&Pool[R.Below(KindCount)][R.Below(SlotsPerKind)]);
        return R.Percent(7) ? 0 : AnyAddress(R, 64, 10);
    }
    if (Equal(P.Type, "OBJECT_ATTRIBUTES"))
        return BuildObjectAttributes(R);
    if (Equal(P.Type, "UNICODE_STRING"))
        return BuildText(R, 30);
    if (Equal(P.Type, "CONTEXT"))
        return BuildContext(R);
    if (Equal(P.Type, "PS_ATTRIBUTE_LIST"))
        return R.Percent(15) ? 0 : BuildAttributeList(R);
    if (Equal(P.Type, "RTL_USER_PROCESS_PARAMETERS"))
        return BuildParameters(R);
    if (Equal(P.Type, "PS_CREATE_INFO")) {
        PS_CREATE_INFO* I = Place<PS_CREATE_INFO>(R);
        *I = {};
        I->Size = sizeof(*I);
        return Spoil(R, I, 15);
    }
    if (Equal(P.Type, "LARGE_INTEGER"))
        return BuildTime(R, Contains(P.Name, "Timeout") || Contains(P.Name, "Delay") || Contains(P.Name, "DueTime"));
    if (Equal(P.Type, "EXCEPTION_RECORD")) {
        EXCEPTION_RECORD* E = Place<EXCEPTION_RECORD>(R);
        *E = {};
        E->ExceptionCode = NTSTATUS(R.Percent(50) ? STATUS_ACCESS_VIOLATION : AnyNumber(R));
        E->NumberParameters = R.Below(16);
        return Spoil(R, E);
    }
    if (Equal(P.Type, "HANDLE")) {
        HANDLE* H = Place<HANDLE>(R, 64 * 8);
        u32 Count = R.Percent(80) ? 4 : 64;
        for (u32 I = 0; I < Count; ++I)
            H[I] = AnyHandle(R, R.Of({ "Event", "Mutant", "Semaphore", "TimerHandle", "Thread", "Process" }));
        return R.Percent(4) ? AnyAddress(R, 64, 100) : Address(H);
    }
    if (Equal(P.Type, "CLIENT_ID")) {
        CLIENT_ID* C = Place<CLIENT_ID>(R);
        *C = { Handle(R.Below(96) * 4), R.Percent(40) ? nullptr : Handle(R.Below(96) * 4) };
        return Spoil(R, C, 20);
    }
    if (P.How == Passing::InOut && (Equal(P.Type, "PVOID") || Equal(P.Type, "SIZE_T") || Equal(P.Type, "ULONG_PTR"))) {
        u64* W = Place<u64>(R);
        u64 Where = R.Percent(30) ? 0 : Address(Memory.Playground) + AlignDown(R.Below(PlaygroundBytes), R.Percent(80) ? 0x10000 : 1);
        u64 Wild = AnyAddress(R, 8, 100), Number = AnyNumber(R), Size = R.Percent(80) ? R.Below(0x40000) : Number;
        *W = Equal(P.Type, "PVOID") ? (R.Percent(92) ? Where : Wild) : Size;
        return R.Percent(5) ? AnyAddress(R, 8, 100) : Address(W);
    }
    return R.Percent(60) ? BuildSoup(R) : R.Percent(10) ? 0 : AnyAddress(R, 256, 15);
}

}
