// File and device structures and constants of the NT API.
#pragma once
#include "abi/nt/forward.hpp"

namespace nt {

inline constexpr ACCESS_MASK FILE_READ_DATA = 0x1, FILE_LIST_DIRECTORY = 0x1, FILE_WRITE_DATA = 0x2, FILE_ADD_FILE = 0x2, FILE_APPEND_DATA = 0x4,
                             FILE_ADD_SUBDIRECTORY = 0x4, FILE_CREATE_PIPE_INSTANCE = 0x4, FILE_READ_EA = 0x8, FILE_WRITE_EA = 0x10, FILE_EXECUTE = 0x20,
                             FILE_TRAVERSE = 0x20, FILE_DELETE_CHILD = 0x40, FILE_READ_ATTRIBUTES = 0x80, FILE_WRITE_ATTRIBUTES = 0x100,
                             FILE_ALL_ACCESS = 0x1F01FF, FILE_GENERIC_READ = 0x120089, FILE_GENERIC_WRITE = 0x120116, FILE_GENERIC_EXECUTE = 0x1200A0;

inline constexpr ULONG FILE_SHARE_READ = 1, FILE_SHARE_WRITE = 2, FILE_SHARE_DELETE = 4, FILE_SHARE_VALID_FLAGS = 7;
inline constexpr ULONG FILE_SUPERSEDE = 0, FILE_OPEN = 1, FILE_CREATE = 2, FILE_OPEN_IF = 3, FILE_OVERWRITE = 4, FILE_OVERWRITE_IF = 5;
// IO_STATUS_BLOCK.Information of an open.
inline constexpr ULONG FILE_SUPERSEDED = 0, FILE_OPENED = 1, FILE_CREATED = 2, FILE_OVERWRITTEN = 3, FILE_EXISTS = 4, FILE_DOES_NOT_EXIST = 5;
inline constexpr ULONG FILE_DIRECTORY_FILE = 0x1, FILE_WRITE_THROUGH = 0x2, FILE_SEQUENTIAL_ONLY = 0x4, FILE_NO_INTERMEDIATE_BUFFERING = 0x8,
                       FILE_SYNCHRONOUS_IO_ALERT = 0x10, FILE_SYNCHRONOUS_IO_NONALERT = 0x20, FILE_NON_DIRECTORY_FILE = 0x40,
                       FILE_CREATE_TREE_CONNECTION = 0x80, FILE_COMPLETE_IF_OPLOCKED = 0x100, FILE_NO_EA_KNOWLEDGE = 0x200, FILE_OPEN_REMOTE_INSTANCE = 0x400,
                       FILE_RANDOM_ACCESS = 0x800, FILE_DELETE_ON_CLOSE = 0x1000, FILE_OPEN_BY_FILE_ID = 0x2000, FILE_OPEN_FOR_BACKUP_INTENT = 0x4000,
                       FILE_NO_COMPRESSION = 0x8000, FILE_OPEN_REQUIRING_OPLOCK = 0x10000, FILE_DISALLOW_EXCLUSIVE = 0x20000,
                       FILE_RESERVE_OPFILTER = 0x100000, FILE_OPEN_REPARSE_POINT = 0x200000, FILE_OPEN_NO_RECALL = 0x400000,
                       FILE_OPEN_FOR_FREE_SPACE_QUERY = 0x800000, FILE_VALID_OPTION_FLAGS = 0xFFFFFF, FILE_VALID_PIPE_OPTION_FLAGS = 0x32,
                       FILE_VALID_MAILSLOT_OPTION_FLAGS = 0x32;
inline constexpr ULONG FILE_ATTRIBUTE_READONLY = 0x1, FILE_ATTRIBUTE_HIDDEN = 0x2, FILE_ATTRIBUTE_SYSTEM = 0x4, FILE_ATTRIBUTE_DIRECTORY = 0x10,
                       FILE_ATTRIBUTE_ARCHIVE = 0x20, FILE_ATTRIBUTE_DEVICE = 0x40, FILE_ATTRIBUTE_NORMAL = 0x80, FILE_ATTRIBUTE_TEMPORARY = 0x100,
                       FILE_ATTRIBUTE_SPARSE_FILE = 0x200, FILE_ATTRIBUTE_REPARSE_POINT = 0x400, FILE_ATTRIBUTE_COMPRESSED = 0x800,
                       FILE_ATTRIBUTE_OFFLINE = 0x1000, FILE_ATTRIBUTE_NOT_CONTENT_INDEXED = 0x2000, FILE_ATTRIBUTE_ENCRYPTED = 0x4000,
                       FILE_ATTRIBUTE_VALID_FLAGS = 0x7FB7, FILE_ATTRIBUTE_VALID_SET_FLAGS = 0x31A7;
inline constexpr LONGLONG FILE_WRITE_TO_END_OF_FILE = -1, FILE_USE_FILE_POINTER_POSITION = -2;     // ByteOffset 0xFFFFFFFF'FFFFFFFx

inline constexpr ACCESS_MASK IO_COMPLETION_QUERY_STATE = 1, IO_COMPLETION_MODIFY_STATE = 2, IO_COMPLETION_ALL_ACCESS = 0x1F0003;

enum FILE_INFORMATION_CLASS : ULONG {
    FileDirectoryInformation = 1, FileFullDirectoryInformation, FileBothDirectoryInformation, FileBasicInformation, FileStandardInformation,
    FileInternalInformation, FileEaInformation, FileAccessInformation, FileNameInformation, FileRenameInformation, FileLinkInformation,
    FileNamesInformation, FileDispositionInformation, FilePositionInformation, FileFullEaInformation, FileModeInformation,
    FileAlignmentInformation, FileAllInformation, FileAllocationInformation, FileEndOfFileInformation, FileAlternateNameInformation,
    FileStreamInformation, FilePipeInformation, FilePipeLocalInformation, FilePipeRemoteInformation, FileMailslotQueryInformation,
    FileMailslotSetInformation, FileCompressionInformation, FileObjectIdInformation, FileCompletionInformation, FileMoveClusterInformation,
    FileQuotaInformation, FileReparsePointInformation, FileNetworkOpenInformation, FileAttributeTagInformation, FileTrackingInformation,
    FileIdBothDirectoryInformation, FileIdFullDirectoryInformation, FileValidDataLengthInformation, FileShortNameInformation,
    FileIoCompletionNotificationInformation, FileIoStatusBlockRangeInformation, FileIoPriorityHintInformation, FileSfioReserveInformation,
    FileSfioVolumeInformation, FileHardLinkInformation, FileProcessIdsUsingFileInformation, FileNormalizedNameInformation,
    FileNetworkPhysicalNameInformation, FileIdGlobalTxDirectoryInformation, FileIsRemoteDeviceInformation, FileUnusedInformation,
    FileNumaNodeInformation, FileStandardLinkInformation, FileRemoteProtocolInformation, FileRenameInformationBypassAccessCheck,
    FileLinkInformationBypassAccessCheck, FileVolumeNameInformation, FileIdInformation, FileIdExtdDirectoryInformation,
    FileReplaceCompletionInformation, FileHardLinkFullIdInformation, FileIdExtdBothDirectoryInformation, FileDispositionInformationEx,
    FileRenameInformationEx, FileRenameInformationExBypassAccessCheck, FileDesiredStorageClassInformation, FileStatInformation,
    FileMemoryPartitionInformation, FileStatLxInformation, FileCaseSensitiveInformation, FileLinkInformationEx,
    FileLinkInformationExBypassAccessCheck, FileStorageReserveIdInformation, FileCaseSensitiveInformationForceAccessCheck,
    FileKnownFolderInformation, FileMaximumInformation
};
static_assert(FileIdInformation == 59 && FileKnownFolderInformation == 76 && FileNetworkOpenInformation == 34);

struct FILE_BASIC_INFORMATION {
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    ULONG FileAttributes;
};
static_assert(sizeof(FILE_BASIC_INFORMATION) == 40);
struct FILE_STANDARD_INFORMATION {
    LARGE_INTEGER AllocationSize, EndOfFile;
    ULONG NumberOfLinks;
    BOOLEAN DeletePending, Directory;
};
static_assert(sizeof(FILE_STANDARD_INFORMATION) == 24);
struct FILE_STANDARD_LINK_INFORMATION {
    ULONG NumberOfAccessibleLinks, TotalNumberOfLinks;
    BOOLEAN DeletePending, Directory;
};
struct FILE_INTERNAL_INFORMATION {
    LARGE_INTEGER IndexNumber;
};
struct FILE_EA_INFORMATION {
    ULONG EaSize;
};
struct FILE_ACCESS_INFORMATION {
    ACCESS_MASK AccessFlags;
};
struct FILE_POSITION_INFORMATION {
    LARGE_INTEGER CurrentByteOffset;
};
struct FILE_MODE_INFORMATION {
    ULONG Mode;
};
struct FILE_ALIGNMENT_INFORMATION {
    ULONG AlignmentRequirement;
};
struct FILE_NAME_INFORMATION {          // FileName follows
    ULONG FileNameLength;
    WCHAR FileName[1];
};
struct FILE_ALL_INFORMATION {
    FILE_BASIC_INFORMATION BasicInformation;
    FILE_STANDARD_INFORMATION StandardInformation;
    FILE_INTERNAL_INFORMATION InternalInformation;
    FILE_EA_INFORMATION EaInformation;
    FILE_ACCESS_INFORMATION AccessInformation;
    FILE_POSITION_INFORMATION PositionInformation;
    FILE_MODE_INFORMATION ModeInformation;
    FILE_ALIGNMENT_INFORMATION AlignmentInformation;
    FILE_NAME_INFORMATION NameInformation;
};
static_assert(sizeof(FILE_ALL_INFORMATION) == 104);
struct FILE_NETWORK_OPEN_INFORMATION {
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
    ULONG FileAttributes;
};
static_assert(sizeof(FILE_NETWORK_OPEN_INFORMATION) == 56);
struct FILE_ATTRIBUTE_TAG_INFORMATION {
    ULONG FileAttributes, ReparseTag;
};
struct FILE_COMPRESSION_INFORMATION {
    LARGE_INTEGER CompressedFileSize;
    USHORT CompressionFormat;
    UCHAR CompressionUnitShift, ChunkShift, ClusterShift, Reserved[3];
};
static_assert(sizeof(FILE_COMPRESSION_INFORMATION) == 16);
struct FILE_STREAM_INFORMATION {
    ULONG NextEntryOffset, StreamNameLength;
    LARGE_INTEGER StreamSize, StreamAllocationSize;
    WCHAR StreamName[1];
};
struct FILE_ID_128 {
    UCHAR Identifier[16];
};
struct FILE_ID_INFORMATION {
    ULONGLONG VolumeSerialNumber;
    FILE_ID_128 FileId;
};
struct FILE_STAT_INFORMATION {
    LARGE_INTEGER FileId, CreationTime, LastAccessTime, LastWriteTime, ChangeTime, AllocationSize, EndOfFile;
    ULONG FileAttributes, ReparseTag, NumberOfLinks;
    ACCESS_MASK EffectiveAccess;
};
static_assert(sizeof(FILE_STAT_INFORMATION) == 72);
struct FILE_CASE_SENSITIVE_INFORMATION {
    ULONG Flags;
};
struct FILE_LINK_ENTRY_INFORMATION {
    ULONG NextEntryOffset;
    LONGLONG ParentFileId;
    ULONG FileNameLength;
    WCHAR FileName[1];
};
static_assert(offsetof(FILE_LINK_ENTRY_INFORMATION, FileName) == 20);
struct FILE_LINKS_INFORMATION {
    ULONG BytesNeeded, EntriesReturned;
    FILE_LINK_ENTRY_INFORMATION Entry;
};
struct FILE_IS_REMOTE_DEVICE_INFORMATION {
    BOOLEAN IsRemote;
};
struct FILE_NUMA_NODE_INFORMATION {
    USHORT NodeNumber;
};
struct FILE_PROCESS_IDS_USING_FILE_INFORMATION {
    ULONG NumberOfProcessIdsInList;
    ULONG_PTR ProcessIdList[1];
};

// Set classes.
struct FILE_RENAME_INFORMATION {        // and FILE_LINK_INFORMATION; the Ex forms use Flags
    union {
        BOOLEAN ReplaceIfExists;
        ULONG Flags;
    };
    HANDLE RootDirectory;
    ULONG FileNameLength;
    WCHAR FileName[1];
};
static_assert(sizeof(FILE_RENAME_INFORMATION) == 24 && offsetof(FILE_RENAME_INFORMATION, FileName) == 20);
inline constexpr ULONG FILE_RENAME_REPLACE_IF_EXISTS = 1, FILE_RENAME_POSIX_SEMANTICS = 2, FILE_RENAME_IGNORE_READONLY_ATTRIBUTE = 0x40;
struct FILE_DISPOSITION_INFORMATION {
    BOOLEAN DeleteFile;
};
struct FILE_DISPOSITION_INFORMATION_EX {
    ULONG Flags;
};
inline constexpr ULONG FILE_DISPOSITION_DELETE = 1, FILE_DISPOSITION_POSIX_SEMANTICS = 2, FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK = 4,
                       FILE_DISPOSITION_ON_CLOSE = 8, FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE = 0x10;
struct FILE_ALLOCATION_INFORMATION {
    LARGE_INTEGER AllocationSize;
};
struct FILE_END_OF_FILE_INFORMATION {
    LARGE_INTEGER EndOfFile;
};
struct FILE_VALID_DATA_LENGTH_INFORMATION {
    LARGE_INTEGER ValidDataLength;
};
struct FILE_COMPLETION_INFORMATION {
    HANDLE Port;
    PVOID Key;
};
struct FILE_IO_COMPLETION_NOTIFICATION_INFORMATION {
    ULONG Flags;
};
inline constexpr ULONG FILE_SKIP_COMPLETION_PORT_ON_SUCCESS = 1, FILE_SKIP_SET_EVENT_ON_HANDLE = 2, FILE_SKIP_SET_USER_EVENT_ON_FAST_IO = 4;
struct FILE_IO_PRIORITY_HINT_INFORMATION {
    ULONG PriorityHint;
};

// Folder listings.
struct FILE_DIRECTORY_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength;
    WCHAR FileName[1];
};
struct FILE_FULL_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize;
    WCHAR FileName[1];
};
struct FILE_ID_FULL_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize;
    LARGE_INTEGER FileId;
    WCHAR FileName[1];
};
struct FILE_BOTH_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize;
    UCHAR ShortNameLength;
    WCHAR ShortName[12];
    WCHAR FileName[1];
};
struct FILE_ID_BOTH_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize;
    UCHAR ShortNameLength;
    WCHAR ShortName[12];
    LARGE_INTEGER FileId;
    WCHAR FileName[1];
};
struct FILE_ID_EXTD_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize, ReparsePointTag;
    FILE_ID_128 FileId;
    WCHAR FileName[1];
};
struct FILE_ID_EXTD_BOTH_DIR_INFORMATION {
    ULONG NextEntryOffset, FileIndex;
    LARGE_INTEGER CreationTime, LastAccessTime, LastWriteTime, ChangeTime, EndOfFile, AllocationSize;
    ULONG FileAttributes, FileNameLength, EaSize, ReparsePointTag;
    FILE_ID_128 FileId;
    UCHAR ShortNameLength;
    WCHAR ShortName[12];
    WCHAR FileName[1];
};
struct FILE_NAMES_INFORMATION {
    ULONG NextEntryOffset, FileIndex, FileNameLength;
    WCHAR FileName[1];
};
static_assert(offsetof(FILE_DIRECTORY_INFORMATION, FileName) == 64 && offsetof(FILE_FULL_DIR_INFORMATION, FileName) == 68);
static_assert(offsetof(FILE_ID_FULL_DIR_INFORMATION, FileName) == 80 && offsetof(FILE_BOTH_DIR_INFORMATION, FileName) == 94);
static_assert(offsetof(FILE_ID_BOTH_DIR_INFORMATION, FileName) == 104 && offsetof(FILE_ID_EXTD_DIR_INFORMATION, FileName) == 88);
static_assert(offsetof(FILE_ID_EXTD_BOTH_DIR_INFORMATION, FileName) == 114 && offsetof(FILE_NAMES_INFORMATION, FileName) == 12);
inline constexpr ULONG SL_RESTART_SCAN = 1, SL_RETURN_SINGLE_ENTRY = 2, SL_INDEX_SPECIFIED = 4, SL_RETURN_ON_DISK_ENTRIES_ONLY = 8, SL_NO_CURSOR_UPDATE = 0x10;

