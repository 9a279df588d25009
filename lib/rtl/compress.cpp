// LZNT1: chunks of up to 4096 bytes, each with a header word (size minus three, signature 3, and whether it is
// compressed), then groups of a flag byte and eight literals or back references. Xpress is not there.
#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/rtl.hpp"

namespace {

constexpr u16 COMPRESSION_FORMAT_NONE = 0, COMPRESSION_FORMAT_DEFAULT = 1, COMPRESSION_FORMAT_LZNT1 = 2,
              COMPRESSION_ENGINE_MAXIMUM = 0x100, FormatMask = 0xFF, EngineMask = 0xFF00;
constexpr u32 ChunkSize = 4096;
constexpr u16 ChunkCompressed = 0x8000, ChunkSizeMask = 0x0FFF;

u32 Word(const u8* P) { return u32(P[0] | P[1] << 8); }
void PutWord(u8* P, u32 Value)
{
    P[0] = u8(Value);
    P[1] = u8(Value >> 8);
}

// How many bits of a reference say the distance: as many as the place in the chunk needs, at least four.
u32 DistanceBits(u32 At)
{
    u32 Bits = 4;
    while (At > 1u << Bits && Bits < 12)
        ++Bits;
    return Bits;
}

NTSTATUS CheckFormat(u16 Format)
{
    switch (Format & FormatMask) {
    case COMPRESSION_FORMAT_NONE:
    case COMPRESSION_FORMAT_DEFAULT:
        return STATUS_INVALID_PARAMETER;
    case COMPRESSION_FORMAT_LZNT1:
        return STATUS_SUCCESS;
    default:
        return STATUS_UNSUPPORTED_COMPRESSION;
    }
}

// One compressed chunk into To. Stops without complaint at a token that finds To full. Null for a reference that reaches
// before the chunk's start or beyond To's end.
u8* ExpandChunk(const u8* From, const u8* End, u8* To, u8* ToEnd)
{
    u8* Start = To;
    while (From < End) {
        u8 Flags = *From++;
        for (u32 Bit = 0; Bit < 8 && From < End; ++Bit) {
            if (To >= ToEnd)
                return To;
            if (!(Flags >> Bit & 1)) {
                *To++ = *From++;
                continue;
            }
            if (End - From < 2)
                return nullptr;
            u32 Code = Word(From), Split = 16 - DistanceBits(u32(To - Start));
            From += 2;
            u32 Length = (Code & ((1u << Split) - 1)) + 3, Distance = (Code >> Split) + 1;
            if (Distance > u32(To - Start) || Length > u32(ToEnd - To))
                return nullptr;
            for (; Length; --Length, ++To)
                *To = To[-i64(Distance)];
        }
    }
    return To;
}

// Chunks in order; Offset bytes of the result are left out. A chunk shorter than 4096 bytes counts as full if another
// one follows. In a Fragment the first chunk, if it is not compressed, must be full.
NTSTATUS Expand(u8* To, u32 Room, const u8* From, u32 FromSize, u32 Offset, bool Fragment, ULONG* Size)
{
    const u8* End = From + FromSize;
    u8 *At = To, *ToEnd = To + Room;
    u8 Chunk[ChunkSize];
    if (FromSize < 2)
        return STATUS_BAD_COMPRESSION_BUFFER;
    // Whole chunks before the offset are only skipped.
    while (Offset >= ChunkSize && End - From >= 2) {
        u32 Header = Word(From);
        if (!Header) {
            *Size = 0;
            return STATUS_SUCCESS;
        }
        From += 2;
        u32 Bytes = (Header & ChunkSizeMask) + 1;
        if (u32(End - From) < Bytes)
            return STATUS_BAD_COMPRESSION_BUFFER;
        From += Bytes;
        Offset -= ChunkSize;
    }
    if (Offset && End - From >= 2) {
        u32 Header = Word(From);
        if (!Header) {
            *Size = 0;
            return STATUS_SUCCESS;
        }
        From += 2;
        u32 Bytes = (Header & ChunkSizeMask) + 1;
        if (u32(End - From) < Bytes || (!(Header & ChunkCompressed) && Bytes != ChunkSize))
            return STATUS_BAD_COMPRESSION_BUFFER;
        u32 Count;
        if (Header & ChunkCompressed) {
            u8* Behind = ExpandChunk(From, From + Bytes, Chunk, Chunk + ChunkSize);
            if (!Behind)
                return STATUS_BAD_COMPRESSION_BUFFER;
            Count = u32(Behind - Chunk);
        } else {
            Count = ChunkSize;
            CRT(memcpy)(Chunk, From, Count);
        }
        // Nothing but padding from the offset on is given as such.
        if (Count < Offset) {
            CRT(memset)(Chunk + Count, 0, ChunkSize - Count);
            Count = ChunkSize;
        }
        u32 Piece = Count - Offset < Room ? Count - Offset : Room;
        CRT(memcpy)(At, Chunk + Offset, Piece);
        At += Piece;
        From += Bytes;
        // What the chunk lacked, if more follows.
        if (Count < ChunkSize && End - From >= 2 && Word(From) && u32(ToEnd - At) && At - To < ChunkSize - Offset) {
            u32 Missing = ChunkSize - Count;
            if (Missing > u32(ToEnd - At))
                Missing = u32(ToEnd - At);
            CRT(memset)(At, 0, Missing);
            At += Missing;
        }
    }
    u8* ChunkStart = At;
    bool First = true;
    while (End - From >= 2) {
        u32 Header = Word(From);
        if (!Header)
            break;
        From += 2;
        if (!First && At - ChunkStart < ChunkSize) {
            u32 Missing = ChunkSize - u32(At - ChunkStart);
            if (Missing > u32(ToEnd - At))
                break;
            CRT(memset)(At, 0, Missing);
            At += Missing;
        }
        u32 Bytes = (Header & ChunkSizeMask) + 1;
        if ((First || At != ToEnd) && u32(End - From) < Bytes)
            return STATUS_BAD_COMPRESSION_BUFFER;
        if (First && Fragment && At == To && !(Header & ChunkCompressed) && Bytes != ChunkSize)
            return STATUS_BAD_COMPRESSION_BUFFER;
        if (At == ToEnd)
            break;
        First = false;
        ChunkStart = At;
        if ((Header & ChunkCompressed) && Fragment && u32(ToEnd - At) < ChunkSize) {
            // A fragment may end within a chunk, where a whole buffer may not end within a reference.
            u8* Behind = ExpandChunk(From, From + Bytes, Chunk, Chunk + ChunkSize);
            if (!Behind)
                return STATUS_BAD_COMPRESSION_BUFFER;
            u32 Count = u32(Behind - Chunk) < u32(ToEnd - At) ? u32(Behind - Chunk) : u32(ToEnd - At);
            CRT(memcpy)(At, Chunk, Count);
            At += Count;
        } else if (Header & ChunkCompressed) {
            u8* Limit = u32(ToEnd - At) < ChunkSize ? ToEnd : At + ChunkSize;
            At = ExpandChunk(From, From + Bytes, At, Limit);
            if (!At)
                return STATUS_BAD_COMPRESSION_BUFFER;
        } else {
            u32 Count = Bytes < u32(ToEnd - At) ? Bytes : u32(ToEnd - At);
            CRT(memcpy)(At, From, Count);
            At += Count;
        }
        From += Bytes;
    }
    *Size = ULONG(At - To);
    return STATUS_SUCCESS;
}

// The places of earlier three-byte sequences by hash, and each place's predecessor: the caller's work space.
struct Finder {
    u16 Last[4096];                     // place plus one
    u16 Before[ChunkSize];

