// IRP_MJ_PNP between processes. By minor function, what goes down and what comes up:
//   START_DEVICE                two lengths (u32), then the raw and the translated resource list
//   QUERY_DEVICE_RELATIONS      ids of devices (u64), both ways
//   QUERY_CAPABILITIES          DEVICE_CAPABILITIES, both ways
//   FILTER_RESOURCE_REQUIREMENTS, QUERY_RESOURCE_REQUIREMENTS: IO_RESOURCE_REQUIREMENTS_LIST
//   QUERY_RESOURCES             CM_RESOURCE_LIST
//   QUERY_ID, QUERY_DEVICE_TEXT strings; QUERY_BUS_INFORMATION: PNP_BUS_INFORMATION
//   READ_CONFIG, WRITE_CONFIG   the bytes
// QUERY_INTERFACE carries addresses of functions and does not cross. The other minors have no data.
#include "wdm/ntoskrnl/device.hpp"

namespace host {

namespace {

constexpr ULONG PnpTag = 'Ppnp';
constexpr u32 AnswerRoom = 4096;

void* PoolCopy(const void* From, usize Bytes)
{
    void* At = ExAllocatePoolWithTag(PagedPool, Bytes ? Bytes : 1, PnpTag);
    if (At)
        memcpy(At, From, Bytes);
    return At;
}

u32 ResourceListBytes(const CM_RESOURCE_LIST* L)
{
    if (!L)
        return 0;
    auto* At = reinterpret_cast<const u8*>(&L->List[0]);
    for (ULONG I = 0; I < L->Count; ++I) {
        auto* F = reinterpret_cast<const CM_FULL_RESOURCE_DESCRIPTOR*>(At);
        At = reinterpret_cast<const u8*>(&F->PartialResourceList.PartialDescriptors[F->PartialResourceList.Count]);
    }
    return u32(At - reinterpret_cast<const u8*>(L));
}

u32 TextBytes(const WCHAR* Text, bool Many)
{
    u32 N = 0;
    for (;;) {
        while (Text[N])
            ++N;
        ++N;
        if (!Many || !Text[N])
            break;
    }
    return (N + Many) * 2;
}

// What the Information of a finished request points to: how many bytes count.
u32 AnswerBytes(UCHAR Minor, ULONG Type, const void* At)
{
    switch (Minor) {
    case IRP_MN_QUERY_ID:
        return TextBytes(static_cast<const WCHAR*>(At), Type == BusQueryHardwareIDs || Type == BusQueryCompatibleIDs);
    case IRP_MN_QUERY_DEVICE_TEXT: return TextBytes(static_cast<const WCHAR*>(At), false);
    case IRP_MN_QUERY_BUS_INFORMATION: return sizeof(PNP_BUS_INFORMATION);
    case IRP_MN_QUERY_RESOURCES: return ResourceListBytes(static_cast<const CM_RESOURCE_LIST*>(At));
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS: return static_cast<const IO_RESOURCE_REQUIREMENTS_LIST*>(At)->ListSize;
    default: return 0;
    }
}

DEVICE_RELATIONS* Relations(const u64* Ids, usize Count)
{
    auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS) + Count * sizeof(PDEVICE_OBJECT), PnpTag));
    if (!R)
        return nullptr;
    R->Count = 0;
    for (usize I = 0; I < Count; ++I)
        if (DEVICE_OBJECT* D = DeviceById(Ids[I]))
            R->Objects[R->Count++] = D;
    return R;
}

// The devices of Above, then those that only Below has.
DEVICE_RELATIONS* Joined(const DEVICE_RELATIONS& Above, const DEVICE_RELATIONS& Below)
{
    auto* R = static_cast<DEVICE_RELATIONS*>(ExAllocatePoolWithTag(PagedPool, sizeof(DEVICE_RELATIONS) + (Above.Count + Below.Count) * sizeof(PDEVICE_OBJECT), PnpTag));
    if (!R)
        return nullptr;
    R->Count = 0;
    const DEVICE_RELATIONS* Both[] = { &Above, &Below };
    for (const DEVICE_RELATIONS* From : Both) {
        for (ULONG I = 0; I < From->Count; ++I) {
            bool Known = false;
            for (ULONG J = 0; J < R->Count; ++J)
                Known |= R->Objects[J] == From->Objects[I];
            if (!Known)
                R->Objects[R->Count++] = From->Objects[I];
        }
    }
    return R;
}

