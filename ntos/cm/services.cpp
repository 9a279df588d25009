// The services that open, create, change and delete keys.
#include "ntos/cm/key.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

using namespace cm;

// Checks what all opens check, looks the name up, makes the handle.
static Result<HANDLE> Open(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Attributes, ACCESS_MASK Desired, OpenKeyRequest& How)
{
    if (!Attributes)
        return STATUS_ACCESS_VIOLATION;
    if (!TRY(Attributes.Read(Caller)).ObjectName)
        return STATUS_ACCESS_VIOLATION;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Attributes));
    Wanted.Flags |= OBJ_CASE_INSENSITIVE;       // keys never regard case, nor does the way to them
    if (How.Options & ~REG_LEGAL_OPTION)
        return STATUS_INVALID_PARAMETER;
    ob::OpenRequest Request { Caller, Wanted, Desired, &How, &Key::Type };
    Ref<ob::Object> Found = TRY(ob::Lookup(Request));
    if (&Found->GetType() != &Key::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return ob::GrantHandle(Caller, std::move(Found), How.Granted, Wanted.Flags);
}

Status NtOpenKey(ke::Caller& Caller, svc::OpenKey& Call)
{
    TRY(Call.KeyHandle.Write(Caller, nullptr));
    OpenKeyRequest How;
    return ob::ReturnHandle(Caller, Call.KeyHandle, Open(Caller, Call.ObjectAttributes, Call.DesiredAccess, How));
}

Status NtOpenKeyEx(ke::Caller& Caller, svc::OpenKeyEx& Call)
{
    TRY(Call.KeyHandle.Write(Caller, nullptr));
    OpenKeyRequest How;
    How.Options = Call.OpenOptions;
    if (How.Options & ~(REG_OPTION_OPEN_LINK | REG_OPTION_BACKUP_RESTORE | REG_OPTION_DONT_VIRTUALIZE))
        return STATUS_INVALID_PARAMETER;
    return ob::ReturnHandle(Caller, Call.KeyHandle, Open(Caller, Call.ObjectAttributes, Call.DesiredAccess, How));
}

Status NtCreateKey(ke::Caller& Caller, svc::CreateKey& Call)
{
    TRY(Call.KeyHandle.Write(Caller, nullptr));
    if (Call.Disposition)
        TRY(Call.Disposition.Probe(Caller));
    ob::String Class;
    if (Call.Class)
        Class = TRY(ob::CaptureString(Caller, Call.Class));
    OpenKeyRequest How;
    How.Create = true;
    How.Options = Call.CreateOptions;
    How.Class = Class.View();
    TRY(ob::ReturnHandle(Caller, Call.KeyHandle, Open(Caller, Call.ObjectAttributes, Call.DesiredAccess, How)));
    return Call.Disposition.WriteIfThere(Caller, How.Disposition);
}

Status NtDeleteKey(ke::Caller& Caller, svc::DeleteKey& Call)
{
    Ref<Key> K = TRY(ob::Reference<Key>(Caller, Call.KeyHandle, DELETE_ACCESS));
    return K->Of().IsDeleted() ? Status(STATUS_SUCCESS) : K->Of().Delete();
}

Status NtRenameKey(ke::Caller& Caller, svc::RenameKey& Call)
{
    ob::String Name = TRY(ob::CaptureString(Caller, Call.NewName));
    Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_WRITE));
    for (wchar_t C : Name.Characters())
        if (C == L'\\')
            return STATUS_INVALID_PARAMETER;
    return K->Of().Rename(Name.View());
}

ke::Task<> NtFlushKey(ke::Caller& Caller, svc::FlushKey& Call)
{
    Result<Ref<Key>> K = ReferenceKey(Caller, Call.KeyHandle, 0);
    if (!K.Ok())
        return ex::Done(K.GetStatus());
    Hive* Keeper = K.Value()->Of().Keeper;
    if (!Keeper)
        return ex::Done(STATUS_SUCCESS);
    if (Status S = Keeper->Flush(); !S.Ok())
        return ex::Done(S);
    return Keeper->Drain();
}

Status NtSetInformationKey(ke::Caller& Caller, svc::SetInformationKey& Call)
{
    u32 Length = Call.Length;
    switch (u32(Call.KeySetInformationClass)) {
    case KeyWriteTimeInformation: {
        if (Length != sizeof(LARGE_INTEGER))
            return STATUS_INFO_LENGTH_MISMATCH;
        auto Time = TRY(Call.KeySetInformation.ReadAs<LARGE_INTEGER>(Caller));
        Ref<Key> K = TRY(ReferenceKey(Caller, Call.KeyHandle, KEY_SET_VALUE));
        K->Of().Changed(REG_NOTIFY_CHANGE_ATTRIBUTES);
        K->Of().LastWrite = u64(Time.QuadPart);
        return STATUS_SUCCESS;
    }
    case KeySetHandleTagsInformation: {
        if (Length != sizeof(ULONG))
            return STATUS_INFO_LENGTH_MISMATCH;
        u32 Tags = TRY(Call.KeySetInformation.ReadAs<u32>(Caller));
        TRY(ReferenceKey(Caller, Call.KeyHandle, 0))->HandleTags = Tags;
        return STATUS_SUCCESS;
    }
    case KeyWow64FlagsInformation:
    case KeyControlFlagsInformation:
    case KeySetVirtualizationInformation:
    case KeySetDebugInformation: return STATUS_NOT_IMPLEMENTED;
    default: return STATUS_INVALID_INFO_CLASS;
    }
}