    static u32 Hash(const u8* P) { return (u32(P[0] | P[1] << 8 | P[2] << 16) * 0x9E3779B1u) >> 20; }
    void Add(const u8* Chunk, u32 At, u32 Size)
    {
        if (At + 3 > Size)
            return;
        u32 Slot = Hash(Chunk + At);
        Before[At] = Last[Slot];
        Last[Slot] = u16(At + 1);
    }
    // The longest match at At, trying at most Tries places.
    u32 Find(const u8* Chunk, u32 At, u32 Size, u32 Limit, u32 Tries, u32* Distance) const
    {
        u32 Best = 0;
        if (At + 3 > Size)
            return 0;
        if (Limit > Size - At)
            Limit = Size - At;
        for (u32 Place = Last[Hash(Chunk + At)]; Place && Tries; Place = Before[Place - 1], --Tries) {
            u32 Start = Place - 1, Length = 0;
            while (Length < Limit && Chunk[Start + Length] == Chunk[At + Length])
                ++Length;
            if (Length > Best) {
                Best = Length;
                *Distance = At - Start;
                if (Length == Limit)
                    break;
            }
        }
        return Best;
    }
};

// The compressed chunk's bytes without header, or 0 if they are not fewer than Size or do not fit.
u32 CompressChunk(const u8* Chunk, u32 Size, u8* To, u32 Room, Finder* Find, u32 Tries)
{
    CRT(memset)(Find->Last, 0, sizeof(Find->Last));
    u32 Used = 0, Limit = Room < Size ? Room : Size;
    for (u32 At = 0; At < Size;) {
        if (Used >= Limit)
            return 0;
        u8& Flags = To[Used++];
        Flags = 0;
        for (u32 Bit = 0; Bit < 8 && At < Size; ++Bit) {
            u32 Split = 16 - DistanceBits(At), Distance = 0;
            u32 Length = Find->Find(Chunk, At, Size, (1u << Split) + 2, Tries, &Distance);
            if (Length >= 3) {
                if (Limit - Used < 2)
                    return 0;
                Flags |= u8(1 << Bit);
                PutWord(To + Used, (Distance - 1) << Split | (Length - 3));
                Used += 2;
                for (u32 I = 0; I < Length; ++I)
                    Find->Add(Chunk, At + I, Size);
                At += Length;
            } else {
                if (Used >= Limit)
                    return 0;
                To[Used++] = Chunk[At];
                Find->Add(Chunk, At, Size);
                ++At;
            }
        }
    }
    return Used < Size ? Used : 0;
}

}

