#pragma once
#include "ntos/ps/process.hpp"

namespace ps {

class Thread final : public ob::Object, public ke::Caller {
public:
    static const ob::TypeInfo Type;
    explicit Thread(ps::Process& In) : Object(Type), Keep_(In) { Process_ = &In; }
    se::Token& EffectiveToken() const;
    Status TakeAlert() override { return nt::STATUS_SUCCESS; }
    bool IsTerminating() const { return false; }
    NTSTATUS Outcome = nt::STATUS_SUCCESS;      // of the last service: STATUS_PENDING while it waits

private:
    void Completed(Status S) override { Outcome = S.Code(); }
    Ref<ps::Process> Keep_;
};

}
