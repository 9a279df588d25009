// Keys: made, opened, linked, enumerated, renamed, deleted, guarded.
#include "tests/host/cm/registry.hpp"

using namespace test;

namespace {

struct Keys : Registry { };

TEST_F(Keys, AreMadeOnceAndFoundInAnyCase)
{
    EXPECT_EQ(C.Get<u32>(Disposition), REG_CREATED_NEW_KEY);
    EXPECT_NT(STATUS_SUCCESS, Create(L"\\REGISTRY\\MACHINE\\software\\TEST"));
    EXPECT_EQ(C.Get<u32>(Disposition), REG_OPENED_EXISTING_KEY);
    EXPECT_NT(STATUS_SUCCESS, Create(L"Sub", Top));
    EXPECT_NT(STATUS_SUCCESS, Open(L"sUB\\", Top));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Sub\\None", Top));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Create(L"No\\Parent", Top));       // one key at a time
    EXPECT_NT(STATUS_OBJECT_PATH_SYNTAX_BAD, Open(L"\\Sub", Top));
    EXPECT_NT(STATUS_ACCESS_DENIED, Create(L"\\Registry\\Mine"));      // the roots are what they are
}

TEST_F(Keys, NamesHaveLimits)
{
    std::vector<wchar_t> Long(257, L'n');
    EXPECT_NT(STATUS_SUCCESS, Create({ Long.data(), 256 }, Top));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Create({ Long.data(), 257 }, Top));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Open({ Long.data(), 257 }, Top));
    // As deep as may be, and no deeper.
    HANDLE At = Top;
    u32 Depth = 0;
    for (;; ++Depth) {
        ASSERT_LT(Depth, 1000u);
        NTSTATUS S = Create(L"d", At);
        if (At != Top)
            C.Close(At);
        if (S != STATUS_SUCCESS) {
            EXPECT_NT(STATUS_INVALID_PARAMETER, S);
            break;
        }
        At = C.Handle(Out);
        if (Depth % 64 == 0) {
            C.Forget();
            Out = C.Room(8), Disposition = C.Room(8), Length = C.Room(8), Buffer = C.Room(4096);
            C.Set(Out, At);
        }
    }
    EXPECT_GT(Depth, 400u);
}

TEST_F(Keys, AreEnumeratedInOrder)
{
    for (ob::Name Name : { ob::Name(L"b"), ob::Name(L"A"), ob::Name(L"c10"), ob::Name(L"C1"), ob::Name(L"\x00E4") })
        EXPECT_NT(STATUS_SUCCESS, Create(Name, Top));
    std::u16string All;
    for (u32 I = 0; I < 5; ++I)
        All += Child(Top, I) + u" ";
    EXPECT_EQ(All, u"A b C1 c10 \u00E4 ");
    EXPECT_NT(STATUS_NO_MORE_ENTRIES, C.Call(Service::EnumerateKey, Top, 5, KeyBasicInformation, Buffer, 4096, Length));
    EXPECT_NT(STATUS_NO_MORE_ENTRIES, C.Call(Service::EnumerateKey, Top, ~0u, KeyBasicInformation, Buffer, 4096, Length));
    EXPECT_NT(STATUS_INVALID_PARAMETER, C.Call(Service::EnumerateKey, Top, 0, 99, Buffer, 4096, Length));
}

