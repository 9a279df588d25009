// NtDriverControl: what a driver process asks of the I/O manager by a system call.
#include <string.h>

#include "lib/core/defer.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/ex/mutant.hpp"
#include "ntos/ex/semaphore.hpp"
#include "ntos/io/driver/hardware.hpp"
#include "ntos/io/driver/images.hpp"
#include "ntos/io/driver/watch.hpp"
#include "ntos/io/fs/fs.hpp"
#include "ntos/io/pnp/pnp.hpp"
#include "ntos/mm/section.hpp"

namespace io::driver {

using namespace nt;

namespace {

constexpr u32 MaximumName = 1024, MaximumLog = 512;

// The fixed part of the input.
template <typename T> Result<T> Input(ke::Caller& Caller, svc::DriverControl& Call)
{
    if (Call.InputLength < sizeof(T))
        return STATUS_INVALID_PARAMETER;
    return Call.InputBuffer.ReadAs<T>(Caller);
}

template <typename T> Status Output(ke::Caller& Caller, svc::DriverControl& Call, const T& Value)
{
    if (Call.OutputLength < sizeof(T))
        return STATUS_BUFFER_TOO_SMALL;
    return Call.OutputBuffer.WriteAs(Caller, Value);
}

Result<ob::String> InputName(ke::Caller& Caller, svc::DriverControl& Call, usize Offset, u32 Bytes)
{
    if (Bytes & 1 || Bytes > MaximumName * 2 || Offset + Bytes > Call.InputLength)
        return STATUS_INVALID_PARAMETER;
    ob::String Text;
    TRY(Text.Characters().Resize(Bytes / 2));
    TRY(Call.InputBuffer.Read(Caller, Text.Characters().Data(), Bytes, Offset));
    return Text;
}

u32 TypeNumber(const ob::Object& O)
{
    const ob::TypeInfo& T = O.GetType();
    return &T == &ex::Event::Type ? 1 : &T == &ex::Semaphore::Type ? 2 : &T == &ex::Mutant::Type ? 3 : &T == &ps::Process::Type ? 5 :
           &T == &ps::Thread::Type ? 6 : &T == &File::Type ? 7 : &T == &mm::Section::Type ? 8 : 0;
}

// A handle of a client's, for the driver: only while the driver has a request of that client.
Status ReferenceHandle(ke::Caller& Caller, svc::DriverControl& Call)
{
    auto In = TRY(Input<wd::HandleOf>(Caller, Call));
    RefPtr<ps::Process> Client = In.Process ? ps::Process::ById(In.Process) : RefPtr<ps::Process>(&Caller.Process());
    if (!Client)
        return STATUS_INVALID_CID;
    ob::HandleEntry* E = Client->Handles().Find(reinterpret_cast<HANDLE>(In.Handle));
    if (!E)
        return STATUS_INVALID_HANDLE;
    if (In.Access & ~E->Access)
        return STATUS_ACCESS_DENIED;
    Ref<ob::Object> Target(*E->Target);
    wd::HandleGot Out { 0, E->Access, TypeNumber(*Target) };
    // Through a pointer everything can be done with an event, a semaphore or a mutant, whatever the handle's rights were.
    bool IsDispatcher = Out.Type >= 1 && Out.Type <= 3;
    ACCESS_MASK Access = IsDispatcher ? Target->GetType().ValidAccess : Out.Granted;
    Out.Handle = reinterpret_cast<u64>(TRY(ob::GrantHandle(Caller, Target, Access, 0)));
    Status S = Output(Caller, Call, Out);
    if (!S.Ok())
        Caller.Process().Handles().Close(reinterpret_cast<HANDLE>(Out.Handle)).Ignore();
    return S;
}

}

Status Driver::CreateDevice(ke::Caller& Caller, svc::DriverControl& Call)
{
    auto In = TRY(Input<wd::NewDevice>(Caller, Call));
    ob::String Path = TRY(InputName(Caller, Call, sizeof(In), In.NameBytes));
    Ref<DriverDevice> New = TRY(ob::Make<DriverDevice>(Ref<Channel>(*In_), In.Cookie, In.Type, In.Characteristics, In.Exclusive != 0));
    TRY(Seat::Create(*New));
    Defer Undo = [&New] { New->TakeAway(); };
    if (!Path.IsEmpty()) {
        Status S = NameDevice(Ref<Device>(*New), Path);
        if (S == STATUS_OBJECT_NAME_COLLISION) {
            auto Old = ob::LookupKernel(Path);
            if (DriverDevice* Before = Old.Ok() ? FindAway(*Old.Value()) : nullptr) {
                New->Awaited = Before->Awaited;
                Before->LeaveName();
                S = NameDevice(Ref<Device>(*New), Path);
            } else if (!Old.Ok() || &Old.Value()->GetType() != &Device::Type || !static_cast<Device&>(*Old.Value()).Fallback) {
                return S;
            } else {
                New->Replaced = RefPtr<Device>(static_cast<Device*>(Old.Value().Get()));
                if (ob::Directory* D = New->Replaced->Parent()) {
                    ob::MakePermanent(*New->Replaced, false);
                    if (New->Replaced->Parent())
                        D->Remove(*New->Replaced);
                }
                S = NameDevice(Ref<Device>(*New), Path);
            }
        }
        TRY(S);
    }
    Undo.Commit();
    Devices.PushBack(*New);
    wd::DeviceId Out { New->Id };
    New.Leak();                         // the driver's own reference
    return Output(Caller, Call, Out);
}

// A device the driver has been told of, or one of its own.
RefPtr<Seat> Driver::Reach(u64 Id)
{
    return In_->MayReach(Id) || Find(Id) ? Seat::Find(Id) : nullptr;
}

// Upper is one of this driver's own. What it lies on then.
Result<wd::DeviceShape> Driver::AttachDevice(u64 Upper, u64 Lower)
{
    DriverDevice* Mine = Find(Upper);
    RefPtr<Seat> To = Reach(Lower);
    if (!Mine || !To)
        return STATUS_NO_SUCH_DEVICE;
    if (RefPtr<Seat> Old = pnp::SeatFor(*this, *To)) {
        Old->Take(*Mine);
    } else {
        TRY(Mine->Place->Attach(To->Top()));
        pnp::HasAttached(*this, *Mine->Place);
    }
    Seat* Below = Mine->Place->Below();
    if (!Below)
        return STATUS_NO_SUCH_DEVICE;
    TRY(In_->Grant(Below->Id()));
    return Below->Shape(*In_);
}

Status Driver::Link(ke::Caller& Caller, svc::DriverControl& Call, bool Make)
{
    auto In = TRY(Input<wd::Names>(Caller, Call));
    ob::String Name = TRY(InputName(Caller, Call, sizeof(In), In.FirstBytes));
    if (Name.IsEmpty())
        return STATUS_OBJECT_NAME_INVALID;
    if (!Make) {
        for (usize I = 0; I < Links_.Size(); ++I) {
            if (!ob::Equal(Links_[I], Name, true))
                continue;
            auto Found = ob::LookupKernel(Name, true);
            Links_.RemoveAt(I);
            if (Found.Ok())
                ob::MakePermanent(*Found.Value(), false);
            return STATUS_SUCCESS;
        }
        for (usize I = 0; I < Left_.Size(); ++I)
            if (ob::Equal(Left_[I], Name, true)) {
                auto Found = ob::LookupKernel(Name, true);
                Left_.RemoveAt(I);
                if (Found.Ok())
                    ob::MakePermanent(*Found.Value(), false);
                return STATUS_SUCCESS;
            }
        return STATUS_OBJECT_NAME_NOT_FOUND;    // not one of this driver's
    }
    ob::String Target = TRY(InputName(Caller, Call, sizeof(In) + In.FirstBytes, In.SecondBytes));
    ob::String Copy = TRY(ob::String::Copy(Name));
    if (TakeLink(Name, Target))
        return Links_.Push(std::move(Copy));
    Status S = ob::LinkKernel(Name, Target);
    if (S == STATUS_OBJECT_NAME_COLLISION) {
        // A name under which the driver waited to be started.
        auto Old = ob::LookupKernel(Name);
        if (!Old.Ok() || &Old.Value()->GetType() != &Device::Type || !static_cast<Device&>(*Old.Value()).Fallback)
            return S;
        ob::Object& There = *Old.Value();
        ob::Directory* In = There.Parent();
        ob::MakePermanent(There, false);
        if (In && There.Parent())
            In->Remove(There);
        S = ob::LinkKernel(Name, Target);
    }
    TRY(S);
    return Links_.Push(std::move(Copy));
}

Status Driver::Control(ke::Caller& Caller, svc::DriverControl& Call)
{
    switch (wd::Control(Call.Code.Get())) {
    case wd::Control::Attach:
        return Output(Caller, Call, wd::Attached { In_->SectionAddress, wd::Version, 0 });
    case wd::Control::Started:
        HasStarted(Status(NTSTATUS(TRY(Input<wd::Status>(Caller, Call)).Code)));
        return STATUS_SUCCESS;
    case wd::Control::Stopping:
        State_ = State::Unloading;
        return STATUS_SUCCESS;
    case wd::Control::CreateDevice:
        return CreateDevice(Caller, Call);
    case wd::Control::DeleteDevice: {
        DriverDevice* D = Find(TRY(Input<wd::DeviceId>(Caller, Call)).Id);
        if (!D)
            return STATUS_NO_SUCH_DEVICE;
        D->TakeAway();
        D->Release();
        return STATUS_SUCCESS;
    }
    case wd::Control::RegisterFileSystem:
    case wd::Control::UnregisterFileSystem: {
        DriverDevice* D = Find(TRY(Input<wd::DeviceId>(Caller, Call)).Id);
        return D ? fs::Register(*D, Call.Code.Get() == u32(wd::Control::RegisterFileSystem)) : Status(STATUS_NO_SUCH_DEVICE);
    }
    case wd::Control::CreateLink:
        return Link(Caller, Call, true);
    case wd::Control::DeleteLink:
        return Link(Caller, Call, false);
    case wd::Control::ReferenceHandle:
        return ReferenceHandle(Caller, Call);
    case wd::Control::DeviceOf: {
        auto In = TRY(Input<wd::DeviceId>(Caller, Call));
        Ref<File> F = TRY(ob::Reference<File>(Caller, reinterpret_cast<HANDLE>(In.Id), 0));
        wd::DeviceAbout Out { 0, F->GetDevice().DeviceType, F->GetDevice().Characteristics, 0 };
        if (F->TakesRequests()) {
            DriverDevice& D = static_cast<DriverFile&>(*F).Device();
            if (!D.Place)
                return STATUS_DEVICE_REMOVED;
            TRY(In_->Grant(D.Place->Id()));
            Out = { &D.In() == In_.Get() ? D.Cookie : 0, D.DeviceType, D.Characteristics, D.Place->Id() };
        }
        return Output(Caller, Call, Out);
    }
    case wd::Control::DeviceHandle: {
        auto In = TRY(Input<wd::HandleOf>(Caller, Call));
        DriverDevice* D = Find(In.Handle);
        if (!D)
            return STATUS_NO_SUCH_DEVICE;
        wd::HandleGot Out { 0, In.Access & (STANDARD_RIGHTS_ALL | 0xFFFF), 0 };
        Out.Handle = reinterpret_cast<u64>(TRY(ob::GrantHandle(Caller, Ref<ob::Object>(*D), Out.Granted, 0)));
        return Output(Caller, Call, Out);
    }
    case wd::Control::WatchImages:
        return WatchImages(*In_, TRY(Input<wd::Status>(Caller, Call)).Code != 0);
    case wd::Control::SignalFile: {
        auto In = TRY(Input<wd::FileSignal>(Caller, Call));
        In_->Drain();                   // the answer to its opening may still be on the way
        DriverFile* F = In_->IsDead() ? nullptr : DriverFile::Find(*In_, In.Device, In.File);
        if (!F)
            return STATUS_INVALID_PARAMETER;
        F->SignalIs(In.Set != 0);
        return STATUS_SUCCESS;
    }
    case wd::Control::MapLent:
        return Output(Caller, Call, wd::Address { TRY(In_->MapLent(TRY(Input<wd::LentPages>(Caller, Call)).Tag)) });
    case wd::Control::ShapeDevice: {
        auto In = TRY(Input<wd::DeviceShape>(Caller, Call));
        DriverDevice* D = Find(In.Id);
        if (!D)
            return STATUS_NO_SUCH_DEVICE;
        D->Flags = In.Flags;
        D->StackSize = In.StackSize;
        D->AlignmentRequirement = In.AlignmentRequirement;
        D->SectorSize = In.SectorSize;
        return STATUS_SUCCESS;
    }
    case wd::Control::DeviceShapeOf: {
        u64 Id = TRY(Input<wd::DeviceId>(Caller, Call)).Id;
        RefPtr<Seat> S = Reach(Id);
        return S ? Output(Caller, Call, S->Shape(*In_)) : Status(STATUS_NO_SUCH_DEVICE);
    }
    case wd::Control::AttachDevice: {
        auto In = TRY(Input<wd::DevicePair>(Caller, Call));
        return Output(Caller, Call, TRY(AttachDevice(In.Upper, In.Lower)));
    }
    case wd::Control::DetachDevice: {
        u64 Id = TRY(Input<wd::DeviceId>(Caller, Call)).Id;
        RefPtr<Seat> S = Reach(Id);
        if (!S || !S->Above())
            return STATUS_NO_SUCH_DEVICE;
        if (!S->Above()->Now() || &S->Above()->Now()->In() != In_.Get())
            return STATUS_ACCESS_DENIED;
        S->Above()->Detach();
        return STATUS_SUCCESS;
    }
    case wd::Control::InvalidateRelations: {
        RefPtr<Seat> S = Reach(TRY(Input<wd::DeviceId>(Caller, Call)).Id);
        if (!S)
            return STATUS_NO_SUCH_DEVICE;
        pnp::RelationsChange(*S);
        return STATUS_SUCCESS;
    }
    case wd::Control::RegisterInterface: {
        auto In = TRY(Input<wd::NewInterface>(Caller, Call));
        ob::String Reference = TRY(InputName(Caller, Call, sizeof(In), In.ReferenceBytes));
        RefPtr<Seat> S = Reach(In.Device);
        if (!S)
            return STATUS_INVALID_DEVICE_REQUEST;
        ob::String Link = TRY(pnp::RegisterInterface(*this, *S, In.Class, Reference));
        if (Link.View().Length * 2 > Call.OutputLength)
            return STATUS_BUFFER_TOO_SMALL;
        return Call.OutputBuffer.Write(Caller, Link.View().Data, Link.View().Length * 2);
    }
    case wd::Control::SetInterface: {
        auto In = TRY(Input<wd::InterfaceState>(Caller, Call));
        ob::String Link = TRY(InputName(Caller, Call, sizeof(In), In.NameBytes));
        return pnp::SetInterface(Link, In.Enable != 0);
    }
    case wd::Control::ListInterfaces: {
        auto In = TRY(Input<wd::InterfaceQuery>(Caller, Call));
        if (In.Device) {
            RefPtr<Seat> S = Reach(In.Device);
            if (!S)
                return STATUS_INVALID_DEVICE_REQUEST;
            In.Device = S->Id();
        }
        Vector<wchar_t> Names;
        TRY(pnp::ListInterfaces(In, Names));
        if (Names.Size() * 2 > Call.OutputLength)
            return STATUS_BUFFER_TOO_SMALL;
        return Call.OutputBuffer.Write(Caller, Names.Data(), Names.Size() * 2);
    }
    case wd::Control::NotifyInterfaces:
        return pnp::Notify(*In_, TRY(Input<wd::Notification>(Caller, Call)));
    case wd::Control::EndNotify:
        pnp::EndNotify(*In_, TRY(Input<wd::DeviceId>(Caller, Call)).Id);
        return STATUS_SUCCESS;
    case wd::Control::DeviceProperty: {
        auto In = TRY(Input<wd::PropertyOf>(Caller, Call));
        RefPtr<Seat> S = Reach(In.Device);
        if (!S)
            return STATUS_INVALID_DEVICE_REQUEST;
        Vector<u8> Data;
        TRY(pnp::Property(*S, In.Property, Data));
        if (Data.Size() + sizeof(wd::Status) > Call.OutputLength)
            return STATUS_BUFFER_TOO_SMALL;
        wd::Status Used { u32(Data.Size()), 0 };
        TRY(Call.OutputBuffer.Write(Caller, &Used, sizeof(Used)));
        return Call.OutputBuffer.Write(Caller, Data.Data(), Data.Size(), sizeof(Used));
    }
    case wd::Control::Watch: return SetWatch(*In_, TRY(Input<wd::Status>(Caller, Call)).Code);
    case wd::Control::LockClient:
        return In_->LockClient(Caller, Call);
    case wd::Control::Log: {
        char Text[MaximumLog];
        u32 Bytes = Call.InputLength < MaximumLog - 1 ? u32(Call.InputLength) : MaximumLog - 1;
        TRY(Call.InputBuffer.Read(Caller, Text, Bytes));
        Text[Bytes] = 0;
        ex::Log("driver %S: %s\n", Name(), static_cast<const char*>(Text));
        return STATUS_SUCCESS;
    }
    default:
        if (!Hardware_ && !(Hardware_ = new Hardware(*In_)))
            return STATUS_INSUFFICIENT_RESOURCES;
        return Hardware_->Control(Caller, Call);
    }
}

}