u32 PackRelations(const DEVICE_RELATIONS* R, u8* To, u32 Room)
{
    u32 Bytes = 0;
    for (ULONG I = 0; I < R->Count && Bytes + 8 <= Room; ++I) {
        TellShape(R->Objects[I]);
        u64 Id = IdOf(R->Objects[I]);
        memcpy(To + Bytes, &Id, 8);
        Bytes += 8;
    }
    return Bytes;
}

}

bool PresentPnp(const wd::Message& M, IRP* I, IO_STACK_LOCATION* S, DEVICE_OBJECT* D)
{
    u8* In = M.InputBytes ? DataAt(M.Data, 0) : nullptr;
    I->IoStatus.Status = STATUS_NOT_SUPPORTED;
    switch (M.Minor) {
    case IRP_MN_START_DEVICE: {
        u32 Lengths[2] {};
        if (M.InputBytes >= sizeof(Lengths))
            memcpy(Lengths, In, sizeof(Lengths));
        if (u64(Lengths[0]) + Lengths[1] + sizeof(Lengths) > M.InputBytes)
            Lengths[0] = Lengths[1] = 0;
        auto& P = S->Parameters.StartDevice;
        P.AllocatedResources = Lengths[0] ? reinterpret_cast<CM_RESOURCE_LIST*>(In + sizeof(Lengths)) : nullptr;
        P.AllocatedResourcesTranslated = Lengths[1] ? reinterpret_cast<CM_RESOURCE_LIST*>(In + sizeof(Lengths) + Lengths[0]) : nullptr;
        return Lengths[0] || GiveResources(S, D);
    }
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (In) {
            auto* R = Relations(reinterpret_cast<u64*>(In), M.InputBytes / 8);
            if (!R)
                return false;
            I->IoStatus.Status = STATUS_SUCCESS;
            I->IoStatus.Information = u64(R);
        }
        return true;
    case IRP_MN_QUERY_CAPABILITIES:
        if (M.InputBytes < sizeof(DEVICE_CAPABILITIES))
            return false;
        S->Parameters.DeviceCapabilities.Capabilities = reinterpret_cast<DEVICE_CAPABILITIES*>(In);
        return true;
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        S->Parameters.FilterResourceRequirements.IoResourceRequirementList = reinterpret_cast<IO_RESOURCE_REQUIREMENTS_LIST*>(In);
        return true;
    case IRP_MN_READ_CONFIG:
    case IRP_MN_WRITE_CONFIG:
        S->Parameters.ReadWriteConfig.Buffer = M.OutputBytes ? DataAt(M.Data, M.OutputOffset) : nullptr;
        if (S->Parameters.ReadWriteConfig.Length > M.OutputBytes)
            return false;
        return true;
    default:
        return true;
    }
}

u64 PackPnp(const wd::Message& M, IRP* I, u8* To, u32 Room)
{
    if (I->IoStatus.Status < 0 || !I->IoStatus.Information)
        return 0;
    auto* At = reinterpret_cast<void*>(I->IoStatus.Information);
    switch (M.Minor) {
    case IRP_MN_QUERY_DEVICE_RELATIONS: {
        u32 Bytes = PackRelations(static_cast<DEVICE_RELATIONS*>(At), To, Room);
        ExFreePool(At);
        return Bytes;
    }
    case IRP_MN_QUERY_ID:
    case IRP_MN_QUERY_DEVICE_TEXT:
    case IRP_MN_QUERY_BUS_INFORMATION:
    case IRP_MN_QUERY_RESOURCES:
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS: {
        u32 Bytes = AnswerBytes(M.Minor, ULONG(M.Parameters[0]), At);
        bool Fits = Bytes <= Room;
        if (Fits)
            memcpy(To, At, Bytes);
        // The list that is filtered may be the one that came.
        if (M.Minor != IRP_MN_FILTER_RESOURCE_REQUIREMENTS || !M.InputBytes || At != DataAt(M.Data, 0))
            ExFreePool(At);
        if (!Fits)
            I->IoStatus.Status = STATUS_BUFFER_TOO_SMALL;
        return Fits ? Bytes : 0;
    }
    default:
        return I->IoStatus.Information;
    }
}

