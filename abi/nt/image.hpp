// The Portable Executable format: headers, sections, directories, relocations, TLS, resources, unwind data.
#pragma once
#include "abi/nt/context.hpp"

namespace nt {

inline constexpr WORD IMAGE_DOS_SIGNATURE = 0x5A4D;
inline constexpr DWORD IMAGE_NT_SIGNATURE = 0x00004550;
inline constexpr WORD IMAGE_NT_OPTIONAL_HDR32_MAGIC = 0x10B, IMAGE_NT_OPTIONAL_HDR64_MAGIC = 0x20B;
inline constexpr WORD IMAGE_FILE_MACHINE_UNKNOWN = 0, IMAGE_FILE_MACHINE_I386 = 0x14C, IMAGE_FILE_MACHINE_ARMNT = 0x1C4,
                      IMAGE_FILE_MACHINE_AMD64 = 0x8664, IMAGE_FILE_MACHINE_ARM64 = 0xAA64;

struct IMAGE_DOS_HEADER {
    WORD e_magic, e_cblp, e_cp, e_crlc, e_cparhdr, e_minalloc, e_maxalloc, e_ss, e_sp, e_csum, e_ip, e_cs, e_lfarlc, e_ovno;
    WORD e_res[4];
    WORD e_oemid, e_oeminfo;
    WORD e_res2[10];
    LONG e_lfanew;
};
NT_SIZE(IMAGE_DOS_HEADER, 64);

struct IMAGE_FILE_HEADER {
    WORD Machine;
    WORD NumberOfSections;
    DWORD TimeDateStamp;
    DWORD PointerToSymbolTable;
    DWORD NumberOfSymbols;
    WORD SizeOfOptionalHeader;
    WORD Characteristics;
};
NT_SIZE(IMAGE_FILE_HEADER, 20);
inline constexpr WORD IMAGE_FILE_RELOCS_STRIPPED = 0x1, IMAGE_FILE_EXECUTABLE_IMAGE = 0x2, IMAGE_FILE_LARGE_ADDRESS_AWARE = 0x20,
                      IMAGE_FILE_32BIT_MACHINE = 0x100, IMAGE_FILE_DEBUG_STRIPPED = 0x200, IMAGE_FILE_SYSTEM = 0x1000,
                      IMAGE_FILE_DLL = 0x2000;

struct IMAGE_DATA_DIRECTORY {
    DWORD VirtualAddress;
    DWORD Size;
};
inline constexpr ULONG IMAGE_NUMBEROF_DIRECTORY_ENTRIES = 16;
inline constexpr USHORT IMAGE_DIRECTORY_ENTRY_EXPORT = 0, IMAGE_DIRECTORY_ENTRY_IMPORT = 1, IMAGE_DIRECTORY_ENTRY_RESOURCE = 2,
                        IMAGE_DIRECTORY_ENTRY_EXCEPTION = 3, IMAGE_DIRECTORY_ENTRY_SECURITY = 4, IMAGE_DIRECTORY_ENTRY_BASERELOC = 5,
                        IMAGE_DIRECTORY_ENTRY_DEBUG = 6, IMAGE_DIRECTORY_ENTRY_ARCHITECTURE = 7, IMAGE_DIRECTORY_ENTRY_GLOBALPTR = 8,
                        IMAGE_DIRECTORY_ENTRY_TLS = 9, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG = 10, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT = 11,
                        IMAGE_DIRECTORY_ENTRY_IAT = 12, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT = 13, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR = 14;

struct IMAGE_OPTIONAL_HEADER64 {
    WORD Magic;
    BYTE MajorLinkerVersion;
    BYTE MinorLinkerVersion;
    DWORD SizeOfCode;
    DWORD SizeOfInitializedData;
    DWORD SizeOfUninitializedData;
    DWORD AddressOfEntryPoint;
    DWORD BaseOfCode;
    ULONGLONG ImageBase;
    DWORD SectionAlignment;
    DWORD FileAlignment;
    WORD MajorOperatingSystemVersion;
    WORD MinorOperatingSystemVersion;
    WORD MajorImageVersion;
    WORD MinorImageVersion;
    WORD MajorSubsystemVersion;
    WORD MinorSubsystemVersion;
    DWORD Win32VersionValue;
    DWORD SizeOfImage;
    DWORD SizeOfHeaders;
    DWORD CheckSum;
    WORD Subsystem;                     // IMAGE_SUBSYSTEM_
    WORD DllCharacteristics;            // IMAGE_DLLCHARACTERISTICS_
    ULONGLONG SizeOfStackReserve;
    ULONGLONG SizeOfStackCommit;
    ULONGLONG SizeOfHeapReserve;
    ULONGLONG SizeOfHeapCommit;
    DWORD LoaderFlags;
    DWORD NumberOfRvaAndSizes;
    IMAGE_DATA_DIRECTORY DataDirectory[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
};
NT_SIZE(IMAGE_OPTIONAL_HEADER64, 240);
NT_AT(IMAGE_OPTIONAL_HEADER64, DataDirectory, 112);

struct IMAGE_OPTIONAL_HEADER32 {
    WORD Magic;
    BYTE MajorLinkerVersion;
    BYTE MinorLinkerVersion;
    DWORD SizeOfCode;
    DWORD SizeOfInitializedData;
    DWORD SizeOfUninitializedData;
    DWORD AddressOfEntryPoint;
    DWORD BaseOfCode;
    DWORD BaseOfData;
    DWORD ImageBase;
    DWORD SectionAlignment;
    DWORD FileAlignment;
    WORD MajorOperatingSystemVersion;
    WORD MinorOperatingSystemVersion;
    WORD MajorImageVersion;
    WORD MinorImageVersion;
    WORD MajorSubsystemVersion;
    WORD MinorSubsystemVersion;
    DWORD Win32VersionValue;
    DWORD SizeOfImage;
    DWORD SizeOfHeaders;
    DWORD CheckSum;
    WORD Subsystem;
    WORD DllCharacteristics;
    DWORD SizeOfStackReserve;
    DWORD SizeOfStackCommit;
    DWORD SizeOfHeapReserve;
    DWORD SizeOfHeapCommit;
    DWORD LoaderFlags;
    DWORD NumberOfRvaAndSizes;
    IMAGE_DATA_DIRECTORY DataDirectory[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
};
NT_SIZE(IMAGE_OPTIONAL_HEADER32, 224);
NT_AT(IMAGE_OPTIONAL_HEADER32, DataDirectory, 96);

// The CLI header of a managed image.
struct IMAGE_COR20_HEADER {
    DWORD cb;
    WORD MajorRuntimeVersion, MinorRuntimeVersion;
    IMAGE_DATA_DIRECTORY MetaData;
    DWORD Flags;
    DWORD EntryPointToken;
    IMAGE_DATA_DIRECTORY Resources, StrongNameSignature, CodeManagerTable, VTableFixups, ExportAddressTableJumps, ManagedNativeHeader;
};
NT_SIZE(IMAGE_COR20_HEADER, 72);

struct IMAGE_NT_HEADERS64 {
    DWORD Signature;
    IMAGE_FILE_HEADER FileHeader;
    IMAGE_OPTIONAL_HEADER64 OptionalHeader;
};
NT_SIZE(IMAGE_NT_HEADERS64, 264);
struct IMAGE_NT_HEADERS32 {
    DWORD Signature;
    IMAGE_FILE_HEADER FileHeader;
    IMAGE_OPTIONAL_HEADER32 OptionalHeader;
};
NT_SIZE(IMAGE_NT_HEADERS32, 248);
using IMAGE_NT_HEADERS = IMAGE_NT_HEADERS64;

inline constexpr WORD IMAGE_SUBSYSTEM_UNKNOWN = 0, IMAGE_SUBSYSTEM_NATIVE = 1, IMAGE_SUBSYSTEM_WINDOWS_GUI = 2,
                      IMAGE_SUBSYSTEM_WINDOWS_CUI = 3;
inline constexpr WORD IMAGE_DLLCHARACTERISTICS_HIGH_ENTROPY_VA = 0x20, IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE = 0x40,
                      IMAGE_DLLCHARACTERISTICS_FORCE_INTEGRITY = 0x80, IMAGE_DLLCHARACTERISTICS_NX_COMPAT = 0x100,
                      IMAGE_DLLCHARACTERISTICS_NO_ISOLATION = 0x200, IMAGE_DLLCHARACTERISTICS_NO_SEH = 0x400,
                      IMAGE_DLLCHARACTERISTICS_APPCONTAINER = 0x1000, IMAGE_DLLCHARACTERISTICS_GUARD_CF = 0x4000;

struct IMAGE_SECTION_HEADER {
    BYTE Name[8];
    union {
        DWORD PhysicalAddress;
        DWORD VirtualSize;
    } Misc;
    DWORD VirtualAddress;
    DWORD SizeOfRawData;
    DWORD PointerToRawData;
    DWORD PointerToRelocations;
    DWORD PointerToLinenumbers;
    WORD NumberOfRelocations;
    WORD NumberOfLinenumbers;
    DWORD Characteristics;
};
NT_SIZE(IMAGE_SECTION_HEADER, 40);
inline constexpr DWORD IMAGE_SCN_CNT_CODE = 0x20, IMAGE_SCN_CNT_INITIALIZED_DATA = 0x40, IMAGE_SCN_CNT_UNINITIALIZED_DATA = 0x80,
                       IMAGE_SCN_MEM_DISCARDABLE = 0x02000000, IMAGE_SCN_MEM_NOT_CACHED = 0x04000000, IMAGE_SCN_MEM_NOT_PAGED = 0x08000000,
                       IMAGE_SCN_MEM_SHARED = 0x10000000, IMAGE_SCN_MEM_EXECUTE = 0x20000000, IMAGE_SCN_MEM_READ = 0x40000000,
                       IMAGE_SCN_MEM_WRITE = 0x80000000;

// --- exports and imports --------------------------------------------------------------------------------------------

struct IMAGE_EXPORT_DIRECTORY {
    DWORD Characteristics;
    DWORD TimeDateStamp;
    WORD MajorVersion;
    WORD MinorVersion;
    DWORD Name;
    DWORD Base;
    DWORD NumberOfFunctions;
    DWORD NumberOfNames;
    DWORD AddressOfFunctions;
    DWORD AddressOfNames;
    DWORD AddressOfNameOrdinals;
};
NT_SIZE(IMAGE_EXPORT_DIRECTORY, 40);

struct IMAGE_IMPORT_BY_NAME {
    WORD Hint;
    CHAR Name[1];
};
struct IMAGE_THUNK_DATA64 {
    union {
        ULONGLONG ForwarderString;
        ULONGLONG Function;
        ULONGLONG Ordinal;
        ULONGLONG AddressOfData;
    } u1;
};
using IMAGE_THUNK_DATA = IMAGE_THUNK_DATA64;
inline constexpr ULONGLONG IMAGE_ORDINAL_FLAG64 = 0x8000000000000000;

struct IMAGE_IMPORT_DESCRIPTOR {
    union {
        DWORD Characteristics;
        DWORD OriginalFirstThunk;
    };
    DWORD TimeDateStamp;
    DWORD ForwarderChain;
    DWORD Name;
    DWORD FirstThunk;
};
NT_SIZE(IMAGE_IMPORT_DESCRIPTOR, 20);

struct IMAGE_DELAYLOAD_DESCRIPTOR {
    union {
        DWORD AllAttributes;            // bit 0: the fields are RVAs
    } Attributes;
    DWORD DllNameRVA;
    DWORD ModuleHandleRVA;
    DWORD ImportAddressTableRVA;
    DWORD ImportNameTableRVA;
    DWORD BoundImportAddressTableRVA;
    DWORD UnloadInformationTableRVA;
    DWORD TimeDateStamp;
};
NT_SIZE(IMAGE_DELAYLOAD_DESCRIPTOR, 32);

// --- relocations, TLS, load configuration, debug --------------------------------------------------------------------

struct IMAGE_BASE_RELOCATION {
    DWORD VirtualAddress;
    DWORD SizeOfBlock;                  // with this header; 16-bit entries follow: type in the top 4 bits, offset below
};
inline constexpr u16 IMAGE_REL_BASED_ABSOLUTE = 0, IMAGE_REL_BASED_HIGH = 1, IMAGE_REL_BASED_LOW = 2, IMAGE_REL_BASED_HIGHLOW = 3,
                     IMAGE_REL_BASED_HIGHADJ = 4, IMAGE_REL_BASED_DIR64 = 10;

struct IMAGE_TLS_DIRECTORY64 {
    ULONGLONG StartAddressOfRawData;
    ULONGLONG EndAddressOfRawData;
    ULONGLONG AddressOfIndex;
    ULONGLONG AddressOfCallBacks;
    DWORD SizeOfZeroFill;
    DWORD Characteristics;
};
NT_SIZE(IMAGE_TLS_DIRECTORY64, 40);
using IMAGE_TLS_DIRECTORY = IMAGE_TLS_DIRECTORY64;

struct IMAGE_LOAD_CONFIG_CODE_INTEGRITY {
    WORD Flags;
    WORD Catalog;
    DWORD CatalogOffset;
    DWORD Reserved;
};
struct IMAGE_LOAD_CONFIG_DIRECTORY64 {
    DWORD Size;
    DWORD TimeDateStamp;
    WORD MajorVersion;
    WORD MinorVersion;
    DWORD GlobalFlagsClear;
    DWORD GlobalFlagsSet;
    DWORD CriticalSectionDefaultTimeout;
    ULONGLONG DeCommitFreeBlockThreshold;
    ULONGLONG DeCommitTotalFreeThreshold;
    ULONGLONG LockPrefixTable;
    ULONGLONG MaximumAllocationSize;
    ULONGLONG VirtualMemoryThreshold;
    ULONGLONG ProcessAffinityMask;
    DWORD ProcessHeapFlags;
    WORD CSDVersion;
    WORD DependentLoadFlags;
    ULONGLONG EditList;
    ULONGLONG SecurityCookie;
    ULONGLONG SEHandlerTable;
    ULONGLONG SEHandlerCount;
    ULONGLONG GuardCFCheckFunctionPointer;
    ULONGLONG GuardCFDispatchFunctionPointer;
    ULONGLONG GuardCFFunctionTable;
    ULONGLONG GuardCFFunctionCount;
    DWORD GuardFlags;
    IMAGE_LOAD_CONFIG_CODE_INTEGRITY CodeIntegrity;
    ULONGLONG GuardAddressTakenIatEntryTable;
    ULONGLONG GuardAddressTakenIatEntryCount;
    ULONGLONG GuardLongJumpTargetTable;
    ULONGLONG GuardLongJumpTargetCount;
    ULONGLONG DynamicValueRelocTable;
    ULONGLONG CHPEMetadataPointer;
    ULONGLONG GuardRFFailureRoutine;
    ULONGLONG GuardRFFailureRoutineFunctionPointer;
    DWORD DynamicValueRelocTableOffset;
    WORD DynamicValueRelocTableSection;
    WORD Reserved2;
    ULONGLONG GuardRFVerifyStackPointerFunctionPointer;
    DWORD HotPatchTableOffset;
    DWORD Reserved3;
    ULONGLONG EnclaveConfigurationPointer;
    ULONGLONG VolatileMetadataPointer;
    ULONGLONG GuardEHContinuationTable;
    ULONGLONG GuardEHContinuationCount;
    ULONGLONG GuardXFGCheckFunctionPointer;
    ULONGLONG GuardXFGDispatchFunctionPointer;
    ULONGLONG GuardXFGTableDispatchFunctionPointer;
    ULONGLONG CastGuardOsDeterminedFailureMode;
};
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, SecurityCookie, 88);
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardCFCheckFunctionPointer, 112);
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardFlags, 144);
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardAddressTakenIatEntryTable, 160);
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, CHPEMetadataPointer, 200);
NT_AT(IMAGE_LOAD_CONFIG_DIRECTORY64, GuardXFGCheckFunctionPointer, 280);

