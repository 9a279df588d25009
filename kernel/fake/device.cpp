// Interrupts, ports, the clock, the log.
#include "kernel/fake/machine.hpp"

namespace fake {

struct AttachedPorts {
    u16 First, Last;
    PortDevice Device;
};
static std::vector<AttachedPorts> Ports;
static u64 TscNow = 1'000'000'000, YieldCount;
static std::string Text;

void AttachPorts(u16 First, u16 Last, PortDevice Device) { Ports.push_back({ First, Last, std::move(Device) }); }
void SetTsc(u64 Value) { TscNow = Value; }
void AdvanceTsc(u64 By) { TscNow += By; }
const std::string& DebugText() { return Text; }
u64 Yields() { return YieldCount; }

static IrqHandler* HandlerOf(u32 Vector)
{
    auto At = M->Irqs.find(Vector);
    return At == M->Irqs.end() ? nullptr : At->second;
}

bool IsIrqMasked(u32 Vector)
{
    IrqHandler* H = HandlerOf(Vector);
    return !H || H->Masked;
}

void RaiseIrq(u32 Vector)
{
    IrqHandler* H = HandlerOf(Vector);
    if (!H || H->Masked)
        return;
    H->Masked = true;                   // until it is acknowledged
    if (H->Target)
        Post(*static_cast<Notification*>(H->Target->Target), H->Target->Badge);
}

static PortDevice* DeviceAt(u16 Port)
{
    for (AttachedPorts& P : Ports)
        if (P.First <= Port && Port <= P.Last)
            return &P.Device;
    return nullptr;
}

static u32 In(u16 Port, u32 Bytes)
{
    PortDevice* D = DeviceAt(Port);
    return D && D->In ? D->In(Port, Bytes) : ~0u;
}

static void Out(u16 Port, u32 Bytes, u32 Value)
{
    if (PortDevice* D = DeviceAt(Port); D && D->Out)
        D->Out(Port, Bytes, Value);
}

}

namespace kernel {
using namespace fake;

// What both kinds of handler need: a free vector, an empty slot.
static Error IssueHandler(CPtr To, u32 Vector)
{
    if (Vector >= Vectors)
        return Error::RangeError;
    if (HandlerOf(Vector))
        return Error::RevokeFirst;
    Slot* Target = OperandAt(To);
    if (!Target)
        return Error::FailedLookup;
    if (*Target)
        return Error::DeleteFirst;
    IrqHandler* H = new IrqHandler(Vector);
    M->Irqs[Vector] = H;
    Put(*Target, H, nullptr, true);
    return Error::None;
}

Error GetIoApicIrq(CPtr To, u32 IoApic, u32 Pin, bool, bool, u32 Vector)
{
    return IoApic != 0 || Pin >= 24 ? Error::RangeError : IssueHandler(To, Vector);
}

Error GetMsiIrq(CPtr To, u32 Bus, u32 Device, u32 Function, u32, u32 Vector)
{
    return Bus > 255 || Device > 31 || Function > 7 ? Error::RangeError : IssueHandler(To, Vector);
}

Error SetIrqNotification(CPtr Irq, CPtr Notification)
{
    Error E;
    Capability* C = Invoked(Irq, Kind::IrqHandler, E);
    if (!C)
        return E;
    Slot N = SlotAt(Notification);
    if (!N || N->K != Kind::Notification || !(N->Rights & Rights::Write))
        return Error::InvalidCapability;
    IrqHandler& H = *static_cast<IrqHandler*>(C->Target);
    if (H.Target)
        fake::Remove(H.Target);
    return Derive(N, AllRights, false, 0, H.Target);
}

Error AckIrq(CPtr Irq)
{
    Error E;
    if (Capability* C = Invoked(Irq, Kind::IrqHandler, E))
        static_cast<IrqHandler*>(C->Target)->Masked = false;
    return E;
}

u8 In8(u16 Port) { return u8(In(Port, 1)); }
u16 In16(u16 Port) { return u16(In(Port, 2)); }
u32 In32(u16 Port) { return In(Port, 4); }
void Out8(u16 Port, u8 Value) { Out(Port, 1, Value); }
void Out16(u16 Port, u16 Value) { Out(Port, 2, Value); }
void Out32(u16 Port, u32 Value) { Out(Port, 4, Value); }

u64 Tsc() { return TscNow; }
void Yield() { ++YieldCount; }
void DebugWrite(const char* From, usize Length) { Text.append(From, Length); }

}
