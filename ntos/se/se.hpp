// Security: SIDs, descriptors, tokens, privileges, access checks. See the individual headers.
#pragma once
#include "abi/nt/se.hpp"
#include "ntos/ob/ob.hpp"
#include "ntos/se/sid.hpp"

namespace se {

// A checked, self-relative security descriptor in Executive memory. It does not change: objects get a new one. Deleted by its owner (Own<>).
class SecurityDescriptor {
public:
    // Captures a client's descriptor, absolute or self-relative: every offset, SID and ACL checked; STATUS_UNKNOWN_REVISION, STATUS_INVALID_SID,
    // STATUS_INVALID_ACL, STATUS_ACCESS_VIOLATION ...
    static Result<Own<SecurityDescriptor>> Capture(ke::Caller& From, u64 Address);
    Result<Own<SecurityDescriptor>> Clone() const;
    // Of bytes that are known to be a good self-relative descriptor (put together of checked ones).
    static Result<Own<SecurityDescriptor>> Adopt(Vector<u8> Checked)
    {
        Own<SecurityDescriptor> New(new SecurityDescriptor);
        if (!New.Get())
            return nt::STATUS_NO_MEMORY;
        New->Bytes_ = std::move(Checked);
        return New;
    }
    std::span<const u8> Bytes() const { return Bytes_.Span(); }
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

    // What the last token that asked has been found to get (AccessCheck's memory): rights in CachedGranted were all granted to a token of
    // this modified id.
    mutable u64 CachedFor = 0;
    mutable ACCESS_MASK CachedGranted = 0;

private:
    Vector<u8> Bytes_;
};

class Token;

// The access check: what of Desired (generic rights are mapped; MAXIMUM_ALLOWED understood) the token gets on the descriptor.
// A null descriptor or one without DACL grants everything. STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD, STATUS_BAD_IMPERSONATION_LEVEL.
Result<ACCESS_MASK> AccessCheck(const SecurityDescriptor* Descriptor, const Token& By, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping);
// The descriptor of a new object: explicit, inherited from a container, or the token's default DACL.
// STATUS_INVALID_OWNER, STATUS_PRIVILEGE_NOT_HELD (a SACL).
Result<Own<SecurityDescriptor>> AssignSecurity(const SecurityDescriptor* Explicit, const SecurityDescriptor* Parent, const Token& By, const GENERIC_MAPPING& Mapping, bool Container);
// A descriptor of the system's own: owned by the administrators, with these entries and no inherited ones.
struct Allowed {
    Sid Who;
    ACCESS_MASK Rights;
};
Result<Own<SecurityDescriptor>> MakeDescriptor(std::span<const Allowed> Entries, u8 AceFlags = 0);
// Whether the token may make the SID in these bytes the owner of something, without the restore privilege.
bool MayOwn(const Token& By, std::span<const u8> Owner);
bool HasPrivilege(const Token& By, u32 PrivilegeNumber);        // present and enabled
// What a server may impersonate of a client: a copy of the token in effect, with at most this level (SECURITY_IMPERSONATION_LEVEL).
Result<Ref<ob::Object>> TokenForServer(ke::Caller& Client, u32 Level, bool EffectiveOnly);
// The thread acts as that token says. Without the privilege to impersonate it learns who the client is, and no more.
Status ImpersonateClient(ps::Thread& Server, ob::Object& Token);
// The token of the first process (LocalSystem, everything) and the user's (an administrator account: S-1-5-21-...-1000), for smss' children.
Result<Ref<Token>> SystemToken();
Result<Ref<Token>> UserToken();
Status Initialize();

}