struct IMAGE_DEBUG_DIRECTORY {
    DWORD Characteristics;
    DWORD TimeDateStamp;
    WORD MajorVersion;
    WORD MinorVersion;
    DWORD Type;
    DWORD SizeOfData;
    DWORD AddressOfRawData;
    DWORD PointerToRawData;
};
NT_SIZE(IMAGE_DEBUG_DIRECTORY, 28);

// --- resources ------------------------------------------------------------------------------------------------------

struct IMAGE_RESOURCE_DIRECTORY {
    DWORD Characteristics;
    DWORD TimeDateStamp;
    WORD MajorVersion;
    WORD MinorVersion;
    WORD NumberOfNamedEntries;
    WORD NumberOfIdEntries;
};
NT_SIZE(IMAGE_RESOURCE_DIRECTORY, 16);
inline constexpr DWORD IMAGE_RESOURCE_NAME_IS_STRING = 0x80000000, IMAGE_RESOURCE_DATA_IS_DIRECTORY = 0x80000000;
struct IMAGE_RESOURCE_DIRECTORY_ENTRY {
    DWORD Name;                         // an id, or with the top bit set the offset of an IMAGE_RESOURCE_DIR_STRING_U
    DWORD OffsetToData;                 // of a data entry, or with the top bit set of a directory
};
struct IMAGE_RESOURCE_DIR_STRING_U {
    WORD Length;                        // characters
    WCHAR NameString[1];
};
struct IMAGE_RESOURCE_DATA_ENTRY {
    DWORD OffsetToData;                 // an RVA
    DWORD Size;
    DWORD CodePage;
    DWORD Reserved;
};

