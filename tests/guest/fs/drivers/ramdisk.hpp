// What the RAM disk of the tests is asked beside what every disk is.
#pragma once

namespace ramdisk {

struct Counts {
    unsigned long long Reads, Writes, Flushes, BytesRead, BytesWritten;
};
// CTL_CODE(FILE_DEVICE_DISK, 0x800 + N, METHOD_BUFFERED, FILE_ANY_ACCESS)
inline constexpr unsigned GetCounts = 0x00072000, FailWrites = 0x00072004;

}