struct FILE_NOTIFY_INFORMATION {
    ULONG NextEntryOffset, Action, FileNameLength;
    WCHAR FileName[1];
};
inline constexpr ULONG FILE_NOTIFY_CHANGE_FILE_NAME = 0x1, FILE_NOTIFY_CHANGE_DIR_NAME = 0x2, FILE_NOTIFY_CHANGE_ATTRIBUTES = 0x4,
                       FILE_NOTIFY_CHANGE_SIZE = 0x8, FILE_NOTIFY_CHANGE_LAST_WRITE = 0x10, FILE_NOTIFY_CHANGE_LAST_ACCESS = 0x20,
                       FILE_NOTIFY_CHANGE_CREATION = 0x40, FILE_NOTIFY_CHANGE_EA = 0x80, FILE_NOTIFY_CHANGE_SECURITY = 0x100,
                       FILE_NOTIFY_CHANGE_STREAM_NAME = 0x200, FILE_NOTIFY_CHANGE_STREAM_SIZE = 0x400, FILE_NOTIFY_CHANGE_STREAM_WRITE = 0x800,
                       FILE_NOTIFY_VALID_MASK = 0xFFF;
inline constexpr ULONG FILE_ACTION_ADDED = 1, FILE_ACTION_REMOVED = 2, FILE_ACTION_MODIFIED = 3, FILE_ACTION_RENAMED_OLD_NAME = 4,
                       FILE_ACTION_RENAMED_NEW_NAME = 5;

