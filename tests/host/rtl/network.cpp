#include "tests/host/rtl/process.hpp"

namespace {

std::string Show(const char* S, NTSTATUS* Status, long* End)
{
    IN6_ADDR Address;
    CRT(memset)(&Address, 0xAB, sizeof(Address));
    const char* Behind = S;
    *Status = RtlIpv6StringToAddressA(S, &Behind, &Address);
    *End = Behind - S;
    char Room[64];
    return std::string(Room, size_t(RtlIpv6AddressToStringA(&Address, Room) - Room));
}

}

TEST(Network, Ipv6)
{
    struct {
        const char *In, *Out;
        long End;
    } Cases[] = { { "::", "::", 2 }, { "::1", "::1", 3 }, { "1::", "1::", 3 }, { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 20 },
                  { "::ffff:1.2.3.4", "::ffff:1.2.3.4", 14 }, { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 15 }, { "fe80::5efe:10.0.0.1", "fe80::5efe:10.0.0.1", 19 },
                  { "1:0:0:2:0:0:0:3%4", "1:0:0:2::3", 15 } };
    for (auto& C : Cases) {
        NTSTATUS Status;
        long End;
        EXPECT_EQ(Show(C.In, &Status, &End), C.Out);
        EXPECT_EQ(Status, STATUS_SUCCESS) << C.In;
        EXPECT_EQ(End, C.End) << C.In;
    }
    for (const char* Bad : { "", ":", "1", "1:2", "12345::", ":1::2", "[::1]", "::1.2.3", "1:2:3:4:5:6:7" }) {
        IN6_ADDR Address;
        const char* End;
        EXPECT_EQ(RtlIpv6StringToAddressA(Bad, &End, &Address), STATUS_INVALID_PARAMETER) << Bad;
    }
    IN6_ADDR Address;
    ULONG Scope;
    USHORT Port;
    EXPECT_EQ(RtlIpv6StringToAddressExW(L"[fe80::1%3]:80", &Address, &Scope, &Port), STATUS_SUCCESS);
    EXPECT_EQ(Scope, 3u);
    EXPECT_EQ(Port, 0x5000);
    wchar_t Room[64];
    ULONG Size = 64;
    EXPECT_EQ(RtlIpv6AddressToStringExW(&Address, Scope, Port, Room, &Size), STATUS_SUCCESS);
    EXPECT_EQ(test::Of(Room), u"[fe80::1%3]:80");
    Size = 3;
    EXPECT_EQ(RtlIpv6AddressToStringExW(&Address, Scope, Port, Room, &Size), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(Size, 15u);
}
TEST(Network, Ipv4)
{
    IN_ADDR Address;
    const char* End;
    EXPECT_EQ(RtlIpv4StringToAddressA("0x7f.1", false, &End, &Address), STATUS_SUCCESS);
    EXPECT_EQ(Address.Bytes[0], 127);
    EXPECT_EQ(Address.Bytes[3], 1);
    EXPECT_EQ(RtlIpv4StringToAddressA("1.2.3", true, &End, &Address), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(RtlIpv4StringToAddressA("256.1.1.1", false, &End, &Address), STATUS_INVALID_PARAMETER);
    USHORT Port;
    EXPECT_EQ(RtlIpv4StringToAddressExA("10.0.0.1:0x50", false, &Address, &Port), STATUS_SUCCESS);
    EXPECT_EQ(Port, 0x5000);
    char Room[32];
    ULONG Size = 32;
    EXPECT_EQ(RtlIpv4AddressToStringExA(&Address, Port, Room, &Size), STATUS_SUCCESS);
    EXPECT_STREQ(Room, "10.0.0.1:80");
}
