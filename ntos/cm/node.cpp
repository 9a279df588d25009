#include "ntos/cm/node.hpp"

#include <string.h>

#include "ntos/cm/notify.hpp"
#include "ntos/ke/time.hpp"

namespace cm {

// --- names

Status UpperName::Set(ob::Name From)
{
    wchar_t* To = Inline_;
    if (From.Length > Few) {
        TRY(Many_.Resize(From.Length));
        To = Many_.Data();
    }
    u32 Hash = 0;
    for (usize I = 0; I < From.Length; ++I) {
        wchar_t C = From.Data[I];
        if (C >= 0x80) [[unlikely]]
            C = ob::UpCase(C);
        else if (C >= L'a' && C <= L'z')
            C -= 0x20;
        To[I] = C;
        Hash = Hash * 37 + u16(C);
    }
    Data_ = To;
    Length_ = From.Length;
    Hash_ = Hash;
    return STATUS_SUCCESS;
}

// A name as a node keeps it.
static Result<Vector<wchar_t>> TextOf(ob::Name Name)
{
    Vector<wchar_t> Text;
    UpperName Upper;
    TRY(Upper.Set(Name));
    TRY(Text.Resize(Name.Length * 2));
    memcpy(Text.Data(), Name.Data, Name.Length * sizeof(wchar_t));
    memcpy(Text.Data() + Name.Length, Upper.View().Data, Name.Length * sizeof(wchar_t));
    return Text;
}

Result<ob::String> Node::Path() const
{
    usize Length = 0;
    for (const Node* N = this; N; N = N->Parent_)
        Length += 1 + N->Name().Length;
    ob::String S;
    TRY(S.Characters().Resize(Length));
    wchar_t* End = S.Characters().Data() + Length;
    for (const Node* N = this; N; N = N->Parent_) {
        End -= N->Name().Length;
        memcpy(End, N->Name().Data, N->Name().Length * sizeof(wchar_t));
        *--End = L'\\';
    }
    return S;
}

// --- life

bool Node::Seeding;

Node::Node() : LastWrite(ke::SystemTime()), Seeded(Seeding) { }

Node::~Node()
{
    ASSERT(Children_.IsEmpty());
    for (Slot& S : Values_)
        delete S.V;
}

Result<Ref<Node>> Node::Make(ob::Name Name)
{
    Node* N = new Node;
    if (!N)
        return STATUS_INSUFFICIENT_RESOURCES;
    Ref<Node> R = Ref<Node>::Adopt(*N);
    R->Text_ = TRY(TextOf(Name));
    return R;
}

Result<Ref<Node>> Node::CreateRoot(ob::Name Name) { return Make(Name); }

Result<Ref<Node>> Node::Create(Node& Parent, ob::Name Name, ob::Name Class, bool Volatile)
{
    if (Name.Length == 0 || Name.Length > MaximumName || Parent.Depth_ + 1 > MaximumDepth)
        return STATUS_INVALID_PARAMETER;
    if (Parent.Deleted_)
        return STATUS_KEY_DELETED;
    if (Parent.Volatile && !Volatile)
        return STATUS_CHILD_MUST_BE_VOLATILE;
    Ref<Node> N = TRY(Make(Name));
    N->Class = TRY(ob::String::Copy(Class));
    N->Volatile = Volatile;
    N->Depth_ = Parent.Depth_ + 1;
    N->Keeper = Parent.Keeper;
    TRY(Parent.Insert(*N));
    N->Parent_ = &Parent;
    Parent.Changed(REG_NOTIFY_CHANGE_NAME);
    return N;
}

// --- subkeys

usize Node::Place(ob::Name Upper, bool& Found) const
{
    usize Low = 0, High = Children_.Size();
    while (Low < High) {
        usize Middle = (Low + High) / 2;
        ob::Name Other = Children_[Middle]->Upper();
        usize Shorter = Other.Length < Upper.Length ? Other.Length : Upper.Length, I = 0;
        while (I < Shorter && Other.Data[I] == Upper.Data[I])
            ++I;
        if (I == Other.Length && I == Upper.Length) {
            Found = true;
            return Middle;
        }
        bool Less = I == Other.Length || (I < Upper.Length && u16(Other.Data[I]) < u16(Upper.Data[I]));
        if (Less)
            Low = Middle + 1;
        else
            High = Middle;
    }
    Found = false;
    return Low;
}

Node* Node::Find(const UpperName& Name) const
{
    bool Found;
    usize At = Place(Name.View(), Found);
    return Found ? Children_[At] : nullptr;
}

Status Node::Insert(Node& Child)
{
    bool Found;
    usize At = Place(Child.Upper(), Found);
    if (Found)
        return STATUS_OBJECT_NAME_COLLISION;
    TRY(Children_.Push(nullptr));
    for (usize I = Children_.Size() - 1; I > At; --I)
        Children_[I] = Children_[I - 1];
    Children_[At] = &Child;
    Child.AddRef();
    return STATUS_SUCCESS;
}

void Node::Unlink(Node& Child)
{
    bool Found;
    usize At = Place(Child.Upper(), Found);
    ASSERT(Found && Children_[At] == &Child);
    Children_.RemoveAt(At);
    Child.Release();
}

Status Node::Delete()
{
    if (Deleted_)
        return STATUS_KEY_DELETED;
    if (Fixed || !Children_.IsEmpty())
        return STATUS_CANNOT_DELETE;
    Ref<Node> Keep(*this);
    Deleted_ = true;
    Watch::Gone(*this);
    Node* Above = std::exchange(Parent_, nullptr);
    Above->Unlink(*this);
    Above->Changed(REG_NOTIFY_CHANGE_NAME);
    Keeper = nullptr;
    for (Slot& S : Values_)
        delete S.V;
    Values_.Clear();
    return STATUS_SUCCESS;
}

Status Node::Rename(ob::Name Name)
{
    if (Deleted_)
        return STATUS_KEY_DELETED;
    if (Fixed)
        return STATUS_ACCESS_DENIED;
    if (Name.Length == 0 || Name.Length > MaximumName)
        return STATUS_INVALID_PARAMETER;
    UpperName Upper;
    TRY(Upper.Set(Name));
    Node* Same = Parent_->Find(Upper);
    if (Same && Same != this)
        return STATUS_CANNOT_DELETE;
    Ref<Node> Keep(*this);
    Vector<wchar_t> Text = TRY(TextOf(Name));
    Parent_->Unlink(*this);
    Text_ = std::move(Text);
    MUST(Parent_->Insert(*this));       // there is room for it: it has just been taken out
    if (Keeper)
        Keeper->Changed(*this);
    Parent_->Changed(REG_NOTIFY_CHANGE_NAME);
    return STATUS_SUCCESS;
}

// --- values

usize Node::ValueIndex(const UpperName& Name) const
{
    ob::Name Wanted = Name.View();
    for (usize I = 0; I < Values_.Size(); ++I) {
        if (Values_[I].Hash != Name.Hash())
            continue;
        ob::Name Has = Values_[I].V->Name.View();
        if (Has.Length == Wanted.Length && ob::Equal(Has, Wanted, true))
            return I;
    }
    return Values_.Size();
}

const Value* Node::FindValue(const UpperName& Name) const
{
    usize At = ValueIndex(Name);
    return At < Values_.Size() ? Values_[At].V : nullptr;
}

const Value* Node::FindValue(ob::Name Name) const
{
    UpperName Upper;
    return Upper.Set(Name).Ok() ? FindValue(Upper) : nullptr;
}

u32 Node::Number(ob::Name Name, u32 Otherwise) const
{
    const Value* V = FindValue(Name);
    u32 N;
    if (!V || V->Type != REG_DWORD || V->Data.Size() != sizeof(N))
        return Otherwise;
    memcpy(&N, V->Data.Data(), sizeof(N));
    return N;
}

const Value* Node::LinkTarget() const
{
    if (!IsLink)
        return nullptr;
    UpperName Name;
    MUST(Name.Set(L"SymbolicLinkValue"));       // short enough to need no memory
    const Value* V = FindValue(Name);
    return V && V->Type == REG_LINK ? V : nullptr;
}

Status Node::SetValue(ob::Name Name, u32 Type, const void* From, usize Bytes)
{
    UpperName Upper;
    Vector<u8> Data;
    TRY(Upper.Set(Name));
    TRY(Data.Resize(Bytes));
    memcpy(Data.Data(), From, Bytes);
    return SetValue(Name, Upper, Type, std::move(Data));
}

Status Node::SetValue(ob::Name Name, const UpperName& Upper, u32 Type, Vector<u8>&& Data)
{
    if (Deleted_)
        return STATUS_KEY_DELETED;
    usize At = ValueIndex(Upper);
    if (At < Values_.Size()) {
        Values_[At].V->Type = Type;
        Values_[At].V->Data = std::move(Data);
        Values_[At].V->Cell = NoCell;
        Values_[At].V->Seeded = Seeding;
    } else {
        Own<Value> New(new Value);
        if (!New)
            return STATUS_INSUFFICIENT_RESOURCES;
        New->Name = TRY(ob::String::Copy(Name));
        New->Type = Type;
        New->Data = std::move(Data);
        New->Seeded = Seeding;
        TRY(Values_.Push(Slot { Upper.Hash(), New.Get() }));
        New.Leak();
    }
    Changed(REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

Status Node::DeleteValue(const UpperName& Name)
{
    if (Deleted_)
        return STATUS_KEY_DELETED;
    usize At = ValueIndex(Name);
    if (At == Values_.Size())
        return STATUS_OBJECT_NAME_NOT_FOUND;
    delete Values_[At].V;
    Values_.RemoveAt(At);
    Changed(REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

// --- security

const se::SecurityDescriptor* Node::Security() const
{
    for (const Node* N = this; N; N = N->Parent_)
        if (N->Security_)
            return N->Security_.Get();
    return nullptr;
}

Status Node::SetSecurity(Own<se::SecurityDescriptor> New)
{
    if (Deleted_)
        return STATUS_KEY_DELETED;
    // Children that share what this node had keep it.
    if (const se::SecurityDescriptor* Old = Security()) {
        Vector<Own<se::SecurityDescriptor>> Copies;
        TRY(Copies.Resize(Children_.Size()));
        for (usize I = 0; I < Children_.Size(); ++I)
            if (!Children_[I]->Security_)
                Copies[I] = TRY(Old->Clone());
        for (usize I = 0; I < Children_.Size(); ++I)
            if (Copies[I])
                Children_[I]->Security_ = std::move(Copies[I]);
    }
    Security_ = std::move(New);
    Changed(REG_NOTIFY_CHANGE_SECURITY);
    return STATUS_SUCCESS;
}

void Node::Changed(u32 What)
{
    LastWrite = ke::SystemTime();
    if (Keeper)
        Keeper->Changed(*this);
    Watch::Tell(*this, What);
}

}
