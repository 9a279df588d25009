// Security identifiers and access control lists as plain data in Executive memory.
#pragma once
#include <string.h>

#include "abi/nt/se.hpp"
#include "lib/core/vector.hpp"

namespace se {
using namespace nt;

// A SID with room for the most sub-authorities there may be. Only the first Size() bytes mean something.
struct Sid {
    static constexpr u8 MaximumSubs = 15;
    u8 Revision = 1, Count = 0;
    u8 Authority[6] = {};
    u32 Subs[MaximumSubs] = {};
    constexpr Sid() = default;
    template <typename... S> constexpr Sid(u8 LastAuthority, S... Sub) : Count(sizeof...(S)), Subs { u32(Sub)... } { Authority[5] = LastAuthority; }
    constexpr usize Size() const { return 8 + 4 * usize(Count); }
    std::span<const u8> Bytes() const { return { &Revision, Size() }; }
    friend bool operator==(const Sid& A, const Sid& B) { return A.Count == B.Count && memcmp(&A, &B, A.Size()) == 0; }
    Sid Below(u32 Sub) const
    {
        Sid S = *this;
        S.Subs[S.Count++] = Sub;
        return S;
    }
};
static_assert(sizeof(Sid) == 68);

namespace sid {
inline constexpr Sid Nobody(0, 0), Everyone(1, 0), Local(2, 0), ConsoleLogon(2, 1), CreatorOwner(3, 0), CreatorGroup(3, 1), OwnerRights(3, 4), Interactive(5, 4),
    Anonymous(5, 7), Self(5, 10), AuthenticatedUsers(5, 11), RestrictedCode(5, 12), ThisOrganization(5, 15), LocalSystem(5, 18), LocalService(5, 19),
    Administrators(5, 32, 544), Users(5, 32, 545), NtlmAuthentication(5, 64, 10), LocalAccount(5, 113);
inline constexpr u32 LowIntegrity = 0x1000, MediumIntegrity = 0x2000, HighIntegrity = 0x3000, SystemIntegrity = 0x4000;
inline constexpr Sid Machine(5, 21, 1085031214, 1563985344, 725345543);
}

// The SID that starts at Bytes, if a valid one fits.
Result<Sid> ParseSid(std::span<const u8> Bytes);
// Captures a client's SID. STATUS_INVALID_SID.
inline Status CheckSidHeader(u8 Revision, u8 Count) { return Revision == 1 && Count <= Sid::MaximumSubs ? STATUS_SUCCESS : STATUS_INVALID_SID; }

// One entry of a checked ACL.
struct Ace {
    ACE_HEADER Header;
    ACCESS_MASK Mask;                   // 0 for types that have none
    std::span<const u8> Bytes;          // the whole entry
    usize SidAt;                        // offset of the SID, 0 if the type has none
    const u8* SidBytes() const { return Bytes.data() + SidAt; }
    bool SidIs(const Sid& S) const { return SidAt && memcmp(SidBytes(), &S, S.Size()) == 0; }
    bool HasObjectType = false;
};

// Walks an ACL that IsValidAcl has accepted.
class AceReader {
public:
    explicit AceReader(std::span<const u8> Acl);
    bool Next(Ace& Entry);

private:
    std::span<const u8> Acl_;
    usize At_ = sizeof(ACL);
    u32 Left_ = 0;
};
// Revision, sizes, and every entry and SID within its bounds. Acl may have more bytes than AclSize says, not fewer.
bool IsValidAcl(std::span<const u8> Acl);

// Builds an ACL entry by entry; STATUS_INVALID_ACL if it gets too long.
class AclBuilder {
public:
    Status Add(u8 Type, u8 Flags, ACCESS_MASK Mask, const Sid& Who);
    Status AddRaw(std::span<const u8> Entry);
    bool IsEmpty() const { return Count_ == 0; }
    Result<Vector<u8>> Finish();

private:
    Status Begin();
    Vector<u8> Bytes_;
    u16 Count_ = 0;
    u8 Revision_ = 2;
};

}
