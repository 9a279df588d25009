// Private to ninep.sys: messages to a server behind a virtio device (VIRTIO 1.0: 2.4 split rings, 4.1 PCI; device 9), several at a time.
//
// The device's modern interface is used, which transitional devices (1AF4:1009) have as well; one with the legacy interface only is refused.
// Each exchange has contiguous memory of its own and two descriptors that never change hands: 2i for the request, 2i+1 for the answer.
#pragma once
// The library comes first: the driver headers make macros of the statuses' names.
#include "lib/ninep/ninep.hpp"

#include "wdm/ntoskrnl/ddk.hpp"

namespace share {

class Virtio final : public ninep::Transport {
public:
    // From the resources of IRP_MN_START_DEVICE.
    NTSTATUS Start(PDEVICE_OBJECT Physical, const CM_RESOURCE_LIST* Translated);
    void Stop();
    // The mount tag, as the device has it.
    std::span<const char> Tag() const { return { Tag_, TagBytes_ }; }

    ninep::Exchange* Take(u32 RequestRoom, u32 ReplyRoom, bool Wait) override;
    void Send(ninep::Exchange& E) override;
    Status Wait(ninep::Exchange& E) override;
    void Give(ninep::Exchange& E) override;
    void Forget(ninep::Exchange& E) override;
    u32 MaximumMessage() const override { return DataBytes + 24; }

private:
    static constexpr u32 Slots = 8, SmallBytes = 4096, DataBytes = 128 * 1024, LargeBytes = DataBytes + 4096, MostTag = 64;
    struct Descriptor {
        u64 Address;
        u32 Bytes;
        u16 Flags, Next;
    };
    struct Slot {
        ninep::Exchange E;
        KEVENT Done;
        u8* Memory;                     // SmallBytes, then LargeBytes
        u64 Physical;
        bool Busy, Forgotten, Finished;
    };
    NTSTATUS FindRegisters(const CM_PARTIAL_RESOURCE_LIST& Resources);
    NTSTATUS Connect(PDEVICE_OBJECT Physical);
    NTSTATUS MakeQueue();
    ULONG Config(ULONG Offset, void* To, ULONG Bytes);
    u8* MapBar(u32 Bar, u32 Offset, u32 Bytes, const CM_PARTIAL_RESOURCE_LIST& Resources);
    void Finish(Slot& S, u32 Bytes);
    void Release(Slot& S);
    void Collect();
    static BOOLEAN NTAPI Interrupt(PKINTERRUPT, PVOID Context);
    static BOOLEAN NTAPI Message(PKINTERRUPT, PVOID Context, ULONG);
    static void NTAPI Deferred(PKDPC, PVOID Context, PVOID, PVOID);
    template <typename T> volatile T& Common(u32 Offset) { return *reinterpret_cast<volatile T*>(Common_ + Offset); }

    BUS_INTERFACE_STANDARD Bus_ {};
    DMA_ADAPTER* Adapter_ = nullptr;
    PKINTERRUPT Interrupt_ = nullptr;
    PIO_INTERRUPT_MESSAGE_INFO Messages_ = nullptr;     // or the line
    KDPC Dpc_ {};
    KSPIN_LOCK Lock_ = 0;
    KSEMAPHORE Free_ {};
    u8 *Common_ = nullptr, *Notify_ = nullptr, *Isr_ = nullptr, *Device_ = nullptr;
    u32 NotifyStep_ = 0;
    volatile u16* Bell_ = nullptr;
    u16 Size_ = 0, Seen_ = 0, Sent_ = 0;
    Descriptor* Descriptors_ = nullptr;
    volatile u16* Available_ = nullptr;         // flags, index, ring
    volatile u16* Used_ = nullptr;              // flags, index; then pairs of u32
    Slot Slots_[Slots] {};
    char Tag_[MostTag] {};
    u32 TagBytes_ = 0;
    bool Broken_ = false;
};

}
