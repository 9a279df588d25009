// NtQueryKey, NtEnumerateKey, and the queries of values.
//
// An answer is a fixed head and text or data behind it. Not even the head fits: STATUS_BUFFER_TOO_SMALL and nothing is written; the rest does
// not: as much as fits and STATUS_BUFFER_OVERFLOW. The length needed is told in every case.
#include <string.h>

#include "ntos/cm/key.hpp"

using namespace cm;

namespace {

// The answer on its way: pieces at their offsets, cut at the caller's length.
class Answer {
public:
    Answer(ke::Caller& Caller, ke::UserBuffer To, u32 Length, usize Minimum) : Caller_(Caller), To_(To), Length_(Length), Minimum_(Minimum) { }
    Status Put(usize At, const void* From, usize Size)
    {
        if (Needed_ < At + Size)
            Needed_ = At + Size;
        if (Length_ < Minimum_ || At >= Length_ || !Size)
            return STATUS_SUCCESS;
        return To_.Write(Caller_, From, Size < Length_ - At ? Size : Length_ - At, At);
    }
    Status Put(usize At, ob::Name Text) { return Put(At, Text.Data, Text.Length * sizeof(wchar_t)); }
    Status Finish(ke::UserPtr<ULONG> ResultLength)
    {
        TRY(ResultLength.Write(Caller_, ULONG(Needed_)));
        return Length_ < Minimum_ ? STATUS_BUFFER_TOO_SMALL : Length_ < Needed_ ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
    }

private:
    ke::Caller& Caller_;
    ke::UserBuffer To_;
    usize Length_, Minimum_, Needed_ = 0;
};

ULONG BytesOf(ob::Name Text) { return ULONG(Text.Length * sizeof(wchar_t)); }

// The longest of what a key has, in bytes.
struct Longest {
    ULONG Name = 0, Class = 0, ValueName = 0, ValueData = 0;
    explicit Longest(const Node& N)
    {
        auto Raise = [](ULONG& To, usize Bytes) { To = Bytes > To ? ULONG(Bytes) : To; };
        for (usize I = 0; I < N.ChildCount(); ++I) {
            Raise(Name, BytesOf(N.Child(I)->Name()));
            Raise(Class, BytesOf(N.Child(I)->Class.View()));
        }
        for (usize I = 0; I < N.ValueCount(); ++I) {
            Raise(ValueName, BytesOf(N.ValueAt(I).Name.View()));
            Raise(ValueData, N.ValueAt(I).Data.Size());
        }
    }
};

LARGE_INTEGER TimeOf(const Node& N)
{
    LARGE_INTEGER T;
    T.QuadPart = i64(N.LastWrite);
    return T;
}

struct KeyQuery {
    ke::Caller& Caller;
    ke::UserBuffer To;
    u32 Length;
    ke::UserPtr<ULONG> ResultLength;
};

Status Describe(const KeyQuery& Q, const Node& N, u32 Class)
{
    ob::Name Name = N.Name(), ClassName = N.Class.View();
    switch (Class) {
    case KeyBasicInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_BASIC_INFORMATION));
        KEY_BASIC_INFORMATION Head { TimeOf(N), 0, BytesOf(Name) };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), Name));
        return A.Finish(Q.ResultLength);
    }
    case KeyNodeInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_NODE_INFORMATION));
        usize ClassAt = AlignUp(sizeof(KEY_NODE_INFORMATION) + BytesOf(Name), 4);
        KEY_NODE_INFORMATION Head { TimeOf(N), 0, ClassName.IsEmpty() ? ~0u : u32(ClassAt), BytesOf(ClassName), BytesOf(Name) };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), Name));
        if (!ClassName.IsEmpty())
            TRY(A.Put(ClassAt, ClassName));
        return A.Finish(Q.ResultLength);
    }
    case KeyFullInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, KEY_FULL_INFORMATION::Header);
        Longest L(N);
        KEY_FULL_INFORMATION Head { TimeOf(N), 0, ClassName.IsEmpty() ? ~0u : KEY_FULL_INFORMATION::Header, BytesOf(ClassName), ULONG(N.ChildCount()), L.Name, L.Class,
                                    ULONG(N.ValueCount()), L.ValueName, L.ValueData };
        TRY(A.Put(0, &Head, KEY_FULL_INFORMATION::Header));
        TRY(A.Put(KEY_FULL_INFORMATION::Header, ClassName));
        return A.Finish(Q.ResultLength);
    }
    case KeyCachedInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_CACHED_INFORMATION));
        Longest L(N);
        KEY_CACHED_INFORMATION Head { TimeOf(N), 0, ULONG(N.ChildCount()), L.Name, ULONG(N.ValueCount()), L.ValueName, L.ValueData, BytesOf(Name) };
        TRY(A.Put(0, &Head, sizeof(Head)));
        return A.Finish(Q.ResultLength);
    }
    default: return STATUS_INVALID_PARAMETER;
    }
}

