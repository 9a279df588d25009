// Hives on files that answer later: loading, lazy writing, flushing, power cuts, failures; the system's own hives.
#include <optional>

#include "ntos/cm/cm.hpp"
#include "ntos/cm/hive/hive.hpp"
#include "ntos/io/create.hpp"
#include "tests/host/cm/registry.hpp"
#include "tests/host/cm/slow_files.hpp"

namespace test {

using namespace cm;

// The C library's wchar_t is another one.
static usize Length(const wchar_t* Text)
{
    usize N = 0;
    while (Text[N])
        ++N;
    return N;
}

struct HiveFiles : Registry {
    static SlowVolume& Volume()
    {
        static SlowVolume* V = [] {
            Begin();
            auto New = ob::Make<SlowVolume>();
            EXPECT_TRUE(New.Ok());
            SlowVolume* Raw = New.Value().Get();
            EXPECT_TRUE(io::NameDevice(New.Take(), L"\\Device\\Slow").Ok());
            EXPECT_TRUE(ob::LinkKernel(L"\\GLOBAL??\\C:", L"\\Device\\Slow").Ok());
            return Raw;
        }();
        return *V;
    }
    SlowVolume& V = Volume();
    HiveFiles() { V.Failure = Status(); }
    // Runs a service to its end.
    template <typename... A> NTSTATUS Whole(Service What, A... Arguments)
    {
        NTSTATUS S = C.Call(What, Arguments...);
        for (int I = 0; S == STATUS_PENDING && C.IsBlocked() && I < 100; ++I) {
            Pump();
            S = C.Reply();
        }
        return S;
    }
    void Pump() { V.Pump(); }
    NTSTATUS Load() { return Whole(Service::LoadKey, C.PutAttributes(L"\\Registry\\Machine\\Slow"), C.PutAttributes(L"\\Device\\Slow\\hive")); }
    NTSTATUS Unload() { return Whole(Service::UnloadKey, C.PutAttributes(L"\\Registry\\Machine\\Slow")); }
    // The number in the file as the power cut would leave it.
    std::optional<u32> OnMedium(const std::u16string& File, const wchar_t* Path, const wchar_t* Name);
};

// Bytes as a file.
class Bytes final : public regf::File {
public:
    explicit Bytes(std::vector<u8> Data) : Data_(std::move(Data)) { }
    Result<u64> Size() override { return u64(Data_.size()); }
    Status ReadAt(u64 Offset, void* To, usize Count) override
    {
        if (Offset > Data_.size() || Count > Data_.size() - Offset)
            return STATUS_END_OF_FILE;
        memcpy(To, Data_.data() + Offset, Count);
        return STATUS_SUCCESS;
    }
    Status WriteAt(u64, const void*, usize) override { return STATUS_ACCESS_DENIED; }
    Status Extend(u64) override { return STATUS_ACCESS_DENIED; }
    Status Flush() override { return STATUS_SUCCESS; }

private:
    std::vector<u8> Data_;
};

std::optional<u32> HiveFiles::OnMedium(const std::u16string& File, const wchar_t* Path, const wchar_t* Name)
{
    Bytes Primary(V.Files[File].Flushed), Log1(V.Files[File + u".LOG1"].Flushed), Log2(V.Files[File + u".LOG2"].Flushed);
    regf::Hive H(RegfEnvironment());
    regf::Store S(H, Primary, &Log1, &Log2, true);
    if (!S.Open().Ok())
        return {};
    u32 Key = H.Root();
    for (const wchar_t* At = Path; *At;) {
        usize N = 0;
        while (At[N] && At[N] != L'\\')
            ++N;
        auto Next = H.Find(Key, { At, N });
        if (!Next.Ok() || Next.Value() == regf::None)
            return {};
        Key = Next.Value();
        At += N + (At[N] == L'\\');
    }
    Vector<u32> Values;
    if (!H.Values(Key, Values).Ok())
        return {};
    for (u32 Cell : Values) {
        auto Info = H.Value(Cell);
        Vector<u8> Data;
        if (!Info.Ok() || !ob::Equal({ Info.Value().Name.Data(), Info.Value().Name.Size() }, ob::Name(Name, test::Length(Name)), true) || !H.Data(Cell, Data).Ok() || Data.Size() != 4)
            continue;
        u32 Number;
        memcpy(&Number, Data.Data(), 4);
        return Number;
    }
    return {};
}

TEST_F(HiveFiles, ANewHiveIsWrittenLater)
{
    V.Files.clear();
    ASSERT_NT(STATUS_SUCCESS, Load());
    HANDLE Key = MustCreate(L"\\Registry\\Machine\\Slow\\Deep");
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 7));
    Pump();
    EXPECT_FALSE(OnMedium(u"\\HIVE", L"Deep", L"n"));
    Advance(FileHive::LazyDelay + ke::TimerGrid);
    Pump();
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Deep", L"n"), 7u);
    // And at once, when asked.
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 8));
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Deep", L"n"), 7u);
    ASSERT_NT(STATUS_SUCCESS, Whole(Service::FlushKey, Key));
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Deep", L"n"), 8u);
    C.Close(Key);
    ASSERT_NT(STATUS_SUCCESS, Unload());
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"\\Registry\\Machine\\Slow"));
    ASSERT_NT(STATUS_SUCCESS, Load());
    ASSERT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\Slow\\Deep"));
    EXPECT_EQ(Number(C.Handle(Out), L"n"), 8u);
    C.Close(C.Handle(Out));
    ASSERT_NT(STATUS_SUCCESS, Unload());
}

