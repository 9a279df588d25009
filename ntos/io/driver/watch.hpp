// Services of clients in which drivers have a say: ObRegisterCallbacks and CmRegisterCallbackEx of their processes (wdm/ntoskrnl/callbacks.cpp).
//
// A driver's process tells what it watches (Control::Watch). A service of another process that is watched runs between two messages to each of them
// (Kind::Watched), in the order in which they began: before it, when access can be taken away or the service refused, and after it. What a process does itself
// it sees in its own ntoskrnl.exe. A driver that ends has no objections.
// Names and data are read from the client's memory for the message and again by the service: a client that changes them meanwhile shows one and does another.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace io::driver {

// wd::watch:: ORed; 0 ends it.
Status SetWatch(Channel& By, u32 What);

}
