// Between watcher.sys and its test.
#pragma once

namespace watcher {
inline constexpr unsigned Begin = 0x222000, End = 0x222004, Report = 0x222008;     // control codes. Begin: a ULONG, the process whose memory nobody may read
struct Seen {
    unsigned Opens, OpenEnds, Duplicates, DuplicateEnds, Granted;
    unsigned Keys, KeyEnds, Sets, Cleanups;
    unsigned Wrong;                     // the line of a failed check in the driver
    wchar_t Name[64];                   // of the key of the last value set
    wchar_t Value[32];
    unsigned char Data[8];
};
}
