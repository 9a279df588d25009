// The tree of devnodes itself.
#include "ntos/io/driver/fixed.hpp"
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;

Devnode::~Devnode()
{
    auto Forget = [](RefPtr<Seat>& S) {
        if (!S)
            return;
        S->Node = nullptr;
        S->GiveUp(STATUS_DEVICE_REMOVED);
    };
    driver::TakeFixedOf(this);
    for (Layer& L : Layers)
        for (auto& P : L.Places)
            Forget(P);
    Forget(Physical);
}

Devnode* NextNode(Devnode* N)
{
    if (Devnode* C = N->Children.First())
        return C;
    while (N && N->Parent) {
        if (Devnode* Next = N->Parent->Children.Next(*N))
            return Next;
        N = N->Parent;
    }
    return nullptr;
}

Devnode* FindChild(Devnode& Of, ob::Name Path)
{
    for (Devnode& C : Of.Children)
        if (ob::Equal(C.Path, Path, true))
            return &C;
    return nullptr;
}

bool IsOpen(Devnode& N)
{
    for (Seat* S = N.Physical.Get(); S; S = S->Above())
        if (DriverDevice* D = S->Now(); D && D->Opens)
            return true;
    return false;
}

Result<Devnode*> MakeNode(Devnode& Parent, ob::String Path)
{
    Devnode* N = new Devnode;
    if (!N)
        return STATUS_INSUFFICIENT_RESOURCES;
    N->Parent = &Parent;
    N->Path = std::move(Path);
    Parent.Children.PushBack(*N);
    return N;
}

}