struct FILE_FULL_EA_INFORMATION {
    ULONG NextEntryOffset;
    UCHAR Flags, EaNameLength;
    USHORT EaValueLength;
    CHAR EaName[1];
};
static_assert(offsetof(FILE_FULL_EA_INFORMATION, EaName) == 8);
struct FILE_GET_EA_INFORMATION {
    ULONG NextEntryOffset;
    UCHAR EaNameLength;
    CHAR EaName[1];
};

// Volumes.
enum FSINFOCLASS : ULONG {
    FileFsVolumeInformation = 1, FileFsLabelInformation, FileFsSizeInformation, FileFsDeviceInformation, FileFsAttributeInformation,
    FileFsControlInformation, FileFsFullSizeInformation, FileFsObjectIdInformation, FileFsDriverPathInformation, FileFsVolumeFlagsInformation,
    FileFsSectorSizeInformation, FileFsDataCopyInformation, FileFsMetadataSizeInformation, FileFsFullSizeInformationEx, FileFsMaximumInformation
};
struct FILE_FS_VOLUME_INFORMATION {
    LARGE_INTEGER VolumeCreationTime;
    ULONG VolumeSerialNumber, VolumeLabelLength;
    BOOLEAN SupportsObjects;
    WCHAR VolumeLabel[1];
};
static_assert(sizeof(FILE_FS_VOLUME_INFORMATION) == 24 && offsetof(FILE_FS_VOLUME_INFORMATION, VolumeLabel) == 18);
struct FILE_FS_LABEL_INFORMATION {
    ULONG VolumeLabelLength;
    WCHAR VolumeLabel[1];
};
struct FILE_FS_SIZE_INFORMATION {
    LARGE_INTEGER TotalAllocationUnits, AvailableAllocationUnits;
    ULONG SectorsPerAllocationUnit, BytesPerSector;
};
struct FILE_FS_FULL_SIZE_INFORMATION {
    LARGE_INTEGER TotalAllocationUnits, CallerAvailableAllocationUnits, ActualAvailableAllocationUnits;
    ULONG SectorsPerAllocationUnit, BytesPerSector;
};
struct FILE_FS_DEVICE_INFORMATION {
    ULONG DeviceType, Characteristics;
};
struct FILE_FS_ATTRIBUTE_INFORMATION {
    ULONG FileSystemAttributes;
    LONG MaximumComponentNameLength;
    ULONG FileSystemNameLength;
    WCHAR FileSystemName[1];
};
static_assert(sizeof(FILE_FS_ATTRIBUTE_INFORMATION) == 16);
struct FILE_FS_CONTROL_INFORMATION {
    LARGE_INTEGER FreeSpaceStartFiltering, FreeSpaceThreshold, FreeSpaceStopFiltering, DefaultQuotaThreshold, DefaultQuotaLimit;
    ULONG FileSystemControlFlags;
};
struct FILE_FS_OBJECTID_INFORMATION {
    UCHAR ObjectId[16], ExtendedInfo[48];
};
struct FILE_FS_SECTOR_SIZE_INFORMATION {
    ULONG LogicalBytesPerSector, PhysicalBytesPerSectorForAtomicity, PhysicalBytesPerSectorForPerformance,
        FileSystemEffectivePhysicalBytesPerSectorForAtomicity, Flags, ByteOffsetForSectorAlignment, ByteOffsetForPartitionAlignment;
};
inline constexpr ULONG FILE_CASE_SENSITIVE_SEARCH = 1, FILE_CASE_PRESERVED_NAMES = 2, FILE_UNICODE_ON_DISK = 4, FILE_PERSISTENT_ACLS = 8,
                       FILE_SUPPORTS_SPARSE_FILES = 0x40, FILE_SUPPORTS_REPARSE_POINTS = 0x80, FILE_SUPPORTS_OBJECT_IDS = 0x10000,
                       FILE_SUPPORTS_HARD_LINKS = 0x400000, FILE_SUPPORTS_EXTENDED_ATTRIBUTES = 0x800000, FILE_SUPPORTS_OPEN_BY_FILE_ID = 0x1000000,
                       FILE_SUPPORTS_POSIX_UNLINK_RENAME = 0x4000;

