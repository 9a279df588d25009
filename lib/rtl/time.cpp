// Time as 100-ns units since 1601, as calendar fields, and as the seconds of other epochs.
#include "lib/rtl/rtl.hpp"

namespace {

constexpr i64 TicksPerSecond = 10'000'000, TicksPerMillisecond = 10'000, SecondsPerDay = 86'400;
constexpr i64 SecondsTo1970 = 11'644'473'600, SecondsTo1980 = 11'960'006'400;
constexpr i64 DaysIn400Years = 146'097;

// Days since 1601-01-01 of a day in the Gregorian calendar. Years begin in March here, so that a leap day is the last.
constexpr i64 DaysOf(i64 Year, i64 Month, i64 Day)
{
    Year -= Month <= 2;
    i64 Era = Year / 400, OfEra = Year - Era * 400;
    i64 OfYear = (153 * (Month + (Month > 2 ? -3 : 9)) + 2) / 5 + Day - 1;
    return Era * DaysIn400Years + OfEra * 365 + OfEra / 4 - OfEra / 100 + OfYear - 584'694;
}
static_assert(DaysOf(1601, 1, 1) == 0 && DaysOf(1970, 1, 1) == SecondsTo1970 / SecondsPerDay && DaysOf(1980, 1, 1) == SecondsTo1980 / SecondsPerDay);

constexpr bool IsLeap(i64 Year) { return Year % 4 == 0 && (Year % 100 != 0 || Year % 400 == 0); }
constexpr i64 DaysInMonth(i64 Year, i64 Month)
{
    constexpr u8 Days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return Days[Month - 1] + (Month == 2 && IsLeap(Year));
}

BOOLEAN ToSeconds(const LARGE_INTEGER* Time, i64 Epoch, ULONG* Seconds)
{
    u64 Value = u64(Time->QuadPart) / u64(TicksPerSecond) - u64(Epoch);
    if (Value > 0xFFFFFFFF)
        return false;
    *Seconds = ULONG(Value);
    return true;
}

}

extern "C" {

void NTAPI RtlTimeToTimeFields(const LARGE_INTEGER* Time, TIME_FIELDS* Fields)
{
    i64 Milliseconds = Time->QuadPart / TicksPerMillisecond;
    i64 Seconds = Milliseconds / 1000, Days = Seconds / SecondsPerDay, OfDay = Seconds % SecondsPerDay;
    Fields->Milliseconds = SHORT(Milliseconds % 1000);
    Fields->Hour = SHORT(OfDay / 3600);
    Fields->Minute = SHORT(OfDay / 60 % 60);
    Fields->Second = SHORT(OfDay % 60);
    Fields->Weekday = SHORT((1 + Days) % 7);        // 1601-01-01 was a Monday
    i64 Since = Days + 584'694;                     // since 0000-03-01
    i64 Era = Since / DaysIn400Years, OfEra = Since % DaysIn400Years;
    i64 YearOfEra = (OfEra - OfEra / 1460 + OfEra / 36524 - OfEra / 146096) / 365;
    i64 OfYear = OfEra - (365 * YearOfEra + YearOfEra / 4 - YearOfEra / 100);
    i64 Month = (5 * OfYear + 2) / 153;
    Fields->Day = SHORT(OfYear - (153 * Month + 2) / 5 + 1);
    Fields->Month = SHORT(Month < 10 ? Month + 3 : Month - 9);
    Fields->Year = SHORT(YearOfEra + Era * 400 + (Fields->Month <= 2));
}

BOOLEAN NTAPI RtlTimeFieldsToTime(const TIME_FIELDS* F, LARGE_INTEGER* Time)
{
    if (u16(F->Milliseconds) > 999 || u16(F->Second) > 59 || u16(F->Minute) > 59 || u16(F->Hour) > 23 || F->Month < 1 || F->Month > 12 ||
        F->Year < 1601 || F->Day < 1 || F->Day > DaysInMonth(F->Year, F->Month))
        return false;
    i64 Seconds = DaysOf(F->Year, F->Month, F->Day) * SecondsPerDay + F->Hour * 3600 + F->Minute * 60 + F->Second;
    Time->QuadPart = (Seconds * 1000 + F->Milliseconds) * TicksPerMillisecond;
    return true;
}

void NTAPI RtlTimeToElapsedTimeFields(const LARGE_INTEGER* Time, TIME_FIELDS* Fields)
{
    i64 Seconds = Time->QuadPart / TicksPerSecond;
    *Fields = {};
    Fields->Milliseconds = SHORT(Time->QuadPart % TicksPerSecond / TicksPerMillisecond);
    Fields->Day = SHORT(Seconds / SecondsPerDay);
    Fields->Hour = SHORT(Seconds / 3600 % 24);
    Fields->Minute = SHORT(Seconds / 60 % 60);
    Fields->Second = SHORT(Seconds % 60);
}

BOOLEAN NTAPI RtlTimeToSecondsSince1970(const LARGE_INTEGER* Time, ULONG* Seconds) { return ToSeconds(Time, SecondsTo1970, Seconds); }
BOOLEAN NTAPI RtlTimeToSecondsSince1980(const LARGE_INTEGER* Time, ULONG* Seconds) { return ToSeconds(Time, SecondsTo1980, Seconds); }
void NTAPI RtlSecondsSince1970ToTime(ULONG Seconds, LARGE_INTEGER* Time) { Time->QuadPart = (Seconds + SecondsTo1970) * TicksPerSecond; }
void NTAPI RtlSecondsSince1980ToTime(ULONG Seconds, LARGE_INTEGER* Time) { Time->QuadPart = (Seconds + SecondsTo1980) * TicksPerSecond; }

}
