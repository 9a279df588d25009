// The structures on the medium, little endian, byte by byte.
#pragma once
#include "lib/core/types.hpp"

namespace regf::disk {

struct [[gnu::packed]] Base {
    static constexpr u32 Magic = 0x66676572;            // "regf"
    static constexpr u32 PrimaryType = 0, LogType = 6;
    u32 Signature, Primary, Secondary;
    u64 LastWritten;
    u32 Major, Minor, Type, Format, Root, BinsSize, Clustering;
    u16 Name[32];
    u8 Guids[32];
    u32 Flags;
    u8 More[360];
    u32 Checksum;                                       // at 508: the exclusive or of all before
};
static_assert(sizeof(Base) == 512);
inline constexpr u32 BaseBlock = 4096;

struct [[gnu::packed]] Bin {
    static constexpr u32 Magic = 0x6E696268;            // "hbin"
    u32 Signature, Offset, Size;
    u64 Reserved, Time;
    u32 Spare;
};
static_assert(sizeof(Bin) == 32);

// Every cell begins with its size, negative if in use; what follows is its payload.
constexpr u16 Two(char A, char B) { return u16(u8(A) | u8(B) << 8); }

struct [[gnu::packed]] Key {
    static constexpr u16 Magic = Two('n', 'k'), Volatile = 0x01, Compressed = 0x20;
    u16 Signature, Flags;
    u64 LastWrite;
    u32 Access, Parent, Subkeys, VolatileSubkeys, List, VolatileList, Values, ValueList, Security, Class;
    u16 LongestName, MoreFlags;
    u32 LongestClass, LongestValueName, LongestValue, Work;
    u16 NameBytes, ClassBytes;
};
static_assert(sizeof(Key) == 76);

struct [[gnu::packed]] Value {
    static constexpr u16 Magic = Two('v', 'k'), Compressed = 0x01;
    static constexpr u32 Resident = 0x80000000;         // the data is in Data itself
    u16 Signature, NameBytes;
    u32 Size, Data, Type;
    u16 Flags, Spare;
};
static_assert(sizeof(Value) == 20);

struct [[gnu::packed]] Security {
    static constexpr u16 Magic = Two('s', 'k');
    u16 Signature, Reserved;
    u32 Next, Previous, References, Bytes;
};
static_assert(sizeof(Security) == 20);

struct [[gnu::packed]] List {
    static constexpr u16 Fast = Two('l', 'f'), Hashed = Two('l', 'h'), Plain = Two('l', 'i'), Root = Two('r', 'i');
    u16 Signature, Count;
};
struct [[gnu::packed]] Hashed {
    u32 Key, Hash;
};

struct [[gnu::packed]] BigData {
    static constexpr u16 Magic = Two('d', 'b');
    static constexpr u32 Segment = 16344;
    u16 Signature, Count;
    u32 List, Spare;
};

struct [[gnu::packed]] LogEntry {
    static constexpr u32 Magic = 0x454C7648;            // "HvLE"
    u32 Signature, Size, Flags, Sequence, BinsSize, Pages;
    u64 Hash1, Hash2;
};
static_assert(sizeof(LogEntry) == 40);
struct [[gnu::packed]] PageReference {
    u32 Offset, Size;
};

}
