#include "tests/host/rtl/process.hpp"

TEST(Numbers, Time)
{
    // Every day of two centuries there and back.
    LARGE_INTEGER Time;
    TIME_FIELDS F = {}, Back;
    i64 Expected = 0;
    bool Started = false;
    for (SHORT Year = 1990; Year < 2110; ++Year)
        for (SHORT Month = 1; Month <= 12; ++Month)
            for (SHORT Day = 1; Day <= 31; ++Day) {
                F = { Year, Month, Day, 12, 34, 56, 789, 0 };
                if (!RtlTimeFieldsToTime(&F, &Time))
                    continue;
                if (!Started)
                    Expected = Time.QuadPart;
                Started = true;
                ASSERT_EQ(Time.QuadPart, Expected);
                Expected += 864'000'000'000;
                RtlTimeToTimeFields(&Time, &Back);
                ASSERT_EQ(Back.Year, Year);
                ASSERT_EQ(Back.Month, Month);
                ASSERT_EQ(Back.Day, Day);
                ASSERT_EQ(Back.Milliseconds, 789);
            }
    F = { 2023, 2, 29, 0, 0, 0, 0, 0 };
    EXPECT_FALSE(RtlTimeFieldsToTime(&F, &Time));
    F = { 1601, 1, 1, 0, 0, 0, 0, 0 };
    EXPECT_TRUE(RtlTimeFieldsToTime(&F, &Time));
    EXPECT_EQ(Time.QuadPart, 0);
    RtlSecondsSince1970ToTime(0, &Time);
    RtlTimeToTimeFields(&Time, &Back);
    EXPECT_EQ(Back.Year, 1970);
    EXPECT_EQ(Back.Weekday, 4);
    ULONG Seconds;
    EXPECT_TRUE(RtlTimeToSecondsSince1970(&Time, &Seconds));
    EXPECT_EQ(Seconds, 0u);
    Time.QuadPart = 0;
    EXPECT_FALSE(RtlTimeToSecondsSince1980(&Time, &Seconds));
}
TEST(Numbers, LargeInteger)
{
    EXPECT_EQ(RtlExtendedMagicDivide(3, 0x5555555555555555, 0), 0);
    EXPECT_EQ(RtlExtendedMagicDivide(300, 0x5555555555555556, 0), 100);
    EXPECT_EQ(RtlExtendedMagicDivide(-300, 0x5555555555555556, 0), -100);
    ULONGLONG Rest;
    EXPECT_EQ(RtlLargeIntegerDivide(1000, 7, &Rest), 142u);
    EXPECT_EQ(Rest, 6u);
}
TEST(Numbers, Strings)
{
    ULONG Value;
    EXPECT_EQ(RtlCharToInteger(" -0x10", 0, &Value), STATUS_SUCCESS);
    EXPECT_EQ(Value, ULONG(-16));
    EXPECT_EQ(RtlCharToInteger("0b101", 0, &Value), STATUS_SUCCESS);
    EXPECT_EQ(Value, 5u);
    EXPECT_EQ(RtlCharToInteger("1", 3, &Value), STATUS_INVALID_PARAMETER);
    UNICODE_STRING S = test::Counted(L"0o17z");
    EXPECT_EQ(RtlUnicodeStringToInteger(&S, 0, &Value), STATUS_SUCCESS);
    EXPECT_EQ(Value, 15u);
    wchar_t Room[4];
    UNICODE_STRING To = { 0, 8, Room };
    EXPECT_EQ(RtlIntegerToUnicodeString(0xABC, 16, &To), STATUS_SUCCESS);
    EXPECT_EQ(test::Of(To), u"ABC");
    EXPECT_EQ(RtlIntegerToUnicodeString(0xABCD, 16, &To), STATUS_BUFFER_OVERFLOW);
}
TEST(Numbers, Errors)
{
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(STATUS_SUCCESS), 0u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(STATUS_ACCESS_DENIED), 5u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(STATUS_OBJECT_NAME_NOT_FOUND), 2u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(STATUS_NO_MEMORY), 8u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(STATUS_BUFFER_OVERFLOW), 234u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(NTSTATUS(0xC0070005)), 5u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(NTSTATUS(0xC0FFFFFF)), 317u);
    EXPECT_EQ(RtlNtStatusToDosErrorNoTeb(NTSTATUS(0xD0000022)), 5u);
    test::Fresh();
    RtlSetLastWin32ErrorAndNtStatusFromNtStatus(STATUS_ACCESS_DENIED);
    EXPECT_EQ(RtlGetLastWin32Error(), 5u);
    EXPECT_EQ(RtlGetLastNtStatus(), STATUS_ACCESS_DENIED);
}
TEST(Numbers, Version)
{
    test::Fresh();
    OSVERSIONINFOEXW Info = { .dwOSVersionInfoSize = sizeof(Info), .dwMajorVersion = 6, .dwMinorVersion = 1 };
    ULONGLONG Mask = VerSetConditionMask(VerSetConditionMask(0, VER_MAJORVERSION, VER_GREATER_EQUAL), VER_MINORVERSION, VER_GREATER_EQUAL);
    EXPECT_EQ(RtlVerifyVersionInfo(&Info, VER_MAJORVERSION | VER_MINORVERSION, Mask), STATUS_SUCCESS);
    Info.dwMajorVersion = 11;
    EXPECT_EQ(RtlVerifyVersionInfo(&Info, VER_MAJORVERSION | VER_MINORVERSION, Mask), STATUS_REVISION_MISMATCH);
    Info.dwMajorVersion = 10;
    Info.dwMinorVersion = 0;
    EXPECT_EQ(RtlVerifyVersionInfo(&Info, VER_MAJORVERSION | VER_MINORVERSION, Mask), STATUS_SUCCESS);
    EXPECT_EQ(RtlVerifyVersionInfo(&Info, 0, Mask), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(RtlGetVersion(&Info), STATUS_SUCCESS);
    EXPECT_EQ(Info.dwBuildNumber, 19045u);
    EXPECT_EQ(Info.wProductType, 1);
}
