// Security structures of the NT API: SIDs, ACLs, security descriptors, privileges.
#pragma once
#include "abi/nt/forward.hpp"
#include "abi/nt/ob.hpp"

namespace nt {

struct SECURITY_QUALITY_OF_SERVICE {
    ULONG Length, ImpersonationLevel;
    BOOLEAN ContextTrackingMode, EffectiveOnly;
};
static_assert(sizeof(SECURITY_QUALITY_OF_SERVICE) == 12);
enum SECURITY_IMPERSONATION_LEVEL : u32 { SecurityAnonymous, SecurityIdentification, SecurityImpersonation, SecurityDelegation };

// --- security identifiers -------------------------------------------------------------------------------------------

struct SID_IDENTIFIER_AUTHORITY {
    UCHAR Value[6];                     // big-endian
};
struct SID {
    UCHAR Revision;
    UCHAR SubAuthorityCount;
    SID_IDENTIFIER_AUTHORITY IdentifierAuthority;
    ULONG SubAuthority[1];              // SubAuthorityCount of them
};
static_assert(sizeof(SID) == 12);
inline constexpr UCHAR SID_REVISION = 1, SID_MAX_SUB_AUTHORITIES = 15;
inline constexpr ULONG SECURITY_MAX_SID_SIZE = 68;

struct SID_AND_ATTRIBUTES {
    SID* Sid;
    ULONG Attributes;                   // SE_GROUP_
};
inline constexpr ULONG SE_GROUP_MANDATORY = 0x1, SE_GROUP_ENABLED_BY_DEFAULT = 0x2, SE_GROUP_ENABLED = 0x4, SE_GROUP_OWNER = 0x8,
                       SE_GROUP_USE_FOR_DENY_ONLY = 0x10, SE_GROUP_INTEGRITY = 0x20, SE_GROUP_INTEGRITY_ENABLED = 0x40,
                       SE_GROUP_RESOURCE = 0x20000000, SE_GROUP_LOGON_ID = 0xC0000000;

struct LUID_AND_ATTRIBUTES {
    LUID Luid;
    ULONG Attributes;                   // SE_PRIVILEGE_
};
static_assert(sizeof(LUID_AND_ATTRIBUTES) == 12);
inline constexpr ULONG SE_PRIVILEGE_ENABLED_BY_DEFAULT = 0x1, SE_PRIVILEGE_ENABLED = 0x2, SE_PRIVILEGE_REMOVED = 0x4,
                       SE_PRIVILEGE_USED_FOR_ACCESS = 0x80000000;
struct TOKEN_PRIVILEGES {
    ULONG PrivilegeCount;
    LUID_AND_ATTRIBUTES Privileges[1];
};

// --- access-control lists -------------------------------------------------------------------------------------------

struct ACL {
    UCHAR AclRevision;
    UCHAR Sbz1;
    USHORT AclSize;
    USHORT AceCount;
    USHORT Sbz2;
};
static_assert(sizeof(ACL) == 8);
inline constexpr UCHAR ACL_REVISION = 2, ACL_REVISION_DS = 4, MIN_ACL_REVISION = 2, MAX_ACL_REVISION = 4;

struct ACE_HEADER {
    UCHAR AceType;
    UCHAR AceFlags;
    USHORT AceSize;
};
// The allowed, denied, audit and alarm kinds are alike.
struct ACCESS_ALLOWED_ACE {
    ACE_HEADER Header;
    ACCESS_MASK Mask;
    ULONG SidStart;                     // the SID begins here
};
struct ACCESS_ALLOWED_OBJECT_ACE {
    ACE_HEADER Header;
    ACCESS_MASK Mask;
    ULONG Flags;                        // ACE_OBJECT_TYPE_PRESENT, ACE_INHERITED_OBJECT_TYPE_PRESENT
    GUID ObjectType;                    // each GUID is there only if its flag is set
    GUID InheritedObjectType;
    ULONG SidStart;
};
enum : UCHAR {
    ACCESS_ALLOWED_ACE_TYPE = 0, ACCESS_DENIED_ACE_TYPE, SYSTEM_AUDIT_ACE_TYPE, SYSTEM_ALARM_ACE_TYPE, ACCESS_ALLOWED_COMPOUND_ACE_TYPE,
    ACCESS_ALLOWED_OBJECT_ACE_TYPE, ACCESS_DENIED_OBJECT_ACE_TYPE, SYSTEM_AUDIT_OBJECT_ACE_TYPE, SYSTEM_ALARM_OBJECT_ACE_TYPE,
    ACCESS_ALLOWED_CALLBACK_ACE_TYPE, ACCESS_DENIED_CALLBACK_ACE_TYPE, ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE,
    ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE, SYSTEM_AUDIT_CALLBACK_ACE_TYPE, SYSTEM_ALARM_CALLBACK_ACE_TYPE,
    SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE, SYSTEM_ALARM_CALLBACK_OBJECT_ACE_TYPE, SYSTEM_MANDATORY_LABEL_ACE_TYPE,
};
static_assert(SYSTEM_MANDATORY_LABEL_ACE_TYPE == 0x11);
inline constexpr UCHAR OBJECT_INHERIT_ACE = 0x1, CONTAINER_INHERIT_ACE = 0x2, NO_PROPAGATE_INHERIT_ACE = 0x4, INHERIT_ONLY_ACE = 0x8,
                       INHERITED_ACE = 0x10, VALID_INHERIT_FLAGS = 0x1F, SUCCESSFUL_ACCESS_ACE_FLAG = 0x40, FAILED_ACCESS_ACE_FLAG = 0x80;
inline constexpr ULONG ACE_OBJECT_TYPE_PRESENT = 1, ACE_INHERITED_OBJECT_TYPE_PRESENT = 2;

enum ACL_INFORMATION_CLASS : u32 { AclRevisionInformation = 1, AclSizeInformation };
struct ACL_REVISION_INFORMATION {
    ULONG AclRevision;
};
struct ACL_SIZE_INFORMATION {
    ULONG AceCount, AclBytesInUse, AclBytesFree;
};

// --- security descriptors -------------------------------------------------------------------------------------------

using SECURITY_DESCRIPTOR_CONTROL = USHORT;     // SE_
inline constexpr SECURITY_DESCRIPTOR_CONTROL SE_OWNER_DEFAULTED = 0x1, SE_GROUP_DEFAULTED = 0x2, SE_DACL_PRESENT = 0x4, SE_DACL_DEFAULTED = 0x8,
                                             SE_SACL_PRESENT = 0x10, SE_SACL_DEFAULTED = 0x20, SE_DACL_AUTO_INHERIT_REQ = 0x100,
                                             SE_SACL_AUTO_INHERIT_REQ = 0x200, SE_DACL_AUTO_INHERITED = 0x400,
                                             SE_SACL_AUTO_INHERITED = 0x800, SE_DACL_PROTECTED = 0x1000, SE_SACL_PROTECTED = 0x2000,
                                             SE_RM_CONTROL_VALID = 0x4000, SE_SELF_RELATIVE = 0x8000;
struct SECURITY_DESCRIPTOR {
    UCHAR Revision;
    UCHAR Sbz1;
    SECURITY_DESCRIPTOR_CONTROL Control;
    SID* Owner;
    SID* Group;
    ACL* Sacl;
    ACL* Dacl;
};
static_assert(sizeof(SECURITY_DESCRIPTOR) == 40);
// With SE_SELF_RELATIVE: offsets from the descriptor's start, 0 for none.
struct SECURITY_DESCRIPTOR_RELATIVE {
    UCHAR Revision;
    UCHAR Sbz1;
    SECURITY_DESCRIPTOR_CONTROL Control;
    ULONG Owner, Group, Sacl, Dacl;
};
static_assert(sizeof(SECURITY_DESCRIPTOR_RELATIVE) == 20);
inline constexpr UCHAR SECURITY_DESCRIPTOR_REVISION = 1;
inline constexpr ULONG OWNER_SECURITY_INFORMATION = 0x1, GROUP_SECURITY_INFORMATION = 0x2, DACL_SECURITY_INFORMATION = 0x4,
                       SACL_SECURITY_INFORMATION = 0x8, LABEL_SECURITY_INFORMATION = 0x10,
                       UNPROTECTED_SACL_SECURITY_INFORMATION = 0x10000000, UNPROTECTED_DACL_SECURITY_INFORMATION = 0x20000000,
                       PROTECTED_SACL_SECURITY_INFORMATION = 0x40000000, PROTECTED_DACL_SECURITY_INFORMATION = 0x80000000;

// --- tokens and privileges --------------------------------------------------------------------------------------------

enum TOKEN_TYPE : ULONG { TokenPrimary = 1, TokenImpersonation = 2 };

enum TOKEN_ELEVATION_TYPE : ULONG { TokenElevationTypeDefault = 1, TokenElevationTypeFull, TokenElevationTypeLimited };

enum TOKEN_INFORMATION_CLASS : ULONG {
    TokenUser = 1, TokenGroups, TokenPrivileges, TokenOwner, TokenPrimaryGroup, TokenDefaultDacl, TokenSource, TokenType, TokenImpersonationLevel,
    TokenStatistics, TokenRestrictedSids, TokenSessionId, TokenGroupsAndPrivileges, TokenSessionReference, TokenSandBoxInert, TokenAuditPolicy,
    TokenOrigin, TokenElevationType, TokenLinkedToken, TokenElevation, TokenHasRestrictions, TokenAccessInformation, TokenVirtualizationAllowed,
    TokenVirtualizationEnabled, TokenIntegrityLevel, TokenUIAccess, TokenMandatoryPolicy, TokenLogonSid, TokenIsAppContainer, TokenCapabilities,
    TokenAppContainerSid, TokenAppContainerNumber, TokenUserClaimAttributes, TokenDeviceClaimAttributes, TokenRestrictedUserClaimAttributes,
    TokenRestrictedDeviceClaimAttributes, TokenDeviceGroups, TokenRestrictedDeviceGroups, TokenSecurityAttributes, TokenIsRestricted,
    TokenProcessTrustLevel, TokenPrivateNameSpace, TokenSingletonAttributes, TokenBnoIsolation, TokenChildProcessFlags,
    TokenIsLessPrivilegedAppContainer, TokenIsSandboxed,
};

inline constexpr ACCESS_MASK TOKEN_ASSIGN_PRIMARY = 0x1, TOKEN_DUPLICATE = 0x2, TOKEN_IMPERSONATE = 0x4, TOKEN_QUERY = 0x8, TOKEN_QUERY_SOURCE = 0x10,
                             TOKEN_ADJUST_PRIVILEGES = 0x20, TOKEN_ADJUST_GROUPS = 0x40, TOKEN_ADJUST_DEFAULT = 0x80, TOKEN_ADJUST_SESSIONID = 0x100,
                             TOKEN_ALL_ACCESS = STANDARD_RIGHTS_REQUIRED | 0x1FF;

enum : ULONG {
    SE_CREATE_TOKEN_PRIVILEGE = 2, SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, SE_LOCK_MEMORY_PRIVILEGE, SE_INCREASE_QUOTA_PRIVILEGE,
    SE_MACHINE_ACCOUNT_PRIVILEGE, SE_TCB_PRIVILEGE, SE_SECURITY_PRIVILEGE, SE_TAKE_OWNERSHIP_PRIVILEGE, SE_LOAD_DRIVER_PRIVILEGE,
    SE_SYSTEM_PROFILE_PRIVILEGE, SE_SYSTEMTIME_PRIVILEGE, SE_PROF_SINGLE_PROCESS_PRIVILEGE, SE_INC_BASE_PRIORITY_PRIVILEGE,
    SE_CREATE_PAGEFILE_PRIVILEGE, SE_CREATE_PERMANENT_PRIVILEGE, SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE, SE_SHUTDOWN_PRIVILEGE,
    SE_DEBUG_PRIVILEGE, SE_AUDIT_PRIVILEGE, SE_SYSTEM_ENVIRONMENT_PRIVILEGE, SE_CHANGE_NOTIFY_PRIVILEGE, SE_REMOTE_SHUTDOWN_PRIVILEGE,
    SE_UNDOCK_PRIVILEGE, SE_SYNC_AGENT_PRIVILEGE, SE_ENABLE_DELEGATION_PRIVILEGE, SE_MANAGE_VOLUME_PRIVILEGE, SE_IMPERSONATE_PRIVILEGE,
    SE_CREATE_GLOBAL_PRIVILEGE, SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE, SE_RELABEL_PRIVILEGE, SE_INC_WORKING_SET_PRIVILEGE, SE_TIME_ZONE_PRIVILEGE,
    SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE,
};
static_assert(SE_CHANGE_NOTIFY_PRIVILEGE == 23 && SE_DELEGATE_SESSION_USER_IMPERSONATE_PRIVILEGE == 36);

struct SECURITY_DESCRIPTOR_ABSOLUTE {
    UCHAR Revision, Sbz1;
    USHORT Control;
    PVOID Owner, Group, Sacl, Dacl;
};
static_assert(sizeof(SECURITY_DESCRIPTOR_ABSOLUTE) == 40);

struct TOKEN_SOURCE {
    CHAR SourceName[8];
    LUID SourceIdentifier;
};
static_assert(sizeof(TOKEN_SOURCE) == 16);

struct TOKEN_STATISTICS {
    LUID TokenId, AuthenticationId;
    LARGE_INTEGER ExpirationTime;
    ULONG TokenType, ImpersonationLevel, DynamicCharged, DynamicAvailable, GroupCount, PrivilegeCount;
    LUID ModifiedId;
};
static_assert(sizeof(TOKEN_STATISTICS) == 56);

struct TOKEN_GROUPS_AND_PRIVILEGES {
    ULONG SidCount, SidLength;
    PVOID Sids;
    ULONG RestrictedSidCount, RestrictedSidLength;
    PVOID RestrictedSids;
    ULONG PrivilegeCount, PrivilegeLength;
    PVOID Privileges;
    LUID AuthenticationId;
};
static_assert(sizeof(TOKEN_GROUPS_AND_PRIVILEGES) == 56);

struct PRIVILEGE_SET_HEADER {
    ULONG PrivilegeCount, Control;
};

inline constexpr ULONG PRIVILEGE_SET_ALL_NECESSARY = 1;
inline constexpr ULONG DISABLE_MAX_PRIVILEGE = 1, SANDBOX_INERT = 2, LUA_TOKEN = 4, WRITE_RESTRICTED = 8;

}
