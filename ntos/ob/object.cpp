// The life of an object, and the list of types.
#include "ntos/ob/ob.hpp"
#include "ntos/ob/detail.hpp"
#include "ntos/se/se.hpp"

namespace ob {

static constexpr u32 MaximumTypes = 96;
static const TypeInfo* Types[MaximumTypes + 1];
static u32 TypeCount;

const TypeInfo* TypeAt(u32 Index)
{
    return Index >= 1 && Index <= TypeCount ? Types[Index] : nullptr;
}

static void AddType(const TypeInfo& Type)
{
    ASSERT(TypeCount < MaximumTypes);
    Type.Index = u8(++TypeCount);
    Types[TypeCount] = &Type;
    ShowType(Type);
}

Object::Object(const TypeInfo& Type) : Type_(Type)
{
    if (!Type.Index) [[unlikely]]
        AddType(Type);
    if (++Type.Objects > Type.PeakObjects)
        Type.PeakObjects = Type.Objects;
}

Object::~Object()
{
    ASSERT(!Parent_ && Handles_ == 0);
    --Type_.Objects;
    delete Security_;
}

Result<ParseResult> Object::Parse(OpenRequest&, Name Rest)
{
    if (Rest.Data)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ParseResult R;
    R.Found = RefPtr<Object>(this);
    return R;
}

Result<String> Object::QueryName()
{
    // The length first, then the parts from the end.
    if (this == static_cast<Object*>(Root))
        return String::Copy(L"\\");
    usize Length = 0;
    for (Object* At = this; At->Parent_; At = At->Parent_)
        Length += 1 + At->Name_.View().Length;
    String S;
    if (!Length)
        return S;
    TRY(S.Characters().Resize(Length));
    wchar_t* End = S.Characters().Data() + Length;
    for (Object* At = this; At->Parent_; At = At->Parent_) {
        Name Part = At->Name_.View();
        End -= Part.Length;
        __builtin_memcpy(End, Part.Data, Part.Length * sizeof(wchar_t));
        *--End = L'\\';
    }
    return S;
}

ke::Task<> Object::AskName(ke::Caller&, String& To)
{
    auto Name = QueryName();
    if (!Name.Ok())
        return ke::Task<>(Name.GetStatus());
    To = Name.Take();
    return ke::Task<>(Status(STATUS_SUCCESS));
}

void Object::SetSecurity(Own<se::SecurityDescriptor> Descriptor)
{
    delete Security_;
    Security_ = Descriptor.Leak();
}

void MakePermanent(Object& Target, bool Permanent)
{
    Target.Permanent_ = Permanent;
    if (!Permanent && Target.Handles_ == 0 && Target.Parent_)
        Target.Parent_->Remove(Target);
}

}