Status DescribeOpen(const KeyQuery& Q, const Key& K, u32 Class)
{
    const Node& N = K.Of();
    switch (Class) {
    case KeyNameInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(ULONG));
        ob::String Path = TRY(N.Path());
        ULONG Bytes = BytesOf(Path.View());
        TRY(A.Put(0, &Bytes, sizeof(Bytes)));
        TRY(A.Put(sizeof(Bytes), Path.View()));
        return A.Finish(Q.ResultLength);
    }
    case KeyFlagsInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_FLAGS_INFORMATION));
        KEY_FLAGS_INFORMATION Flags { 0, (N.Volatile ? 1u : 0) | (N.IsLink ? 2u : 0), 0 };
        TRY(A.Put(0, &Flags, sizeof(Flags)));
        return A.Finish(Q.ResultLength);
    }
    case KeyVirtualizationInformation:
    case KeyHandleTagsInformation:
    case KeyTrustInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(ULONG));
        ULONG Flags = Class == KeyHandleTagsInformation ? K.HandleTags : 0;
        TRY(A.Put(0, &Flags, sizeof(Flags)));
        return A.Finish(Q.ResultLength);
    }
    default: return Describe(Q, N, Class);
    }
}

// The part of a value that a class asks for. Offsets of data are aligned as NT does it.
Status DescribeValue(const KeyQuery& Q, const Value& V, u32 Class)
{
    ob::Name Name = V.Name.View();
    ULONG Size = ULONG(V.Data.Size());
    switch (Class) {
    case KeyValueBasicInformation: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_VALUE_BASIC_INFORMATION));
        KEY_VALUE_BASIC_INFORMATION Head { 0, V.Type, BytesOf(Name) };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), Name));
        return A.Finish(Q.ResultLength);
    }
    case KeyValueFullInformation:
    case KeyValueFullInformationAlign64: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_VALUE_FULL_INFORMATION));
        usize DataAt = AlignUp(sizeof(KEY_VALUE_FULL_INFORMATION) + BytesOf(Name), Class == KeyValueFullInformation ? 4 : 8);
        KEY_VALUE_FULL_INFORMATION Head { 0, V.Type, Size ? u32(DataAt) : ~0u, Size, BytesOf(Name) };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), Name));
        if (Size)
            TRY(A.Put(DataAt, V.Data.Data(), Size));
        return A.Finish(Q.ResultLength);
    }
    case KeyValuePartialInformation: {
        usize Whole = sizeof(KEY_VALUE_PARTIAL_INFORMATION) + Size;
        if (Whole <= 256 && Q.Length >= Whole) [[likely]] {
            u8 Small[256];              // the commonest query: one copy
            KEY_VALUE_PARTIAL_INFORMATION Head { 0, V.Type, Size };
            memcpy(Small, &Head, sizeof(Head));
            if (Size)
                memcpy(Small + sizeof(Head), V.Data.Data(), Size);
            TRY(Q.To.Write(Q.Caller, Small, Whole));
            return Q.ResultLength.Write(Q.Caller, ULONG(Whole));
        }
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_VALUE_PARTIAL_INFORMATION));
        KEY_VALUE_PARTIAL_INFORMATION Head { 0, V.Type, Size };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), V.Data.Data(), Size));
        return A.Finish(Q.ResultLength);
    }
    case KeyValuePartialInformationAlign64: {
        Answer A(Q.Caller, Q.To, Q.Length, sizeof(KEY_VALUE_PARTIAL_INFORMATION_ALIGN64));
        KEY_VALUE_PARTIAL_INFORMATION_ALIGN64 Head { V.Type, Size };
        TRY(A.Put(0, &Head, sizeof(Head)));
        TRY(A.Put(sizeof(Head), V.Data.Data(), Size));
        return A.Finish(Q.ResultLength);
    }
    default: return STATUS_INVALID_PARAMETER;
    }
}

}

