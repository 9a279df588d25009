// What the test driver wdmtest.sys is asked, shared with the programs that ask.
#pragma once

namespace wdmtest {

// CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800 + n, method, access)
constexpr unsigned Code(unsigned Number, unsigned Method, unsigned Access = 0) { return 0x22u << 16 | Access << 14 | (0x800 + Number) << 2 | Method; }
constexpr unsigned Nothing = Code(0, 0), Reverse = Code(1, 0), ReverseOut = Code(2, 2), SumIn = Code(3, 1), Neither = Code(4, 3), Pend = Code(5, 0), ReleasePended = Code(6, 0),
                   Sleep = Code(7, 0), Crash = Code(8, 0), CompleteTwice = Code(9, 0), Counters = Code(10, 0), RaiseAndReturn = Code(11, 0), Timer = Code(12, 0),
                   WorkItem = Code(13, 0), Seh = Code(14, 0), Synchronous = Code(15, 0), SetEvent = Code(16, 0), Lists = Code(17, 0), Thread = Code(18, 0), Overrun = Code(19, 0),
                   NeedsWrite = Code(20, 0, 2), PendQueued = Code(21, 0), Irql = Code(22, 0), Registry = Code(23, 0), File = Code(24, 0), Spin = Code(25, 0), Remote = Code(26, 0),
                   // faults
                   FreeSent = Code(27, 0), FreeForeign = Code(28, 0), RemoveLock = Code(29, 0), RemoveTwice = Code(30, 0), ReleaseLow = Code(31, 0), LowerHeld = Code(32, 0),
                   LeaveTimer = Code(33, 0), LeaveWork = Code(34, 0), LeaveThread = Code(35, 0);
// edu.sys
constexpr unsigned EduLive = Code(40, 0), EduFactorial = Code(41, 0), EduDma = Code(42, 0), EduForeign = Code(43, 0), EduMessages = Code(44, 0), EduDie = Code(45, 0);

struct CounterValues {
    unsigned Creates, Cleanups, Closes, Reads, Writes, Cancelled, Pending, Threads;
};

}
