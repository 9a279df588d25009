#include "tests/host/hive/hive_test.hpp"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

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

std::u16string Upper(const std::u16string& Name)
{
    std::u16string S = Name;
    for (char16_t& C : S)
        C = char16_t(UpCase(wchar_t(C)));
    return S;
}

// --- the machine

Machine::Machine()
{
    for (Disk& D : Files)
        D.M = this;
}

bool Machine::Spend()
{
    if (Dead || Operations >= Limit) {
        Dead = true;
        return false;
    }
    ++Operations;
    return true;
}

Status Machine::Disk::ReadAt(u64 Offset, void* To, usize Count)
{
    if (Offset > Seen.size() || Count > Seen.size() - Offset)
        return STATUS_END_OF_FILE;
    if (Count)
        memcpy(To, Seen.data() + Offset, Count);
    return STATUS_SUCCESS;
}

Status Machine::Disk::WriteAt(u64 Offset, const void* From, usize Count)
{
    EXPECT_LE(Offset + Count, Seen.size()) << "a write beyond the end";
    const u8* P = static_cast<const u8*>(From);
    bool Powered = M->Spend();
    // The write at which the power goes may be partly done.
    if (M->Dead && M->Operations != M->Limit)
        return STATUS_UNSUCCESSFUL;
    Pending.push_back({ Offset, Bytes(P, P + Count) });
    if (!Powered) {
        ++M->Operations;                // only this one
        return STATUS_UNSUCCESSFUL;
    }
    memcpy(Seen.data() + Offset, P, Count);
    return STATUS_SUCCESS;
}

Status Machine::Disk::Extend(u64 Count)
{
    if (!M->Spend())
        return STATUS_UNSUCCESSFUL;
    Pending.push_back({ Count, {}, true });
    Seen.resize(Count);
    return STATUS_SUCCESS;
}

Status Machine::Disk::Flush()
{
    if (!M->Spend())
        return STATUS_UNSUCCESSFUL;
    Durable = Seen;
    Pending.clear();
    return STATUS_SUCCESS;
}

void Machine::Restart(Fate How, u32 Seed)
{
    std::mt19937 Random(Seed);
    for (Disk& D : Files) {
        for (const Disk::Write& W : D.Pending) {
            if (W.IsSize) {
                // A size may only be lost with what is beyond it.
                if (How == Fate::Kept || (How == Fate::Mixed && Random() % 2))
                    D.Durable.resize(W.Offset);
                continue;
            }
            for (u64 At = 0; At < W.Data.size(); At += SectorBytes) {
                u64 Count = std::min<u64>(SectorBytes, W.Data.size() - At);
                if (How == Fate::Lost || (How == Fate::Mixed && Random() % 2))
                    continue;
                if (W.Offset + At + Count <= D.Durable.size())
                    std::copy_n(W.Data.begin() + long(At), Count, D.Durable.begin() + long(W.Offset + At));
            }
        }
        D.Pending.clear();
        D.Seen = D.Durable;
    }
    Dead = false;
    Operations = 0;
    Limit = ~u64(0);
}

// --- the model

std::unique_ptr<ModelKey> Copy(const ModelKey& K)
{
    auto New = std::make_unique<ModelKey>();
    New->Name = K.Name;
    New->Class = K.Class;
    New->Values = K.Values;
    New->Descriptor = K.Descriptor;
    New->Time = K.Time;
    for (const auto& [Name, Child] : K.Children)
        New->Children[Name] = Copy(*Child);
    return New;
}

bool Same(const ModelKey& A, const ModelKey& B)
{
    if (A.Name != B.Name || A.Class != B.Class || A.Values != B.Values || A.Descriptor != B.Descriptor || A.Time != B.Time || A.Children.size() != B.Children.size())
        return false;
    for (auto I = A.Children.begin(), J = B.Children.begin(); I != A.Children.end(); ++I, ++J)
        if (I->first != J->first || !Same(*I->second, *J->second))
            return false;
    return true;
}

std::unique_ptr<ModelKey> ReadAll(const regf::Hive& H, u32 Key)
{
    auto Info = H.Key(Key);
    EXPECT_TRUE(Info.Ok());
    auto Model = std::make_unique<ModelKey>();
    Model->Name = U(Info->Name.Span());
    Model->Class = U(Info->Class.Span());
    Model->Time = Info->LastWrite;
    auto D = H.Descriptor(Info->Security);
    Model->Descriptor.assign(D.begin(), D.end());
    Vector<u32> Cells;
    EXPECT_TRUE(H.Values(Key, Cells).Ok());
    EXPECT_EQ(Cells.Size(), Info->Values);
    for (u32 Cell : Cells) {
        auto V = H.Value(Cell);
        Vector<u8> Data;
        EXPECT_TRUE(H.Data(Cell, Data).Ok());
        EXPECT_EQ(Data.Size(), V->Size);
        Model->Values.push_back({ U(V->Name.Span()), V->Type, Bytes(Data.begin(), Data.end()) });
    }
    EXPECT_TRUE(H.Subkeys(Key, Cells).Ok());
    EXPECT_EQ(Cells.Size(), Info->Subkeys);
    for (u32 Cell : Cells) {
        auto Child = ReadAll(H, Cell);
        EXPECT_EQ(H.Find(Key, T(Child->Name)).Value(), Cell);
        auto Name = Upper(Child->Name);
        EXPECT_FALSE(Model->Children.contains(Name));
        Model->Children[Name] = std::move(Child);
    }
    return Model;
}

