// The capability space: slots, derivation, objects from untyped memory.
#include <fcntl.h>

#include "kernel/fake/machine.hpp"

namespace fake {

// --- capabilities

Slot& SlotAt(CPtr At)
{
    if (At >= kernel::SlotLimit())
        Die("a capability beyond SlotLimit(): the real kernel would stop the Executive");
    return M->Nodes[At >> NodeBits]->Slots[At & (NodeSlots - 1)];
}

Slot* OperandAt(CPtr At) { return At < kernel::SlotLimit() ? &SlotAt(At) : nullptr; }

Capability* Invoked(CPtr At, Kind K, Error& E)
{
    Slot S = SlotAt(At);
    if (S && S->K == Kind::Notification) {
        Post(*static_cast<Notification*>(S->Target), S->Badge);
        E = Error::None;                // any invocation of one is a signal
        return nullptr;
    }
    if (S && (S->K == Kind::Endpoint || S->K == Kind::Reply))
        Die("an invocation of an endpoint or a reply is a message");
    E = !S ? Error::InvalidCapability : S->K != K ? Error::IllegalOperation : Error::None;
    return E == Error::None ? S : nullptr;
}

Capability* Put(Slot& Where, Object* Target, Capability* Parent, bool Revocable)
{
    if (Where)
        Die("a slot is not empty");
    Capability* C = new Capability;
    C->Target = Target;
    C->K = Target->K;
    C->Revocable = Revocable;
    C->Home = &Where;
    C->Parent = Parent;
    if (Parent)
        Parent->Children.insert(C);
    ++Target->Capabilities;
    Where = C;
    return C;
}

// The object's last capability goes.
static void End(Object& O)
{
    switch (O.K) {
    case Kind::Pml4:
        EndPml4(static_cast<Pml4&>(O));
        break;
    case Kind::AsidPool:
        for (Pml4* P : static_cast<AsidPool&>(O).Spaces)
            if (P)
                EndPml4(*P);
        M->Pools.erase(static_cast<AsidPool&>(O).FirstAsid >> 9);
        break;
    case Kind::CNode:
        for (Slot& S : static_cast<CNode&>(O).Slots)
            if (S)
                Remove(S);
        break;
    case Kind::Tcb: {
        Tcb& T = static_cast<Tcb&>(O);
        CancelThread(T);
        for (Slot* S : { &T.CSpace, &T.VSpace, &T.Buffer })
            if (*S)
                Remove(*S);
        if (T.Bound)
            T.Bound->Bound = nullptr;
        break;
    }
    case Kind::Endpoint:
        while (!static_cast<Endpoint&>(O).Senders.empty()) {
            Tcb& T = *static_cast<Endpoint&>(O).Senders.front();
            CancelThread(T);
            T.State = Tcb::Running;     // it tries again, and meets no endpoint
        }
        break;
    case Kind::Notification:
        if (Tcb* T = static_cast<Notification&>(O).Bound)
            T->Bound = nullptr;
        break;
    case Kind::IrqHandler:
        if (Slot& S = static_cast<IrqHandler&>(O).Target)
            Remove(S);
        M->Irqs.erase(static_cast<IrqHandler&>(O).Vector);
        break;
    default:
        break;
    }
    if (O.K != Kind::Reply)
        delete &O;
}

static bool IsTable(Kind K) { return K == Kind::PageTable || K == Kind::PageDirectory || K == Kind::Pdpt; }

void Remove(Slot& Where)
{
    Capability* C = Where;
    Where = nullptr;
    for (Capability* Child : C->Children) {
        Child->Parent = C->Parent;
        if (C->Parent)
            C->Parent->Children.insert(Child);
    }
    if (C->Parent)
        C->Parent->Children.erase(C);
    if (C->K == Kind::Reply) {
        static_cast<Tcb*>(C->Target)->Reply_ = nullptr;
        delete C;
        return;
    }
    bool Last = --C->Target->Capabilities == 0;
    if (C->Asid && (C->K == Kind::Page || C->K == Kind::LargePage)) {
        if (Last)
            RemoveMapping(*C);
        else if (Pml4* P = SpaceOf(C->Asid))    // what it mapped stays
            if (auto At = P->Pages.find(C->Address); At != P->Pages.end() && At->second.By == C)
                At->second.By = nullptr;
    }
    if (Last && C->Asid && IsTable(C->K))
        RemoveMapping(*C);
    if (Last)
        End(*C->Target);
    delete C;
}

Error Derive(Capability* From, u8 Rights, bool WithBadge, u64 Badge, Slot& To)
{
    bool Revocable = false;
    u64 NewBadge = From->Badge;
    switch (From->K) {
    case Kind::Untyped:
        if (!From->Children.empty())
            return Error::RevokeFirst;
        Revocable = true;
        break;
    case Kind::Endpoint:
    case Kind::Notification:
        if (WithBadge) {
            if (From->Badge)
                return Error::IllegalOperation;
            NewBadge = From->K == Kind::Endpoint ? Badge & 0xFFF'FFFF : Badge;
        }
        Revocable = NewBadge != From->Badge;
        break;
    case Kind::PageTable:
    case Kind::PageDirectory:
    case Kind::Pdpt:
        if (!From->Asid)
            return Error::IllegalOperation;
        break;
    case Kind::Pml4:
        if (!static_cast<Pml4*>(From->Target)->Asid)
            return Error::IllegalOperation;
        break;
    case Kind::Reply:
    case Kind::IrqControl:
        return Error::IllegalOperation;
    default:
        break;
    }
    Capability* C = Put(To, From->Target, From->Revocable ? From : From->Parent, Revocable);
    C->Rights = From->Rights & Rights;
    C->Badge = NewBadge;
    if (IsTable(From->K)) {
        C->Asid = From->Asid;
        C->Address = From->Address;
    }
    if (From->K == Kind::Untyped) {
        C->Free = From->Free;
        From->Free = u64(1) << From->Target->Bits;
    }
    return Error::None;
}

u64 CapabilityCount()
{
    u64 Count = 0;
    for (CNode* Node : M->Nodes)
        for (Slot S : Node->Slots)
            Count += S != nullptr;
    return Count;
}

bool IsEmpty(CPtr At) { return !SlotAt(At); }
u64 BadgeOf(CPtr At) { return SlotAt(At) ? SlotAt(At)->Badge : 0; }

// --- objects

static Kind KindOf(kernel::ObjectType Type)
{
    using enum kernel::ObjectType;
    switch (Type) {
    case Untyped: return Kind::Untyped;
    case Tcb: return Kind::Tcb;
    case Endpoint: return Kind::Endpoint;
    case Notification: return Kind::Notification;
    case CNode: return Kind::CNode;
    case Page: return Kind::Page;
    case LargePage: return Kind::LargePage;
    case PageTable: return Kind::PageTable;
    case PageDirectory: return Kind::PageDirectory;
    case Pdpt: return Kind::Pdpt;
    case Pml4: return Kind::Pml4;
    }
    return Kind::Other;
}

static Object* MakeObject(Kind K, u32 SizeBits)
{
    switch (K) {
    case Kind::Tcb: return new Tcb;
    case Kind::Endpoint: return new Endpoint;
    case Kind::Notification: return new Notification;
    case Kind::CNode: return new CNode(SizeBits);
    case Kind::Pml4: return new Pml4;
    default: return new Object(K);
    }
}

// Where the next objects of an untyped go; checks all but the slots.
static Error Place(Capability& U, Kind K, u32 SizeBits, u32 Count, u32& Bits, u64& At)
{
    if (SizeBits > 47)
        return Error::RangeError;
    if ((K == Kind::CNode && SizeBits == 0) || (K == Kind::Untyped && SizeBits < 4))
        return Error::InvalidArgument;
    Bits = K == Kind::Untyped ? SizeBits : K == Kind::CNode ? SizeBits + kernel::CNodeSlotBits : 0;
    if (!Bits)
        Bits = K == Kind::Endpoint ? 4 : K == Kind::Notification ? 5 : K == Kind::LargePage ? 21 : 12;
    u64 Used = U.Children.empty() ? 0 : U.Free, Left = (u64(1) << U.Target->Bits) - Used;
    if ((Left >> Bits) < Count)
        return Error::NotEnoughMemory;
    if (U.Target->IsDevice && K != Kind::Page && K != Kind::LargePage && K != Kind::Untyped)
        return Error::InvalidArgument;
    At = AlignUp(U.Target->Physical + Used, u64(1) << Bits);
    return Error::None;
}

// Memory is cleared when an untyped begins anew: what was used of it, no byte more (untypeds smaller than a page have neighbours in theirs).
static void BeginAnew(Capability& U)
{
    if (!U.Children.empty() || !U.Free)
        return;
    if (!U.Target->IsDevice)
        fallocate(M->File, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off_t(U.Target->Physical), off_t(U.Free));
    U.Free = 0;
}

static Object* Carve(Capability& U, Kind K, u32 SizeBits, u32 Bits, u64 At)
{
    Object* O = MakeObject(K, SizeBits);
    O->Physical = At;
    O->Bits = Bits;
    O->IsDevice = U.Target->IsDevice;
    U.Free = At + (u64(1) << Bits) - U.Target->Physical;
    return O;
}

}

