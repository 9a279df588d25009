// What drivers tell the plug-and-play manager: that they run or have ended, what they have attached, that there are other children.
#include "ntos/io/pnp/devnode.hpp"

namespace io::pnp {

using namespace nt;

void DriverRuns(Driver&) { Look(); }

void DriverEnds(Driver& D, bool Again)
{
    for (Devnode* N = Root; N; N = NextNode(N)) {
        for (usize I = 0; I < N->Layers.Size(); ++I) {
            Layer& L = N->Layers[I];
            if (L.Of.Get() != &D)
                continue;
            L.Added = L.Started = false;
            if (Again)
                continue;
            // Without it there is no stack, and there are no children.
            N->Failed = true;
            for (auto& P : L.Places)
                P->GiveUp(STATUS_DEVICE_NOT_CONNECTED);
            if (N->Physical && I == 0 && N->HostsPhysical())
                N->Physical->GiveUp(STATUS_DEVICE_NOT_CONNECTED);
            for (Devnode& C : N->Children)
                if (C.Physical && (!C.Physical->Now() || C.Physical->Now()->IsGone()))
                    C.Vanished = true;
        }
    }
    Wake();
}

void RelationsChange(Seat& Physical)
{
    if (!Physical.Node)
        return;
    Physical.Node->AskRelations = true;
    Wake();
}

ke::Task<> Settle(Ref<Driver> D)
{
    auto Moves = [&] {
        for (Devnode* N = Root; N; N = NextNode(N))
            for (Layer& L : N->Layers)
                if (L.Of.Get() == D.Get() && !N->Failed && (!N->Started || !L.Started || IsUnderWay(*N)))
                    return true;
        return false;
    };
    ke::Deadline Limit { ke::InterruptTime() + Patience };
    while (D->Now() == Driver::State::Running && Moves()) {
        CO_TRY(co_await AwaitStep(Limit));
    }
    co_return STATUS_SUCCESS;
}

RefPtr<Seat> SeatFor(Driver& D, Seat& Below)
{
    if (!Adding || Adding->Layers[AddingLayer].Of.Get() != &D)
        return nullptr;
    Devnode& N = *Adding;
    // The physical device that the process has made for the devnode.
    if (AddingLayer == 0 && N.HostsPhysical() && !Below.Node && !Below.Below() && Below.Now() && &Below.Now()->In() == D.In()) {
        if (!N.Physical) {
            N.Physical = RefPtr<Seat>(&Below);
            Below.Node = &N;
        } else {
            N.Physical->Take(*Below.Now());
        }
        Relink(N);
    } else if (Below.Bottom().Node != &N) {
        return nullptr;
    }
    Layer& L = N.Layers[AddingLayer];
    for (auto& P : L.Places)
        if (!P->Now())
            return P;
    return nullptr;
}

void HasAttached(Driver& D, Seat& New)
{
    if (!Adding || Adding->Layers[AddingLayer].Of.Get() != &D || New.Bottom().Node != Adding)
        return;
    if (Adding->Layers[AddingLayer].Places.Push(RefPtr<Seat>(&New)).Ok())      // without memory its requests do not outlive the process
        New.Node = Adding;
}

}
