// Taking OBJECT_ATTRIBUTES and names out of a caller's memory.
#include "ntos/ob/ob.hpp"
#include "ntos/se/se.hpp"

namespace ob {

Attributes::Attributes() = default;
Attributes::Attributes(Attributes&&) = default;
Attributes::~Attributes() = default;

// In characters: the terminator that a query appends must still fit a UNICODE_STRING.
static constexpr usize LongestName = 32766;

static Result<String> CaptureText(ke::Caller& Caller, const UNICODE_STRING& From)
{
    String S;
    if (From.Length == 0)
        return S;
    if (reinterpret_cast<u64>(From.Buffer) & 1)
        return STATUS_DATATYPE_MISALIGNMENT;
    if (From.Length & 1)
        return STATUS_OBJECT_NAME_INVALID;
    TRY(S.Characters().Resize(From.Length / sizeof(wchar_t)));
    TRY(mm::CopyFromUser(Caller.Process(), S.Characters().Data(), reinterpret_cast<u64>(From.Buffer), From.Length));
    return S;
}

Result<String> CaptureString(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> From)
{
    return CaptureText(Caller, TRY(From.Read(Caller)));
}

Result<Attributes> Capture(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> From)
{
    Attributes A;
    if (!From)
        return A;
    OBJECT_ATTRIBUTES Raw = TRY(From.Read(Caller));
    if (Raw.Length != sizeof(Raw) || (Raw.Attributes & ~OBJ_VALID_ATTRIBUTES))
        return STATUS_INVALID_PARAMETER;
    A.IsGiven = true;
    A.Flags = Raw.Attributes & ~OBJ_KERNEL_HANDLE;      // not a program's to ask for
    if (Raw.SecurityDescriptor)
        A.Security = TRY(se::SecurityDescriptor::Capture(Caller, reinterpret_cast<u64>(Raw.SecurityDescriptor)));
    if (Raw.SecurityQualityOfService) {
        auto Qos = TRY(ke::UserPtr<SECURITY_QUALITY_OF_SERVICE>::At(reinterpret_cast<u64>(Raw.SecurityQualityOfService)).Read(Caller));
        if (Qos.ImpersonationLevel <= SecurityDelegation) {
            A.ImpersonationLevel = u32(Qos.ImpersonationLevel);
            A.EffectiveOnly = Qos.EffectiveOnly;
        }
    }
    if (Raw.ObjectName) {
        A.HasName = true;
        A.Path = TRY(CaptureString(Caller, ke::UserPtr<UNICODE_STRING>::At(reinterpret_cast<u64>(Raw.ObjectName))));
        if (A.Path.View().Length > LongestName)
            return STATUS_OBJECT_NAME_INVALID;
    } else if (Raw.RootDirectory) {
        return STATUS_OBJECT_NAME_INVALID;
    }
    if (Raw.RootDirectory) {
        // An empty name ignores the root, even one that is no handle.
        Result<AnyReference> Root = ReferenceAny(Caller, Raw.RootDirectory, 0);
        if (Root.Ok())
            A.Root = std::move(Root.Value().Target);
        else if (!A.Path.IsEmpty())
            return Root.GetStatus();
        else
            A.RootStatus = Root.GetStatus();
    }
    return A;
}

}