struct MESSAGE_RESOURCE_ENTRY {
    WORD Length;
    WORD Flags;                         // MESSAGE_RESOURCE_
    BYTE Text[1];
};
struct MESSAGE_RESOURCE_BLOCK {
    DWORD LowId;
    DWORD HighId;
    DWORD OffsetToEntries;
};
struct MESSAGE_RESOURCE_DATA {
    DWORD NumberOfBlocks;
    MESSAGE_RESOURCE_BLOCK Blocks[1];
};
inline constexpr WORD MESSAGE_RESOURCE_UNICODE = 0x1, MESSAGE_RESOURCE_UTF8 = 0x2;
inline constexpr ULONG RT_STRING = 6, RT_MESSAGETABLE = 11, RT_VERSION = 16, RT_MANIFEST = 24;

struct LDR_RESOURCE_INFO {
    ULONG_PTR Type;
    ULONG_PTR Name;
    ULONG_PTR Language;
};

// --- x64 unwind data ------------------------------------------------------------------------------------------------

struct RUNTIME_FUNCTION {
    DWORD BeginAddress;
    DWORD EndAddress;
    DWORD UnwindData;                   // RVA of UNWIND_INFO, or with bit 0 set of another RUNTIME_FUNCTION
};
NT_SIZE(RUNTIME_FUNCTION, 12);

