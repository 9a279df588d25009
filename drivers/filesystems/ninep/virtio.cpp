#include "drivers/filesystems/ninep/virtio.hpp"

#include <initguid.h>
#include <wdmguid.h>

namespace share {

namespace {

// Offsets in the common configuration, and bits of the device's state.
enum : u32 {
    DeviceFeatureSelect = 0, DeviceFeature = 4, DriverFeatureSelect = 8, DriverFeature = 12, MessageOfConfig = 16, DeviceStatus = 20, QueueSelect = 22, QueueSize = 24,
    MessageOfQueue = 26, QueueEnable = 28,
    QueueNotifyOff = 30, QueueDescriptors = 32, QueueDriver = 40, QueueDevice = 48, CommonBytes = 56,
};
enum : u8 { Acknowledge = 1, Driver = 2, DriverOk = 4, FeaturesOk = 8, Failed = 128 };
constexpr u32 FeatureTag = 1 << 0, FeatureVersion1 = 1 << 0;     // the second in the high word
constexpr u16 DescriptorNext = 1, DescriptorWrite = 2;
constexpr u8 VendorCapability = 9;
constexpr u16 NoMessage = 0xFFFF;

}

ULONG Virtio::Config(ULONG Offset, void* To, ULONG Bytes) { return Bus_.GetBusData(Bus_.Context, PCI_WHICHSPACE_CONFIG, To, Offset, Bytes); }

// A part of a BAR, which must be one of the memory ranges the device was given.
u8* Virtio::MapBar(u32 Bar, u32 Offset, u32 Bytes, const CM_PARTIAL_RESOURCE_LIST& Resources)
{
    u32 Low = 0, High = 0;
    if (Bar > 5 || Config(0x10 + Bar * 4, &Low, 4) != 4 || Low & 1)
        return nullptr;
    if ((Low & 6) == 4 && (Bar == 5 || Config(0x14 + Bar * 4, &High, 4) != 4))
        return nullptr;
    u64 Base = (Low & ~15u) | u64(High) << 32;
    for (ULONG I = 0; I < Resources.Count; ++I) {
        const auto& R = Resources.PartialDescriptors[I];
        if (R.Type != CmResourceTypeMemory || u64(R.u.Memory.Start.QuadPart) != Base || Offset > R.u.Memory.Length || Bytes > R.u.Memory.Length - Offset)
            continue;
        PHYSICAL_ADDRESS At;
        At.QuadPart = LONGLONG(Base + AlignDown(Offset, PageSize));
        u32 Within = Offset & PageMask;
        auto* Mapped = static_cast<u8*>(MmMapIoSpace(At, AlignUp(Within + Bytes, PageSize), MmNonCached));
        return Mapped ? Mapped + Within : nullptr;
    }
    return nullptr;
}

NTSTATUS Virtio::FindRegisters(const CM_PARTIAL_RESOURCE_LIST& Resources)
{
    u8 At = 0;
    Config(0x34, &At, 1);
    for (u32 Steps = 0; At >= 0x40 && Steps < 48; ++Steps) {
        struct {
            u8 Vendor, Next, Length, Kind, Bar, Pad[3];
            u32 Offset, Bytes, Step;
        } C;
        if (Config(At, &C, sizeof(C)) != sizeof(C))
            break;
        At = C.Next & ~3;
        if (C.Vendor != VendorCapability)
            continue;
        u8** Where = C.Kind == 1 ? &Common_ : C.Kind == 2 ? &Notify_ : C.Kind == 3 ? &Isr_ : C.Kind == 4 ? &Device_ : nullptr;
        u32 Least = C.Kind == 1 ? u32(CommonBytes) : 1;
        if (!Where || *Where || C.Bytes < Least)
            continue;
        *Where = MapBar(C.Bar, C.Offset, C.Bytes < PageSize ? C.Bytes : u32(PageSize), Resources);
        if (C.Kind == 2)
            NotifyStep_ = C.Step;
    }
    return Common_ && Notify_ && Isr_ && Device_ ? STATUS_SUCCESS : STATUS_DEVICE_CONFIGURATION_ERROR;
}

// A message, or the line where there are none.
NTSTATUS Virtio::Connect(PDEVICE_OBJECT Physical)
{
    IO_CONNECT_INTERRUPT_PARAMETERS P {};
    P.Version = CONNECT_MESSAGE_BASED;
    P.MessageBased.PhysicalDeviceObject = Physical;
    P.MessageBased.ConnectionContext.InterruptMessageTable = &Messages_;
    P.MessageBased.MessageServiceRoutine = Message;
    P.MessageBased.ServiceContext = this;
    P.MessageBased.FallBackServiceRoutine = Interrupt;
    NTSTATUS Status = IoConnectInterruptEx(&P);
    if (!NT_SUCCESS(Status))
        Messages_ = nullptr;
    else if (P.Version != CONNECT_MESSAGE_BASED)
        Interrupt_ = reinterpret_cast<PKINTERRUPT>(std::exchange(Messages_, nullptr));
    return Status;
}

NTSTATUS Virtio::MakeQueue()
{
    Common<u16>(QueueSelect) = 0;
    Size_ = Common<u16>(QueueSize);
    if (Size_ < Slots * 2)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    if (Size_ > 256)
        Size_ = 256;
    Common<u16>(QueueSize) = Size_;
    Common<u16>(MessageOfConfig) = NoMessage;
    u16 First = Messages_ ? 0 : NoMessage;
    Common<u16>(MessageOfQueue) = First;
    if (Common<u16>(MessageOfQueue) != First)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    u32 Ring = AlignUp(Size_ * 16 + 6 + Size_ * 2, 64), Bytes = Ring + 6 + Size_ * 8;
    PHYSICAL_ADDRESS Physical;
    auto* Memory = static_cast<u8*>(Adapter_->DmaOperations->AllocateCommonBuffer(Adapter_, u32(AlignUp(Bytes, PageSize)) + Slots * (SmallBytes + LargeBytes), &Physical, TRUE));
    if (!Memory)
        return STATUS_INSUFFICIENT_RESOURCES;
    memset(Memory, 0, Bytes);
    u64 At = u64(Physical.QuadPart);
    Descriptors_ = reinterpret_cast<Descriptor*>(Memory);
    Available_ = reinterpret_cast<volatile u16*>(Memory + Size_ * 16);
    Used_ = reinterpret_cast<volatile u16*>(Memory + Ring);
    Common<u32>(QueueDescriptors) = u32(At);
    Common<u32>(QueueDescriptors + 4) = u32(At >> 32);
    Common<u32>(QueueDriver) = u32(At + Size_ * 16);
    Common<u32>(QueueDriver + 4) = u32((At + Size_ * 16) >> 32);
    Common<u32>(QueueDevice) = u32(At + Ring);
    Common<u32>(QueueDevice + 4) = u32((At + Ring) >> 32);
    u32 Offset = Common<u16>(QueueNotifyOff) * NotifyStep_;
    if (Offset > PageSize - 2)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Bell_ = reinterpret_cast<volatile u16*>(Notify_ + Offset);
    Common<u16>(QueueEnable) = 1;
    u32 Start = u32(AlignUp(Bytes, PageSize));
    for (u32 I = 0; I < Slots; ++I) {
        Slot& S = Slots_[I];
        S.Memory = Memory + Start + I * (SmallBytes + LargeBytes);
        S.Physical = At + Start + I * (SmallBytes + LargeBytes);
        S.E.Owner = &S;
        S.E.Tag = u16(I + 1);
        KeInitializeEvent(&S.Done, NotificationEvent, FALSE);
    }
    KeInitializeSemaphore(&Free_, Slots, Slots);
    return STATUS_SUCCESS;
}

NTSTATUS Virtio::Start(PDEVICE_OBJECT Physical, const CM_RESOURCE_LIST* Translated)
{
    if (!Translated || Translated->Count != 1)
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    const CM_PARTIAL_RESOURCE_LIST& Resources = Translated->List[0].PartialResourceList;
    KEVENT Event;
    IO_STATUS_BLOCK Iosb {};
    KeInitializeEvent(&Event, NotificationEvent, FALSE);
    PIRP I = IoBuildSynchronousFsdRequest(IRP_MJ_PNP, Physical, nullptr, 0, nullptr, &Event, &Iosb);
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->IoStatus.Status = STATUS_NOT_SUPPORTED;
    IO_STACK_LOCATION* S = IoGetNextIrpStackLocation(I);
    S->MinorFunction = IRP_MN_QUERY_INTERFACE;
    S->Parameters.QueryInterface.InterfaceType = &GUID_BUS_INTERFACE_STANDARD;
    S->Parameters.QueryInterface.Size = sizeof(Bus_);
    S->Parameters.QueryInterface.Version = 1;
    S->Parameters.QueryInterface.Interface = reinterpret_cast<PINTERFACE>(&Bus_);
    NTSTATUS Status = IoCallDriver(Physical, I);
    if (Status == STATUS_PENDING) {
        KeWaitForSingleObject(&Event, Executive, KernelMode, FALSE, nullptr);
        Status = Iosb.Status;
    }
    if (!NT_SUCCESS(Status))
        return Status;
    Status = FindRegisters(Resources);
    if (!NT_SUCCESS(Status))
        return Status;
    DEVICE_DESCRIPTION About {};
    About.Version = DEVICE_DESCRIPTION_VERSION;
    About.Master = About.ScatterGather = About.Dma64BitAddresses = TRUE;
    About.InterfaceType = PCIBus;
    About.MaximumLength = 1 << 20;
    ULONG Registers;
    Adapter_ = IoGetDmaAdapter(Physical, &About, &Registers);
    if (!Adapter_)
        return STATUS_INSUFFICIENT_RESOURCES;
    Common<u8>(DeviceStatus) = 0;       // reset; done when it reads as zero
    while (Common<u8>(DeviceStatus) != 0)
        KeStallExecutionProcessor(10);
    Common<u8>(DeviceStatus) = Acknowledge | Driver;
    Common<u32>(DeviceFeatureSelect) = 0;
    u32 Low = Common<u32>(DeviceFeature);
    Common<u32>(DeviceFeatureSelect) = 1;
    u32 High = Common<u32>(DeviceFeature);
    if (!(Low & FeatureTag) || !(High & FeatureVersion1))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    Common<u32>(DriverFeatureSelect) = 0;
    Common<u32>(DriverFeature) = FeatureTag;
    Common<u32>(DriverFeatureSelect) = 1;
    Common<u32>(DriverFeature) = FeatureVersion1;
    Common<u8>(DeviceStatus) = Acknowledge | Driver | FeaturesOk;
    if (!(Common<u8>(DeviceStatus) & FeaturesOk))
        return STATUS_DEVICE_CONFIGURATION_ERROR;
    TagBytes_ = *reinterpret_cast<volatile u16*>(Device_);
    if (TagBytes_ > MostTag)
        TagBytes_ = MostTag;
    for (u32 B = 0; B < TagBytes_; ++B)
        Tag_[B] = char(reinterpret_cast<volatile u8*>(Device_)[2 + B]);
    KeInitializeSpinLock(&Lock_);
    KeInitializeDpc(&Dpc_, Deferred, this);
    Status = Connect(Physical);
    if (NT_SUCCESS(Status))
        Status = MakeQueue();
    if (!NT_SUCCESS(Status))
        return Status;
    Common<u8>(DeviceStatus) = Acknowledge | Driver | FeaturesOk | DriverOk;
    return STATUS_SUCCESS;
}

void Virtio::Stop()
{
    Broken_ = true;
    if (Common_)
        Common<u8>(DeviceStatus) = 0;
    IO_DISCONNECT_INTERRUPT_PARAMETERS P {};
    if (Messages_) {
        P.Version = CONNECT_MESSAGE_BASED;
        P.ConnectionContext.InterruptMessageTable = Messages_;
        IoDisconnectInterruptEx(&P);
    } else if (Interrupt_) {
        IoDisconnectInterrupt(Interrupt_);
    }
    Interrupt_ = nullptr;
    Messages_ = nullptr;
    for (Slot& S : Slots_)
        if (S.Busy)
            Finish(S, 0);
}

// --- exchanges

ninep::Exchange* Virtio::Take(u32 RequestRoom, u32 ReplyRoom, bool Wait)
{
    LARGE_INTEGER Now {};
    if ((RequestRoom > SmallBytes && ReplyRoom > SmallBytes) ||
        KeWaitForSingleObject(&Free_, Executive, KernelMode, FALSE, Wait ? nullptr : &Now) != STATUS_SUCCESS)
        return nullptr;
    Slot* Found = nullptr;
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    for (Slot& S : Slots_) {
        if (!S.Busy) {
            Found = &S;
            S.Busy = true;
            S.Forgotten = S.Finished = false;
            KeClearEvent(&S.Done);
            break;
        }
    }
    KeReleaseSpinLock(&Lock_, Old);
    u8 *Small = Found->Memory, *Large = Found->Memory + SmallBytes;
    if (ReplyRoom <= SmallBytes) {
        Found->E.Request = { Large, LargeBytes };
        Found->E.Reply = { Small, ReplyRoom };
    } else {
        Found->E.Request = { Small, SmallBytes };
        Found->E.Reply = { Large, ReplyRoom < LargeBytes ? ReplyRoom : LargeBytes };
    }
    return &Found->E;
}

void Virtio::Release(Slot& S)
{
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    S.Busy = false;
    KeReleaseSpinLock(&Lock_, Old);
    KeReleaseSemaphore(&Free_, IO_NO_INCREMENT, 1, FALSE);
}

void Virtio::Give(ninep::Exchange& E) { Release(*static_cast<Slot*>(E.Owner)); }

void Virtio::Send(ninep::Exchange& E)
{
    auto& S = *static_cast<Slot*>(E.Owner);
    u32 First = u32(&S - Slots_) * 2;
    Descriptors_[First] = { S.Physical + u64(E.Request.data() - S.Memory), E.RequestBytes, DescriptorNext, u16(First + 1) };
    Descriptors_[First + 1] = { S.Physical + u64(E.Reply.data() - S.Memory), u32(E.Reply.size()), DescriptorWrite, 0 };
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    if (Broken_) {
        KeReleaseSpinLock(&Lock_, Old);
        Finish(S, 0);
        return;
    }
    Available_[2 + Sent_ % Size_] = u16(First);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    Available_[1] = ++Sent_;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool Ring = !(Used_[0] & 1);        // the device wants to hear of it
    KeReleaseSpinLock(&Lock_, Old);
    if (Ring)
        *Bell_ = 0;
}

Status Virtio::Wait(ninep::Exchange& E)
{
    auto& S = *static_cast<Slot*>(E.Owner);
    KeWaitForSingleObject(&S.Done, Executive, KernelMode, FALSE, nullptr);
    return Broken_ ? Status(STATUS_CONNECTION_DISCONNECTED) : Status(STATUS_SUCCESS);
}

void Virtio::Forget(ninep::Exchange& E)
{
    auto& S = *static_cast<Slot*>(E.Owner);
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    S.Forgotten = true;
    bool Over = S.Finished;
    KeReleaseSpinLock(&Lock_, Old);
    if (Over)
        Release(S);
}

void Virtio::Finish(Slot& S, u32 Bytes)
{
    S.E.ReplyBytes = Bytes < S.E.Reply.size() ? Bytes : u32(S.E.Reply.size());
    KIRQL Old;
    KeAcquireSpinLock(&Lock_, &Old);
    S.Finished = true;
    bool Forgotten = S.Forgotten;
    if (!Forgotten)                     // under the lock: the exchange may have its next user at once
        KeSetEvent(&S.Done, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Lock_, Old);
    if (Forgotten)
        Release(S);
}

void Virtio::Collect()
{
    for (;;) {
        KIRQL Old;
        KeAcquireSpinLock(&Lock_, &Old);
        Slot* Done = nullptr;
        u32 Bytes = 0;
        if (Seen_ != Used_[1]) {
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            auto* E = reinterpret_cast<volatile u32*>(Used_ + 2) + Seen_ % Size_ * 2;
            u32 Id = E[0];
            Bytes = E[1];
            ++Seen_;
            // What the device says is not believed: a request that is not under way is none.
            if (Id % 2 == 0 && Id / 2 < Slots && Slots_[Id / 2].Busy && !Slots_[Id / 2].Finished)
                Done = &Slots_[Id / 2];
            KeReleaseSpinLock(&Lock_, Old);
        } else {
            KeReleaseSpinLock(&Lock_, Old);
            return;
        }
        if (Done)
            Finish(*Done, Bytes);
    }
}

BOOLEAN NTAPI Virtio::Interrupt(PKINTERRUPT, PVOID Context)
{
    auto& V = *static_cast<Virtio*>(Context);
    u8 Why = *reinterpret_cast<volatile u8*>(V.Isr_);       // reading quiets the line
    if (!Why)
        return FALSE;
    KeInsertQueueDpc(&V.Dpc_, nullptr, nullptr);
    return TRUE;
}

BOOLEAN NTAPI Virtio::Message(PKINTERRUPT, PVOID Context, ULONG)
{
    KeInsertQueueDpc(&static_cast<Virtio*>(Context)->Dpc_, nullptr, nullptr);
    return TRUE;
}

void NTAPI Virtio::Deferred(PKDPC, PVOID Context, PVOID, PVOID) { static_cast<Virtio*>(Context)->Collect(); }

}
