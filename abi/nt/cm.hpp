// Registry structures and constants of the NT API. Structures that end in text or data are given up to there.
#pragma once
#include "abi/nt/ob.hpp"

namespace nt {

inline constexpr ACCESS_MASK KEY_QUERY_VALUE = 0x1, KEY_SET_VALUE = 0x2, KEY_CREATE_SUB_KEY = 0x4, KEY_ENUMERATE_SUB_KEYS = 0x8, KEY_NOTIFY = 0x10,
                             KEY_CREATE_LINK = 0x20, KEY_WOW64_64KEY = 0x100, KEY_WOW64_32KEY = 0x200, KEY_ALL_ACCESS = 0xF003F, KEY_READ = 0x20019,
                             KEY_WRITE = 0x20006;

inline constexpr ULONG REG_NONE = 0, REG_SZ = 1, REG_EXPAND_SZ = 2, REG_BINARY = 3, REG_DWORD = 4, REG_LINK = 6, REG_MULTI_SZ = 7, REG_QWORD = 11;
inline constexpr ULONG REG_OPTION_VOLATILE = 0x1, REG_OPTION_CREATE_LINK = 0x2, REG_OPTION_BACKUP_RESTORE = 0x4, REG_OPTION_OPEN_LINK = 0x8,
                       REG_OPTION_DONT_VIRTUALIZE = 0x10, REG_LEGAL_OPTION = 0x1F;
inline constexpr ULONG REG_CREATED_NEW_KEY = 1, REG_OPENED_EXISTING_KEY = 2;
inline constexpr ULONG REG_NOTIFY_CHANGE_NAME = 0x1, REG_NOTIFY_CHANGE_ATTRIBUTES = 0x2, REG_NOTIFY_CHANGE_LAST_SET = 0x4,
                       REG_NOTIFY_CHANGE_SECURITY = 0x8, REG_NOTIFY_THREAD_AGNOSTIC = 0x10000000, REG_LEGAL_CHANGE_FILTER = 0x1000000F;

enum KEY_INFORMATION_CLASS : ULONG {
    KeyBasicInformation, KeyNodeInformation, KeyFullInformation, KeyNameInformation, KeyCachedInformation, KeyFlagsInformation,
    KeyVirtualizationInformation, KeyHandleTagsInformation, KeyTrustInformation, KeyLayerInformation,
};
enum KEY_SET_INFORMATION_CLASS : ULONG {
    KeyWriteTimeInformation, KeyWow64FlagsInformation, KeyControlFlagsInformation, KeySetVirtualizationInformation, KeySetDebugInformation,
    KeySetHandleTagsInformation,
};
enum KEY_VALUE_INFORMATION_CLASS : ULONG {
    KeyValueBasicInformation, KeyValueFullInformation, KeyValuePartialInformation, KeyValueFullInformationAlign64, KeyValuePartialInformationAlign64,
};

struct KEY_BASIC_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, NameLength;
};
static_assert(sizeof(KEY_BASIC_INFORMATION) == 16);
struct KEY_NODE_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, ClassOffset, ClassLength, NameLength;
};
static_assert(sizeof(KEY_NODE_INFORMATION) == 24);
struct KEY_FULL_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, ClassOffset, ClassLength, SubKeys, MaxNameLen, MaxClassLen, Values, MaxValueNameLen, MaxValueDataLen;
    static constexpr ULONG Header = 44;         // where the class begins
};
struct KEY_CACHED_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, SubKeys, MaxNameLen, Values, MaxValueNameLen, MaxValueDataLen, NameLength;
};
static_assert(sizeof(KEY_CACHED_INFORMATION) == 40);
struct KEY_FLAGS_INFORMATION {
    ULONG Wow64Flags, KeyFlags, ControlFlags;
};
struct KEY_VALUE_BASIC_INFORMATION {
    ULONG TitleIndex, Type, NameLength;
};
struct KEY_VALUE_FULL_INFORMATION {
    ULONG TitleIndex, Type, DataOffset, DataLength, NameLength;
};
struct KEY_VALUE_PARTIAL_INFORMATION {
    ULONG TitleIndex, Type, DataLength;
};
struct KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 {
    ULONG Type, DataLength;
};
struct KEY_VALUE_ENTRY {
    UNICODE_STRING* ValueName;
    ULONG DataLength, DataOffset, Type;
};
static_assert(sizeof(KEY_VALUE_ENTRY) == 24);

}