bool DescribePnp(wd::RemoteCall& C, IRP* I, IO_STACK_LOCATION* S, u8*& Buffer)
{
    u32 In = 0;
    C.Mode = wd::Transfer::Pnp;
    auto& Start = S->Parameters.StartDevice;
    auto* Old = I->IoStatus.Status >= 0 ? reinterpret_cast<DEVICE_RELATIONS*>(I->IoStatus.Information) : nullptr;
    auto* Filter = S->Parameters.FilterResourceRequirements.IoResourceRequirementList;
    u32 Raw = 0, Translated = 0;
    switch (S->MinorFunction) {
    case IRP_MN_QUERY_INTERFACE:
        return false;
    case IRP_MN_START_DEVICE:
        Raw = ResourceListBytes(Start.AllocatedResources);
        Translated = ResourceListBytes(Start.AllocatedResourcesTranslated);
        In = 8 + Raw + Translated;
        break;
    case IRP_MN_QUERY_DEVICE_RELATIONS: In = Old ? Old->Count * 8 : 0; break;
    case IRP_MN_QUERY_CAPABILITIES: In = sizeof(DEVICE_CAPABILITIES); break;
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS: In = Filter ? Filter->ListSize : 0; break;
    }
    Buffer = static_cast<u8*>(Allocate(AlignUp(In, 8) + AnswerRoom));
    if (!Buffer)
        return false;
    u32 Lengths[2] = { Raw, Translated };
    switch (S->MinorFunction) {
    case IRP_MN_START_DEVICE:
        memcpy(Buffer, Lengths, 8);
        if (Raw)
            memcpy(Buffer + 8, Start.AllocatedResources, Raw);
        if (Translated)
            memcpy(Buffer + 8 + Raw, Start.AllocatedResourcesTranslated, Translated);
        break;
    case IRP_MN_QUERY_DEVICE_RELATIONS:
        if (Old)
            In = PackRelations(Old, Buffer, In);
        break;
    case IRP_MN_QUERY_CAPABILITIES:
        memcpy(Buffer, S->Parameters.DeviceCapabilities.Capabilities, In);
        C.Flags |= wd::call::InputBack;
        break;
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS:
        if (Filter)
            memcpy(Buffer, Filter, In);
        break;
    }
    C.Input = u64(Buffer);
    C.InputBytes = In;
    C.Output = u64(Buffer) + AlignUp(In, 8);
    C.OutputBytes = AnswerRoom;
    C.Flags |= wd::call::OutputBack;
    if (S->MinorFunction == IRP_MN_READ_CONFIG || S->MinorFunction == IRP_MN_WRITE_CONFIG) {
        C.Output = u64(S->Parameters.ReadWriteConfig.Buffer);
        C.OutputBytes = S->Parameters.ReadWriteConfig.Length;
        C.Flags |= wd::call::OutputIn;
    }
    return true;
}

void UnpackPnp(IRP* I, IO_STACK_LOCATION* S, const u8* From, u64 Bytes)
{
    switch (S->MinorFunction) {
    case IRP_MN_QUERY_CAPABILITIES:
        memcpy(S->Parameters.DeviceCapabilities.Capabilities, From, sizeof(DEVICE_CAPABILITIES));
        break;
    case IRP_MN_QUERY_DEVICE_RELATIONS: {
        auto* Old = reinterpret_cast<DEVICE_RELATIONS*>(I->IoStatus.Information);
        if (I->IoStatus.Status < 0)
            return;
        auto* Below = Relations(reinterpret_cast<const u64*>(From), Bytes / 8);
        // Nobody below takes anything from what is above him; he may not know these devices.
        auto* R = Below && Old ? Joined(*Old, *Below) : Below;
        if (R != Below)
            ExFreePool(Below);
        if (!R) {
            I->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
            return;
        }
        if (Old)
            ExFreePool(Old);
        I->IoStatus.Information = u64(R);
        break;
    }
    case IRP_MN_QUERY_ID:
    case IRP_MN_QUERY_DEVICE_TEXT:
    case IRP_MN_QUERY_BUS_INFORMATION:
    case IRP_MN_QUERY_RESOURCES:
    case IRP_MN_QUERY_RESOURCE_REQUIREMENTS:
    case IRP_MN_FILTER_RESOURCE_REQUIREMENTS: {
        I->IoStatus.Information = 0;
        if (I->IoStatus.Status < 0 || !Bytes || Bytes > AnswerRoom)
            return;
        void* Copy = PoolCopy(From, Bytes);
        if (!Copy)
            I->IoStatus.Status = STATUS_INSUFFICIENT_RESOURCES;
        I->IoStatus.Information = u64(Copy);
        break;
    }
    }
}

}