inline constexpr ULONG FILE_DEVICE_CD_ROM = 2, FILE_DEVICE_CD_ROM_FILE_SYSTEM = 3, FILE_DEVICE_DISK = 7, FILE_DEVICE_DISK_FILE_SYSTEM = 8, FILE_DEVICE_FILE_SYSTEM = 9,
                       FILE_DEVICE_MAILSLOT = 0xC, FILE_DEVICE_NAMED_PIPE = 0x11, FILE_DEVICE_NULL = 0x15, FILE_DEVICE_SERIAL_PORT = 0x1B,
                       FILE_DEVICE_UNKNOWN = 0x22, FILE_DEVICE_CONSOLE = 0x50, FILE_DEVICE_MOUNTMGR = 0x6D;
inline constexpr ULONG FILE_REMOVABLE_MEDIA = 1, FILE_READ_ONLY_DEVICE = 2, FILE_DEVICE_IS_MOUNTED = 0x20, FILE_DEVICE_SECURE_OPEN = 0x100;

// Control codes: CTL_CODE(device type, function, method, access).
constexpr ULONG CtlCode(ULONG Device, ULONG Function, ULONG Method, ULONG Access) { return Device << 16 | Access << 14 | Function << 2 | Method; }
inline constexpr ULONG METHOD_BUFFERED = 0, METHOD_IN_DIRECT = 1, METHOD_OUT_DIRECT = 2, METHOD_NEITHER = 3;
inline constexpr ULONG FSCTL_PIPE_ASSIGN_EVENT = CtlCode(FILE_DEVICE_NAMED_PIPE, 0, 0, 0), FSCTL_PIPE_DISCONNECT = CtlCode(FILE_DEVICE_NAMED_PIPE, 1, 0, 0),
                       FSCTL_PIPE_LISTEN = CtlCode(FILE_DEVICE_NAMED_PIPE, 2, 0, 0), FSCTL_PIPE_PEEK = CtlCode(FILE_DEVICE_NAMED_PIPE, 3, 0, 1),
                       FSCTL_PIPE_QUERY_EVENT = CtlCode(FILE_DEVICE_NAMED_PIPE, 4, 0, 0), FSCTL_PIPE_TRANSCEIVE = CtlCode(FILE_DEVICE_NAMED_PIPE, 5, 3, 3),
                       FSCTL_PIPE_WAIT = CtlCode(FILE_DEVICE_NAMED_PIPE, 6, 0, 0), FSCTL_PIPE_IMPERSONATE = CtlCode(FILE_DEVICE_NAMED_PIPE, 7, 0, 0),
                       FSCTL_PIPE_QUERY_CLIENT_PROCESS = CtlCode(FILE_DEVICE_NAMED_PIPE, 9, 0, 0),
                       FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE = CtlCode(FILE_DEVICE_NAMED_PIPE, 12, 0, 0), FSCTL_PIPE_GET_PIPE_ATTRIBUTE = CtlCode(FILE_DEVICE_NAMED_PIPE, 10, 0, 0),
                       FSCTL_MAILSLOT_PEEK = CtlCode(FILE_DEVICE_MAILSLOT, 0, 3, 1);
