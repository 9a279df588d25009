// Physically contiguous memory for devices, and the runs that have been given back.
#include "lib/core/vector.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"
#include "ntos/mm/store.hpp"

namespace mm {

using namespace nt;

namespace {

struct Run {
    Pfn First;
    u32 Pages;
};
constinit Vector<Run> Runs;             // with the reference of whoever gave them back
constinit u32 Kept = 0;                 // pages in Runs
constexpr u32 MostKept = 1024;

// The smallest that is large enough and that nobody else refers to any more; NoPfn.
Pfn TakeOld(u32 Pages)
{
    usize Best = Runs.Size();
    for (usize I = 0; I < Runs.Size(); ++I) {
        if (Runs[I].Pages < Pages || (Best < Runs.Size() && Runs[I].Pages >= Runs[Best].Pages))
            continue;
        bool Alone = true;
        for (u32 P = 0; P < Pages; ++P)
            Alone &= EntryOf(Runs[I].First + P).References == 1;
        if (Alone)
            Best = I;
    }
    if (Best == Runs.Size())
        return NoPfn;
    Pfn First = Runs[Best].First;
    Runs[Best].First += Pages;
    Runs[Best].Pages -= Pages;
    Kept -= Pages;
    if (!Runs[Best].Pages)
        Runs.RemoveAt(Best);
    return First;
}

}

Result<u8*> AllocateContiguous(usize Bytes)
{
    u32 Pages = u32((Bytes + PageMask) >> PageShift);
    if (Pages == 0 || Pages > 512)
        return STATUS_INVALID_PARAMETER;
    Pfn First = TakeOld(Pages);
    if (First == NoPfn) {
        Result<Pfn> New = TakeRun(Pages);
        if (!New.Ok() && ReclaimPages(16 * u64(Pages)))
            New = TakeRun(Pages);
        First = TRY(New);
    }
    for (u32 P = 0; P < Pages; ++P)
        ZeroPage(PageAddress(First + P));
    return PageAddress(First);
}

void FreeContiguous(Pfn First, u32 Pages)
{
    if (Kept + Pages > MostKept) {
        for (u32 P = 0; P < Pages; ++P)
            ReleaseFrame(First + P);
        return;
    }
    Kept += Pages;
    for (usize I = 0; I < Runs.Size();) {
        // With what lies before or behind it is one again.
        if (Runs[I].First + Runs[I].Pages == First)
            First = Runs[I].First;
        else if (First + Pages != Runs[I].First) {
            ++I;
            continue;
        }
        Pages += Runs[I].Pages;
        Runs.RemoveAt(I);
        I = 0;
    }
    if (Runs.Push(Run { First, Pages }).Ok())
        return;
    Kept -= Pages;
    for (u32 P = 0; P < Pages; ++P)
        ReleaseFrame(First + P);
}

}
