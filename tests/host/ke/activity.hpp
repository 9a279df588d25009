// An activity whose end the test sees.
#pragma once
#include "ntos/ke/wait.hpp"
#include "tests/host/system/system.hpp"

namespace test {

class Activity final : public ke::Activity {
public:
    Activity() { Begin(); }
    // Whether the task ended at once; Outcome is its status then, and at Completed otherwise.
    template <typename F> bool Go(F&& Make)
    {
        Outcome = STATUS_PENDING;
        Status S;
        if (!Start(std::forward<F>(Make), S))
            return false;
        Outcome = S.Code();
        return true;
    }
    NTSTATUS Outcome = STATUS_PENDING;
    u32 Completions = 0;

private:
    void Completed(Status S) override
    {
        Outcome = S.Code();
        ++Completions;
    }
};

// Writes a letter when it goes.
struct Mark {
    std::string& To;
    char Letter;
    ~Mark() { To += Letter; }
};

}
