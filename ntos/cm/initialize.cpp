// The registry as it is before anything is read: roots, their descriptors, the links of every system.
#include "ntos/cm/cm.hpp"

#include "ntos/cm/key.hpp"
#include "ntos/se/token.hpp"

namespace cm {

namespace {

Status MakeLink(ob::Name Path, ob::Name Target)
{
    Ref<Node> N = TRY(OpenNode(Path, true));
    TRY(N->SetValue(L"SymbolicLinkValue", REG_LINK, Target.Data, Target.Length * sizeof(wchar_t)));
    N->IsLink = true;
    N->Fixed = true;
    return STATUS_SUCCESS;
}

Result<ob::String> UserPath(ob::Name Tail)
{
    ob::String S = TRY(ob::String::Copy(L"\\Registry\\User\\"));
    TRY(S.Append(TRY(UserSidText()).View()));
    TRY(S.Append(Tail));
    return S;
}

}

Result<ob::String> UserSidText()
{
    se::Sid User = se::sid::Machine.Below(1000);
    ob::String S = TRY(ob::String::Copy(L"S-1-5"));
    for (u32 I = 0; I < User.Count; ++I) {
        wchar_t Text[12];
        usize At = 12;
        u32 N = User.Subs[I];
        do {
            Text[--At] = wchar_t(L'0' + N % 10);
            N /= 10;
        } while (N);
        Text[--At] = L'-';
        TRY(S.Append({ Text + At, 12 - At }));
    }
    return S;
}

Status Initialize()
{
    Ref<Node> Top = TRY(Node::CreateRoot(L"REGISTRY"));
    Root = Top.Get();
    Root->Fixed = true;
    static const se::Allowed Everywhere[] = {
        { se::sid::LocalSystem, KEY_ALL_ACCESS },
        { se::sid::Administrators, KEY_ALL_ACCESS },
        { se::sid::Everyone, KEY_READ },
        { se::sid::RestrictedCode, KEY_READ },
    };
    const se::Allowed TheUsers[] = {
        { se::sid::Machine.Below(1000), KEY_ALL_ACCESS },
        { se::sid::LocalSystem, KEY_ALL_ACCESS },
        { se::sid::Administrators, KEY_ALL_ACCESS },
        { se::sid::RestrictedCode, KEY_READ },
    };
    Root->SetFirstSecurity(TRY(se::MakeDescriptor(Everywhere, CONTAINER_INHERIT_ACE)));
    for (ob::Name Path : { ob::Name(L"\\Registry\\MACHINE"), ob::Name(L"\\Registry\\USER"), ob::Name(L"\\Registry\\MACHINE\\SOFTWARE"), ob::Name(L"\\Registry\\MACHINE\\SOFTWARE\\Classes"),
                           ob::Name(L"\\Registry\\MACHINE\\SYSTEM"), ob::Name(L"\\Registry\\MACHINE\\SYSTEM\\ControlSet001"), ob::Name(L"\\Registry\\USER\\.DEFAULT") })
        TRY(OpenNode(Path, true))->Fixed = true;
    TRY(OpenNode(L"\\Registry\\MACHINE\\HARDWARE", true))->Volatile = true;
    ob::String User = TRY(UserPath({})), Classes = TRY(UserPath(L"_Classes")), ClassesLink = TRY(UserPath(L"\\Software\\Classes"));
    for (const ob::String* Path : { &User, &Classes }) {
        Ref<Node> N = TRY(OpenNode(Path->View(), true));
        N->Fixed = true;
        N->SetFirstSecurity(TRY(se::MakeDescriptor(TheUsers, CONTAINER_INHERIT_ACE)));
    }
    TRY(MakeLink(L"\\Registry\\MACHINE\\SYSTEM\\CurrentControlSet", L"\\Registry\\MACHINE\\SYSTEM\\ControlSet001"));
    TRY(OpenNode(L"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Hardware Profiles\\0001", true));
    TRY(MakeLink(L"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Hardware Profiles\\Current", L"\\Registry\\MACHINE\\SYSTEM\\ControlSet001\\Hardware Profiles\\0001"));
    TRY(MakeLink(L"\\Registry\\MACHINE\\SOFTWARE\\Wow6432Node\\Classes", L"\\Registry\\MACHINE\\SOFTWARE\\Classes\\Wow6432Node"));
    TRY(MakeLink(L"\\Registry\\USER\\S-1-5-18", L"\\Registry\\USER\\.DEFAULT"));
    TRY(MakeLink(ClassesLink.View(), Classes.View()));
    Ref<Key> Object = TRY(ob::Make<Key>(std::move(Top)));
    TRY(ob::InsertKernel(Object, L"\\REGISTRY", true));
    Object.Leak();                      // for ever
    return STATUS_SUCCESS;
}

}