enum UNWIND_OP : u8 {
    UWOP_PUSH_NONVOL = 0,
    UWOP_ALLOC_LARGE = 1,
    UWOP_ALLOC_SMALL = 2,
    UWOP_SET_FPREG = 3,
    UWOP_SAVE_NONVOL = 4,
    UWOP_SAVE_NONVOL_FAR = 5,
    UWOP_EPILOG = 6,
    UWOP_SPARE_CODE = 7,
    UWOP_SAVE_XMM128 = 8,
    UWOP_SAVE_XMM128_FAR = 9,
    UWOP_PUSH_MACHFRAME = 10,
};
union UNWIND_CODE {
    struct {
        BYTE CodeOffset;
        BYTE UnwindOp : 4;
        BYTE OpInfo : 4;
    };
    WORD FrameOffset;
};
NT_SIZE(UNWIND_CODE, 2);
struct UNWIND_INFO {
    BYTE Version : 3;
    BYTE Flags : 5;                     // UNW_FLAG_
    BYTE SizeOfProlog;
    BYTE CountOfCodes;
    BYTE FrameRegister : 4;
    BYTE FrameOffset : 4;
    UNWIND_CODE UnwindCode[1];          // CountOfCodes rounded up to even; handler RVA and data, or the chained function, follow
};
inline constexpr BYTE UNW_FLAG_NHANDLER = 0, UNW_FLAG_EHANDLER = 1, UNW_FLAG_UHANDLER = 2, UNW_FLAG_CHAININFO = 4;

// __C_specific_handler's data.
struct SCOPE_TABLE {
    DWORD Count;
    struct {
        DWORD BeginAddress;
        DWORD EndAddress;
        DWORD HandlerAddress;           // 1 stands for EXCEPTION_EXECUTE_HANDLER
        DWORD JumpTarget;               // 0: a __finally
    } ScopeRecord[1];
};

inline IMAGE_SECTION_HEADER* IMAGE_FIRST_SECTION(IMAGE_NT_HEADERS64* Headers)
{
    return reinterpret_cast<IMAGE_SECTION_HEADER*>(reinterpret_cast<u8*>(&Headers->OptionalHeader) + Headers->FileHeader.SizeOfOptionalHeader);
}

}
