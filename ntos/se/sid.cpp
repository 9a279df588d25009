#include "ntos/se/sid.hpp"

namespace se {

Result<Sid> ParseSid(std::span<const u8> Bytes)
{
    Sid S;
    if (Bytes.size() < 8 || !CheckSidHeader(Bytes[0], Bytes[1]).Ok() || Bytes.size() < 8 + 4 * usize(Bytes[1]))
        return STATUS_INVALID_SID;
    memcpy(&S, Bytes.data(), 8 + 4 * usize(Bytes[1]));
    return S;
}

static bool IsObjectType(u8 Type)
{
    return (Type >= ACCESS_ALLOWED_OBJECT_ACE_TYPE && Type <= SYSTEM_ALARM_OBJECT_ACE_TYPE) || Type == ACCESS_ALLOWED_CALLBACK_OBJECT_ACE_TYPE ||
           Type == ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE || Type == SYSTEM_AUDIT_CALLBACK_OBJECT_ACE_TYPE || Type == SYSTEM_ALARM_CALLBACK_OBJECT_ACE_TYPE;
}

// Takes the entry at the start of Bytes apart; false if it does not fit or its SID is bad. Types nobody knows carry no SID.
static bool ParseAce(std::span<const u8> Bytes, Ace& Out)
{
    if (Bytes.size() < sizeof(ACE_HEADER))
        return false;
    memcpy(&Out.Header, Bytes.data(), sizeof(ACE_HEADER));
    usize Size = Out.Header.AceSize;
    if (Size < sizeof(ACE_HEADER) || (Size & 3) || Size > Bytes.size())
        return false;
    Out.Bytes = Bytes.first(Size);
    Out.Mask = 0;
    Out.SidAt = 0;
    Out.HasObjectType = false;
    u8 Type = Out.Header.AceType;
    if (Type > SYSTEM_MANDATORY_LABEL_ACE_TYPE + 4 || Type == ACCESS_ALLOWED_COMPOUND_ACE_TYPE)
        return true;
    if (Size < 8)
        return false;
    memcpy(&Out.Mask, Bytes.data() + 4, 4);
    usize At = 8;
    if (IsObjectType(Type)) {
        u32 Flags;
        if (Size < 12)
            return false;
        memcpy(&Flags, Bytes.data() + 8, 4);
        Out.HasObjectType = Flags & ACE_OBJECT_TYPE_PRESENT;
        At = 12 + (Out.HasObjectType ? 16 : 0) + ((Flags & ACE_INHERITED_OBJECT_TYPE_PRESENT) ? 16 : 0);
    }
    if (Size < At + 8 || !CheckSidHeader(Bytes[At], Bytes[At + 1]).Ok() || Size < At + 8 + 4 * usize(Bytes[At + 1]))
        return false;
    Out.SidAt = At;
    return true;
}

AceReader::AceReader(std::span<const u8> Acl)
{
    if (Acl.size() < sizeof(ACL))
        return;                         // no ACL: no entries
    ACL Header;
    memcpy(&Header, Acl.data(), sizeof(Header));
    Acl_ = Acl.first(Header.AclSize < Acl.size() ? Header.AclSize : Acl.size());
    Left_ = Header.AceCount;
}

bool AceReader::Next(Ace& Entry)
{
    if (!Left_ || At_ > Acl_.size() || !ParseAce(Acl_.subspan(At_), Entry))
        return false;
    --Left_;
    At_ += Entry.Header.AceSize;
    return true;
}

bool IsValidAcl(std::span<const u8> Acl)
{
    if (Acl.size() < sizeof(ACL))
        return false;
    ACL Header;
    memcpy(&Header, Acl.data(), sizeof(Header));
    if (Header.AclRevision < 2 || Header.AclRevision > 4 || Header.AclSize < sizeof(ACL) || Header.AclSize > Acl.size())
        return false;
    AceReader Reader(Acl);
    Ace Entry;
    for (u32 I = 0; I < Header.AceCount; ++I)
        if (!Reader.Next(Entry))
            return false;
    return true;
}

Status AclBuilder::Begin()
{
    return Bytes_.IsEmpty() ? Bytes_.Resize(sizeof(ACL)) : Status();
}

Status AclBuilder::AddRaw(std::span<const u8> Entry)
{
    TRY(Begin());
    usize Before = Bytes_.Size();
    if (Before + Entry.size() > 0xFFFC || Count_ == 0xFFFF)
        return STATUS_INVALID_ACL;
    TRY(Bytes_.Resize(Before + Entry.size()));
    memcpy(Bytes_.Data() + Before, Entry.data(), Entry.size());
    if (IsObjectType(Entry[0]))
        Revision_ = 4;
    ++Count_;
    return STATUS_SUCCESS;
}

Status AclBuilder::Add(u8 Type, u8 Flags, ACCESS_MASK Mask, const Sid& Who)
{
    u8 Entry[8 + sizeof(Sid)];
    ACE_HEADER Header { Type, Flags, u16(8 + Who.Size()) };
    memcpy(Entry, &Header, 4);
    memcpy(Entry + 4, &Mask, 4);
    memcpy(Entry + 8, &Who, Who.Size());
    return AddRaw({ Entry, Header.AceSize });
}

Result<Vector<u8>> AclBuilder::Finish()
{
    TRY(Begin());
    ACL Header { Revision_, 0, u16(Bytes_.Size()), Count_, 0 };
    memcpy(Bytes_.Data(), &Header, sizeof(Header));
    return std::move(Bytes_);
}

}
