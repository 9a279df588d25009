// Device memory: regions the kernel gave at the start, frames of them, for the Executive and for driver processes.
#include "kernel/kernel.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/mm/slots.hpp"

namespace mm {

using kernel::Failed;
using kernel::ObjectType;
using namespace nt;

static struct DeviceRegion {
    CPtr Cap;
    u64 Base, Next, End;
} Devices[256];
static u32 DeviceCount;
// Device pages that driver processes have had: seL4 gives each frame once.
static constexpr u32 MaximumDevicePages = 4096;
static struct {
    u64 Page;
    CPtr Frame;
    bool IsOwn;                         // the Executive uses it
} KnownPages[MaximumDevicePages];
static u32 KnownDevicePages;
static u64 NextDevice = 0x1200'0000'0000;     // in the Executive's own address space

void AddDeviceRegion(CPtr Cap, u64 Base, u64 End)
{
    if (DeviceCount < 256)
        Devices[DeviceCount++] = { Cap, Base, Base, End };
}

// A frame of device memory, made from the region it is in.
static Result<CPtr> CutDevice(u64 Page)
{
    DeviceRegion* R = nullptr;
    for (u32 I = 0; I < DeviceCount; ++I)
        if (Devices[I].Next <= Page && Page < Devices[I].End)
            R = &Devices[I];
    if (!R)
        return STATUS_NOT_FOUND;
    // Move the watermark up to Page in power-of-two steps; what is stepped over stays usable as regions of its own.
    while (R->Next < Page) {
        u32 Bits = u32(__builtin_ctzll(R->Next | (u64(1) << 30)));
        while ((u64(1) << Bits) > Page - R->Next)
            --Bits;
        CPtr Cap = TRY(AllocateSlot());
        if (Failed(kernel::Retype(R->Cap, ObjectType::Untyped, Bits, Cap, 1)))
            return STATUS_NO_MEMORY;
        if (DeviceCount < 256)
            Devices[DeviceCount++] = { Cap, R->Next, R->Next, R->Next + (u64(1) << Bits) };
        R->Next += u64(1) << Bits;
    }
    CPtr Frame = TRY(AllocateSlot());
    if (Failed(kernel::Retype(R->Cap, ObjectType::Page, 0, Frame, 1)))
        return STATUS_NO_MEMORY;
    R->Next += PageSize;
    return Frame;
}

bool IsOwnDevicePage(u64 Page)
{
    for (u32 I = 0; I < KnownDevicePages; ++I)
        if (KnownPages[I].Page == Page)
            return KnownPages[I].IsOwn;
    return false;
}

Result<CPtr> DeviceFrame(u64 Page)
{
    for (u32 I = 0; I < KnownDevicePages; ++I)
        if (KnownPages[I].Page == Page)
            return KnownPages[I].Frame;
    if (KnownDevicePages == MaximumDevicePages)
        return STATUS_INSUFFICIENT_RESOURCES;
    CPtr Frame = TRY(CutDevice(Page));
    KnownPages[KnownDevicePages++] = { Page, Frame, false };
    return Frame;
}

Result<volatile u8*> MapDevice(u64 Physical, usize Bytes)
{
    u64 First = AlignDown(Physical, PageSize), End = AlignUp(Physical + Bytes, PageSize);
    u64 At = NextDevice;
    for (u64 Page = First; Page < End; Page += PageSize) {
        // Drivers may see it, too.
        CPtr Frame = TRY(DeviceFrame(Page)), Mine = TRY(AllocateSlot());
        if (Failed(kernel::Copy(Mine, Frame, kernel::AllRights)))
            return STATUS_NO_MEMORY;
        for (u32 I = 0; I < KnownDevicePages; ++I)
            KnownPages[I].IsOwn |= KnownPages[I].Page == Page;
        TRY(MapOwn(Mine, NextDevice, false));
        NextDevice += PageSize;
    }
    return reinterpret_cast<volatile u8*>(At + (Physical - First));
}

}
