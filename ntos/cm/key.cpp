// Opening keys by name.
#include "ntos/cm/key.hpp"

#include <string.h>

#include "ntos/ps/thread.hpp"

namespace cm {

Node* Root;

constinit const ob::TypeInfo Key::Type {
    .Name = L"Key",
    .ValidAccess = KEY_ALL_ACCESS | SYNCHRONIZE,
    .Mapping = { KEY_READ, KEY_WRITE, KEY_READ | KEY_CREATE_LINK, KEY_ALL_ACCESS },
};

Result<Ref<Key>> ReferenceKey(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    Ref<Key> K = TRY(ob::Reference<Key>(Caller, Handle, Access));
    if (K->Of().IsDeleted())
        return STATUS_KEY_DELETED;
    return K;
}

Result<ob::String> Key::QueryName()
{
    if (Of_->IsDeleted())
        return STATUS_KEY_DELETED;
    return Of_->Path();
}

void Key::HandleClosed(ps::Process&, u32 HandlesLeft, u32)
{
    if (HandlesLeft == 0)
        Watching = Own<Watch>();
}

void Key::SetSecurity(Own<se::SecurityDescriptor> Descriptor)
{
    Of_->SetSecurity(std::move(Descriptor)).Ignore();       // of a deleted key nothing is left to protect; without memory it stays as it was
}

// The next component of Rest, which loses it; extra backslashes are skipped. Empty at the end.
static ob::Name NextName(ob::Name& Rest)
{
    usize At = 0;
    while (At < Rest.Length && Rest.Data[At] == L'\\')
        ++At;
    usize End = At;
    while (End < Rest.Length && Rest.Data[End] != L'\\')
        ++End;
    ob::Name Part { Rest.Data + At, End - At };
    while (End < Rest.Length && Rest.Data[End] == L'\\')
        ++End;
    Rest = Rest.From(End);
    return Part;
}

// The name a link at N, with Rest still to go, stands for.
static Result<ob::String> FollowLink(const Node& N, ob::Name Rest)
{
    const Value* Target = N.LinkTarget();
    ob::String S;
    if (!Target || Target->Data.Size() < sizeof(wchar_t) || Target->Data.Size() + Rest.Length * sizeof(wchar_t) > 65000)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    usize Length = Target->Data.Size() / sizeof(wchar_t);
    TRY(S.Characters().Resize(Length));
    memcpy(S.Characters().Data(), Target->Data.Data(), Length * sizeof(wchar_t));
    while (Length && S.Characters().Last() == 0) {
        S.Characters().Pop();
        --Length;
    }
    if (!Length || S.View().Data[0] != L'\\')
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Rest.Length) {
        TRY(S.Append(L"\\"));
        TRY(S.Append(Rest));
    }
    return S;
}

// The rights a caller gets on something with this descriptor. Which view of the registry he wants means nothing; a key is not waited for.
static Result<ACCESS_MASK> Check(ke::Caller& Caller, const se::SecurityDescriptor* Security, ACCESS_MASK Desired)
{
    Desired &= ~(KEY_WOW64_32KEY | KEY_WOW64_64KEY | SYNCHRONIZE);
    if (!Desired)
        return STATUS_ACCESS_DENIED;
    ACCESS_MASK Granted = TRY(se::AccessCheck(Security, Caller.Thread().EffectiveToken(), Desired, Key::Type.Mapping));
    return Granted & (Key::Type.ValidAccess | ACCESS_SYSTEM_SECURITY);
}

static bool SameBytes(std::span<const u8> A, std::span<const u8> B) { return A.size() == B.size() && memcmp(A.data(), B.data(), A.size()) == 0; }

