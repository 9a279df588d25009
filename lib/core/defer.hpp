// Roll-back: `Defer Undo = [&] { ... };` runs at scope exit unless Undo.Commit() was called.
#pragma once
#include <utility>

namespace core {

template <typename F> class Defer {
public:
    Defer(F Action) : Action_(std::move(Action)) { }
    Defer(const Defer&) = delete;
    Defer& operator=(const Defer&) = delete;
    ~Defer()
    {
        if (Armed_)
            Action_();
    }
    void Commit() { Armed_ = false; }

private:
    F Action_;
    bool Armed_ = true;
};

}

using core::Defer;
