// Setting and deleting values.
#include "ntos/cm/key.hpp"

namespace cm {

Status CapturedName::Capture(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> From)
{
    UNICODE_STRING Raw = TRY(From.Read(Caller));
    if (Raw.Length & 1)
        return STATUS_INVALID_PARAMETER;
    if (Raw.Length / sizeof(wchar_t) > MaximumValueName)
        return STATUS_OBJECT_NAME_NOT_FOUND;            // no value has such a name
    Length_ = Raw.Length / sizeof(wchar_t);
    wchar_t* To = Few_;
    if (Length_ > sizeof(Few_) / sizeof(wchar_t)) {
        TRY(Many_.Resize(Length_));
        To = Many_.Data();
    }
    if (Raw.Length)
        TRY(mm::CopyFromUser(Caller.Process(), To, reinterpret_cast<u64>(Raw.Buffer), Raw.Length));
    return Upper_.Set(View());
}

}

using namespace cm;

Status NtSetValueKey(ke::Caller& Caller, svc::SetValueKey& Call)
{
    CapturedName Name;
    if (Status S = Name.Capture(Caller, Call.ValueName); !S.Ok())
        return S == STATUS_OBJECT_NAME_NOT_FOUND ? Status(STATUS_INVALID_PARAMETER) : S;
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_SET_VALUE));
    u32 Size = Call.DataSize;
    if (Size > MaximumData)
        return STATUS_INSUFFICIENT_RESOURCES;
    // A link has one value, and nothing else is a link.
    if (K->Of().IsLink && (Call.Type != REG_LINK || !ob::Equal(Name.View(), L"SymbolicLinkValue", true)))
        return STATUS_ACCESS_DENIED;
    Vector<u8> Data;
    TRY(Data.Resize(Size));
    if (Size)
        TRY(Call.Data.Read(Caller, Data.Data(), Size));
    return K->Of().SetValue(Name.View(), Name.Upper(), Call.Type, std::move(Data));
}

Status NtDeleteValueKey(ke::Caller& Caller, svc::DeleteValueKey& Call)
{
    CapturedName Name;
    TRY(Name.Capture(Caller, Call.ValueName));
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_SET_VALUE));
    return K->Of().DeleteValue(Name.Upper());
}
