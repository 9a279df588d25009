// What the system tells of the machine it runs on: \Registry\Machine\HARDWARE\DESCRIPTION\System\CentralProcessor\0, as NT makes it at every start.
// Programs count processors and read their speed there.
#include <string.h>

#include "lib/core/cpuid.hpp"
#include "ntos/cm/cm.hpp"
#include "ntos/cm/key.hpp"

namespace cm {

namespace {

using Leaf = core::CpuidLeaf;

Status SetText(Node& N, ob::Name Name, const char* Text)
{
    wchar_t Wide[80];
    usize Length = 0;
    for (; Text[Length] && Length < 79; ++Length)
        Wide[Length] = u8(Text[Length]);
    Wide[Length] = 0;
    return N.SetValue(Name, REG_SZ, Wide, (Length + 1) * sizeof(wchar_t));
}

// Appends Value in decimal.
void Put(char*& To, u32 Value)
{
    char Digits[10];
    u32 Count = 0;
    do
        Digits[Count++] = char('0' + Value % 10);
    while (Value /= 10);
    while (Count)
        *To++ = Digits[--Count];
}
void Put(char*& To, const char* Text)
{
    while (*Text)
        *To++ = *Text++;
}

}

Status DescribeProcessor(u64 TscFrequency)
{
    Ref<Node> N = TRY(OpenNode(L"\\Registry\\Machine\\HARDWARE\\DESCRIPTION\\System\\CentralProcessor\\0", true));
    Leaf Vendor = core::Cpuid(0), Version = core::Cpuid(1);
    char Maker[13] {};
    memcpy(Maker, &Vendor.B, 4);
    memcpy(Maker + 4, &Vendor.D, 4);
    memcpy(Maker + 8, &Vendor.C, 4);
    // Intel SDM volume 2A, CPUID, "Version Information" and "Brand String".
    u32 Family = Version.A >> 8 & 15, Model = Version.A >> 4 & 15;
    if (Family == 6 || Family == 15)
        Model |= (Version.A >> 16 & 15) << 4;
    if (Family == 15)
        Family += Version.A >> 20 & 255;
    char Identifier[80] {}, *To = Identifier;
    Put(To, strcmp(Maker, "AuthenticAMD") == 0 ? "AMD64 Family " : "Intel64 Family ");
    Put(To, Family);
    Put(To, " Model ");
    Put(To, Model);
    Put(To, " Stepping ");
    Put(To, Version.A & 15);
    char Brand[49] {};
    if (core::Cpuid(0x80000000).A >= 0x80000004)
        for (u32 I = 0; I < 3; ++I) {
            Leaf L = core::Cpuid(0x80000002 + I);
            memcpy(Brand + 16 * I, &L, 16);
        }
    u32 Speed = u32(TscFrequency / 1'000'000), Features = Version.D;
    TRY(SetText(*N, L"VendorIdentifier", Maker));
    TRY(SetText(*N, L"Identifier", Identifier));
    TRY(SetText(*N, L"ProcessorNameString", Brand));
    TRY(N->SetValue(L"~MHz", REG_DWORD, &Speed, sizeof(Speed)));
    return N->SetValue(L"FeatureSet", REG_DWORD, &Features, sizeof(Features));
}

}