extern "C" {

NTSTATUS NTAPI RtlGetCompressionWorkSpaceSize(USHORT Format, ULONG* BufferSize, ULONG* FragmentSize)
{
    if (NTSTATUS Status = CheckFormat(Format); Status < 0)
        return Status;
    *BufferSize = sizeof(Finder);
    *FragmentSize = 0x1000;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlCompressBuffer(USHORT Format, UCHAR* From, ULONG FromSize, UCHAR* To, ULONG Room, ULONG, ULONG* Size, PVOID WorkSpace)
{
    if (NTSTATUS Status = CheckFormat(Format); Status < 0)
        return Status;
    u32 Tries = (Format & EngineMask) == COMPRESSION_ENGINE_MAXIMUM ? 4096 : 8;
    u32 Used = 0;
    for (u32 At = 0; At < FromSize; At += ChunkSize) {
        u32 Count = FromSize - At < ChunkSize ? FromSize - At : ChunkSize;
        if (Room - Used < 2)
            return STATUS_BUFFER_TOO_SMALL;
        u8* Chunk = To + Used;
        u32 Bytes = CompressChunk(From + At, Count, Chunk + 2, Room - Used - 2, static_cast<Finder*>(WorkSpace), Tries);
        if (Bytes) {
            PutWord(Chunk, ChunkCompressed | 0x3000 | (Bytes - 1));
        } else {
            if (Room - Used - 2 < Count)
                return STATUS_BUFFER_TOO_SMALL;
            PutWord(Chunk, 0x3000 | (Count - 1));
            CRT(memcpy)(Chunk + 2, From + At, Count);
            Bytes = Count;
        }
        Used += Bytes + 2;
    }
    if (Size)
        *Size = Used;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlDecompressFragment(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG Offset, ULONG* Size, PVOID)
{
    if (NTSTATUS Status = CheckFormat(Format & ~EngineMask); Status < 0)
        return Status;
    return Expand(To, Room, From, FromSize, Offset, true, Size);
}
NTSTATUS NTAPI RtlDecompressBuffer(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG* Size)
{
    if (NTSTATUS Status = CheckFormat(Format & ~EngineMask); Status < 0)
        return Status;
    return Expand(To, Room, From, FromSize, 0, false, Size);
}
NTSTATUS NTAPI RtlDecompressBufferEx(USHORT Format, UCHAR* To, ULONG Room, UCHAR* From, ULONG FromSize, ULONG* Size, PVOID)
{
    return RtlDecompressBuffer(Format, To, Room, From, FromSize, Size);
}

}
