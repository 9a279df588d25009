// Directories and symbolic links of the object namespace.
#include "ntos/ob/ob.hpp"

namespace ob {

constinit const TypeInfo Directory::Type {
    .Name = L"Directory",
    .ValidAccess = DIRECTORY_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | DIRECTORY_TRAVERSE | DIRECTORY_QUERY,
                 STANDARD_RIGHTS_WRITE | DIRECTORY_CREATE_SUBDIRECTORY | DIRECTORY_CREATE_OBJECT,
                 STANDARD_RIGHTS_EXECUTE | DIRECTORY_TRAVERSE | DIRECTORY_QUERY, DIRECTORY_ALL_ACCESS },
};

constinit const TypeInfo SymbolicLink::Type {
    .Name = L"SymbolicLink",
    .ValidAccess = SYMBOLIC_LINK_ALL_ACCESS,
    .Mapping = { STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE | SYMBOLIC_LINK_QUERY,
                 SYMBOLIC_LINK_ALL_ACCESS },
};

Directory::~Directory()
{
    ASSERT(Count_ == 0);
}

u32 Directory::Hash(Name Entry)
{
    u32 H = 0;
    for (usize I = 0; I < Entry.Length; ++I)
        H = H * 31 + u16(UpCase(Entry.Data[I]));
    return H % Buckets;
}

RefPtr<Object> Directory::Find(Name Entry, bool IgnoreCase)
{
    for (Object& O : Hash_[Hash(Entry)])
        if (Equal(O.Name_.View(), Entry, IgnoreCase))
            return RefPtr<Object>(&O);
    return nullptr;
}

Status Directory::Add(Object& Entry, Name EntryName)
{
    ASSERT(!Entry.Parent_);
    if (Find(EntryName, false))
        return STATUS_OBJECT_NAME_COLLISION;
    Entry.Name_ = TRY(String::Copy(EntryName));
    Hash_[Hash(EntryName)].PushFront(Entry);      // of names that differ in case only, the newest is found first
    Entry.Parent_ = this;
    Entry.AddRef();
    AddRef();
    ++Count_;
    return STATUS_SUCCESS;
}

void Directory::Remove(Object& Entry)
{
    ASSERT(Entry.Parent_ == this);
    Entry.NameLink_.Unlink();
    Entry.Parent_ = nullptr;
    Entry.Name_ = String();
    --Count_;
    Entry.Release();
    Release();
}

Object* Directory::At(usize Index)
{
    for (auto& Bucket : Hash_)
        for (Object& O : Bucket)
            if (Index-- == 0)
                return &O;
    return nullptr;
}

Object* Directory::Next(Object& After)
{
    u32 B = Hash(After.Name_.View());
    if (Object* O = Hash_[B].Next(After))
        return O;
    while (++B < Buckets)
        if (Object* O = Hash_[B].First())
            return O;
    return nullptr;
}

}
