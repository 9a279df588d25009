// Security: SIDs, descriptors, tokens, privileges, access checks. See the individual headers.
#pragma once
#include "abi/nt/se.hpp"
#include "ntos/ob/ob.hpp"

namespace se {

// A checked, self-relative security descriptor in Executive memory. Deleted by its owner (Own<>).
class SecurityDescriptor {
public:
    // Captures a client's descriptor: every offset, SID and ACL checked; STATUS_INVALID_SECURITY_DESCR, STATUS_INVALID_ACL, STATUS_INVALID_SID, STATUS_UNKNOWN_REVISION ...
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

private:
    Vector<u8> Bytes_;
};

class Token;

// The access check: what of Desired (generic rights already mapped; MAXIMUM_ALLOWED understood) the token gets on the descriptor.
// A null descriptor or one without DACL grants everything. STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD.
Result<ACCESS_MASK> AccessCheck(const SecurityDescriptor* Descriptor, const Token& By, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping);
// The descriptor of a new object: explicit, inherited from a container, or the token's default DACL.
Result<Own<SecurityDescriptor>> AssignSecurity(const SecurityDescriptor* Explicit, const SecurityDescriptor* Parent, const Token& By, const GENERIC_MAPPING& Mapping, bool Container);
bool HasPrivilege(const Token& By, u32 PrivilegeNumber);
// The token of the first process (LocalSystem, everything) and the user's (an administrator account: S-1-5-21-...-1000), for smss' children.
Result<Ref<Token>> SystemToken();
Result<Ref<Token>> UserToken();
Status Initialize();

}