inline constexpr ULONG FSCTL_LOCK_VOLUME = CtlCode(9, 6, 0, 0), FSCTL_UNLOCK_VOLUME = CtlCode(9, 7, 0, 0), FSCTL_DISMOUNT_VOLUME = CtlCode(9, 8, 0, 0),
                       FSCTL_IS_VOLUME_MOUNTED = CtlCode(9, 10, 0, 0), FSCTL_IS_PATHNAME_VALID = CtlCode(9, 11, 0, 0),
                       FSCTL_GET_COMPRESSION = CtlCode(9, 15, 0, 0), FSCTL_SET_COMPRESSION = CtlCode(9, 16, 0, 3),
                       FSCTL_REQUEST_OPLOCK_LEVEL_1 = CtlCode(9, 0, 0, 0), FSCTL_GET_NTFS_VOLUME_DATA = CtlCode(9, 25, 0, 0),
                       FSCTL_GET_RETRIEVAL_POINTERS = CtlCode(9, 28, 3, 0), FSCTL_SET_REPARSE_POINT = CtlCode(9, 41, 0, 0),
                       FSCTL_GET_REPARSE_POINT = CtlCode(9, 42, 0, 0), FSCTL_DELETE_REPARSE_POINT = CtlCode(9, 43, 0, 0),
                       FSCTL_CREATE_OR_GET_OBJECT_ID = CtlCode(9, 48, 0, 0), FSCTL_GET_OBJECT_ID = CtlCode(9, 39, 0, 0), FSCTL_SET_SPARSE = CtlCode(9, 49, 0, 0),
                       FSCTL_SET_ZERO_DATA = CtlCode(9, 50, 0, 2), FSCTL_QUERY_ALLOCATED_RANGES = CtlCode(9, 51, 3, 1);