Bytes SomeDescriptor(u32 Number)
{
    Bytes D = { 1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 28, 0, 1, 0, 0, 0, 0, 2, 20, 0, 0x3F, 0, 0x0F, 0, 1, 1, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0 };
    memcpy(&D[44], &Number, 4);
    return D;
}

u32 Reports;

regf::Environment Around()
{
    regf::Environment E;
    E.UpCase = UpCase;
    E.Report = [](void*, const char*, u32) { ++Reports; };
    E.Now = [] { return u64(132000000000000000); };
    return E;
}

std::unique_ptr<regf::Hive> NewHive(ModelKey& Model)
{
    auto H = std::make_unique<regf::Hive>(Around());
    Model.Name = u"ROOT";
    Model.Descriptor = SomeDescriptor(18);
    EXPECT_TRUE(H->Create(T(Model.Name), Model.Descriptor).Ok());
    return H;
}

static std::u16string RandomName(std::mt19937& Random, u32 Kinds)
{
    static const char16_t Letters[] = u"abcdefgXYZ09 äöé\u0416\u0436\u4E2D{}-.";
    std::u16string S;
    u32 Length = 1 + Random() % 6;
    if (Random() % 40 == 0)
        Length = 255;
    for (u32 I = 0; I < Length; ++I)
        S += Letters[Random() % (Random() % 3 ? Kinds : sizeof(Letters) / 2 - 1)];
    return S;
}

static Bytes RandomData(std::mt19937& Random)
{
    static const u32 Sizes[] = { 0, 1, 2, 3, 4, 5, 8, 30, 100, 4000, 16343, 16344, 16345, 32688, 32689, 70000 };
    Bytes B(Sizes[Random() % (Random() % 8 ? 9 : 16)]);
    for (u8& C : B)
        C = u8(Random());
    return B;
}

void RandomChange(std::mt19937& Random, regf::Hive& H, ModelKey& Root)
{
    ModelKey* At = &Root;
    ModelKey* Above = nullptr;
    u32 Cell = H.Root(), AboveCell = regf::None;
    while (!At->Children.empty() && Random() % 3) {
        auto I = At->Children.begin();
        std::advance(I, Random() % At->Children.size());
        Above = At;
        AboveCell = Cell;
        At = I->second.get();
        Cell = H.Find(Cell, T(At->Name)).Value();
        ASSERT_NE(Cell, regf::None);
    }
    switch (Random() % 10) {
    case 0:
    case 1:
    case 2: {
        std::u16string Name = RandomName(Random, 10), Class = Random() % 4 ? u"" : RandomName(Random, 3);
        if (At->Children.contains(Upper(Name)))
            return;
        auto Child = std::make_unique<ModelKey>();
        Child->Name = Name;
        Child->Class = Class;
        Child->Descriptor = Random() % 3 ? At->Descriptor : SomeDescriptor(Random() % 5);
        auto New = H.NewKey(Cell, T(Name), T(Class), Child->Descriptor);
        ASSERT_TRUE(New.Ok());
        ASSERT_TRUE(H.Link(Cell, New.Value()).Ok());
        At->Children[Upper(Name)] = std::move(Child);
        return;
    }
    case 3:
        if (!Above || Random() % 3)
            return;
        ASSERT_TRUE(H.Unlink(AboveCell, Cell).Ok());
        ASSERT_TRUE(H.FreeKey(Cell).Ok());
        Above->Children.erase(Upper(At->Name));
        return;
    case 4: {
        std::u16string Name = RandomName(Random, 10);
        if (!Above || (Above->Children.contains(Upper(Name)) && Upper(Name) != Upper(At->Name)))
            return;
        ASSERT_TRUE(H.Rename(Cell, T(Name)).Ok());
        auto Moved = std::move(Above->Children[Upper(At->Name)]);
        Above->Children.erase(Upper(At->Name));
        Moved->Name = Name;
        Above->Children[Upper(Name)] = std::move(Moved);
        return;
    }
    case 5:
        At->Descriptor = SomeDescriptor(Random() % 5);
        ASSERT_TRUE(H.SetDescriptor(Cell, At->Descriptor).Ok());
        At->Class = Random() % 2 ? u"" : RandomName(Random, 3);
        ASSERT_TRUE(H.SetClass(Cell, T(At->Class)).Ok());
        At->Time = Random();
        H.SetTimeAndFlags(Cell, At->Time, 0);
        return;
    default: {
        Vector<u32> Values;
        ASSERT_TRUE(H.Values(Cell, Values).Ok());
        if (Random() % 4 == 0 && !At->Values.empty()) {
            usize Which = Random() % At->Values.size();
            Values.RemoveAt(Which);
            At->Values.erase(At->Values.begin() + long(Which));
        } else {
            ModelValue V { RandomName(Random, 4), u32(Random() % 12), RandomData(Random) };
            if (Random() % 9 == 0)
                V.Name.clear();
            auto New = H.NewValue(T(V.Name), V.Type, V.Data);
            ASSERT_TRUE(New.Ok());
            usize I = 0;
            while (I < At->Values.size() && Upper(At->Values[I].Name) != Upper(V.Name))
                ++I;
            if (I < At->Values.size()) {
                Values[I] = New.Value();
                At->Values[I] = V;
            } else {
                ASSERT_TRUE(Values.Push(New.Value()).Ok());
                At->Values.push_back(V);
            }
        }
        ASSERT_TRUE(H.SetValues(Cell, Values.Span()).Ok());
    }
    }
}

}
