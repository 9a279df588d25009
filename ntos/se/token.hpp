// Tokens: who a thread acts as. A token is an object of type "Token"; a process has a primary one, a thread may impersonate another.
//
// What access checks look at (groups, privileges, restrictions) is named by ModifiedId: tokens with the same ModifiedId get the same answers,
// and every change gives a new one. Duplicates keep it.
#pragma once
#include "ntos/se/se.hpp"
#include "ntos/se/sid.hpp"

namespace se {

struct SidEntry {
    Sid Id;
    u32 Attributes = 0;
};

class Token final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    Token();
    ~Token() override;
    // The same token again, with an id of its own. STATUS_INSUFFICIENT_RESOURCES.
    Result<Ref<Token>> Copy() const;
    bool IsImpersonation() const { return Kind == TokenImpersonation; }
    bool IsRestricted() const { return !Restricted.IsEmpty(); }
    const Sid& User() const { return Groups[0].Id; }
    const Sid& Owner() const { return Groups[OwnerIndex].Id; }
    // Whether the SID is one of its own that may grant (enabled) or, ForDeny, that may deny (also those only for denying).
    bool Has(const Sid& Who, bool ForDeny) const;
    bool HasBytes(std::span<const u8> Who, bool ForDeny) const;
    bool HasRestrictedBytes(std::span<const u8> Who) const;
    // Whether new objects may belong to Who.
    bool MayOwn(const Sid& Who) const;
    void Changed();                     // gives a new ModifiedId

    // Groups[0] is the user. Privileges are bits by their number.
    Vector<SidEntry> Groups, Restricted;
    u64 Present = 0, Enabled = 0, EnabledByDefault = 0;
    u32 OwnerIndex = 0;
    Sid PrimaryGroup;
    Vector<u8> DefaultDacl;             // empty: none
    TOKEN_SOURCE Source {};
    TOKEN_TYPE Kind = TokenPrimary;
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    u64 Id, ModifiedId, AuthenticationId = 0x3E7, ParentId = 0, Origin = 0;
    i64 ExpirationTime = 0x7FFFFFFFFFFFFFFF;
    u32 SessionId = 1;
    TOKEN_ELEVATION_TYPE Elevation = TokenElevationTypeDefault;
    bool Elevated = false, SandboxInert = false, WriteRestricted = false, Filtered = false, UiAccess = false, VirtualizationAllowed = false,
         VirtualizationEnabled = false;
    u32 Integrity = sid::MediumIntegrity, MandatoryPolicy = 3;      // no write up, new process minimum

private:
    Status CopyLists(const Token& From);
};

inline bool HasEnabled(const Token& By, u32 Privilege) { return By.Enabled >> (Privilege & 63) & 1; }

// A new locally unique id, as ex hands them out.
u64 NewLuid();
inline LUID ToLuid(u64 Value) { return { u32(Value), i32(Value >> 32) }; }

// A copy of a (primary) token for a new process.
Result<Ref<Token>> DuplicateForProcess(const Token& From);
// A token from its handle; -4, -5 and -6 stand for the process's, the thread's and the effective token.
Result<Ref<Token>> ReferenceToken(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access);

// --- what the services capture
inline constexpr u32 MaximumSids = 1024;
Result<Sid> CaptureSid(ke::Caller& From, u64 Address);          // STATUS_INVALID_SID
Result<Vector<u8>> CaptureAcl(ke::Caller& From, u64 Address);   // STATUS_INVALID_ACL
// SID_AND_ATTRIBUTES[Count]. STATUS_INVALID_PARAMETER: too many.
Status CaptureSids(ke::Caller& From, u64 Address, u32 Count, Vector<SidEntry>& To);
// LUID_AND_ATTRIBUTES[Count]
Status CapturePrivileges(ke::Caller& From, u64 Address, u32 Count, Vector<LUID_AND_ATTRIBUTES>& To);

// --- access
// What AccessCheck does, without looking at the impersonation level or the memory of earlier answers. Used: privileges that were needed, as bits.
Result<ACCESS_MASK> CheckDescriptor(const SecurityDescriptor* Descriptor, const Token& By, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping, u64& Used);
ACCESS_MASK MapGeneric(ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping);

// --- descriptors in parts
struct Parts {
    u16 Control = 0;
    std::span<const u8> Owner, Group, Sacl, Dacl;       // empty = absent; an ACL that is present and null: Control says so
};
Parts TakeApart(const SecurityDescriptor* Descriptor);
Result<Own<SecurityDescriptor>> PutTogether(const Parts& From);

}
