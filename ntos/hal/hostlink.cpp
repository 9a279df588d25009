#include "ntos/hal/hostlink.hpp"

#include <string.h>

#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/hal/pci.hpp"
#include "ntos/hal/virtio.hpp"
#include "ntos/ke/time.hpp"
#include "ntos/mm/mm.hpp"

namespace hal {

using namespace nt;

void (*OnHostPort)(HostPort);

namespace {

// Registers and messages of the console device (VIRTIO 1.0, 5.3.4 and 5.3.6.2).
constexpr u16 DeviceFeatures = 0, DriverFeatures = 4, DeviceStatus = 18, InterruptStatus = 19, ConfigMaxPorts = 20 + 4;
constexpr u8 Acknowledge = 1, Driver = 2, DriverOk = 4;
constexpr u32 MultiPort = 1 << 1;
enum : u16 { DeviceReady, DeviceAdd, DeviceRemove, PortReady, ConsolePort, Resize, PortOpen, PortName };
struct ControlMessage {
    u32 Id;
    u16 Event, Value;
};

constexpr u32 BufferBytes = PageSize, BuffersEachWay = 16;
constexpr u32 MaximumPorts = 8;

struct Buffer {
    u8* Data;
    u32 Start, End;                     // what is in it
};

struct Port {
    i32 Name = -1;                      // HostPort, once the device has told
    bool Open = false, Ended = false;
    VirtQueue In, Out;
    Buffer InBuffers[BuffersEachWay] = {}, OutBuffers[BuffersEachWay] = {};
    u16 Filled[BuffersEachWay] = {};    // input buffers with data, in order
    u32 FilledFirst = 0, FilledCount = 0;
    u16 Idle[BuffersEachWay] = {};
    u32 IdleCount = 0;
};

VirtioDevice Device;
constinit Port Ports[MaximumPorts];
Port* ByName[HostPorts];
VirtQueue ControlIn, ControlOut;
u8* ControlBuffers;                     // one page: 16 for input, 16 for output
u64 Irq;
bool Ready;

void SendControl(u32 Id, u16 Event, u16 Value)
{
    static u16 Next;
    u16 Token;
    u32 Bytes;
    while (ControlOut.Take(Token, Bytes)) { }
    u16 At = Next++ % 16;
    u8* Room = ControlBuffers + 16 * 64 + At * 64;
    ControlMessage M { Id, Event, Value };
    memcpy(Room, &M, sizeof(M));
    if (ControlOut.Add(mm::PhysicalAddress(Room), sizeof(M), false, At))
        ControlOut.Notify();
}

void GiveInput(Port& P, u16 Token)
{
    P.InBuffers[Token].Start = P.InBuffers[Token].End = 0;
    (void)P.In.Add(mm::PhysicalAddress(P.InBuffers[Token].Data), BufferBytes, true, Token);   // as many descriptors as buffers
}

Status StartPort(u32 Id)
{
    if (Id >= MaximumPorts)
        return STATUS_NOT_SUPPORTED;
    Port& P = Ports[Id];
    if (P.In.IsReady())
        return STATUS_SUCCESS;
    // Queues of port 0 are 0 and 1, the control queues 2 and 3, port n has 2n+2 and 2n+3.
    u16 First = Id ? u16(2 * Id + 2) : 0;
    TRY(P.In.Initialize(Device, First));
    TRY(P.Out.Initialize(Device, First + 1));
    for (u16 I = 0; I < BuffersEachWay; ++I) {
        P.InBuffers[I] = { TRY(mm::AllocatePage()), 0, 0 };
        P.OutBuffers[I] = { TRY(mm::AllocatePage()), 0, 0 };
        P.Idle[P.IdleCount++] = I;
        GiveInput(P, I);
    }
    P.In.Notify();
    return STATUS_SUCCESS;
}

void Name(u32 Id, const char* Text, u32 Length)
{
    static constexpr const char* Names[HostPorts] = { "neptune.stdin", "neptune.stdout", "neptune.stderr", "neptune.control" };
    if (Id >= MaximumPorts)
        return;
    for (u32 I = 0; I < HostPorts; ++I) {
        u32 N = 0;
        while (Names[I][N] && N < Length && Names[I][N] == Text[N])
            ++N;
        if (Names[I][N] || (N < Length && Text[N]))
            continue;
        Ports[Id].Name = i32(I);
        ByName[I] = &Ports[Id];
        SendControl(Id, PortOpen, 1);
    }
}

void Tell(const Port& P)
{
    if (P.Name >= 0 && OnHostPort)
        OnHostPort(HostPort(P.Name));
}

void HandleControl()
{
    u16 Token;
    u32 Bytes;
    bool Any = false;
    while (ControlIn.Take(Token, Bytes)) {
        Any = true;
        u8* Room = ControlBuffers + Token * 64;
        ControlMessage M;
        memcpy(&M, Room, sizeof(M));
        if (Bytes >= sizeof(M)) {
            switch (M.Event) {
            case DeviceAdd:
                SendControl(M.Id, PortReady, StartPort(M.Id).Ok());
                break;
            case PortName:
                Name(M.Id, reinterpret_cast<char*>(Room) + sizeof(M), (Bytes < 64 ? Bytes : 64) - sizeof(M));
                break;
            case PortOpen:
                if (M.Id < MaximumPorts) {
                    Ports[M.Id].Ended = Ports[M.Id].Open && !M.Value;
                    Ports[M.Id].Open = M.Value;
                    Tell(Ports[M.Id]);
                }
                break;
            default:
                break;
            }
        }
        (void)ControlIn.Add(mm::PhysicalAddress(Room), 64, true, Token);
    }
    if (Any)
        ControlIn.Notify();
}

void HandlePort(Port& P)
{
    u16 Token;
    u32 Bytes;
    bool Any = false;
    while (P.In.Take(Token, Bytes)) {
        P.InBuffers[Token].End = Bytes < BufferBytes ? Bytes : BufferBytes;
        P.Filled[(P.FilledFirst + P.FilledCount++) % BuffersEachWay] = Token;
        Any = true;
    }
    while (P.Out.Take(Token, Bytes)) {
        P.Idle[P.IdleCount++] = Token;
        Any = true;
    }
    if (Any)
        Tell(P);
}

void Poll()
{
    HandleControl();
    for (Port& P : Ports)
        if (P.In.IsReady())
            HandlePort(P);
}

void Interrupt()
{
    (void)kernel::In8(Device.Port + InterruptStatus);      // reading acknowledges
    Poll();
    kernel::Error E = kernel::AckIrq(Irq);
    (void)E;
}

}

Status InitializeHostLink()
{
    Device = TRY(FindVirtio(0x1003));
    kernel::Out8(Device.Port + DeviceStatus, 0);
    kernel::Out8(Device.Port + DeviceStatus, Acknowledge | Driver);
    if (!(kernel::In32(Device.Port + DeviceFeatures) & MultiPort))
        return STATUS_NOT_SUPPORTED;
    kernel::Out32(Device.Port + DriverFeatures, MultiPort);
    TRY(ControlIn.Initialize(Device, 2));
    TRY(ControlOut.Initialize(Device, 3));
    u32 MaxPorts = kernel::In32(Device.Port + ConfigMaxPorts);
    // Legacy devices want their queues before they are driven; ports that do not exist cost nothing but memory, so only those named are set up.
    for (u32 Id = 0; Id < MaxPorts && Id <= HostPorts; ++Id)
        TRY(StartPort(Id));
    ControlBuffers = TRY(mm::AllocatePage());
    for (u16 I = 0; I < 16; ++I)
        (void)ControlIn.Add(mm::PhysicalAddress(ControlBuffers + I * 64), 64, true, I);
    kernel::Out8(Device.Port + DeviceStatus, Acknowledge | Driver | DriverOk);
    ControlIn.Notify();
    for (Port& P : Ports)
        if (P.In.IsReady())
            P.In.Notify();
    SetInterruptHandler(HostLinkInterrupts, Interrupt);
    TRY(ConnectInterrupt(PciInterruptLine(Device.Device, Device.InterruptPin), true, false, HostLinkInterrupts, Irq));
    // An I/O APIC that saw the line rise before its pin was set up may wait for the next rise: let the line go once.
    (void)kernel::In8(Device.Port + InterruptStatus);
    Ready = true;
    SendControl(0, DeviceReady, 1);
    // The ports come one message after the other: give them a moment, so that the first process finds them.
    u64 Until = ke::InterruptTime() + 10'000'000;
    auto All = [] {
        for (Port* P : ByName)
            if (!P)
                return false;
        return true;
    };
    while (!All() && ke::InterruptTime() < Until)
        Poll();
    return All() ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY;
}

usize HostWrite(HostPort To, const void* From, usize Bytes)
{
    usize Done = 0;
    while (Done < Bytes) {
        u8* Room = HostBuffer(To);
        if (!Room)
            break;
        usize Now = Bytes - Done < BufferBytes ? Bytes - Done : BufferBytes;
        memcpy(Room, static_cast<const u8*>(From) + Done, Now);
        HostSend(To, Room, Now);
        Done += Now;
    }
    return Done;
}

bool HostWriteDone(HostPort To)
{
    Port* P = ByName[u32(To)];
    return !P || P->IdleCount == BuffersEachWay;
}

usize HostRead(HostPort From, void* To, usize Bytes)
{
    Port* P = ByName[u32(From)];
    usize Done = 0;
    bool Given = false;
    while (P && Done < Bytes && P->FilledCount) {
        u16 Token = P->Filled[P->FilledFirst];
        Buffer& B = P->InBuffers[Token];
        u32 Now = B.End - B.Start < Bytes - Done ? B.End - B.Start : u32(Bytes - Done);
        memcpy(static_cast<u8*>(To) + Done, B.Data + B.Start, Now);
        Done += Now;
        B.Start += Now;
        if (B.Start == B.End) {
            P->FilledFirst = (P->FilledFirst + 1) % BuffersEachWay;
            --P->FilledCount;
            GiveInput(*P, Token);
            Given = true;
        }
    }
    if (Given)
        P->In.Notify();
    return Done;
}

usize HostReadable(HostPort From)
{
    Port* P = ByName[u32(From)];
    usize Bytes = 0;
    for (u32 I = 0; P && I < P->FilledCount; ++I) {
        Buffer& B = P->InBuffers[P->Filled[(P->FilledFirst + I) % BuffersEachWay]];
        Bytes += B.End - B.Start;
    }
    return Bytes;
}

bool HostHasEnded(HostPort Port)
{
    return !ByName[u32(Port)] || ByName[u32(Port)]->Ended;
}

// Where output goes when there is no host: a page that nobody reads.
static u8* Nowhere()
{
    static u8* Page;
    if (!Page)
        if (auto P = mm::AllocatePage(); P.Ok())
            Page = P.Value();
    return Page;
}

u8* HostBuffer(HostPort To)
{
    Port* P = ByName[u32(To)];
    if (!P)
        return Nowhere();
    return P->IdleCount ? P->OutBuffers[P->Idle[--P->IdleCount]].Data : nullptr;
}

void HostSend(HostPort To, u8* Data, usize Bytes)
{
    Port* P = ByName[u32(To)];
    if (!P)
        return;
    u16 Token = 0;
    while (P->OutBuffers[Token].Data != Data)
        ++Token;
    if (Bytes && P->Out.Add(mm::PhysicalAddress(Data), u32(Bytes), false, Token))
        P->Out.Notify();
    else
        P->Idle[P->IdleCount++] = Token;
}

usize HostRoom(HostPort To)
{
    Port* P = ByName[u32(To)];
    return P ? P->IdleCount * usize(BufferBytes) : ~usize(0);
}

void DrainHostLink()
{
    if (!Ready)
        return;
    u64 Until = ke::InterruptTime() + 10'000'000;
    bool Busy = true;
    while (Busy && ke::InterruptTime() < Until) {
        Poll();
        Busy = false;
        for (u32 I = 0; I < HostPorts; ++I)
            Busy |= !HostWriteDone(HostPort(I));
    }
}

void ControlLine(const char* Line)
{
    if (!Ready)
        return;
    usize Length = 0;
    while (Line[Length])
        ++Length;
    HostWrite(HostPort::Control, Line, Length);
    HostWrite(HostPort::Control, "\n", 1);
    DrainHostLink();
}

}
