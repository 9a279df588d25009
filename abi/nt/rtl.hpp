// Structures of the Rtl functions: bitmaps, times, tables, NLS, versions, lists.
#pragma once
#include "abi/nt/basic.hpp"

namespace nt {

struct RTL_BITMAP {
    ULONG SizeOfBitMap;                 // bits
    ULONG* Buffer;
};
struct RTL_BITMAP_RUN {
    ULONG StartingIndex;
    ULONG NumberOfBits;
};

struct TIME_FIELDS {
    SHORT Year, Month, Day, Hour, Minute, Second, Milliseconds, Weekday;
};
static_assert(sizeof(TIME_FIELDS) == 16);

struct OSVERSIONINFOEXW {
    ULONG dwOSVersionInfoSize;
    ULONG dwMajorVersion;
    ULONG dwMinorVersion;
    ULONG dwBuildNumber;
    ULONG dwPlatformId;
    WCHAR szCSDVersion[128];
    USHORT wServicePackMajor;           // from here on only if the size says so
    USHORT wServicePackMinor;
    USHORT wSuiteMask;
    UCHAR wProductType;
    UCHAR wReserved;
};
static_assert(sizeof(OSVERSIONINFOEXW) == 284);
inline constexpr ULONG VER_MINORVERSION = 0x1, VER_MAJORVERSION = 0x2, VER_BUILDNUMBER = 0x4, VER_PLATFORMID = 0x8, VER_SERVICEPACKMINOR = 0x10,
                       VER_SERVICEPACKMAJOR = 0x20, VER_SUITENAME = 0x40, VER_PRODUCT_TYPE = 0x80;
inline constexpr ULONG VER_EQUAL = 1, VER_GREATER = 2, VER_GREATER_EQUAL = 3, VER_LESS = 4, VER_LESS_EQUAL = 5, VER_AND = 6, VER_OR = 7;

// --- lock-free lists ------------------------------------------------------------------------------------------------

struct alignas(16) SLIST_ENTRY {
    SLIST_ENTRY* Next;
};
union alignas(16) SLIST_HEADER {
    struct {
        ULONGLONG Alignment;
        ULONGLONG Region;
    };
    struct {
        ULONGLONG Depth : 16;
        ULONGLONG Sequence : 48;
        ULONGLONG Reserved : 4;
        ULONGLONG NextEntry : 60;       // the address's upper 60 bits
    } HeaderX64;
};
static_assert(sizeof(SLIST_HEADER) == 16);

// --- ordered tables -------------------------------------------------------------------------------------------------

enum RTL_GENERIC_COMPARE_RESULTS : u32 { GenericLessThan, GenericGreaterThan, GenericEqual };
enum TABLE_SEARCH_RESULT : u32 { TableEmptyTree, TableFoundNode, TableInsertAsLeft, TableInsertAsRight };

struct RTL_SPLAY_LINKS {
    RTL_SPLAY_LINKS* Parent;            // the root's parent is itself
    RTL_SPLAY_LINKS* LeftChild;
    RTL_SPLAY_LINKS* RightChild;
};
struct RTL_GENERIC_TABLE {
    RTL_SPLAY_LINKS* TableRoot;
    LIST_ENTRY InsertOrderList;
    LIST_ENTRY* OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    PVOID CompareRoutine;
    PVOID AllocateRoutine;
    PVOID FreeRoutine;
    PVOID TableContext;
};
static_assert(sizeof(RTL_GENERIC_TABLE) == 72);

struct RTL_BALANCED_LINKS {
    RTL_BALANCED_LINKS* Parent;
    RTL_BALANCED_LINKS* LeftChild;
    RTL_BALANCED_LINKS* RightChild;
    CHAR Balance;                       // height of the right subtree minus that of the left
    UCHAR Reserved[3];
};
static_assert(sizeof(RTL_BALANCED_LINKS) == 32);
struct RTL_AVL_TABLE {
    RTL_BALANCED_LINKS BalancedRoot;    // the tree is its right child
    PVOID OrderedPointer;
    ULONG WhichOrderedElement;
    ULONG NumberGenericTableElements;
    ULONG DepthOfTree;
    RTL_BALANCED_LINKS* RestartKey;
    ULONG DeleteCount;
    PVOID CompareRoutine;
    PVOID AllocateRoutine;
    PVOID FreeRoutine;
    PVOID TableContext;
};
static_assert(sizeof(RTL_AVL_TABLE) == 104);

struct RTL_HANDLE_TABLE_ENTRY {
    union {
        ULONG Flags;                    // bit 0: allocated
        RTL_HANDLE_TABLE_ENTRY* NextFree;
    };
};
struct RTL_HANDLE_TABLE {
    ULONG MaximumNumberOfHandles;
    ULONG SizeOfHandleTableEntry;
    ULONG Reserved[2];
    RTL_HANDLE_TABLE_ENTRY* FreeHandles;
    RTL_HANDLE_TABLE_ENTRY* CommittedHandles;
    RTL_HANDLE_TABLE_ENTRY* UnCommittedHandles;
    RTL_HANDLE_TABLE_ENTRY* MaxReservedHandles;
};
static_assert(sizeof(RTL_HANDLE_TABLE) == 48);

struct RTL_DYNAMIC_HASH_TABLE_ENTRY {
    LIST_ENTRY Linkage;
    ULONG_PTR Signature;
};
struct RTL_DYNAMIC_HASH_TABLE_CONTEXT {
    LIST_ENTRY* ChainHead;
    LIST_ENTRY* PrevLinkage;
    ULONG_PTR Signature;
};
struct RTL_DYNAMIC_HASH_TABLE_ENUMERATOR {
    union {
        RTL_DYNAMIC_HASH_TABLE_ENTRY HashEntry;
        LIST_ENTRY* CurEntry;
    };
    LIST_ENTRY* ChainHead;
    ULONG BucketIndex;
};
struct RTL_DYNAMIC_HASH_TABLE {
    ULONG Flags;
    ULONG Shift;
    ULONG TableSize;
    ULONG Pivot;
    ULONG DivisorMask;
    ULONG NumEntries;
    ULONG NonEmptyBuckets;
    ULONG NumEnumerators;
    PVOID Directory;
};
static_assert(sizeof(RTL_DYNAMIC_HASH_TABLE) == 40);

// --- NLS ------------------------------------------------------------------------------------------------------------

struct CPTABLEINFO {
    USHORT CodePage;
    USHORT MaximumCharacterSize;
    USHORT DefaultChar;
    USHORT UniDefaultChar;
    USHORT TransDefaultChar;
    USHORT TransUniDefaultChar;
    USHORT DBCSCodePage;                // not 0: there are lead bytes
    UCHAR LeadByte[12];
    USHORT* MultiByteTable;             // 256 characters
    PVOID WideCharTable;                // 65536 bytes, or with lead bytes 65536 words
    USHORT* DBCSRanges;
    USHORT* DBCSOffsets;                // by lead byte, in words from here; 0: not a lead byte
};
static_assert(sizeof(CPTABLEINFO) == 64);
struct NLSTABLEINFO {
    CPTABLEINFO OemTableInfo;
    CPTABLEINFO AnsiTableInfo;
    USHORT* UpperCaseTable;
    USHORT* LowerCaseTable;
};
inline constexpr USHORT CP_UTF8 = 65001;

using LCID = ULONG;
using LANGID = USHORT;
inline constexpr LCID LOCALE_NEUTRAL = 0x0000, LOCALE_INVARIANT = 0x007F, LOCALE_USER_DEFAULT = 0x0400, LOCALE_SYSTEM_DEFAULT = 0x0800,
                      LOCALE_CUSTOM_DEFAULT = 0x0C00, LOCALE_CUSTOM_UNSPECIFIED = 0x1000, LOCALE_CUSTOM_UI_DEFAULT = 0x1400;
inline constexpr ULONG NLS_SECTION_SORTKEYS = 9, NLS_SECTION_CASEMAP = 10, NLS_SECTION_CODEPAGE = 11, NLS_SECTION_NORMALIZE = 12;
inline constexpr ULONG MUI_LANGUAGE_ID = 0x4, MUI_LANGUAGE_NAME = 0x8;

inline constexpr ULONG HASH_STRING_ALGORITHM_DEFAULT = 0, HASH_STRING_ALGORITHM_X65599 = 1;

// --- paths ----------------------------------------------------------------------------------------------------------

enum RTL_PATH_TYPE : u32 {
    RtlPathTypeUnknown,
    RtlPathTypeUncAbsolute,             // \\server\share
    RtlPathTypeDriveAbsolute,           // C:\a
    RtlPathTypeDriveRelative,           // C:a
    RtlPathTypeRooted,                  // \a
    RtlPathTypeRelative,                // a
    RtlPathTypeLocalDevice,             // \\.\a, \\?\a
    RtlPathTypeRootLocalDevice,         // \\. or \\?
};
struct RTLP_CURDIR_REF;
struct RTL_RELATIVE_NAME_U {
    UNICODE_STRING RelativeName;
    HANDLE ContainingDirectory;
    RTLP_CURDIR_REF* CurDirRef;
};
static_assert(sizeof(RTL_RELATIVE_NAME_U) == 32);
struct GENERATE_NAME_CONTEXT {
    USHORT Checksum;
    BOOLEAN ChecksumInserted;
    UCHAR NameLength;
    WCHAR NameBuffer[8];
    ULONG ExtensionLength;
    WCHAR ExtensionBuffer[4];
    ULONG LastIndexValue;
};

// --- registry helpers -----------------------------------------------------------------------------------------------

struct RTL_QUERY_REGISTRY_TABLE {
    PVOID QueryRoutine;
    ULONG Flags;                        // RTL_QUERY_REGISTRY_
    WCHAR* Name;
    PVOID EntryContext;
    ULONG DefaultType;
    PVOID DefaultData;
    ULONG DefaultLength;
};
static_assert(sizeof(RTL_QUERY_REGISTRY_TABLE) == 56);

// --- addresses ------------------------------------------------------------------------------------------------------

struct IN_ADDR {
    UCHAR Bytes[4];                     // network order
};
struct IN6_ADDR {
    union {
        UCHAR Bytes[16];
        USHORT Words[8];                // network order
    };
};

}
