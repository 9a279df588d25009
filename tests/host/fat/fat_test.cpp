#include "tests/host/fat/fat_test.hpp"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

namespace core {
void Panic(const char* What, const char* File, int Line)
{
    fprintf(stderr, "panic: %s (%s:%d)\n", What, File, Line);
    abort();
}
}

namespace test {

wchar_t UpCase(wchar_t C)
{
    if ((C >= L'a' && C <= L'z') || (C >= 0xE0 && C <= 0xFE && C != 0xF7) || (C >= 0x430 && C <= 0x44F))
        return wchar_t(C - 0x20);
    return C;
}

std::u16string Upper(std::u16string S)
{
    for (char16_t& C : S)
        C = char16_t(UpCase(wchar_t(C)));
    return S;
}

Status Disk::ReadAt(u64 Offset, void* To, usize Count)
{
    if (Offset > Data.size() || Count > Data.size() - Offset)
        return STATUS_INVALID_PARAMETER;
    memcpy(To, Data.data() + Offset, Count);
    return STATUS_SUCCESS;
}

Status Disk::WriteAt(u64 Offset, const void* From, usize Count)
{
    if (Offset > Data.size() || Count > Data.size() - Offset) {
        ADD_FAILURE() << "a write beyond the end";
        return STATUS_INVALID_PARAMETER;
    }
    memcpy(Data.data() + Offset, From, Count);
    if (Keep) {
        const u8* P = static_cast<const u8*>(From);
        for (usize At = 0; At < Count;) {
            usize Part = std::min<usize>(Count - At, 512 - (Offset + At) % 512);        // the power may go between any two sectors
            Log.push_back({ Offset + At, Bytes(P + At, P + At + Part) });
            At += Part;
        }
    }
    return STATUS_SUCCESS;
}

std::string Scratch(const std::string& Name) { return std::string(FAT_SCRATCH) + "/" + Name; }

int RunTool(const std::string& Command)
{
    int Code = system(("export PATH=$PATH:/usr/sbin:/sbin MTOOLS_SKIP_CHECK=1 LC_ALL=C.UTF-8; " + Command + " >/dev/null 2>&1").c_str());
    return WIFEXITED(Code) ? WEXITSTATUS(Code) : -1;
}

bool HaveTools()
{
    static bool Have = RunTool("command -v mkfs.fat && command -v fsck.fat && command -v mcopy") == 0;
    return Have;
}

// Volumes are mostly zeroes: files are sparse, and only what they hold is written and read.
void Save(const std::string& Path, const Bytes& B)
{
    constexpr usize Block = 4096;
    static const u8 Zero[Block] {};
    int File = open(Path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ASSERT_GE(File, 0) << Path;
    ASSERT_EQ(ftruncate(File, off_t(B.size())), 0);
    for (usize At = 0; At < B.size(); At += Block) {
        usize Count = std::min(Block, B.size() - At);
        if (memcmp(B.data() + At, Zero, Count))
            ASSERT_EQ(pwrite(File, B.data() + At, Count, off_t(At)), ssize_t(Count));
    }
    close(File);
}

void Load(const std::string& Path, Bytes& To)
{
    int File = open(Path.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_GE(File, 0) << Path;
    off_t Size = lseek(File, 0, SEEK_END);
    To.assign(usize(Size), 0);
    for (off_t At = 0; At < Size && (At = lseek(File, At, SEEK_DATA)) >= 0;) {
        off_t End = lseek(File, At, SEEK_HOLE);
        while (At < End) {
            ssize_t Count = pread(File, To.data() + At, usize(End - At), At);
            ASSERT_GT(Count, 0);
            At += Count;
        }
    }
    close(File);
}

Bytes Load(const std::string& Path)
{
    Bytes B;
    Load(Path, B);
    return B;
}

Bytes MakeVolume(u32 Bits, u32 KiloBytes, const std::string& More)
{
    std::string Path = Scratch("made.img");
    unlink(Path.c_str());
    EXPECT_EQ(RunTool("mkfs.fat -F " + std::to_string(Bits) + " " + More + " -C " + Path + " " + std::to_string(KiloBytes)), 0);
    return Load(Path);
}

bool IsClean(const Bytes& Image)
{
    std::string Path = Scratch("check.img");
    Save(Path, Image);
    return RunTool("fsck.fat -n " + Path) == 0;
}

bool Same(const Tree::Item& A, const Tree::Item& B)
{
    if (A.Name != B.Name || A.IsFolder != B.IsFolder || A.Data != B.Data || A.Inside.size() != B.Inside.size())
        return false;
    for (auto I = A.Inside.begin(), J = B.Inside.begin(); I != A.Inside.end(); ++I, ++J)
        if (I->first != J->first || !Same(I->second, J->second))
            return false;
    return true;
}

Tree::Item ReadAll(fat::Volume& V, const fat::Entry& At)
{
    Tree::Item Out { U(At.Name.Span()), At.IsFolder(), {}, {} };
    for (u32 Slot = 0; Out.IsFolder;) {
        auto E = V.Next(At, Slot);
        if (!E.Ok()) {
            EXPECT_EQ(E.Code(), STATUS_NO_MORE_FILES);
            break;
        }
        std::u16string Name = U(E->Name.Span());
        EXPECT_FALSE(Out.Inside.contains(Upper(Name)));
        Out.Inside[Upper(Name)] = ReadAll(V, E.Value());
    }
    if (!Out.IsFolder) {
        Out.Data.resize(At.Size);
        fat::Entry File = V.Root();
        File.First = At.First;
        File.Size = At.Size;
        File.Attributes = 0;
        auto Done = V.Read(File, 0, Out.Data.data(), Out.Data.size());
        EXPECT_TRUE(Done.Ok() && Done.Value() == At.Size);
    }
    return Out;
}

static std::u16string RandomName(std::mt19937& Random)
{
    static const std::u16string Letters = u"abcXYZ019-_ +äÖé\u0416\u4E2D.";
    std::u16string S;
    u32 Length = 1 + Random() % (Random() % 4 ? 9 : 40), Kinds = Random() % 2 ? 6 : u32(Letters.size());
    for (u32 I = 0; I < Length; ++I)
        S += Letters[Random() % Kinds];
    if (Random() % 2)
        S += Random() % 2 ? u".txt" : u".Ab";
    while (!S.empty() && (S.back() == u' ' || S.back() == u'.'))
        S.pop_back();
    while (!S.empty() && (S.front() == u' ' || S.front() == u'.'))
        S.erase(0, 1);
    return S.empty() ? u"q" : S;
}

void RandomChange(std::mt19937& Random, fat::Volume& V, Tree& Model, u32 LargestFile)
{
    // A folder, and something in it.
    Tree::Item* At = &Model.Root;
    fat::Entry Dir = V.Root();
    for (;;) {
        std::vector<Tree::Item*> Folders;
        for (auto& [Key, I] : At->Inside)
            if (I.IsFolder)
                Folders.push_back(&I);
        if (Folders.empty() || Random() % 2)
            break;
        At = Folders[Random() % Folders.size()];
        auto E = V.Find(Dir, T(At->Name));
        ASSERT_TRUE(E.Ok());
        Dir = E.Take();
    }
    auto Some = [&]() -> Tree::Item* {
        if (At->Inside.empty())
            return nullptr;
        auto I = At->Inside.begin();
        std::advance(I, Random() % At->Inside.size());
        return &I->second;
    };
    fat::Stamp Now { 0x58A1, 0x6000, 50 };
    u32 What = Random() % 10;
    Tree::Item* Item = What < 3 ? nullptr : Some();
    if (!Item) {
        std::u16string Name = RandomName(Random);
        bool Folder = Random() % 4 == 0, There = At->Inside.contains(Upper(Name));
        auto E = V.Create(Dir, T(Name), Folder ? fat::Folder : fat::Archive, Now);
        if (E.Code() == STATUS_DISK_FULL || (!There && E.Code() == STATUS_OBJECT_NAME_COLLISION))
            return;                     // the other's short name
        ASSERT_EQ(E.Ok(), !There) << std::hex << E.Code();
        if (!There)
            At->Inside[Upper(Name)] = { Name, Folder, {}, {} };
        return;
    }
    auto E = V.Find(Dir, T(Item->Name));
    ASSERT_TRUE(E.Ok());
    if (What < 5) {
        Status S = V.Remove(E.Value());
        if (Item->IsFolder && !Item->Inside.empty()) {
            ASSERT_EQ(S.Code(), STATUS_DIRECTORY_NOT_EMPTY);
            return;
        }
        ASSERT_TRUE(S.Ok());
        At->Inside.erase(Upper(Item->Name));
    } else if (What < 6) {
        std::u16string Name = RandomName(Random);
        bool Up = Random() % 2;
        fat::Entry Root = V.Root();
        Tree::Item* To = Up ? &Model.Root : At;
        Status S = V.Rename(E.Value(), Up ? Root : Dir, T(Name));
        if (!S.Ok()) {
            ASSERT_TRUE(S == STATUS_OBJECT_NAME_COLLISION || S == STATUS_DISK_FULL) << std::hex << S.Code();
            return;
        }
        ASSERT_TRUE(!To->Inside.contains(Upper(Name)) || &To->Inside[Upper(Name)] == Item);
        Tree::Item Moved = std::move(*Item);
        At->Inside.erase(Upper(Moved.Name));
        Moved.Name = Name;
        To->Inside[Upper(Name)] = std::move(Moved);
    } else if (!Item->IsFolder) {
        u32 Offset = Random() % (LargestFile / 2), Count = 1 + Random() % (LargestFile / 2);
        if (Random() % 3 == 0) {
            Status S = V.SetSize(E.Value(), Random() % 3 ? Offset : 0);
            if (S == STATUS_DISK_FULL)
                return;
            ASSERT_TRUE(S.Ok());
            Item->Data.resize(E->Size);
        } else {
            if (Offset > Item->Data.size() && Random() % 2)
                Offset = u32(Item->Data.size());
            Bytes New(Count);
            for (u8& C : New)
                C = u8(Random());
            Status S = V.Write(E.Value(), Offset, New.data(), Count);
            if (S == STATUS_DISK_FULL) {
                Item->Data.resize(E->Size);
                return;
            }
            ASSERT_TRUE(S.Ok());
            if (Item->Data.size() < Offset + Count)
                Item->Data.resize(Offset + Count);
            std::copy(New.begin(), New.end(), Item->Data.begin() + Offset);
        }
    }
}

}