// The power fails after any number of answers: what was flushed to the registry is there.
TEST_F(HiveFiles, APowerCutLosesNothingFlushed)
{
    for (u32 Answers = 0; Answers < 60; ++Answers) {
        V.Files.clear();
        V.Waiting.clear();
        ASSERT_NT(STATUS_SUCCESS, Load());
        HANDLE Key = MustCreate(L"\\Registry\\Machine\\Slow\\Key");
        ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 1));
        ASSERT_NT(STATUS_SUCCESS, Whole(Service::FlushKey, Key));
        ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 2));
        NTSTATUS S = C.Call(Service::FlushKey, Key);
        for (u32 I = 0; I < Answers && !V.Waiting.empty(); ++I) {
            V.PumpOne();
        }
        if (S == STATUS_PENDING)
            S = C.Reply();
        auto There = OnMedium(u"\\HIVE", L"Key", L"n");
        ASSERT_TRUE(There == 1u || There == 2u) << Answers;
        if (S == STATUS_SUCCESS) {
            ASSERT_EQ(There, 2u) << Answers;
            Answers = 1000;             // that was all
        }
        for (int I = 0; I < 100 && S == STATUS_PENDING; ++I) {
            Pump();
            S = C.Reply();
        }
        ASSERT_NT(STATUS_SUCCESS, S);
        C.Close(Key);
        ASSERT_NT(STATUS_SUCCESS, Unload());
    }
}