TEST_F(Keys, AnswersAreCutAtTheCallersLength)
{
    EXPECT_NT(STATUS_SUCCESS, Create(L"Name", Top));
    auto Ask = [&](u32 Bytes) { return C.Call(Service::EnumerateKey, Top, 0, KeyBasicInformation, Buffer, Bytes, Length); };
    u64 Pattern = 0x7777'7777'7777'7777;
    for (u32 I = 0; I < 8; ++I)
        C.Set(Buffer + I * 8, Pattern);
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, Ask(15));
    EXPECT_EQ(Told(), 24u);
    EXPECT_EQ(C.Get<u64>(Buffer), Pattern);         // nothing is written
    EXPECT_NT(STATUS_BUFFER_OVERFLOW, Ask(20));
    EXPECT_EQ(Text(Buffer + 16, 4), u"Na");
    EXPECT_EQ(C.Get<u32>(Buffer + 20), 0x7777'7777u);
    EXPECT_NT(STATUS_SUCCESS, Ask(24));
    EXPECT_EQ(C.Get<u32>(Buffer + 24), 0x7777'7777u);
    EXPECT_NT(STATUS_BUFFER_TOO_SMALL, Ask(0));
    EXPECT_LT(C.Call(Service::EnumerateKey, Top, 0, KeyBasicInformation, 0x10, 4096, Length), 0);
    EXPECT_LT(C.Call(Service::EnumerateKey, Top, 0, KeyBasicInformation, Buffer, 4096, 0x10), 0);
}

TEST_F(Keys, TellTheirFullInformation)
{
    u64 Class = C.PutString(L"Kind");
    EXPECT_NT(STATUS_SUCCESS, Create(L"Longest", Top, 0, KEY_ALL_ACCESS, Class));
    EXPECT_NT(STATUS_SUCCESS, Create(L"s", Top));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Top, L"value", 1));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryKey, Top, KeyFullInformation, Buffer, 4096, Length));
    auto Info = C.Get<KEY_FULL_INFORMATION>(Buffer);
    EXPECT_EQ(Info.SubKeys, 2u);
    EXPECT_EQ(Info.MaxNameLen, 14u);
    EXPECT_EQ(Info.MaxClassLen, 8u);
    EXPECT_EQ(Info.Values, 1u);
    EXPECT_EQ(Info.MaxValueNameLen, 10u);
    EXPECT_EQ(Info.MaxValueDataLen, 4u);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryKey, Top, KeyNameInformation, Buffer, 4096, Length));
    EXPECT_EQ(Text(Buffer + 4, C.Get<u32>(Buffer)), u"\\REGISTRY\\MACHINE\\SOFTWARE\\Test");
}

TEST_F(Keys, AreDeletedWhenNothingIsBelow)
{
    HANDLE Sub = MustCreate(L"Sub", Top), Below = MustCreate(L"Below", Sub);
    EXPECT_NT(STATUS_CANNOT_DELETE, C.Call(Service::DeleteKey, Sub));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Below));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Sub));
    // Handles to what is gone.
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Sub));
    EXPECT_NT(STATUS_KEY_DELETED, Create(L"New", Sub));
    EXPECT_NT(STATUS_KEY_DELETED, SetNumber(Sub, L"v", 1));
    EXPECT_NT(STATUS_KEY_DELETED, QueryPartial(Sub, L"v"));
    EXPECT_NT(STATUS_KEY_DELETED, C.Call(Service::EnumerateKey, Sub, 0, KeyBasicInformation, Buffer, 4096, Length));
    EXPECT_NT(STATUS_KEY_DELETED, C.Call(Service::RenameKey, Sub, C.PutString(L"x")));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Sub", Top));
    EXPECT_NT(STATUS_SUCCESS, Create(L"Sub", Top));
    EXPECT_EQ(C.Get<u32>(Disposition), REG_CREATED_NEW_KEY);
    // What every system has stays.
    EXPECT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\SYSTEM\\ControlSet001"));
    EXPECT_NT(STATUS_CANNOT_DELETE, C.Call(Service::DeleteKey, C.Handle(Out)));
}

TEST_F(Keys, LeaveNothingWhenDeleted)
{
    Balance B;
    for (u32 Round = 0; Round < 3; ++Round) {
        HANDLE Sub = MustCreate(L"Sub", Top);
        EXPECT_NT(STATUS_SUCCESS, SetNumber(Sub, L"v", 1));
        EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, Sub));
        EXPECT_NT(STATUS_SUCCESS, C.Close(Sub));
    }
    B.Check();
}

TEST_F(Keys, AreRenamed)
{
    HANDLE Sub = MustCreate(L"Old", Top);
    MustCreate(L"Other", Top);
    auto Rename = [&](ob::Name To) { return C.Call(Service::RenameKey, Sub, C.PutString(To)); };
    EXPECT_NT(STATUS_SUCCESS, Rename(L"New"));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Old", Top));
    EXPECT_NT(STATUS_SUCCESS, Open(L"new", Top));
    EXPECT_NT(STATUS_SUCCESS, Rename(L"NEW"));      // only the case
    EXPECT_EQ(Child(Top, 0), u"NEW");
    EXPECT_NT(STATUS_CANNOT_DELETE, Rename(L"other"));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Rename(L"a\\b"));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Rename({}));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::RenameKey, Sub, 0x10));
}

