// The threads of a process.
#pragma once
#include "ntos/ps/thread.hpp"

namespace ps {

struct Process::ThreadList {
    core::List<Thread, &Thread::ProcessLink_> All;
};

}
