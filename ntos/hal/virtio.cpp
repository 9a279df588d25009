#include "ntos/hal/virtio.hpp"

#include "kernel/kernel.hpp"
#include "ntos/hal/pci.hpp"
#include "ntos/mm/mm.hpp"

namespace hal {

using namespace nt;

// Legacy registers in BAR 0.
static constexpr u16 QueueAddress = 8, QueueSize = 12, QueueSelect = 14, QueueNotify = 16;
static constexpr u16 WriteFlag = 2;

Result<VirtioDevice> FindVirtio(u16 DeviceId)
{
    for (u32 Device = 0; Device < 32; ++Device) {
        if (PciRead(Device, 0, 0) != (u32(DeviceId) << 16 | 0x1AF4))
            continue;
        u32 Bar = PciRead(Device, 0, 0x10);
        if (!(Bar & 1))
            continue;                   // modern only: no I/O ports
        PciWrite(Device, 0, 4, PciRead(Device, 0, 4) | 0x5);     // I/O space, bus master
        u32 Interrupt = PciRead(Device, 0, 0x3C);
        return VirtioDevice { .Port = u16(Bar & 0xFFFC), .Device = Device, .InterruptPin = u8(Interrupt >> 8), .InterruptLine = u8(Interrupt) };
    }
    return STATUS_NO_SUCH_DEVICE;
}

Status VirtQueue::Initialize(const VirtioDevice& D, u16 Index)
{
    Port_ = D.Port;
    Index_ = Index;
    kernel::Out16(Port_ + QueueSelect, Index);
    u16 Size = kernel::In16(Port_ + QueueSize);
    if (Size == 0)
        return STATUS_NOT_FOUND;
    if (Size > 256)
        return STATUS_NOT_SUPPORTED;
    usize Front = AlignUp(usize(Size) * sizeof(Descriptor) + 2 * (3 + Size), PageSize);
    usize Bytes = Front + AlignUp(6 + usize(Size) * sizeof(Used), PageSize);
    u8* Memory = TRY(mm::AllocateContiguous(Bytes));
    Descriptors_ = reinterpret_cast<volatile Descriptor*>(Memory);
    Available_ = reinterpret_cast<volatile u16*>(Memory + Size * sizeof(Descriptor));
    UsedHead_ = reinterpret_cast<volatile u16*>(Memory + Front);
    UsedRing_ = reinterpret_cast<volatile Used*>(Memory + Front + 4);
    for (u16 I = 0; I < Size; ++I)
        Descriptors_[I].Next = I + 1;
    Size_ = FreeCount_ = Size;
    FreeHead_ = 0;
    kernel::Out32(Port_ + QueueAddress, u32(mm::PhysicalAddress(Memory) >> PageShift));
    return STATUS_SUCCESS;
}

bool VirtQueue::Add(u64 Physical, u32 Bytes, bool DeviceWrites, u16 Token)
{
    if (FreeCount_ == 0)
        return false;
    u16 At = FreeHead_;
    FreeHead_ = Descriptors_[At].Next;
    --FreeCount_;
    Descriptors_[At].Address = Physical;
    Descriptors_[At].Length = Bytes;
    Descriptors_[At].Flags = DeviceWrites ? WriteFlag : 0;
    Tokens_[At] = Token;
    u16 Index = Available_[1];
    Available_[2 + Index % Size_] = At;
    __atomic_thread_fence(__ATOMIC_RELEASE);
    Available_[1] = u16(Index + 1);
    return true;
}

void VirtQueue::Notify()
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    kernel::Out16(Port_ + QueueNotify, Index_);
}

bool VirtQueue::Take(u16& Token, u32& Bytes)
{
    if (!Size_ || LastUsed_ == UsedHead_[1])
        return false;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    u32 Id = UsedRing_[LastUsed_ % Size_].Id;
    Bytes = UsedRing_[LastUsed_ % Size_].Length;
    ++LastUsed_;
    if (Id >= Size_)
        return false;                   // a device that lies loses the buffer
    Token = Tokens_[Id];
    Descriptors_[Id].Next = FreeHead_;
    FreeHead_ = u16(Id);
    ++FreeCount_;
    return true;
}

}
