// Legacy virtio over PCI (VIRTIO 1.0, sections 2.4 and 4.1, "legacy interface"): a split ring in contiguous memory.
#pragma once
#include "lib/core/result.hpp"

namespace hal {

struct VirtioDevice {
    u16 Port = 0;                       // I/O ports of BAR 0
    u32 Device = 0;                     // PCI device number on bus 0
    u8 InterruptPin = 0, InterruptLine = 0;
};
// The first transitional device with this PCI device id (0x1003: console). STATUS_NO_SUCH_DEVICE.
Result<VirtioDevice> FindVirtio(u16 DeviceId);

class VirtQueue {
public:
    // Sets up queue Index of D. STATUS_NOT_FOUND if the device has no such queue.
    Status Initialize(const VirtioDevice& D, u16 Index);
    bool IsReady() const { return Size_ != 0; }
    u16 Size() const { return Size_; }
    u16 Free() const { return FreeCount_; }
    // Gives one buffer to the device; Token comes back from Take. False: no descriptor is free.
    bool Add(u64 Physical, u32 Bytes, bool DeviceWrites, u16 Token);
    void Notify();
    // A buffer the device is done with.
    bool Take(u16& Token, u32& Bytes);
    bool IsEmpty() const { return FreeCount_ == Size_; }

private:
    struct Descriptor {
        u64 Address;
        u32 Length;
        u16 Flags, Next;
    };
    struct Used {
        u32 Id, Length;
    };
    u16 Port_ = 0, Index_ = 0, Size_ = 0, FreeCount_ = 0, FreeHead_ = 0, LastUsed_ = 0;
    volatile Descriptor* Descriptors_ = nullptr;
    volatile u16* Available_ = nullptr;     // flags, index, ring...
    volatile u16* UsedHead_ = nullptr;      // flags, index
    volatile Used* UsedRing_ = nullptr;
    u16 Tokens_[256] = {};
};

}
