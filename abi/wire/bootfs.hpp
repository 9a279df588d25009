// The boot archive: the files of the first volume (C:), appended to the Executive's ELF as one read-only PT_LOAD segment that begins at
// the page-aligned end of the image (linker symbol __archive_start). tools/neptune/bootfs.py writes it; the Executive only reads.
//
//   offset 0              Header
//   sizeof(Header)        Header.EntryCount entries, a folder before what is in it
//   Header.NamesOffset    names: UTF-8, relative to the volume's root, '/' between parts, no terminators
//   after that            file contents, each at a page boundary, the last page filled with zeros
//
// Every folder has an entry of its own, also those that only other entries imply. Names are unique without regard to case. All numbers are
// little endian; all offsets count from the archive's start. TotalSize is the whole archive, a multiple of the page size.
//
// neptune.ini, in the archive's root, tells the first process what to start: see user/smss/smss.hpp.
#pragma once
#include "lib/core/types.hpp"
#include <type_traits>

namespace wire::bootfs {

inline constexpr u64 Magic = 0x315346425450454E; // "NEPTBFS1"
inline constexpr u32 Version = 1;

struct Header {
    u64 Magic;
    u32 Version;
    u32 EntryCount;
    u64 TotalSize;
    u64 NamesOffset;
    u64 NamesSize;
    u64 Created;    // when the archive was made: 100 ns since 1601. The machine's clock, which counts whole seconds, cannot be behind it
    u64 Reserved[2];
};

struct Entry {
    u64 Offset;     // of the contents; 0 for a folder and an empty file
    u64 Size;       // in bytes
    u64 MTime;      // last write: 100 ns since 1601
    u32 NameOffset; // from Header.NamesOffset
    u32 NameLength; // in bytes
    u32 Attributes; // FILE_ATTRIBUTE_*
    u32 Reserved;
};

static_assert(sizeof(Header) == 64 && std::has_unique_object_representations_v<Header> && std::is_trivially_copyable_v<Header>);
static_assert(sizeof(Entry) == 40 && std::has_unique_object_representations_v<Entry> && std::is_trivially_copyable_v<Entry>);

} // namespace wire::bootfs