TEST_F(HiveFiles, AWriteThatFailsIsTriedAgain)
{
    V.Files.clear();
    ASSERT_NT(STATUS_SUCCESS, Load());
    HANDLE Key = MustCreate(L"\\Registry\\Machine\\Slow\\Key");
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 1));
    ASSERT_NT(STATUS_SUCCESS, Whole(Service::FlushKey, Key));
    V.Failure = STATUS_DEVICE_NOT_READY;
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 2));
    EXPECT_NT(STATUS_PENDING, C.Call(Service::FlushKey, Key));
    for (u32 I = 0; I < 3; ++I) {
        Pump();
        Advance(WriteQueue::Pause + ke::TimerGrid);
    }
    V.Failure = Status();
    NTSTATUS S = STATUS_PENDING;
    for (u32 I = 0; I < 20 && S == STATUS_PENDING; ++I) {
        Pump();
        Advance(WriteQueue::Pause + ke::TimerGrid);
        S = C.Reply();
    }
    EXPECT_NT(STATUS_SUCCESS, S);
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Key", L"n"), 2u);
    // One that goes on failing is told to whoever waits, and is still written when it can be.
    V.Failure = STATUS_DEVICE_NOT_READY;
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Key, L"n", 3));
    EXPECT_NT(STATUS_PENDING, C.Call(Service::FlushKey, Key));
    S = STATUS_PENDING;
    for (u32 I = 0; I < WriteQueue::Patience + 3 && S == STATUS_PENDING; ++I) {
        Pump();
        Advance(WriteQueue::Pause + ke::TimerGrid);
        S = C.Reply();
    }
    EXPECT_NT(STATUS_DEVICE_NOT_READY, S);
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Key", L"n"), 2u);
    V.Failure = Status();
    for (u32 I = 0; I < 5; ++I) {
        Pump();
        Advance(WriteQueue::Pause + ke::TimerGrid);
    }
    EXPECT_EQ(OnMedium(u"\\HIVE", L"Key", L"n"), 3u);
    C.Close(Key);
    ASSERT_NT(STATUS_SUCCESS, Unload());
}

TEST_F(HiveFiles, WhatCannotBeLoaded)
{
    V.Files.clear();
    V.Files[u"\\HIVE"].Now = std::vector<u8>(8192, 0x5A);
    EXPECT_NT(STATUS_NOT_REGISTRY_FILE, Load());
    V.Failure = STATUS_ACCESS_DENIED;
    EXPECT_NT(STATUS_ACCESS_DENIED, Load());
    EXPECT_EQ(V.Files[u"\\HIVE"].Now, std::vector<u8>(8192, 0x5A));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"\\Registry\\Machine\\Slow"));
}

