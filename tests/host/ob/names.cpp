// Names, lookup, directories and links. The expected codes are Windows' own, as its tests show them.
#include "tests/host/support/gtest.hpp"

#include "tests/host/ex/double/system.hpp"

using namespace ob;
using fake::Client;

namespace {

constexpr ACCESS_MASK All = GENERIC_ALL;

struct Names : testing::Test {
    Client C;
    u64 Out = C.Room(8);
    HANDLE Made() { return C.At<HANDLE>(Out); }
    NTSTATUS CreateDir(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr)
    {
        return C.Now(NtCreateDirectoryObject, Out, DIRECTORY_QUERY, C.PutAttributes(Path, Flags, Root));
    }
    NTSTATUS OpenDir(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr)
    {
        return C.Now(NtOpenDirectoryObject, Out, DIRECTORY_QUERY, C.PutAttributes(Path, Flags, Root));
    }
    NTSTATUS CreateEvent(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr)
    {
        return C.Now(NtCreateEvent, Out, All, C.PutAttributes(Path, Flags, Root), NotificationEvent, 0);
    }
    NTSTATUS CreateMutant(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr)
    {
        return C.Now(NtCreateMutant, Out, All, C.PutAttributes(Path, Flags, Root), 0);
    }
    NTSTATUS OpenMutant(const wchar_t* Path, u32 Flags = 0, HANDLE Root = nullptr)
    {
        return C.Now(NtOpenMutant, Out, All, C.PutAttributes(Path, Flags, Root));
    }
    NTSTATUS CreateLink(const wchar_t* Path, const wchar_t* Target)
    {
        return C.Now(NtCreateSymbolicLinkObject, Out, All, C.PutAttributes(Path), C.PutString(Target));
    }
    NTSTATUS Close(HANDLE H) { return C.Now(NtClose, H); }
};

TEST(Name, UpCaseIsNts)
{
    EXPECT_EQ(UpCase(L'a'), L'A');
    EXPECT_EQ(UpCase(L'['), L'[');
    EXPECT_EQ(UpCase(L'\u00E9'), L'\u00C9');
    EXPECT_EQ(UpCase(L'\u00FF'), L'\u0178');
    EXPECT_EQ(UpCase(L'\u0131'), L'\u0131');        // dotless i stays
    EXPECT_EQ(UpCase(L'\u00DF'), L'\u00DF');
    EXPECT_EQ(UpCase(L'\u03C2'), L'\u03C2');        // final sigma stays
    EXPECT_EQ(UpCase(L'\u1F80'), L'\u1F88');
    EXPECT_EQ(UpCase(wchar_t(0xD801)), wchar_t(0xD801));
    EXPECT_EQ(UpCase(wchar_t(0xFFFF)), wchar_t(0xFFFF));
}

TEST(Name, Compare)
{
    EXPECT_TRUE(Equal(L"abc", L"ABC", true));
    EXPECT_FALSE(Equal(L"abc", L"ABC", false));
    EXPECT_LT(Compare(L"ab", L"abc", true), 0);
    EXPECT_GT(Compare(L"b", L"Abc", true), 0);
    EXPECT_LT(Compare(L"_", L"a", false), 0);
    EXPECT_GT(Compare(L"_", L"a", true), 0);        // compared as upper case
}

TEST_F(Names, DirectoryWithoutAttributesOrName)
{
    EXPECT_EQ(C.Now(NtCreateDirectoryObject, Out, DIRECTORY_QUERY, 0), STATUS_SUCCESS);
    EXPECT_EQ(Close(Made()), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtOpenDirectoryObject, Out, DIRECTORY_QUERY, 0), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(CreateDir(nullptr), STATUS_SUCCESS);
    EXPECT_EQ(OpenDir(nullptr), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(CreateDir(L""), STATUS_SUCCESS);
    EXPECT_EQ(OpenDir(L""), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(C.Now(NtCreateDirectoryObject, 0, DIRECTORY_QUERY, C.PutAttributes(nullptr)), STATUS_ACCESS_VIOLATION);
}

TEST_F(Names, BadPaths)
{
    for (auto Try : { &Names::CreateDir, &Names::OpenDir }) {
        EXPECT_EQ((this->*Try)(L"BaseNamedObjects", 0, nullptr), STATUS_OBJECT_PATH_SYNTAX_BAD);
        EXPECT_EQ((this->*Try)(L"\\BaseNamedObjects\\", 0, nullptr), STATUS_OBJECT_NAME_INVALID);
        EXPECT_EQ((this->*Try)(L"\\\\BaseNamedObjects", 0, nullptr), STATUS_OBJECT_NAME_INVALID);
        EXPECT_EQ((this->*Try)(L"\\BaseNamedObjects\\\\x", 0, nullptr), STATUS_OBJECT_NAME_INVALID);
        EXPECT_EQ((this->*Try)(L"\\BaseNamedObjects\\nowhere\\", 0, nullptr), STATUS_OBJECT_PATH_NOT_FOUND);
        EXPECT_EQ((this->*Try)(L"\\Nowhere\\x", 0, nullptr), STATUS_OBJECT_PATH_NOT_FOUND);
    }
    EXPECT_EQ(OpenDir(L"\\BaseNamedObjects\\nowhere"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Names, Roots)
{
    ASSERT_EQ(OpenDir(L"\\BaseNamedObjects"), STATUS_SUCCESS);
    HANDLE Dir = Made();
    EXPECT_EQ(OpenDir(nullptr, 0, Dir), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(OpenDir(L"", 0, Dir), STATUS_SUCCESS);
    EXPECT_EQ(CreateDir(L"", 0, Dir), STATUS_SUCCESS);
    EXPECT_EQ(OpenDir(L"\\", 0, Dir), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(CreateDir(L"\\x", 0, Dir), STATUS_OBJECT_PATH_SYNTAX_BAD);
    EXPECT_EQ(CreateDir(L"x\\", 0, Dir), STATUS_OBJECT_PATH_NOT_FOUND);
    ASSERT_EQ(CreateMutant(L"om-mutant", 0, Dir), STATUS_SUCCESS);
    HANDLE Mutant = Made();
    EXPECT_EQ(OpenMutant(L"\\BaseNamedObjects\\om-mutant"), STATUS_SUCCESS);
    EXPECT_EQ(OpenMutant(L"x", 0, Mutant), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(OpenMutant(L"", 0, Mutant), STATUS_OBJECT_TYPE_MISMATCH);
    // A bad root matters only if a name is looked up.
    HANDLE Bad = HANDLE(0xdeadbeef);
    EXPECT_EQ(CreateMutant(L"", 0, Bad), STATUS_SUCCESS);
    EXPECT_EQ(CreateMutant(L"x", 0, Bad), STATUS_INVALID_HANDLE);
    EXPECT_EQ(OpenMutant(L"", 0, Bad), STATUS_INVALID_HANDLE);
}

TEST_F(Names, Collisions)
{
    EXPECT_EQ(CreateDir(L"\\"), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(CreateDir(L"\\", OBJ_OPENIF), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_EQ(CreateMutant(L"\\", OBJ_OPENIF), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(CreateLink(L"\\", L"x"), STATUS_OBJECT_TYPE_MISMATCH);
    ASSERT_EQ(CreateMutant(L"\\BaseNamedObjects\\test"), STATUS_SUCCESS);
    HANDLE Mutant = Made();
    EXPECT_EQ(CreateMutant(L"\\BaseNamedObjects\\test"), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(CreateMutant(L"\\BaseNamedObjects\\test", OBJ_OPENIF), STATUS_OBJECT_NAME_EXISTS);
    EXPECT_EQ(Close(Made()), STATUS_SUCCESS);
    EXPECT_EQ(CreateEvent(L"\\BaseNamedObjects\\test"), STATUS_OBJECT_TYPE_MISMATCH);
    // Case matters unless it is said not to.
    ASSERT_EQ(CreateEvent(L"\\BaseNamedObjects\\Test"), STATUS_SUCCESS);
    HANDLE Event = Made();
    EXPECT_EQ(CreateMutant(L"\\BASENamedObjects\\x"), STATUS_OBJECT_PATH_NOT_FOUND);
    Close(Mutant);
    EXPECT_EQ(CreateEvent(L"\\BASENamedObjects\\test", OBJ_CASE_INSENSITIVE), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(OpenMutant(L"\\BaseNamedObjects\\TEst", OBJ_CASE_INSENSITIVE), STATUS_OBJECT_TYPE_MISMATCH);
    Close(Event);
    EXPECT_EQ(CreateMutant(L"\\BaseNamedObjects\\test"), STATUS_SUCCESS);      // the names went with the handles
}

TEST_F(Names, LinksAreFollowed)
{
    ASSERT_EQ(CreateDir(L"\\BaseNamedObjects\\om"), STATUS_SUCCESS);
    HANDLE Dir = Made();
    ASSERT_EQ(CreateLink(L"\\DosDevices\\test_link", L"\\BaseNamedObjects"), STATUS_SUCCESS);
    HANDLE Link = Made();
    EXPECT_EQ(CreateMutant(L"\\??\\test_link\\om\\object"), STATUS_SUCCESS);
    HANDLE Mutant = Made();
    EXPECT_EQ(OpenMutant(L"\\BaseNamedObjects\\om\\object"), STATUS_SUCCESS);
    Close(Made());
    EXPECT_EQ(OpenMutant(L"\\DosDevices\\test_link\\om\\object"), STATUS_SUCCESS);
    Close(Made());
    EXPECT_EQ(OpenMutant(L"\\??\\GLOBALROOT\\BaseNamedObjects\\Global\\om\\object"), STATUS_SUCCESS);
    Close(Made());
    EXPECT_EQ(OpenMutant(L"om\\object", 0, Link), STATUS_OBJECT_TYPE_MISMATCH);
    EXPECT_EQ(OpenMutant(L"\\??\\test_link\\om\\object", OBJ_DONT_REPARSE), STATUS_REPARSE_POINT_ENCOUNTERED);
    EXPECT_EQ(OpenMutant(L"object", 0, Dir), STATUS_SUCCESS);
    Close(Made());
    Close(Mutant);
    // A link to itself ends.
    ASSERT_EQ(CreateLink(L"\\??\\loop", L"\\??\\loop"), STATUS_SUCCESS);
    EXPECT_EQ(OpenMutant(L"\\??\\loop\\x"), STATUS_OBJECT_NAME_NOT_FOUND);
    ASSERT_EQ(CreateLink(L"\\??\\grow", L"\\??\\grow\\and\\grow"), STATUS_SUCCESS);
    EXPECT_EQ(OpenMutant(L"\\??\\grow\\x"), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Names, LinkQueries)
{
    ASSERT_EQ(C.Now(NtOpenSymbolicLinkObject, Out, SYMBOLIC_LINK_QUERY, C.PutAttributes(L"\\??\\GLOBALROOT\\DosDevices")), STATUS_SUCCESS);
    HANDLE Link = Made();
    u64 Text = C.Room(64), Length = C.Room(4);
    auto Query = [&](USHORT Maximum, bool WithLength) {
        u64 S = C.Put(UNICODE_STRING { 0x4444, Maximum, reinterpret_cast<wchar_t*>(Text) });
        NTSTATUS R = C.Now(NtQuerySymbolicLinkObject, Link, S, WithLength ? Length : 0);
        EXPECT_EQ(C.At<UNICODE_STRING>(S).Length, R ? 0x4444 : 6);
        return R;
    };
    EXPECT_EQ(Query(64, true), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Length), 8u);
    EXPECT_EQ(memcmp(C.Bytes(Text), L"\\??", 8), 0);
    EXPECT_EQ(Query(8, true), STATUS_SUCCESS);
    EXPECT_EQ(Query(6, true), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(Query(6, false), STATUS_SUCCESS);
    EXPECT_EQ(Query(0, true), STATUS_BUFFER_TOO_SMALL);
    u64 Empty = C.Put(UNICODE_STRING {});
    EXPECT_EQ(C.Now(NtCreateSymbolicLinkObject, Out, All, C.PutAttributes(nullptr), Empty), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(C.Now(NtCreateSymbolicLinkObject, Out, All, 0, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(CreateLink(nullptr, L"anywhere"), STATUS_SUCCESS);
}

TEST_F(Names, AnObjectLivesInItsDirectoryUntilItsLastHandle)
{
    u32 Before = ex::Event::Type.Objects;
    ASSERT_EQ(CreateEvent(L"\\BaseNamedObjects\\e"), STATUS_SUCCESS);
    HANDLE A = Made();
    ASSERT_EQ(C.Now(NtOpenEvent, Out, EVENT_QUERY_STATE, C.PutAttributes(L"\\BaseNamedObjects\\e")), STATUS_SUCCESS);
    HANDLE B = Made();
    Close(A);
    EXPECT_EQ(ex::Event::Type.Objects, Before + 1);
    ASSERT_EQ(C.Now(NtMakePermanentObject, B), STATUS_SUCCESS);
    Close(B);
    EXPECT_EQ(ex::Event::Type.Objects, Before + 1);
    ASSERT_EQ(C.Now(NtOpenEvent, Out, All, C.PutAttributes(L"\\BaseNamedObjects\\e")), STATUS_SUCCESS);
    EXPECT_EQ(C.Now(NtMakeTemporaryObject, Made()), STATUS_SUCCESS);
    EXPECT_EQ(ex::Event::Type.Objects, Before + 1);
    Close(Made());
    EXPECT_EQ(ex::Event::Type.Objects, Before);
    EXPECT_EQ(C.Now(NtOpenEvent, Out, All, C.PutAttributes(L"\\BaseNamedObjects\\e")), STATUS_OBJECT_NAME_NOT_FOUND);
    fake::HasPrivileges = false;
    EXPECT_EQ(CreateEvent(L"\\BaseNamedObjects\\e", OBJ_PERMANENT), STATUS_PRIVILEGE_NOT_HELD);
    fake::HasPrivileges = true;
}

TEST_F(Names, ADirectoryOutlivesItsNameWhileItHoldsSomething)
{
    u32 Before = Directory::Type.Objects;
    ASSERT_EQ(CreateDir(L"\\BaseNamedObjects\\d"), STATUS_SUCCESS);
    HANDLE Dir = Made();
    ASSERT_EQ(CreateEvent(L"\\BaseNamedObjects\\d\\e"), STATUS_SUCCESS);
    HANDLE Event = Made();
    Close(Dir);
    EXPECT_EQ(Directory::Type.Objects, Before + 1);
    EXPECT_EQ(OpenDir(L"\\BaseNamedObjects\\d"), STATUS_OBJECT_NAME_NOT_FOUND);
    Close(Event);
    EXPECT_EQ(Directory::Type.Objects, Before);
}

TEST_F(Names, KernelNames)
{
    auto D = Make<Directory>();
    ASSERT_TRUE(D.Ok());
    EXPECT_EQ(InsertKernel(D.Value(), L"\\??\\kernel-made", true).Code(), STATUS_SUCCESS);
    auto Found = LookupKernel(L"\\DosDevices\\KERNEL-made");
    ASSERT_TRUE(Found.Ok());
    EXPECT_EQ(Found.Value().Get(), D.Value().Get());
    EXPECT_EQ(InsertKernel(D.Value(), L"\\??\\kernel-made", true).Code(), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(LookupKernel(L"nothing").Code(), STATUS_OBJECT_PATH_SYNTAX_BAD);
    MakePermanent(*D.Value(), false);
    EXPECT_EQ(LookupKernel(L"\\??\\kernel-made").Code(), STATUS_OBJECT_NAME_NOT_FOUND);
}

struct Parser final : Object {
    static const TypeInfo Type;
    Parser() : Object(Type) { }
    std::vector<u16> Seen;
    bool HadData = false;
    Result<ParseResult> Parse(OpenRequest&, Name Rest) override
    {
        HadData = Rest.Data;
        Seen.assign(Rest.Data, Rest.Data + Rest.Length);
        ParseResult R;
        if (Equal(Rest, L"again", false))
            R.Reparse = TRY(String::Copy(L"\\BaseNamedObjects"));
        else
            R.Found = RefPtr<Object>(this);
        return R;
    }
};
const TypeInfo Parser::Type { .Name = L"Parser", .ValidAccess = 1, .Mapping = {} };

TEST_F(Names, ObjectsParse)
{
    auto P = Make<Parser>();
    ASSERT_TRUE(InsertKernel(P.Value(), L"\\Device\\Parser", true).Ok());
    EXPECT_EQ(OpenDir(L"\\Device\\Parser\\a\\b"), STATUS_OBJECT_TYPE_MISMATCH);    // what it gave is no directory
    EXPECT_EQ(P.Value()->Seen.size(), 3u);
    OpenDir(L"\\Device\\Parser");
    EXPECT_FALSE(P.Value()->HadData);
    OpenDir(L"\\Device\\Parser\\");
    EXPECT_TRUE(P.Value()->HadData);
    EXPECT_TRUE(P.Value()->Seen.empty());
    EXPECT_EQ(OpenDir(L"\\Device\\Parser\\again"), STATUS_SUCCESS);
    MakePermanent(*P.Value(), false);
}

TEST_F(Names, CaptureOfBadAttributes)
{
    EXPECT_EQ(C.Now(NtCreateEvent, Out, All, 0x10, NotificationEvent, 0), STATUS_ACCESS_VIOLATION);
    u64 A = C.PutAttributes(nullptr);
    C.At<OBJECT_ATTRIBUTES>(A).Length = 40;
    EXPECT_EQ(C.Now(NtCreateEvent, Out, All, A, NotificationEvent, 0), STATUS_INVALID_PARAMETER);
    A = C.PutAttributes(nullptr, 1);
    EXPECT_EQ(C.Now(NtCreateEvent, Out, All, A, NotificationEvent, 0), STATUS_INVALID_PARAMETER);
    A = C.PutAttributes(L"\\x");
    u64 S = reinterpret_cast<u64>(C.At<OBJECT_ATTRIBUTES>(A).ObjectName);
    C.At<UNICODE_STRING>(S).Length = 3;
    EXPECT_EQ(C.Now(NtCreateEvent, Out, All, A, NotificationEvent, 0), STATUS_OBJECT_NAME_INVALID);
    C.At<UNICODE_STRING>(S).Length = 4;
    C.At<UNICODE_STRING>(S).Buffer = reinterpret_cast<wchar_t*>(0x10);
    EXPECT_EQ(C.Now(NtCreateEvent, Out, All, A, NotificationEvent, 0), STATUS_ACCESS_VIOLATION);
    C.At<UNICODE_STRING>(S).Buffer = reinterpret_cast<wchar_t*>(ps::MemoryBase);
    C.At<UNICODE_STRING>(S).Length = 0xFFFE;
    EXPECT_NE(C.Now(NtCreateEvent, Out, All, A, NotificationEvent, 0), STATUS_SUCCESS);
    // An unwritable output leaves neither handle nor name.
    u32 Handles = C.Process().Handles().Count();
    EXPECT_EQ(C.Now(NtCreateEvent, 0x10, All, C.PutAttributes(L"\\BaseNamedObjects\\gone"), NotificationEvent, 0), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Process().Handles().Count(), Handles);
    EXPECT_EQ(C.Now(NtOpenEvent, Out, All, C.PutAttributes(L"\\BaseNamedObjects\\gone")), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Names, Listing)
{
    ASSERT_EQ(CreateDir(L"\\BaseNamedObjects\\winetest"), STATUS_SUCCESS);
    HANDLE Dir = Made();
    u64 Buffer = C.Room(200), Context = C.Room(4), Size = C.Room(4);
    constexpr ULONG Header = sizeof(OBJECT_DIRECTORY_INFORMATION);
    auto Query = [&](ULONG Length, bool Single, bool Restart) {
        C.At<ULONG>(Size) = 0xdeadbeef;
        memset(C.Bytes(Buffer), 0xCC, 200);
        return C.Now(NtQueryDirectoryObject, Dir, Buffer, Length, Single, Restart, Context, Size);
    };
    auto Entry = [&](u32 I) -> OBJECT_DIRECTORY_INFORMATION& { return C.At<OBJECT_DIRECTORY_INFORMATION>(Buffer + I * Header); };
    C.At<ULONG>(Context) = 0xdeadbeef;
    for (bool Single : { true, false }) {
        EXPECT_EQ(Query(0, Single, true), STATUS_NO_MORE_ENTRIES);
        EXPECT_EQ(C.At<ULONG>(Size), Header);
        EXPECT_EQ(Query(200, Single, true), STATUS_NO_MORE_ENTRIES);
        EXPECT_EQ(C.At<ULONG>(Context), 0xdeadbeefu);
        EXPECT_EQ(Entry(0).Name.Buffer, nullptr);
    }
    ASSERT_EQ(CreateMutant(L"\\BaseNamedObjects\\winetest\\Telamon"), STATUS_SUCCESS);
    ASSERT_EQ(CreateMutant(L"\\BaseNamedObjects\\winetest\\Oileus"), STATUS_SUCCESS);
    EXPECT_EQ(Query(200, true, true), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Context), 1u);
    ULONG OneNeeds = C.At<ULONG>(Size);
    EXPECT_EQ(Entry(1).Name.Buffer, nullptr);
    EXPECT_EQ(memcmp(C.Bytes(reinterpret_cast<u64>(Entry(0).TypeName.Buffer)), L"Mutant", 14), 0);
    EXPECT_EQ(Query(200, true, false), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Context), 2u);
    EXPECT_EQ(Query(200, true, false), STATUS_NO_MORE_ENTRIES);
    EXPECT_EQ(C.At<ULONG>(Size), Header);
    EXPECT_EQ(Query(OneNeeds - 1, true, true), STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(C.At<ULONG>(Size), OneNeeds);
    EXPECT_EQ(Query(200, false, true), STATUS_SUCCESS);
    EXPECT_EQ(C.At<ULONG>(Context), 2u);
    ULONG BothNeed = C.At<ULONG>(Size);
    EXPECT_EQ(Entry(2).Name.Buffer, nullptr);
    EXPECT_EQ(Query(BothNeed - 1, false, true), STATUS_MORE_ENTRIES);
    EXPECT_EQ(C.At<ULONG>(Context), 1u);
    EXPECT_EQ(Query(Header, false, true), STATUS_MORE_ENTRIES);
    EXPECT_EQ(C.At<ULONG>(Context), 0u);
    EXPECT_EQ(C.At<ULONG>(Size), Header);
    EXPECT_EQ(C.Now(NtQueryDirectoryObject, Dir, Buffer, 200, 1, 1, 0, Size), STATUS_ACCESS_VIOLATION);
    EXPECT_EQ(C.Now(NtQueryDirectoryObject, 0, Buffer, 200, 1, 1, Context, Size), STATUS_INVALID_HANDLE);
}

}