Status NtQueryKey(ke::Caller& Caller, svc::QueryKey& Call)
{
    u32 Class = Call.KeyInformationClass;
    ACCESS_MASK Access = Class == KeyNameInformation || Class == KeyHandleTagsInformation ? 0 : KEY_QUERY_VALUE;
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, Access));
    return DescribeOpen({ Caller, Call.KeyInformation, Call.Length, Call.ResultLength }, *K, Class);
}

Status NtEnumerateKey(ke::Caller& Caller, svc::EnumerateKey& Call)
{
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_ENUMERATE_SUB_KEYS));
    u32 Class = Call.KeyInformationClass;
    if (Class > KeyFullInformation && Class != KeyCachedInformation)
        return STATUS_INVALID_PARAMETER;
    if (Call.Index >= K->Of().ChildCount())
        return STATUS_NO_MORE_ENTRIES;
    return Describe({ Caller, Call.KeyInformation, Call.Length, Call.ResultLength }, *K->Of().Child(Call.Index), Class);
}

Status NtEnumerateValueKey(ke::Caller& Caller, svc::EnumerateValueKey& Call)
{
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_QUERY_VALUE));
    u32 Class = Call.KeyValueInformationClass;
    if (Class > KeyValuePartialInformationAlign64)
        return STATUS_INVALID_PARAMETER;
    if (Call.Index >= K->Of().ValueCount())
        return STATUS_NO_MORE_ENTRIES;
    return DescribeValue({ Caller, Call.KeyValueInformation, Call.Length, Call.ResultLength }, K->Of().ValueAt(Call.Index), Class);
}

Status NtQueryValueKey(ke::Caller& Caller, svc::QueryValueKey& Call)
{
    CapturedName Name;
    TRY(Name.Capture(Caller, Call.ValueName));
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_QUERY_VALUE));
    if (Call.KeyValueInformationClass > u32(KeyValuePartialInformationAlign64))
        return STATUS_INVALID_PARAMETER;
    const Value* V = K->Of().FindValue(Name.Upper());
    if (!V)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    return DescribeValue({ Caller, Call.KeyValueInformation, Call.Length, Call.ResultLength }, *V, Call.KeyValueInformationClass);
}

Status NtQueryMultipleValueKey(ke::Caller& Caller, svc::QueryMultipleValueKey& Call)
{
    constexpr u32 MaximumEntries = 0x10000;
    u32 Count = Call.EntryCount;
    if (Count > MaximumEntries)
        return STATUS_INSUFFICIENT_RESOURCES;
    u32 Room = TRY(Call.BufferLength.Read(Caller));
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_QUERY_VALUE));
    usize Needed = 0, Used = 0;
    for (u32 I = 0; I < Count; ++I) {
        usize At = I * sizeof(KEY_VALUE_ENTRY);
        auto Entry = TRY(Call.ValueEntries.ReadAs<KEY_VALUE_ENTRY>(Caller, At));
        CapturedName Name;
        TRY(Name.Capture(Caller, ke::UserPtr<UNICODE_STRING>::At(reinterpret_cast<u64>(Entry.ValueName))));
        const Value* V = K->Of().FindValue(Name.Upper());
        if (!V)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        Needed = AlignUp(Needed, 4);
        if (Needed + V->Data.Size() > 0xFFFFFFFF)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (Needed + V->Data.Size() <= Room) {
            TRY(Call.ValueBuffer.Write(Caller, V->Data.Data(), V->Data.Size(), Needed));
            Entry.Type = V->Type;
            Entry.DataLength = ULONG(V->Data.Size());
            Entry.DataOffset = ULONG(Needed);
            TRY(Call.ValueEntries.WriteAs(Caller, Entry, At));
            Used = Needed + V->Data.Size();
        }
        Needed += V->Data.Size();
    }
    TRY(Call.BufferLength.Write(Caller, ULONG(Used)));
    TRY(Call.RequiredBufferLength.WriteIfThere(Caller, ULONG(Needed)));
    return Needed > Room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