TEST_F(Keys, LinksAreFollowed)
{
    HANDLE Target = MustCreate(L"Target", Top), Link = MustCreate(L"Link", Top, REG_OPTION_CREATE_LINK | REG_OPTION_VOLATILE);
    MustCreate(L"Inside", Target);
    static constexpr wchar_t Path[] = L"\\Registry\\Machine\\Software\\Test\\Target";
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Link", Top));        // it leads nowhere yet
    EXPECT_NT(STATUS_ACCESS_DENIED, SetNumber(Link, L"v", 1));          // a link has one value only
    EXPECT_NT(STATUS_SUCCESS, SetValue(Link, L"SymbolicLinkValue", REG_LINK, Path, sizeof(Path) - 2));
    EXPECT_NT(STATUS_SUCCESS, SetNumber(Target, L"v", 7));
    EXPECT_NT(STATUS_SUCCESS, Open(L"Link", Top));
    EXPECT_EQ(Number(C.Handle(Out), L"v"), 7u);
    EXPECT_NT(STATUS_SUCCESS, Open(L"Link\\Inside", Top));
    EXPECT_NT(STATUS_SUCCESS, Create(L"Link\\Made", Top));
    EXPECT_NT(STATUS_SUCCESS, Open(L"Target\\Made", Top));
    // The link itself.
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::OpenKeyEx, Out, KEY_ALL_ACCESS, C.PutAttributes(L"Link", OBJ_CASE_INSENSITIVE | OBJ_OPENLINK, Top), 0));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(C.Handle(Out), L"v"));
    EXPECT_NT(STATUS_SUCCESS, QueryPartial(C.Handle(Out), L"SymbolicLinkValue"));
    EXPECT_NT(STATUS_OBJECT_NAME_COLLISION, Create(L"Link", Top, REG_OPTION_CREATE_LINK));
    // In a circle.
    static constexpr wchar_t Itself[] = L"\\Registry\\Machine\\Software\\Test\\Link";
    EXPECT_NT(STATUS_SUCCESS, SetValue(Link, L"SymbolicLinkValue", REG_LINK, Itself, sizeof(Itself) - 2));
    EXPECT_LT(Open(L"Link", Top), 0);
    // Half a character, no path, nothing.
    EXPECT_NT(STATUS_SUCCESS, SetValue(Link, L"SymbolicLinkValue", REG_LINK, Path, 3));
    EXPECT_LT(Open(L"Link\\x", Top), 0);
    EXPECT_NT(STATUS_SUCCESS, SetValue(Link, L"SymbolicLinkValue", REG_LINK, L"relative", 16));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Link", Top));
    EXPECT_NT(STATUS_SUCCESS, SetValue(Link, L"SymbolicLinkValue", REG_LINK, Path, 0));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"Link", Top));
}

TEST_F(Keys, OfEverySystemAreLinked)
{
    EXPECT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\System\\CurrentControlSet"));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::QueryKey, C.Handle(Out), KeyNameInformation, Buffer, 4096, Length));
    EXPECT_EQ(Text(Buffer + 4, C.Get<u32>(Buffer)), u"\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001");
}

TEST_F(Keys, VolatileOnesHaveVolatileChildren)
{
    HANDLE V = MustCreate(L"V", Top, REG_OPTION_VOLATILE);
    EXPECT_NT(STATUS_CHILD_MUST_BE_VOLATILE, Create(L"Lasting", V));
    EXPECT_NT(STATUS_SUCCESS, Create(L"Fleeting", V, REG_OPTION_VOLATILE));
}

TEST_F(Keys, RightsAreThoseOfTheHandle)
{
    MustCreate(L"Sub", Top);
    EXPECT_NT(STATUS_SUCCESS, Open(L"Sub", Top, KEY_READ));
    HANDLE Read = C.Handle(Out);
    EXPECT_NT(STATUS_ACCESS_DENIED, SetNumber(Read, L"v", 1));
    EXPECT_NT(STATUS_ACCESS_DENIED, C.Call(Service::DeleteKey, Read));
    EXPECT_NT(STATUS_ACCESS_DENIED, C.Call(Service::DeleteValueKey, Read, C.PutString(L"v")));
    EXPECT_NT(STATUS_ACCESS_DENIED, Open(L"Sub", Top, 0));
    EXPECT_NT(STATUS_SUCCESS, Open(L"Sub", Top, KEY_SET_VALUE));
    EXPECT_NT(STATUS_ACCESS_DENIED, QueryPartial(C.Handle(Out), L"v"));
    EXPECT_NT(STATUS_ACCESS_DENIED, C.Call(Service::EnumerateKey, C.Handle(Out), 0, KeyBasicInformation, Buffer, 4096, Length));
    u64 Reset = C.Room(8);
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateEvent, Reset, 0x1F0003, 0, 1, 0));
    EXPECT_NT(STATUS_OBJECT_TYPE_MISMATCH, QueryPartial(C.Handle(Reset), L"v"));
    EXPECT_NT(STATUS_INVALID_HANDLE, QueryPartial(reinterpret_cast<HANDLE>(0x5554), L"v"));
}

