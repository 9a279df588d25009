// The host link: byte streams between the machine's user and its host, over a virtio console with named ports
// (VIRTIO 1.0 section 5.3, legacy transport). The Executive's own transport, as a debug port is; the devices in
// \Device\HostLink are made of it by io.
#pragma once
#include "lib/core/result.hpp"

namespace hal {

enum class HostPort : u32 { Stdin, Stdout, Stderr, Control };       // the ports neptune.stdin, .stdout, .stderr, .control
inline constexpr u32 HostPorts = 4;

// Finds the device and its ports. STATUS_NO_SUCH_DEVICE if there is none.
Status InitializeHostLink();
// Bytes taken for sending, in order; fewer than Bytes (down to 0) when the host does not keep up: OnHostPort is called when there is room again.
usize HostWrite(HostPort Port, const void* From, usize Bytes);
// All that was written has been taken by the host.
bool HostWriteDone(HostPort Port);
// Bytes received (up to Bytes); 0 if there is nothing now.
usize HostRead(HostPort Port, void* To, usize Bytes);
usize HostReadable(HostPort Port);
// The host has closed its end: what is left can be read, then the port is at its end.
bool HostHasEnded(HostPort Port);
// Sending without a copy: an idle buffer of a page (null if none is), to be filled and given to HostSend (0 bytes: back).
u8* HostBuffer(HostPort Port);
void HostSend(HostPort Port, u8* Buffer, usize Bytes);
usize HostRoom(HostPort Port);          // bytes that can be sent now
// Called (on the dispatcher thread) when a port has input, room for output, or was closed.
extern void (*OnHostPort)(HostPort Port);
// A line for the control port, waiting until it is out: for a system that stops.
void ControlLine(const char* Line);
// Waits until everything written is out, or about a second.
void DrainHostLink();

}
