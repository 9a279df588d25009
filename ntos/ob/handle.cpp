// Handle tables, and the way from a handle to an object.
#include "ntos/ob/ob.hpp"
#include "ntos/ps/thread.hpp"

namespace ob {

HandleTable::~HandleTable()
{
    CloseAll();
    for (HandleEntry* Block : Blocks_)
        delete[] Block;
}

Status HandleTable::Grow()
{
    if (Room() >= MaximumHandles)
        return STATUS_INSUFFICIENT_RESOURCES;
    TRY(Blocks_.Reserve(Blocks_.Size() + 1 > 8 ? (Blocks_.Size() + 1) * 5 / 4 : 8));
    HandleEntry* Block = new (std::nothrow) HandleEntry[PerBlock];
    if (!Block)
        return STATUS_INSUFFICIENT_RESOURCES;
    u32 First = Room();
    TRY(Blocks_.Push(Block));           // there is room
    u32 Chain = FirstFree_;
    for (u32 I = PerBlock; I-- > (First ? 0u : 1u);) {
        Block[I].Access = Chain;
        Chain = First + I;
    }
    FirstFree_ = Chain;
    return STATUS_SUCCESS;
}

void HandleTable::Take(Object& Target)
{
    ++Target.Handles_;
    const TypeInfo& Type = Target.GetType();
    if (++Type.Handles > Type.PeakHandles)
        Type.PeakHandles = Type.Handles;
}

Result<HANDLE> HandleTable::Add(Ref<Object> Target, ACCESS_MASK Granted, u32 Flags)
{
    if (!FirstFree_)
        TRY(Grow());
    u32 Index = FirstFree_;
    HandleEntry& E = At(Index);
    FirstFree_ = E.Access;
    for (auto& Pair : Target->GetType().Implies)
        if (Granted & Pair.Having)
            Granted |= Pair.Also;
    Take(*Target);
    E.Target = Target.Leak();
    E.Access = Granted;
    E.Flags = Flags & (Inherit | ProtectFromClose);
    ++Count_;
    return reinterpret_cast<HANDLE>(u64(Index) * 4);
}

void HandleTable::Remove(u32 Index, bool Ending)
{
    HandleEntry& E = At(Index);
    Object* Target = E.Target;
    E.Target = nullptr;
    E.Access = FirstFree_;
    FirstFree_ = Index;
    --Count_;
    u32 Left = --Target->Handles_;
    --Target->GetType().Handles;
    u32 InProcess = Left && !Ending && Target->GetType().CountsPerProcess ? CountOf(*Target) : 0;
    Target->HandleClosed(Owner_, Left, InProcess);
    // The callback may have made handles again; a name goes with the last one.
    if (Target->Handles_ == 0 && Target->Parent_ && !Target->Permanent_)
        Target->Parent_->Remove(*Target);
    Target->Release();
}

static Object* KeptAfterClose;
static ke::Event* AfterClose;

void WaitAfterClose(Object& Keep, ke::Event& Until)
{
    (void)TakeCloseWait();
    Keep.AddRef();
    KeptAfterClose = &Keep;
    AfterClose = &Until;
}

CloseWait TakeCloseWait()
{
    if (!AfterClose) [[likely]]
        return {};
    return { RefPtr<Object>::Adopt(std::exchange(KeptAfterClose, nullptr)), std::exchange(AfterClose, nullptr) };
}

Status HandleTable::Close(HANDLE Handle)
{
    HandleEntry* E = Find(Handle);
    if (!E) [[unlikely]]
        return STATUS_INVALID_HANDLE;
    if (E->Flags & ProtectFromClose)
        return STATUS_HANDLE_NOT_CLOSABLE;
    Remove(u32(reinterpret_cast<u64>(Handle) >> 2), false);
    return STATUS_SUCCESS;
}

void HandleTable::CloseAll()
{
    for (u32 Index = 1; Index < Room() && Count_; ++Index)
        if (At(Index).Target)
            Remove(Index, true);
}

u32 HandleTable::CountOf(const Object& Target) const
{
    u32 N = 0;
    for (HandleEntry* Block : Blocks_)
        for (u32 I = 0; I < PerBlock; ++I)
            N += Block[I].Target == &Target;
    return N;
}

Status HandleTable::InheritTo(HandleTable& Child, const std::span<const HANDLE>* Only)
{
    ASSERT(Child.Count_ == 0);
    auto Wanted = [&](u32 Index) {
        if (!At(Index).Target || !(At(Index).Flags & Inherit))
            return false;
        if (!Only)
            return true;
        for (HANDLE H : *Only)
            if (reinterpret_cast<u64>(H) >> 2 == Index)
                return true;
        return false;
    };
    u32 Last = 0;
    for (u32 Index = 1; Index < Room(); ++Index)
        if (Wanted(Index))
            Last = Index;
    if (!Last)
        return STATUS_SUCCESS;
    while (Child.Room() <= Last)
        TRY(Child.Grow());
    // The free list is made anew, lowest first.
    Child.FirstFree_ = 0;
    for (u32 Index = Child.Room(); Index-- > 1;) {
        HandleEntry& To = Child.At(Index);
        if (Index <= Last && Wanted(Index)) {
            To = At(Index);
            To.Target->AddRef();
            Take(*To.Target);
            ++Child.Count_;
        } else {
            To.Access = Child.FirstFree_;
            Child.FirstFree_ = Index;
        }
    }
    return STATUS_SUCCESS;
}

HANDLE HandleTable::Next(HANDLE Previous)
{
    for (u64 Index = (reinterpret_cast<u64>(Previous) >> 2) + 1; Index < Room(); ++Index)
        if (At(u32(Index)).Target)
            return reinterpret_cast<HANDLE>(Index * 4);
    return nullptr;
}

static constexpr u64 CurrentProcess = ~u64(0), CurrentThread = ~u64(1);

// The pseudo handles give all rights: a program may do to itself what it likes.
static Object* Pseudo(ke::Caller& Caller, HANDLE Handle)
{
    switch (reinterpret_cast<u64>(Handle)) {
    case CurrentProcess: return &Caller.Process();
    case CurrentThread: return &Caller.Thread();
    default: return nullptr;
    }
}

Result<AnyReference> ReferenceAny(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    if (HandleEntry* E = Caller.Process().Handles().Find(Handle)) [[likely]] {
        if (Access & ~E->Access)
            return STATUS_ACCESS_DENIED;
        return AnyReference { Ref<Object>(*E->Target), E->Access };
    }
    Object* Self = Pseudo(Caller, Handle);
    if (!Self)
        return STATUS_INVALID_HANDLE;
    return AnyReference { Ref<Object>(*Self), Self->GetType().ValidAccess };
}

Result<AnyReference> ReferenceType(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access, const TypeInfo& Type)
{
    if (HandleEntry* E = Caller.Process().Handles().Find(Handle)) [[likely]] {
        if (&E->Target->GetType() != &Type)
            return STATUS_OBJECT_TYPE_MISMATCH;
        if (Access & ~E->Access)
            return STATUS_ACCESS_DENIED;
        return AnyReference { Ref<Object>(*E->Target), E->Access };
    }
    Object* Self = Pseudo(Caller, Handle);
    if (!Self)
        return STATUS_INVALID_HANDLE;
    if (&Self->GetType() != &Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return AnyReference { Ref<Object>(*Self), Type.ValidAccess };
}

}
