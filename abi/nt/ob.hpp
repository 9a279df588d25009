// Object manager structures and constants of the NT API.
#pragma once
#include "abi/nt/forward.hpp"

namespace nt {

struct GENERIC_MAPPING {
    ACCESS_MASK GenericRead, GenericWrite, GenericExecute, GenericAll;
};

inline constexpr ACCESS_MASK DIRECTORY_QUERY = 1, DIRECTORY_TRAVERSE = 2, DIRECTORY_CREATE_OBJECT = 4, DIRECTORY_CREATE_SUBDIRECTORY = 8,
                             DIRECTORY_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 0xF;
inline constexpr ACCESS_MASK SYMBOLIC_LINK_QUERY = 1, SYMBOLIC_LINK_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 1;
inline constexpr ULONG DUPLICATE_CLOSE_SOURCE = 1, DUPLICATE_SAME_ACCESS = 2, DUPLICATE_SAME_ATTRIBUTES = 4;

// Newer than the header that the others come from.
inline constexpr NTSTATUS STATUS_REPARSE_POINT_ENCOUNTERED = NTSTATUS(0xC000050Bu), STATUS_NOT_SAME_OBJECT = NTSTATUS(0xC00001ACu);

enum OBJECT_INFORMATION_CLASS : ULONG {
    ObjectBasicInformation, ObjectNameInformation, ObjectTypeInformation, ObjectTypesInformation, ObjectHandleFlagInformation,
    ObjectSessionInformation, ObjectSessionObjectInformation,
};

struct OBJECT_BASIC_INFORMATION {
    ULONG Attributes;
    ACCESS_MASK GrantedAccess;
    ULONG HandleCount, PointerCount, PagedPoolCharge, NonPagedPoolCharge;
    ULONG Reserved[3];
    ULONG NameInfoSize, TypeInfoSize, SecurityDescriptorSize;
    LARGE_INTEGER CreationTime;
};
static_assert(sizeof(OBJECT_BASIC_INFORMATION) == 56);

struct OBJECT_TYPE_INFORMATION {
    UNICODE_STRING TypeName;
    ULONG TotalNumberOfObjects, TotalNumberOfHandles, TotalPagedPoolUsage, TotalNonPagedPoolUsage, TotalNamePoolUsage, TotalHandleTableUsage;
    ULONG HighWaterNumberOfObjects, HighWaterNumberOfHandles, HighWaterPagedPoolUsage, HighWaterNonPagedPoolUsage, HighWaterNamePoolUsage,
        HighWaterHandleTableUsage;
    ULONG InvalidAttributes;
    GENERIC_MAPPING GenericMapping;
    ULONG ValidAccessMask;
    BOOLEAN SecurityRequired, MaintainHandleCount;
    UCHAR TypeIndex;
    CHAR ReservedByte;
    ULONG PoolType, DefaultPagedPoolCharge, DefaultNonPagedPoolCharge;
};
static_assert(sizeof(OBJECT_TYPE_INFORMATION) == 104);

struct OBJECT_HANDLE_FLAG_INFORMATION {
    BOOLEAN Inherit, ProtectFromClose;
};

struct OBJECT_DIRECTORY_INFORMATION {
    UNICODE_STRING Name, TypeName;
};

}