// The last one: the system's hives are loaded once, for ever.
TEST_F(HiveFiles, TheSystemsOwnHives)
{
    V.Files.clear();
    constexpr char First[] = "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Seed]\n\"kept\"=dword:1\n\"gone\"=dword:2\n\"changed\"=dword:3\n[HKEY_LOCAL_MACHINE\\SOFTWARE\\SeedGone]\n\"x\"=dword:1\n";
    ASSERT_NT(STATUS_SUCCESS, LoadSeed(First, sizeof(First) - 1).Code());
    // A SYSTEM and a SOFTWARE of an earlier start with the same description, in which things were changed and deleted.
    auto Write = [&](const std::u16string& File, auto Fill) {
        struct : regf::File {
            std::vector<u8> Data;
            Result<u64> Size() override { return u64(Data.size()); }
            Status ReadAt(u64, void*, usize) override { return STATUS_END_OF_FILE; }
            Status WriteAt(u64 Offset, const void* From, usize Count) override
            {
                memcpy(&Data[Offset], From, Count);
                return STATUS_SUCCESS;
            }
            Status Extend(u64 Size) override
            {
                Data.resize(Size);
                return STATUS_SUCCESS;
            }
            Status Flush() override { return STATUS_SUCCESS; }
        } To;
        regf::Hive H(RegfEnvironment());
        u8 Descriptor[20] = { 1, 0, 0, 0x80 };
        ASSERT_TRUE(H.Create({ L"TOP", 3 }, Descriptor).Ok());
        Fill(H, Descriptor);
        ASSERT_TRUE(regf::Store(H, To, nullptr, nullptr).Create().Ok());
        V.Files[File].Now = To.Data;
    };
    auto Child = [](regf::Hive& H, const wchar_t* Name, std::span<const u8> Descriptor, const wchar_t* Value, u32 Type, u64 Number, u32 Bytes) {
        u32 Key = H.NewKey(H.Root(), { Name, test::Length(Name) }, {}, Descriptor).Take();
        ASSERT_TRUE(H.Link(H.Root(), Key).Ok());
        u32 Cell = H.NewValue({ Value, test::Length(Value) }, Type, { reinterpret_cast<u8*>(&Number), Bytes }).Take();
        ASSERT_TRUE(H.SetValues(Key, { &Cell, 1 }).Ok());
    };
    Write(u"\\WINDOWS\\SYSTEM32\\CONFIG\\SYSTEM", [&](regf::Hive& H, std::span<const u8> D) { Child(H, L"Setup", D, L"Description", REG_QWORD, SeedNumber(), 8); });
    Write(u"\\WINDOWS\\SYSTEM32\\CONFIG\\SOFTWARE", [&](regf::Hive& H, std::span<const u8> D) {
        Child(H, L"Seed", D, L"changed", REG_DWORD, 33, 4);
        Child(H, L"Mine", D, L"own", REG_DWORD, 44, 4);
    });
    HANDLE Volatile = MustCreate(L"\\Registry\\Machine\\SOFTWARE\\Volatile", nullptr, REG_OPTION_VOLATILE);
    HANDLE Early = MustCreate(L"\\Registry\\Machine\\SOFTWARE\\Early");
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Early, L"e", 5));
    ASSERT_TRUE(OpenNode(L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList", true).Ok());
    HANDLE Profile = MustCreate(L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList\\S-1-5-21-1085031214-1563985344-725345543-1000");
    constexpr wchar_t Folder[] = L"C:\\Users\\me";
    ASSERT_NT(STATUS_SUCCESS, SetValue(Profile, L"ProfileImagePath", REG_EXPAND_SZ, Folder, sizeof(Folder)));
    ASSERT_NT(STATUS_SUCCESS, Whole(Service::InitializeRegistry, 0));

    ASSERT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\SOFTWARE\\Seed"));
    HANDLE Seed = C.Handle(Out);
    EXPECT_EQ(Number(Seed, L"changed"), 33u);
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, QueryPartial(Seed, L"gone"));
    EXPECT_NT(STATUS_OBJECT_NAME_NOT_FOUND, Open(L"\\Registry\\Machine\\SOFTWARE\\SeedGone"));
    ASSERT_NT(STATUS_SUCCESS, Open(L"\\Registry\\Machine\\SOFTWARE\\Mine"));
    EXPECT_EQ(Number(C.Handle(Out), L"own"), 44u);
    // What was made before, and not by the description, stays, and becomes the file's unless it is volatile.
    EXPECT_EQ(Number(Early, L"e"), 5u);
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Volatile, L"v", 6));
    ASSERT_NT(STATUS_SUCCESS, Whole(Service::FlushKey, Seed));
    EXPECT_EQ(OnMedium(u"\\WINDOWS\\SYSTEM32\\CONFIG\\SOFTWARE", L"Early", L"e"), 5u);
    EXPECT_FALSE(OnMedium(u"\\WINDOWS\\SYSTEM32\\CONFIG\\SOFTWARE", L"Volatile", L"v"));
    // A second time it is refused, and for programs altogether.
    EXPECT_NT(STATUS_ACCESS_DENIED, Whole(Service::InitializeRegistry, 0));
    Client User;
    EXPECT_NT(STATUS_PRIVILEGE_NOT_HELD, User.Call(Service::InitializeRegistry, 0));
    // The user's hive, which was not there, is made of what there is.
    HANDLE Mine = MustCreate(L"\\Registry\\User\\S-1-5-21-1085031214-1563985344-725345543-1000\\Software\\Me");
    ASSERT_NT(STATUS_SUCCESS, SetNumber(Mine, L"m", 9));
    ASSERT_NT(STATUS_SUCCESS, Whole(Service::FlushKey, Mine));
    EXPECT_EQ(OnMedium(u"\\USERS\\ME\\NTUSER.DAT", L"Software\\Me", L"m"), 9u);
    for (HANDLE H : { Volatile, Early, Profile, Seed, Mine })
        C.Close(H);
}

}
