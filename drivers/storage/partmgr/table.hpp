// Partition tables: reading MBR (with logical partitions) and GPT (both copies, checksums), and writing them. No operating system in it; the driver and the host tests
// use it alike.
//
// Everything on the medium may be anything. What Read gives is always sound: partitions lie inside the disk, do not overlap, have a length, and are in the order
// in which Windows numbers them (MBR: primary entries, then logical ones; GPT: entries). What cannot be right is left out and counted in Layout::Damaged.
// Facts: the UEFI specification (GPT, protective MBR), the published descriptions of MBR and extended partitions.
#pragma once
#include <stddef.h>
#include <stdint.h>

namespace partmgr {

struct Guid {
    uint8_t Bytes[16];
    bool IsZero() const;
    friend bool operator==(const Guid& A, const Guid& B) { return __builtin_memcmp(A.Bytes, B.Bytes, 16) == 0; }
};

class Disk {
public:
    virtual uint64_t Sectors() const = 0;
    virtual uint32_t SectorBytes() const = 0;       // a power of two, 512 to 4096
    virtual bool Read(uint64_t Sector, uint32_t Count, void* To) = 0;
    virtual bool Write(uint64_t Sector, uint32_t Count, const void* From) = 0;

protected:
    ~Disk() = default;
};

enum class Style : uint32_t { Mbr, Gpt, Raw };      // PARTITION_STYLE

struct Partition {
    uint64_t Start, Length;         // bytes
    uint32_t Number;                // from 1
    // MBR
    uint8_t Type;
    bool Active, Logical;
    uint64_t HiddenSectors;         // before it, from the start of its table
    // GPT
    Guid Kind, Id;
    uint64_t Attributes;
    uint16_t Name[36];
    uint32_t Entry;                 // its place in the table
};

inline constexpr uint32_t MaximumPartitions = 128;
inline constexpr uint32_t MaximumSectorBytes = 4096;

struct Layout {
    Style What;
    uint32_t Count;
    uint32_t Damaged;               // entries and tables that could not be used
    uint32_t Signature;             // MBR
    Guid DiskId;                    // GPT, and what follows
    uint64_t UsableStart, UsableLength;     // bytes
    uint32_t MaximumEntries;
    bool FromBackup;                // the first copy is damaged
    Partition Partitions[MaximumPartitions];
};

// Work is memory for WorkBytes. A disk without a table, or with a file system right at its start, is Raw: one partition, the whole disk. False: the disk cannot be read.
inline constexpr size_t WorkBytes = 2 * MaximumSectorBytes;
bool Read(Disk& From, Layout& To, void* Work);
// Writes a table of To.What with the partitions as they are (Start, Length, and the fields of the style; Entry decides the place in the table of a GPT, Number minus 1 that
// in an MBR). The boot code of an MBR stays. What could not be read again as it is is refused. Logical partitions cannot be written.
enum class WriteResult { Done, Invalid, Failed };
WriteResult Write(Disk& To, const Layout& What, void* Work);

uint32_t Crc32(uint32_t Before, const void* Data, size_t Bytes);     // Before: 0 at the start

// How a partition is known for good, as the mount manager keeps it: MBR the disk's signature and the byte offset (12 bytes), GPT "DMIO:ID:" and its GUID (24). Bytes
// written; 0 for a raw disk.
inline constexpr uint32_t MaximumUniqueId = 24;
uint32_t UniqueId(const Layout& Of, const Partition& P, uint8_t* To);

}