static Result<Ref<Node>> MakeKey(ob::OpenRequest& Request, OpenKeyRequest& How, Node& Parent, ob::Name Name)
{
    ke::Caller& Caller = Request.Caller;
    if (&Parent == Root)
        return STATUS_ACCESS_DENIED;
    bool Link = How.Options & REG_OPTION_CREATE_LINK;
    TRY(Check(Caller, Parent.Security(), Link ? KEY_CREATE_SUB_KEY | KEY_CREATE_LINK : KEY_CREATE_SUB_KEY));
    se::Token& By = Caller.Thread().EffectiveToken();
    auto Descriptor = TRY(se::AssignSecurity(Request.Wanted.Security.Get(), Parent.Security(), By, Key::Type.Mapping, true));
    // Who makes a key gets what he asks for.
    ACCESS_MASK Granted = TRY(Check(Caller, nullptr, Request.Access));
    Ref<Node> New = TRY(Node::Create(Parent, Name, How.Class, How.Options & REG_OPTION_VOLATILE));
    New->IsLink = Link;
    if (!Parent.Security() || !SameBytes(Descriptor->Bytes(), Parent.Security()->Bytes()))
        New->SetFirstSecurity(std::move(Descriptor));
    How.Granted = Granted;
    How.Disposition = REG_CREATED_NEW_KEY;
    return New;
}

Result<ob::ParseResult> Key::Parse(ob::OpenRequest& Request, ob::Name Rest)
{
    if (Request.Type != &Type || !Request.Extra)
        return Object::Parse(Request, Rest);
    OpenKeyRequest& How = *static_cast<OpenKeyRequest*>(Request.Extra);
    if (Of_->IsDeleted())
        return STATUS_KEY_DELETED;
    if (Rest.Length && Rest.Data[0] == L'\\' && Request.Wanted.Root.Get() == this)
        return STATUS_OBJECT_PATH_SYNTAX_BAD;
    ob::ParseResult Out;
    bool LinkItself = (Request.Wanted.Flags & OBJ_OPENLINK) || (How.Options & (REG_OPTION_OPEN_LINK | REG_OPTION_CREATE_LINK));
    RefPtr<Node> At(Of_.Get());
    UpperName Upper;
    for (bool First = true;; First = false) {
        ob::Name Part = NextName(Rest);
        // A handle to a link opened as such is the link; everything found on the way is followed.
        if (At->IsLink && !(First && Request.Wanted.Root.Get() == this && Part.IsEmpty()) && (!Part.IsEmpty() || !LinkItself)) {
            ob::Name All { Part.Data, usize(Rest.Data + Rest.Length - Part.Data) };
            if (Request.Wanted.Flags & OBJ_DONT_REPARSE)
                return STATUS_REPARSE_POINT_ENCOUNTERED;
            Out.Reparse = TRY(FollowLink(*At, All));
            return Out;
        }
        if (Part.IsEmpty())
            break;
        if (Part.Length > MaximumName)
            return STATUS_INVALID_PARAMETER;
        TRY(Upper.Set(Part));
        Node* Next = At->Find(Upper);
        if (!Next) {
            if (!How.Create || Rest.Length)
                return STATUS_OBJECT_NAME_NOT_FOUND;
            Ref<Node> New = TRY(MakeKey(Request, How, *At, Part));
            auto Opened = ob::Make<Key>(New);
            if (!Opened.Ok()) {
                New->Delete().Ignore();         // it has no children yet
                return Opened.GetStatus();
            }
            Out.Found = RefPtr<Object>(Opened.Take());
            return Out;
        }
        At = RefPtr<Node>(Next);
    }
    if (How.Create && (How.Options & REG_OPTION_CREATE_LINK))
        return STATUS_OBJECT_NAME_COLLISION;
    How.Granted = TRY(Check(Request.Caller, At->Security(), Request.Access));
    Out.Found = RefPtr<Object>(TRY(ob::Make<Key>(Ref<Node>(*At))));
    return Out;
}

Result<Ref<Node>> OpenNode(ob::Name Path, bool Create)
{
    ob::String Again;
    for (u32 Links = 0; Links < 32; ++Links) {
        ob::Name Rest = Path;
        if (!ob::Equal(NextName(Rest), L"REGISTRY", true))
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        Ref<Node> At(*Root);
        UpperName Upper;
        for (;;) {
            if (At->IsLink) {
                Again = TRY(FollowLink(*At, Rest));
                Path = Again.View();
                break;
            }
            ob::Name Part = NextName(Rest);
            if (Part.IsEmpty())
                return At;
            TRY(Upper.Set(Part));
            if (Node* Next = At->Find(Upper))
                At = Ref<Node>(*Next);
            else if (Create)
                At = TRY(Node::Create(*At, Part, {}, At->Volatile));
            else
                return STATUS_OBJECT_NAME_NOT_FOUND;
        }
    }
    return STATUS_OBJECT_NAME_NOT_FOUND;
}

}
