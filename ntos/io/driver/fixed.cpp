// Resources of devices that no bus enumerates, as the keys of their devnodes declare them. The values can be read: Ports and Memory are lists of ranges in hexadecimal
// ("2F8-2FF", "B8000-BFFFF shared": others may have parts of it), Interrupts a list of lines ("3", "9 level low": the pin of the I/O APIC, the trigger and the
// polarity; edge and high when they are not told). A range with the word "firmware" is for the driver of the firmware only.
#include <string.h>

#include "ntos/cm/key.hpp"
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/driver/pci.hpp"

namespace io::driver {

using namespace nt;

namespace {

constexpr u32 Port = 1, Interrupt = 2, Memory = 3;
constexpr u32 MaximumGiven = 64;
// What the Executive and the kernel use themselves: nobody else gets it.
constexpr struct {
    u32 First, Last;
} OwnPorts[] = { { 0x20, 0x21 }, { 0x3F8, 0x3FF }, { 0xA0, 0xA1 }, { 0xCF8, 0xCFF } };

struct Given {
    Driver* Of = nullptr;
    const void* For = nullptr;          // the devnode
    wd::Resource What {};
} All[MaximumGiven];

// --- the registry's text

struct Text {
    const wchar_t* At = nullptr;
    usize Left = 0;
    bool NextString(ob::Name& To)       // of a REG_MULTI_SZ
    {
        if (!Left || !*At)
            return false;
        usize N = 0;
        while (N < Left && At[N])
            ++N;
        To = ob::Name(At, N);
        usize Step = N < Left ? N + 1 : N;
        At += Step;
        Left -= Step;
        return true;
    }
};

Text Strings(cm::Node& Of, ob::Name Name)
{
    const cm::Value* V = Of.FindValue(Name);
    if (!V || (V->Type != 1 && V->Type != 2 && V->Type != 7))
        return {};
    return { reinterpret_cast<const wchar_t*>(V->Data.Data()), V->Data.Size() / 2 };
}

bool Number(ob::Name& From, u32 Base, u64& To)
{
    To = 0;
    usize N = 0;
    for (; N < From.Length; ++N) {
        wchar_t C = From.Data[N];
        u32 Digit = C >= L'0' && C <= L'9' ? u32(C - L'0') : C >= L'A' && C <= L'F' ? u32(C - L'A' + 10) : C >= L'a' && C <= L'f' ? u32(C - L'a' + 10) : 99;
        if (Digit >= Base || To >> 60)
            break;
        To = To * Base + Digit;
    }
    From = From.From(N);
    return N != 0;
}

bool Word(ob::Name& From, ob::Name Is)
{
    if (From.Length < Is.Length || !ob::Equal(ob::Name(From.Data, Is.Length), Is, true))
        return false;
    From = From.From(Is.Length);
    return true;
}

bool ReadRange(ob::Name From, u32 Type, wd::Resource& R)
{
    u64 First, Last;
    if (!Number(From, 16, First))
        return false;
    Last = First;
    if (Word(From, L"-") && !Number(From, 16, Last))
        return false;
    bool Shared = Word(From, L" shared"), Firmware = Word(From, L" firmware");
    if (From.Length || Last < First || Last - First >= u64(1) << 40 || (Type == Port && Last > 0xFFFF))
        return false;
    R = {};
    R.Start = First;
    R.Bytes = Last - First + 1;
    R.Type = Type;
    R.Shared = Shared;
    R.Firmware = Firmware;
    return true;
}

bool ReadLine(ob::Name From, u32 Type, wd::Resource& R)
{
    R = {};
    R.Bytes = 1;
    R.Type = Type;
    if (!Number(From, 10, R.Start) || R.Start > 255)
        return false;
    while (From.Length) {
        if (!Word(From, L" "))
            return false;
        if (Word(From, L"level"))
            R.Level = 1;
        else if (Word(From, L"low"))
            R.ActiveLow = 1;
        else if (Word(From, L"shared"))
            R.Shared = 1;
        else if (!Word(From, L"edge") && !Word(From, L"high"))
            return false;
    }
    return true;
}

bool Overlap(const wd::Resource& A, const wd::Resource& B)
{
    return A.Type == B.Type && A.Start < B.Start + B.Bytes && B.Start < A.Start + A.Bytes && !(A.Shared && B.Shared);
}

bool IsOwn(u64 First, u64 Bytes)
{
    for (auto& Own : OwnPorts)
        if (First <= Own.Last && Own.First < First + Bytes)
            return true;
    return false;
}

bool IsFree(const wd::Resource& R, const void* For)
{
    if (R.Firmware)
        return true;
    if (R.Type == Port && !R.Shared)
        if (IsOwn(R.Start, R.Bytes))
            return false;
    for (const Given& G : All)
        if (G.Of && G.For != For && !G.What.Firmware && Overlap(R, G.What))
            return false;
    return true;
}

bool Covers(const wd::Resource& R, u32 Type, u64 Start, u64 Bytes)
{
    return R.Type == Type && Start >= R.Start && Bytes <= R.Bytes && Start - R.Start <= R.Bytes - Bytes;
}

// One that covers the range.
const wd::Resource* Find(const Driver& D, u32 Type, u64 Start, u64 Bytes, bool Firmware = false)
{
    for (const Given& G : All)
        if (G.Of == &D && G.What.Firmware == Firmware && Covers(G.What, Type, Start, Bytes))
            return &G.What;
    return nullptr;
}

// Of what the firmware's driver reaches: that nobody else has it, and that it is not the Executive's.
bool IsNobodys(const Driver& D, u32 Type, u64 Start, u64 Bytes)
{
    if (Type == Port && IsOwn(Start, Bytes))
        return false;
    wd::Resource R {};
    R.Start = Start;
    R.Bytes = Bytes;
    R.Type = Type;
    for (const Given& G : All)
        if (G.Of && G.Of != &D && !G.What.Firmware && !G.What.Shared && Overlap(R, G.What))
            return false;
    return !IsOfOthers(D, Type == Port, Start, Bytes);
}

}

Status ReadResources(cm::Node& Key, Vector<wd::Resource>& To)
{
    auto List = [&](ob::Name Value, u32 Type, bool (*Read)(ob::Name, u32, wd::Resource&)) -> Status {
        Text T = Strings(Key, Value);
        for (ob::Name Item; T.NextString(Item);) {
            wd::Resource R;
            if (To.Size() == wd::MaximumResources || !Read(Item, Type, R))
                return STATUS_INVALID_PARAMETER;
            TRY(To.Push(R));
        }
        return STATUS_SUCCESS;
    };
    To.Clear();
    TRY(List(L"Ports", Port, ReadRange));
    TRY(List(L"Memory", Memory, ReadRange));
    return List(L"Interrupts", Interrupt, ReadLine);
}

Status GiveFixed(std::span<const wd::Resource> What, const void* For, Driver& To)
{
    u32 Free = 0;
    for (Given& G : All) {
        if (G.Of == &To && G.For == For)
            G = {};
        Free += !G.Of;
    }
    for (const wd::Resource& R : What)
        if ((R.Firmware && !IsFirmware(To)) || !IsFree(R, For))
            return STATUS_CONFLICTING_ADDRESSES;
    if (Free < What.size())
        return STATUS_INSUFFICIENT_RESOURCES;
    usize At = 0;
    for (Given& G : All)
        if (!G.Of && At < What.size())
            G = { &To, For, What[At++] };
    return STATUS_SUCCESS;
}

void TakeFixedOf(const void* For)
{
    for (Given& G : All)
        if (G.For == For)
            G = {};
}

void TakeFixed(Driver& From)
{
    for (Given& G : All)
        if (G.Of == &From)
            G = {};
}

bool HasFixedPort(const Driver& D, u32 Where, u32 Bytes)
{
    return Find(D, Port, Where, Bytes) || (Find(D, Port, Where, Bytes, true) && IsNobodys(D, Port, Where, Bytes));
}

bool HasFixedMemory(const Driver& D, u64 Physical, u64 Bytes, bool& ReadOnly)
{
    ReadOnly = !Find(D, Memory, Physical, Bytes);
    if (!ReadOnly)
        return true;
    // Whole pages are mapped.
    u64 First = AlignDown(Physical, PageSize);
    return Find(D, Memory, Physical, Bytes, true) && IsNobodys(D, Memory, First, AlignUp(Physical + Bytes, PageSize) - First);
}

const wd::Resource* FixedLine(const Driver& D, u32 Pin) { return Find(D, Interrupt, Pin, 1); }

}