namespace kernel {
using namespace fake;

u32 ObjectBits(ObjectType Type)
{
    switch (Type) {
    case ObjectType::Untyped: return 0;
    case ObjectType::Endpoint: return 4;
    case ObjectType::Notification: return 5;
    case ObjectType::CNode: return CNodeSlotBits;
    case ObjectType::LargePage: return 21;
    default: return 12;
    }
}

CPtr SlotLimit() { return CPtr(M->Nodes.size()) << NodeBits; }

Error AddSlots(CPtr Untyped)
{
    Error E;
    if (M->Nodes.size() == 1u << RootBits)
        return Error::RangeError;
    Capability* U = Invoked(Untyped, Kind::Untyped, E);
    if (!U || Fails(Operation::AddSlots, E))
        return E;
    u32 Bits;
    u64 At;
    if (E = Place(*U, Kind::CNode, NodeBits, 1, Bits, At); Failed(E))
        return E;
    BeginAnew(*U);
    CNode* Node = static_cast<CNode*>(Carve(*U, Kind::CNode, NodeBits, Bits, At));
    M->Kept.push_back(nullptr);
    Put(M->Kept.back(), Node, U, true);
    M->Nodes.push_back(Node);
    return Error::None;
}

Error Retype(CPtr Untyped, ObjectType Type, u32 SizeBits, CPtr FirstSlot, u32 Count)
{
    Error E;
    Capability* U = Invoked(Untyped, Kind::Untyped, E);
    if (!U || Fails(Operation::Retype, E))
        return E;
    if (FirstSlot >= SlotLimit())
        return Error::FailedLookup;
    if (Count < 1 || Count > 256 || (FirstSlot & (NodeSlots - 1)) + Count > NodeSlots)
        return Error::RangeError;
    for (u32 I = 0; I < Count; ++I)
        if (SlotAt(FirstSlot + I))
            return Error::DeleteFirst;
    Kind K = KindOf(Type);
    u32 Bits;
    u64 At;
    if (E = Place(*U, K, SizeBits, Count, Bits, At); Failed(E))
        return E;
    BeginAnew(*U);
    for (u32 I = 0; I < Count; ++I)
        Put(SlotAt(FirstSlot + I), Carve(*U, K, SizeBits, Bits, At + (u64(I) << Bits)), U, true);
    return Error::None;
}

static Error Insert(Slot& To, CPtr From, Rights R, bool WithBadge, u64 Badge)
{
    Error E;
    if (Fails(Operation::Copy, E))
        return E;
    if (To)
        return Error::DeleteFirst;
    Slot* Source = OperandAt(From);
    if (!Source || !*Source)
        return Error::FailedLookup;
    return Derive(*Source, R, WithBadge, Badge, To);
}

Error Copy(CPtr To, CPtr From, Rights R)
{
    Slot* Target = OperandAt(To);
    return Target ? Insert(*Target, From, R, false, 0) : Error::FailedLookup;
}

Error Mint(CPtr To, CPtr From, Rights R, u64 Badge)
{
    Slot* Target = OperandAt(To);
    return Target ? Insert(*Target, From, R, true, Badge) : Error::FailedLookup;
}

static Slot* SlotOf(CPtr Node, u32 Bits, u64 Index, Error& E)
{
    Capability* C = Invoked(Node, Kind::CNode, E);
    if (!C)
        return nullptr;
    auto& Slots = static_cast<CNode*>(C->Target)->Slots;
    E = Error::FailedLookup;
    return Slots.size() == u64(1) << Bits && Index < Slots.size() ? &Slots[Index] : nullptr;
}

Error MintInto(CPtr Node, u32 Bits, u64 Index, CPtr From, Rights R, u64 Badge)
{
    Error E;
    Slot* Target = SlotOf(Node, Bits, Index, E);
    return Target ? Insert(*Target, From, R, true, Badge) : E;
}

Error DeleteFrom(CPtr Node, u32 Bits, u64 Index)
{
    Error E;
    Slot* Target = SlotOf(Node, Bits, Index, E);
    if (!Target)
        return E;
    if (*Target)
        Remove(*Target);
    return Error::None;
}

static void MoveTo(Slot& To, Slot& From)
{
    To = std::exchange(From, nullptr);
    To->Home = &To;
}

Error Move(CPtr To, CPtr From)
{
    Slot *Target = OperandAt(To), *Source = OperandAt(From);
    if (!Target)
        return Error::FailedLookup;
    if (*Target)
        return Error::DeleteFirst;
    if (!Source || !*Source)
        return Error::FailedLookup;
    MoveTo(*Target, *Source);
    return Error::None;
}

Error Delete(CPtr At)
{
    Slot* Target = OperandAt(At);
    if (!Target)
        return Error::FailedLookup;
    if (*Target)
        Remove(*Target);
    return Error::None;
}

Error Revoke(CPtr At)
{
    Slot* Target = OperandAt(At);
    if (!Target)
        return Error::FailedLookup;
    if (Capability* C = *Target)
        while (!C->Children.empty())
            Remove(*(*C->Children.begin())->Home);      // its children become C's
    return Error::None;
}

Error SaveCaller(CPtr At)
{
    Slot* Target = OperandAt(At);
    if (!Target)
        return Error::FailedLookup;
    if (*Target)
        return Error::DeleteFirst;
    if (M->Caller)
        MoveTo(*Target, M->Caller);
    return Error::None;
}

}
