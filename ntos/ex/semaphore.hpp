// Private to ex: the semaphore object.
#pragma once
#include "ntos/ex/ex.hpp"

namespace ex {

class Semaphore final : public ob::Object, public ke::Waitable {
public:
    static const ob::TypeInfo Type;
    Semaphore(LONG Count, LONG Limit) : Object(Type), Count_(Count), Limit_(Limit) { }
    ke::Waitable* AsWaitable() override { return this; }
    bool IsSignaled(const ke::Caller*) const override { return Count_ > 0; }
    NTSTATUS Satisfy(ke::Caller*) override
    {
        --Count_;
        return STATUS_SUCCESS;
    }
    // By > 0. STATUS_SEMAPHORE_LIMIT_EXCEEDED.
    Status Raise(LONG By, LONG& Previous)
    {
        if (By > Limit_ - Count_)
            return STATUS_SEMAPHORE_LIMIT_EXCEEDED;
        Previous = Count_;
        Count_ += By;
        Wake();
        return STATUS_SUCCESS;
    }
    LONG Count() const { return Count_; }
    LONG Limit() const { return Limit_; }

private:
    LONG Count_, Limit_;
};

}
