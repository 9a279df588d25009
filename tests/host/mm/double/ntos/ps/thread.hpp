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

private:
    void Completed(Status) override { }
    Ref<ps::Process> Keep_;
};

}
