// Private to ex: the mutant object.
#pragma once
#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

namespace ex {

// Count 1: free. 0 and below: owned, 1 - Count times. The owner's end frees it, marked as abandoned for the next owner.
class Mutant final : public ob::Object, public ke::Waitable, public ps::ThreadRundown {
public:
    static const ob::TypeInfo Type;
    Mutant() : Object(Type) { }
    ke::Waitable* AsWaitable() override { return this; }
    bool IsSignaled(const ke::Caller* By) const override;       // the Executive itself owns none
    NTSTATUS Satisfy(ke::Caller* By) override;
    // STATUS_MUTANT_NOT_OWNED. Previous: the count before.
    Status Release(ke::Caller& By, LONG& Previous);
    LONG Count() const { return Count_; }
    ke::Caller* Owner() const { return Owner_; }
    bool IsAbandoned() const { return Abandoned_; }
    using Object::Release;

private:
    void ThreadEnds(ps::Thread& T) override;
    LONG Count_ = 1;
    bool Abandoned_ = false;
    ke::Caller* Owner_ = nullptr;       // valid while the rundown is linked
};

}
