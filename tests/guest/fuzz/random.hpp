// The random numbers of a fuzz run. Each call's begin anew from seed, run, thread and number, so that what a call draws depends on nothing
// that happened before: the same seed makes the same calls.
#pragma once
#include "lib/core/types.hpp"

namespace fuzz {

class Random {
public:
    explicit Random(u64 Seed) : State_(Seed) { }
    u64 Next()
    {
        State_ += 0x9E3779B97F4A7C15;
        u64 Z = State_;
        Z = (Z ^ Z >> 30) * 0xBF58476D1CE4E5B9;
        Z = (Z ^ Z >> 27) * 0x94D049BB133111EB;
        return Z ^ Z >> 31;
    }
    u32 Below(u32 Limit) { return u32((Next() >> 32) * Limit >> 32); }
    bool Percent(u32 P) { return Below(100) < P; }
    template <typename T, usize N> T Of(const T (&List)[N]) { return List[Below(N)]; }

private:
    u64 State_;
};

inline u64 Mix(u64 A, u64 B) { return Random(A ^ B * 0xD6E8FEB86659FD93).Next(); }

}