TEST_F(Keys, ADescriptorKeepsOthersOut)
{
    // A DACL that lets LocalSystem in and nobody else.
    struct {
        SECURITY_DESCRIPTOR_RELATIVE D { 1, 0, SE_DACL_PRESENT | SE_SELF_RELATIVE | SE_DACL_PROTECTED, 48, 48, 0, 20 };
        ACL Head { 2, 0, 28, 1, 0 };
        struct {
            ACE_HEADER Header { ACCESS_ALLOWED_ACE_TYPE, CONTAINER_INHERIT_ACE, 20 };
            u32 Mask = KEY_ALL_ACCESS;
            u8 Sid[12] { 1, 1, 0, 0, 0, 0, 0, 5, 18 };
        } Ace;
        u8 Owner[12] { 1, 1, 0, 0, 0, 0, 0, 5, 18 };
    } D;
    static_assert(sizeof(D) == 60);
    u64 Attributes = C.PutAttributes(L"Private", OBJ_CASE_INSENSITIVE, Top, C.Put(D));
    EXPECT_NT(STATUS_SUCCESS, C.Call(Service::CreateKey, Out, KEY_ALL_ACCESS, Attributes, 0, 0, 0, Disposition));
    MustCreate(L"Below", C.Handle(Out));
    Client User;
    u64 To = User.Room(8);
    auto Try = [&](ob::Name Path, ACCESS_MASK Access) { return User.Call(Service::OpenKey, To, Access, User.PutAttributes(Path)); };
    for (ACCESS_MASK Access : { KEY_READ, MAXIMUM_ALLOWED, KEY_SET_VALUE })
        EXPECT_NT(STATUS_ACCESS_DENIED, Try(L"\\Registry\\Machine\\Software\\Test\\Private", Access));
    for (ACCESS_MASK Access : { KEY_READ, KEY_SET_VALUE })
        EXPECT_NT(STATUS_ACCESS_DENIED, Try(L"\\Registry\\Machine\\Software\\Test\\Private\\Below", Access));
    EXPECT_NT(STATUS_SUCCESS, User.Call(Service::OpenKey, To, KEY_READ, User.PutAttributes(L"\\Registry\\Machine\\Software\\Test")));
}

TEST_F(Keys, HostileNames)
{
    auto Try = [&](UNICODE_STRING Name) {
        OBJECT_ATTRIBUTES A { sizeof(A), Top, reinterpret_cast<UNICODE_STRING*>(C.Put(Name)), OBJ_CASE_INSENSITIVE, nullptr, nullptr };
        return C.Call(Service::CreateKey, Out, KEY_ALL_ACCESS, C.Put(A), 0, 0, 0, Disposition);
    };
    EXPECT_LT(Try({ 3, 3, reinterpret_cast<wchar_t*>(Buffer) }), 0);
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Try({ 8, 8, reinterpret_cast<wchar_t*>(0x10) }));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, Try({ 0xFFFE, 0xFFFE, reinterpret_cast<wchar_t*>(~u64(0) - 5) }));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::CreateKey, 0x10, KEY_ALL_ACCESS, C.PutAttributes(L"x", 0, Top), 0, 0, 0, 0));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::CreateKey, Out, KEY_ALL_ACCESS, 0, 0, 0, 0, 0));
    EXPECT_NT(STATUS_ACCESS_VIOLATION, C.Call(Service::CreateKey, Out, KEY_ALL_ACCESS, C.PutAttributes(L"x", 0, Top), 0, 0x10, 0, 0));
    EXPECT_NT(STATUS_INVALID_PARAMETER, Create(L"x", Top, 0x100));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"x", Top));       // none of them came into being
}

TEST_F(Keys, WithoutMemoryAreNotHalfMade)
{
    for (u32 Skip = 0; Skip < 40; ++Skip) {
        u64 Attributes = C.PutAttributes(L"Sub", OBJ_CASE_INSENSITIVE, Top);
        test::FailAllocation(Skip);
        NTSTATUS S = C.Call(Service::CreateKey, Out, KEY_ALL_ACCESS, Attributes, 0, 0, 0, 0);
        bool Done = test::AllocationFailurePending();
        test::NoAllocationFailure();
        if (S == STATUS_SUCCESS) {
            EXPECT_NT(STATUS_SUCCESS, C.Call(Service::DeleteKey, C.Handle(Out)));
            EXPECT_NT(STATUS_SUCCESS, C.Close(C.Handle(Out)));
            if (Done)
                return;
        }
        EXPECT_EQ(Child(Top, 0), u"") << "after failure " << Skip;
    }
    ADD_FAILURE() << "it never succeeds";
}

}