inline constexpr ULONG IO_REPARSE_TAG_MOUNT_POINT = 0xA0000003, IO_REPARSE_TAG_SYMLINK = 0xA000000C, SYMLINK_FLAG_RELATIVE = 1;
struct REPARSE_DATA_HEADER {
    ULONG ReparseTag;
    USHORT ReparseDataLength, Reserved;
};
struct FILE_ZERO_DATA_INFORMATION {
    LARGE_INTEGER FileOffset, BeyondFinalZero;
};
struct FILE_ALLOCATED_RANGE_BUFFER {
    LARGE_INTEGER FileOffset, Length;
};
struct FILE_OBJECTID_BUFFER {
    UCHAR ObjectId[16], BirthVolumeId[16], BirthObjectId[16], DomainId[16];
};

// Pipes.
inline constexpr ULONG FILE_PIPE_BYTE_STREAM_TYPE = 0, FILE_PIPE_MESSAGE_TYPE = 1, FILE_PIPE_REJECT_REMOTE_CLIENTS = 2;
inline constexpr ULONG FILE_PIPE_BYTE_STREAM_MODE = 0, FILE_PIPE_MESSAGE_MODE = 1, FILE_PIPE_QUEUE_OPERATION = 0, FILE_PIPE_COMPLETE_OPERATION = 1;
inline constexpr ULONG FILE_PIPE_INBOUND = 0, FILE_PIPE_OUTBOUND = 1, FILE_PIPE_FULL_DUPLEX = 2;
inline constexpr ULONG FILE_PIPE_DISCONNECTED_STATE = 1, FILE_PIPE_LISTENING_STATE = 2, FILE_PIPE_CONNECTED_STATE = 3, FILE_PIPE_CLOSING_STATE = 4;
inline constexpr ULONG FILE_PIPE_CLIENT_END = 0, FILE_PIPE_SERVER_END = 1;
struct FILE_PIPE_INFORMATION {
    ULONG ReadMode, CompletionMode;
};
struct FILE_PIPE_LOCAL_INFORMATION {
    ULONG NamedPipeType, NamedPipeConfiguration, MaximumInstances, CurrentInstances, InboundQuota, ReadDataAvailable, OutboundQuota,
        WriteQuotaAvailable, NamedPipeState, NamedPipeEnd;
};
static_assert(sizeof(FILE_PIPE_LOCAL_INFORMATION) == 40);
struct FILE_PIPE_PEEK_BUFFER {
    ULONG NamedPipeState, ReadDataAvailable, NumberOfMessages, MessageLength;
    CHAR Data[1];
};
static_assert(offsetof(FILE_PIPE_PEEK_BUFFER, Data) == 16);
struct FILE_PIPE_WAIT_FOR_BUFFER {
    LARGE_INTEGER Timeout;
    ULONG NameLength;
    BOOLEAN TimeoutSpecified;
    WCHAR Name[1];
};
static_assert(offsetof(FILE_PIPE_WAIT_FOR_BUFFER, Name) == 14);
struct FILE_MAILSLOT_QUERY_INFORMATION {
    ULONG MaximumMessageSize, MailslotQuota, NextMessageSize, MessagesAvailable;
    LARGE_INTEGER ReadTimeout;
};
struct FILE_MAILSLOT_SET_INFORMATION {
    LARGE_INTEGER* ReadTimeout;
};

// Completion ports.
struct FILE_IO_COMPLETION_INFORMATION {
    PVOID KeyContext, ApcContext;
    IO_STATUS_BLOCK IoStatusBlock;
};
static_assert(sizeof(FILE_IO_COMPLETION_INFORMATION) == 32);
struct IO_COMPLETION_BASIC_INFORMATION {
    LONG Depth;
};
union FILE_SEGMENT_ELEMENT {
    ULONGLONG Buffer;
    ULONGLONG Alignment;
};

}
