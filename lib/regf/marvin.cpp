// Marvin32, the checksum Windows uses for hash tables and the registry's log.
#include <string.h>

#include "lib/regf/regf.hpp"

namespace regf {

static u32 Turn(u32 Value, u32 By) { return Value << By | Value >> (32 - By); }

u64 Marvin32(std::span<const u8> Data, u64 Seed)
{
    u32 Low = u32(Seed), High = u32(Seed >> 32);
    auto Mix = [&](u32 Word) {
        Low += Word;
        High ^= Low;
        Low = Turn(Low, 20) + High;
        High = Turn(High, 9) ^ Low;
        Low = Turn(Low, 27) + High;
        High = Turn(High, 19);
    };
    usize At = 0;
    for (; Data.size() - At >= 4; At += 4) {
        u32 Word;
        memcpy(&Word, &Data[At], 4);
        Mix(Word);
    }
    u32 Last = 0x80, Shift = 8;
    if (usize Rest = Data.size() - At) {
        Last = 0;
        Shift = 0;
        for (usize I = 0; I < Rest; ++I, Shift += 8)
            Last |= u32(Data[At + I]) << Shift;
        Last |= 0x80u << Shift;
    }
    Mix(Last);
    Mix(0);
    return u64(High) << 32 | Low;
}

u64 Marvin32(std::span<const u8> Data) { return Marvin32(Data, 0xC5554E7A884DEF82); }

}
