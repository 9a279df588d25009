// NVM Express 1.4: registers (3.1), queue entries (4.2, 4.6), commands (5, 6). Names after the specification's.
#pragma once
#include <storport.h>

namespace nvme {

struct Registers {
    ULONGLONG Capabilities;
    ULONG Version, InterruptMaskSet, InterruptMaskClear, Configuration, Reserved, Status, SubsystemReset, AdminQueueAttributes;
    ULONGLONG AdminSubmission, AdminCompletion;
};
static_assert(FIELD_OFFSET(Registers, AdminSubmission) == 0x28);
inline constexpr ULONG Doorbells = 0x1000;
enum : ULONG { Enable = 1, ReadyBit = 1, FatalBit = 2, EntrySizes = 4u << 20 | 6u << 16 };     // CC: 16-byte completions, 64-byte commands

struct Submission {
    UCHAR Opcode, Flags;
    USHORT Id;
    ULONG Namespace;
    ULONGLONG Reserved, Metadata, Prp1, Prp2;
    ULONG Dword10, Dword11, Dword12, Dword13, Dword14, Dword15;
};
static_assert(sizeof(Submission) == 64);
struct Completion {
    ULONG Result, Reserved;
    USHORT SubmissionHead, SubmissionQueue, Id, Status;    // Status: phase in bit 0
};
static_assert(sizeof(Completion) == 16);

enum : UCHAR { DeleteSubmission = 0x00, CreateSubmission = 0x01, CreateCompletion = 0x05, Identify = 0x06, Abort = 0x08, SetFeatures = 0x09 };
enum : UCHAR { Flush = 0x00, Write = 0x01, Read = 0x02, DatasetManagement = 0x09 };
inline constexpr ULONG NumberOfQueues = 7;

struct IdentifyController {
    USHORT VendorId, SubsystemVendorId;
    CHAR Serial[20], Model[40], Firmware[8];
    UCHAR Rab, Ieee[3], Cmic, MaximumTransfer;      // MDTS: in pages of the least size, 2^n
    UCHAR More[434];
    UCHAR SubmissionSizes, CompletionSizes;         // 512
    USHORT MaximumCommands;
    ULONG Namespaces;                               // 516
    USHORT OptionalCommands, Fuses;                 // 520
    UCHAR FormatAttributes, VolatileCache;          // 524
    UCHAR Rest[3570];
};
static_assert(sizeof(IdentifyController) == 4096 && FIELD_OFFSET(IdentifyController, Namespaces) == 516 && FIELD_OFFSET(IdentifyController, VolatileCache) == 525);
struct LbaFormat {
    USHORT MetadataBytes;
    UCHAR DataShift, Performance;
};
struct IdentifyNamespace {
    ULONGLONG Size, Capacity, Utilization;
    UCHAR Features, Formats, Format, Rest[77];
    UCHAR NguidBytes[16], Eui64[8];                 // 104, 120
    LbaFormat LbaFormats[64];                       // 128
    UCHAR Vendor[3712];
};
static_assert(sizeof(IdentifyNamespace) == 4096 && FIELD_OFFSET(IdentifyNamespace, NguidBytes) == 104 && FIELD_OFFSET(IdentifyNamespace, LbaFormats) == 128);
struct DatasetRange {
    ULONG Attributes, Blocks;
    ULONGLONG Lba;
};

// Status field without the phase: code in the low 8 bits, type in the next 3.
enum : USHORT {
    Success = 0, InvalidOpcode = 0x01, InvalidField = 0x02, LbaOutOfRange = 0x80, NamespaceNotReady = 0x82, WriteFault = 0x280, UnrecoveredRead = 0x281, AccessDenied = 0x286,
    ReadOnlyNamespace = 0x20, AbortedBySq = 0x08, AbortRequested = 0x07
};
inline USHORT CodeOf(USHORT Status) { return USHORT(Status >> 1 & 0x7FF); }

}
