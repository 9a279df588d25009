// Unicode normalization (C, D, KC, KD and IDNA's), as Unicode's annex 15 has it: decompose, order, compose.
#include "lib/rtl/normalize.hpp"

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/nls.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"

namespace rtl {

namespace {

// A text of whole characters that grows.
class Characters {
public:
    ~Characters()
    {
        if (Data_ && Data_ != Small_)
            platform::Free(Data_);
    }
    bool Add(u32 Character)
    {
        if (Count == Room_) {
            u32* New = Allocate<u32>(Room_ * 2);
            if (!New)
                return false;
            CRT(memcpy)(New, Data_, Count * sizeof(u32));
            if (Data_ != Small_)
                platform::Free(Data_);
            Data_ = New;
            Room_ *= 2;
        }
        Data_[Count++] = Character;
        return true;
    }
    u32& operator[](usize I) { return Data_[I]; }

    usize Count = 0;

private:
    u32 Small_[128];
    u32* Data_ = Small_;
    usize Room_ = 128;
};

// On STATUS_NO_UNICODE_TRANSLATION *Bad is where the offending unit stands.
NTSTATUS Decompose(const NormTable& Table, const WCHAR* From, usize Count, Characters& To, usize* Bad)
{
    for (usize At = 0; At < Count;) {
        usize Start = At;
        u32 C = DecodeUtf16(From, Count, At);
        if (C == BadCharacter) {
            *Bad = Start + IsHighSurrogate(u16(From[Start]));
            return STATUS_NO_UNICODE_TRANSLATION;
        }
        WCHAR Room[3];
        usize Length = 0;
        bool Invalid;
        const WCHAR* Text = Table.Decomposition(C, Room, &Length, &Invalid);
        if (Invalid && !(C == 0 && At == Count)) {      // a terminator may be part of the text
            *Bad = Start;
            return STATUS_NO_UNICODE_TRANSLATION;
        }
        if (!Text) {
            if (!To.Add(C))
                return STATUS_NO_MEMORY;
            continue;
        }
        for (usize I = 0; I < Length;)
            if (!To.Add(DecodeUtf16(Text, Length, I)))
                return STATUS_NO_MEMORY;
    }
    return STATUS_SUCCESS;
}

// Marks behind a starter go in the order of their classes; equal ones stay as they are.
void Order(const NormTable& Table, Characters& Text)
{
    for (usize I = 1; I < Text.Count; ++I) {
        u32 C = Text[I];
        u8 Class = Table.CombiningClass(C);
        if (!Class)
            continue;
        usize J = I;
        for (; J > 0 && Table.CombiningClass(Text[J - 1]) > Class; --J)
            Text[J] = Text[J - 1];
        Text[J] = C;
    }
}

// A character joins the last starter unless one in between has its class or a higher one.
void Compose(const NormTable& Table, Characters& Text)
{
    constexpr usize None = ~usize(0);
    usize Starter = None, Kept = 0;
    i32 LastClass = -1;
    for (usize I = 0; I < Text.Count; ++I) {
        u32 C = Text[I];
        i32 Class = Table.CombiningClass(C);
        if (Starter != None && LastClass < Class) {
            if (u32 Joined = Table.Compose(Text[Starter], C)) {
                Text[Starter] = Joined;
                continue;
            }
        }
        if (!Class) {
            Starter = Kept;
            LastClass = -1;
        } else {
            LastClass = Class;
        }
        Text[Kept++] = C;
    }
    Text.Count = Kept;
}

// Plain ASCII is the same in every form but IDNA's.
bool IsPlain(const WCHAR* Text, usize Count)
{
    for (usize I = 0; I < Count; ++I)
        if (u16(Text[I]) >= 0x80 || (!Text[I] && I + 1 != Count))
            return false;
    return true;
}

}
}

using namespace rtl;

extern "C" {

NTSTATUS NTAPI RtlNormalizeString(ULONG Form, const WCHAR* From, INT Length, WCHAR* To, INT* Room)
{
    const NormTable* Table;
    if (NTSTATUS Status = NormTable::Get(Form, &Table); Status < 0)
        return Status;
    usize Count = Length < 0 ? CRT(wcslen)(From) + 1 : usize(Length);
    if (!*Room) {                       // an estimate
        u64 Guess = Count * Table->GrowthFactor();
        if (Guess > 64)
            Guess = Count + Count / 8 > 64 ? Count + Count / 8 : 64;
        *Room = INT(Guess);
        return STATUS_SUCCESS;
    }
    if (!Count) {
        *Room = 0;
        return STATUS_SUCCESS;
    }
    usize Space = usize(*Room);
    if (Form != FormIdna && IsPlain(From, Count)) {
        *Room = INT(Count);
        if (Space < Count)
            return STATUS_BUFFER_TOO_SMALL;
        CRT(memmove)(To, From, Count * 2);
        return STATUS_SUCCESS;
    }
    Characters Text;
    usize Bad = 0;
    if (NTSTATUS Status = Decompose(*Table, From, Count, Text, &Bad); Status < 0) {
        if (Status == STATUS_NO_UNICODE_TRANSLATION)
            *Room = INT(Bad);
        return Status;
    }
    Order(*Table, Text);
    if (Table->Composes())
        Compose(*Table, Text);
    usize Needed = 0;
    for (usize I = 0; I < Text.Count; ++I)
        Needed += Text[I] < 0x10000 ? 1 : 2;
    *Room = INT(Needed);
    if (Needed > Space)
        return STATUS_BUFFER_TOO_SMALL;
    for (usize I = 0, At = 0; I < Text.Count; ++I)
        At += EncodeUtf16(Text[I], To + At);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIsNormalizedString(ULONG Form, const WCHAR* String, INT Length, BOOLEAN* Normalized)
{
    const NormTable* Table;
    if (NTSTATUS Status = NormTable::Get(Form, &Table); Status < 0)
        return Status;
    usize Count = Length < 0 ? CRT(wcslen)(String) : usize(Length);
    *Normalized = true;
    if (!Count || (Form != FormIdna && IsPlain(String, Count)))
        return STATUS_SUCCESS;
    Characters Text;
    usize Bad = 0;
    if (NTSTATUS Status = Decompose(*Table, String, Count, Text, &Bad); Status < 0)
        return Status;
    Order(*Table, Text);
    if (Table->Composes())
        Compose(*Table, Text);
    usize At = 0;
    for (usize I = 0; I < Text.Count && *Normalized; ++I)
        *Normalized = At < Count && DecodeUtf16(String, Count, At) == Text[I];
    if (At != Count)
        *Normalized = false;
    return STATUS_SUCCESS;
}

}
