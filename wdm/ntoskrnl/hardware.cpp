// Interrupts, device memory, ports and DMA: what the Executive grants for the devices the process has.
#include "wdm/ntoskrnl/device.hpp"

// What PKINTERRUPT points to.
struct _KINTERRUPT {
    _KINTERRUPT* Next;
    PKSERVICE_ROUTINE Routine;
    PKMESSAGE_SERVICE_ROUTINE MessageRoutine;
    PVOID Context;
    PKSPIN_LOCK Lock;
    KSPIN_LOCK OwnLock;
    ULONG Pin, Bit, Message;
    KIRQL Irql;
    bool Latched;
};

namespace host {

u64 WaitOnSlot();

namespace {

Lock ConnectLock;
LONG ThreadState;                       // 0 none, 1 starting, 2 ready, 3 failed
_KINTERRUPT* Connected;

void NTAPI InterruptThread(PVOID)
{
    bool Ready = Control(wd::Control::InterruptThread, nullptr, 0) >= 0;
    __atomic_store_n(&ThreadState, Ready ? 2 : 3, __ATOMIC_RELEASE);
    RtlWakeAddressAll(&ThreadState);
    while (Ready) {
        u64 Badge = WaitOnSlot();
        for (ULONG Bit = 0; Bit < 32; ++Bit) {
            if (!(Badge >> Bit & 1))
                continue;
            KIRQL Old = Raise(LineIrql);
            for (_KINTERRUPT* I = Connected; I; I = I->Next) {
                if (I->Bit != Bit)
                    continue;
                *I->Lock = 1;
                if (I->MessageRoutine)
                    I->MessageRoutine(I, I->Context, I->Message);
                else
                    I->Routine(I, I->Context);
                *I->Lock = 0;
            }
            wd::InterruptLine L { 0, Bit, 0, 0 };
            if (Bit < MessageBit)
                Control(wd::Control::AckInterrupt, &L, sizeof(L));
            // An edge that came before the line was let in again is lost: the device may have something to say.
            for (_KINTERRUPT* I = Connected; I; I = I->Next)
                if (I->Bit == Bit && I->Latched && I->Routine)
                    I->Routine(I, I->Context);
            Lower(Old);                 // DPCs
        }
    }
}

NTSTATUS StartThreadOnce()
{
    if (ThreadState == 0) {
        auto* T = New<Thread>();
        if (!T)
            return STATUS_INSUFFICIENT_RESOURCES;
        T->References = 1;
        T->IsSystem = true;
        InitializeListHead(&T->Header.WaitListHead);
        ThreadState = 1;
        if (NTSTATUS S = StartThread(T, InterruptThread, nullptr); S < 0) {
            ThreadState = 0;
            Free(T);
            return S;
        }
    }
    for (LONG One = 1; __atomic_load_n(&ThreadState, __ATOMIC_ACQUIRE) == 1;)
        RtlWaitOnAddress(&ThreadState, &One, sizeof(One), nullptr);
    return ThreadState == 2 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS Connect(PKINTERRUPT* Out, PKSERVICE_ROUTINE Routine, PKMESSAGE_SERVICE_ROUTINE Message, PVOID Context, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, bool Level)
{
    Hold Held(ConnectLock);
    if (NTSTATUS S = StartThreadOnce(); S < 0)
        return S;
    auto* I = New<_KINTERRUPT>();
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->Routine = Routine;
    I->MessageRoutine = Message;
    I->Context = Context;
    I->Lock = SpinLock ? SpinLock : &I->OwnLock;
    I->Irql = Irql;
    I->Latched = !Level;
    I->Pin = Vector - LineVector;
    I->Bit = ~0u;
    for (_KINTERRUPT* Other = Connected; Other; Other = Other->Next)
        if (Other->Pin == I->Pin)
            I->Bit = Other->Bit;
    KIRQL Old = Raise(LineIrql);        // the thread's list
    I->Next = Connected;
    Connected = I;
    Lower(Old);
    if (I->Bit == ~0u) {
        wd::InterruptLine L { I->Pin, 0, Level, 0 };
        NTSTATUS Status = Control(wd::Control::ConnectInterrupt, &L, sizeof(L), &L, sizeof(L));
        Old = Raise(LineIrql);
        I->Bit = L.Bit;
        if (Status < 0)
            Connected = I->Next;
        Lower(Old);
        if (Status < 0) {
            Free(I);
            return Status;
        }
    }
    *Out = I;
    return STATUS_SUCCESS;
}

// One message of a device: what the device writes goes straight to the interrupt thread.
NTSTATUS ConnectMessage(PKINTERRUPT* Out, const wd::PciDevice& P, ULONG Message, ULONG Count, PKMESSAGE_SERVICE_ROUTINE Routine, PVOID Context, PKSPIN_LOCK SpinLock,
                        IO_INTERRUPT_MESSAGE_INFO_ENTRY& About)
{
    auto* I = New<_KINTERRUPT>();
    if (!I)
        return STATUS_INSUFFICIENT_RESOURCES;
    I->MessageRoutine = Routine;
    I->Context = Context;
    I->Lock = SpinLock ? SpinLock : &I->OwnLock;
    I->Irql = LineIrql;
    I->Pin = ~0u;
    I->Message = Message;
    wd::MessageInterrupt M { P.Bus, P.Device, P.Function, Message, Count, 0, 0, 0, 0 };
    KIRQL Old = Raise(LineIrql);        // not before the list has it
    NTSTATUS Status = Control(wd::Control::ConnectMessage, &M, sizeof(M), &M, sizeof(M));
    if (Status >= 0) {
        I->Bit = M.Bit;
        I->Next = Connected;
        Connected = I;
    }
    Lower(Old);
    if (Status < 0) {
        Free(I);
        return Status;
    }
    About.MessageAddress.QuadPart = LONGLONG(M.Address);
    About.MessageData = M.Data;
    About.TargetProcessorSet = 1;
    About.InterruptObject = I;
    About.Vector = MessageVector + Message;
    About.Irql = LineIrql;
    About.Mode = Latched;
    About.Polarity = InterruptActiveHigh;
    *Out = I;
    return STATUS_SUCCESS;
}

// The device of a table that IoConnectInterruptEx gave is kept in front of it.
struct MessageTable {
    const wd::PciDevice* Of;
    u64 Unused;
};

NTSTATUS ConnectMessages(IO_CONNECT_INTERRUPT_MESSAGE_BASED_PARAMETERS& M, const wd::PciDevice& P, ULONG Count)
{
    Hold Held(ConnectLock);
    if (NTSTATUS S = StartThreadOnce(); S < 0)
        return S;
    auto* Table = static_cast<MessageTable*>(Allocate(sizeof(MessageTable) + sizeof(IO_INTERRUPT_MESSAGE_INFO) + Count * sizeof(IO_INTERRUPT_MESSAGE_INFO_ENTRY)));
    if (!Table)
        return STATUS_INSUFFICIENT_RESOURCES;
    Table->Of = &P;
    auto* Info = reinterpret_cast<IO_INTERRUPT_MESSAGE_INFO*>(Table + 1);
    Info->UnifiedIrql = LineIrql;
    NTSTATUS Status = STATUS_SUCCESS;
    for (ULONG N = 0; N < Count && Status >= 0; ++N) {
        PKINTERRUPT I;
        Status = ConnectMessage(&I, P, N, Count, M.MessageServiceRoutine, M.ServiceContext, M.SpinLock, Info->MessageInfo[N]);
        Info->MessageCount += Status >= 0;
    }
    if (Info->MessageCount == 0) {
        Free(Table);
        return Status;
    }
    *M.ConnectionContext.InterruptMessageTable = Info;      // fewer than wanted will do
    return STATUS_SUCCESS;
}

// --- physical addresses

struct Contiguous {
    Contiguous* Next;
    u64 At, Physical, Bytes;
};
Contiguous* Buffers;
Lock BufferLock;

void* AllocateContiguous(u64 Bytes, u64* Physical)
{
    wd::PhysicalRange R { 0, Bytes };
    wd::CommonBuffer B {};
    if (Control(wd::Control::CommonBuffer, &R, sizeof(R), &B, sizeof(B)) < 0)
        return nullptr;
    if (auto* C = New<Contiguous>()) {
        Hold Held(BufferLock);
        *C = { Buffers, B.At, B.Physical, AlignUp(Bytes, PageSize) };
        Buffers = C;
    }
    *Physical = B.Physical;
    return reinterpret_cast<void*>(B.At);
}

bool FrameOf(u64 At, PFN_NUMBER* Frame)
{
    {
        Hold Held(BufferLock);
        for (Contiguous* C = Buffers; C; C = C->Next) {
            if (At >= C->At && At - C->At < C->Bytes) {
                *Frame = PFN_NUMBER((C->Physical + (At - C->At)) >> PageShift);
                return true;
            }
        }
    }
    wd::Address A { At };
    u64 Out;
    if (Control(wd::Control::FrameOf, &A, sizeof(A), &Out, sizeof(Out)) < 0)
        return false;
    *Frame = PFN_NUMBER(Out);
    return true;
}

}

// The frames of an MDL, when they are not known yet.
bool FillFrames(MDL* M)
{
    auto* Frames = reinterpret_cast<PFN_NUMBER*>(M + 1);
    u64 Pages = (M->ByteOffset + u64(M->ByteCount) + PageMask) >> PageShift;
    for (u64 I = 0; I < Pages; ++I)
        if (!Frames[I] && !FrameOf(u64(M->StartVa) + I * PageSize, &Frames[I]))
            return false;
    return true;
}

namespace {

// --- the DMA adapter: every device reaches all memory, so there are no map registers.

struct DmaAdapter {
    DMA_ADAPTER Public;
    ULONG MapRegisters;
    PDEVICE_OBJECT Device;
};

void NTAPI PutAdapter(PDMA_ADAPTER A) { Free(A); }
PVOID NTAPI AllocateCommon(PDMA_ADAPTER, ULONG Bytes, PPHYSICAL_ADDRESS Physical, BOOLEAN)
{
    u64 At = 0;
    PVOID Buffer = AllocateContiguous(Bytes, &At);
    Physical->QuadPart = LONGLONG(At);
    return Buffer;
}
void NTAPI FreeCommon(PDMA_ADAPTER, ULONG, PHYSICAL_ADDRESS, PVOID, BOOLEAN) { }      // stays the process's, as drivers keep theirs
ULONG NTAPI Alignment(PDMA_ADAPTER) { return 1; }
ULONG NTAPI ReadCounter(PDMA_ADAPTER) { return 0; }

ULONG Elements(MDL* M, u8* At, ULONG Bytes)
{
    (void)M;
    return ULONG((u64(At) & PageMask) + Bytes + PageMask) >> PageShift;
}

NTSTATUS BuildList(MDL* M, u8* At, ULONG Bytes, SCATTER_GATHER_LIST* L)
{
    if (!FillFrames(M))
        return STATUS_INSUFFICIENT_RESOURCES;
    auto* Frames = reinterpret_cast<PFN_NUMBER*>(M + 1);
    u64 Page = (u64(At) - u64(M->StartVa)) >> PageShift, Offset = u64(At) & PageMask;
    L->NumberOfElements = 0;
    while (Bytes) {
        ULONG Now = ULONG(PageSize - Offset) < Bytes ? ULONG(PageSize - Offset) : Bytes;
        u64 Physical = (u64(Frames[Page]) << PageShift) + Offset;
        auto* Last = L->NumberOfElements ? &L->Elements[L->NumberOfElements - 1] : nullptr;
        if (Last && u64(Last->Address.QuadPart) + Last->Length == Physical) {
            Last->Length += Now;
        } else {
            auto& E = L->Elements[L->NumberOfElements++];
            E.Address.QuadPart = LONGLONG(Physical);
            E.Length = Now;
            E.Reserved = 0;
        }
        Bytes -= Now;
        Offset = 0;
        ++Page;
    }
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI GetList(PDMA_ADAPTER, PDEVICE_OBJECT D, PMDL M, PVOID At, ULONG Bytes, PDRIVER_LIST_CONTROL Routine, PVOID Context, BOOLEAN)
{
    auto* L = static_cast<SCATTER_GATHER_LIST*>(Allocate(sizeof(SCATTER_GATHER_LIST) + Elements(M, static_cast<u8*>(At), Bytes) * sizeof(SCATTER_GATHER_ELEMENT)));
    if (!L)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (NTSTATUS S = BuildList(M, static_cast<u8*>(At), Bytes, L); S < 0) {
        Free(L);
        return S;
    }
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    Routine(D, D->CurrentIrp, L, Context);
    Lower(Old);
    return STATUS_SUCCESS;
}
void NTAPI PutList(PDMA_ADAPTER, PSCATTER_GATHER_LIST L, BOOLEAN) { Free(L); }
NTSTATUS NTAPI ListSize(PDMA_ADAPTER, PMDL M, PVOID At, ULONG Bytes, PULONG Size, PULONG Registers)
{
    ULONG N = Elements(M, static_cast<u8*>(At), Bytes);
    *Size = ULONG(sizeof(SCATTER_GATHER_LIST) + N * sizeof(SCATTER_GATHER_ELEMENT));
    if (Registers)
        *Registers = N;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI BuildIn(PDMA_ADAPTER, PDEVICE_OBJECT D, PMDL M, PVOID At, ULONG Bytes, PDRIVER_LIST_CONTROL Routine, PVOID Context, BOOLEAN, PVOID Room, ULONG RoomBytes)
{
    if (RoomBytes < sizeof(SCATTER_GATHER_LIST) + Elements(M, static_cast<u8*>(At), Bytes) * sizeof(SCATTER_GATHER_ELEMENT))
        return STATUS_BUFFER_TOO_SMALL;
    auto* L = static_cast<SCATTER_GATHER_LIST*>(Room);
    if (NTSTATUS S = BuildList(M, static_cast<u8*>(At), Bytes, L); S < 0)
        return S;
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    Routine(D, D->CurrentIrp, L, Context);
    Lower(Old);
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI MdlFromList(PDMA_ADAPTER, PSCATTER_GATHER_LIST, PMDL M, PMDL* Out)
{
    *Out = M;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI AllocateChannel(PDMA_ADAPTER, PDEVICE_OBJECT D, ULONG, PDRIVER_CONTROL Routine, PVOID Context)
{
    KIRQL Old = Raise(Irql() < DISPATCH_LEVEL ? DISPATCH_LEVEL : Irql());
    Routine(D, D->CurrentIrp, reinterpret_cast<PVOID>(8), Context);
    Lower(Old);
    return STATUS_SUCCESS;
}
BOOLEAN NTAPI FlushBuffers(PDMA_ADAPTER, PMDL, PVOID, PVOID, ULONG, BOOLEAN) { return TRUE; }
void NTAPI FreeChannel(PDMA_ADAPTER) { }
void NTAPI FreeRegisters(PDMA_ADAPTER, PVOID, ULONG) { }
PHYSICAL_ADDRESS NTAPI MapOne(PDMA_ADAPTER, PMDL M, PVOID, PVOID At, PULONG Bytes, BOOLEAN)
{
    PHYSICAL_ADDRESS P {};
    SCATTER_GATHER_LIST* L = static_cast<SCATTER_GATHER_LIST*>(Allocate(sizeof(SCATTER_GATHER_LIST) + Elements(M, static_cast<u8*>(At), *Bytes) * sizeof(SCATTER_GATHER_ELEMENT)));
    if (L && BuildList(M, static_cast<u8*>(At), *Bytes, L) >= 0 && L->NumberOfElements) {
        P = L->Elements[0].Address;
        *Bytes = L->Elements[0].Length;
    } else {
        *Bytes = 0;
    }
    Free(L);
    return P;
}

DMA_OPERATIONS Operations {
    .Size = sizeof(DMA_OPERATIONS),
    .PutDmaAdapter = PutAdapter,
    .AllocateCommonBuffer = AllocateCommon,
    .FreeCommonBuffer = FreeCommon,
    .AllocateAdapterChannel = AllocateChannel,
    .FlushAdapterBuffers = FlushBuffers,
    .FreeAdapterChannel = FreeChannel,
    .FreeMapRegisters = FreeRegisters,
    .MapTransfer = MapOne,
    .GetDmaAlignment = Alignment,
    .ReadDmaCounter = ReadCounter,
    .GetScatterGatherList = GetList,
    .PutScatterGatherList = PutList,
    .CalculateScatterGatherList = ListSize,
    .BuildScatterGatherList = BuildIn,
    .BuildMdlFromScatterGatherList = MdlFromList,
};

u32 Port(ULONG_PTR Where, u8 Bytes, bool Write, u32 Value)
{
    wd::PortAccess A { u16(Where), Bytes, Write, Value };
    return Control(wd::Control::Port, &A, sizeof(A), &A, Write ? 0 : sizeof(A)) >= 0 ? A.Value : ~0u;
}

}

// IN and OUT that drivers have inline (host.cpp's exception handler): true if the instruction at Ip was one.
bool EmulatePort(CONTEXT& C)
{
    auto* Ip = reinterpret_cast<u8*>(C.Rip);
    u8 Length = 1, Bytes = 4;
    if (*Ip == 0x66) {
        Bytes = 2;
        ++Ip;
        ++Length;
    }
    bool Write = (*Ip & 2) != 0, Immediate = (*Ip & 0xF8) == 0xE0;
    if ((*Ip & 0xFC) != 0xE4 && (*Ip & 0xFC) != 0xEC)
        return false;
    if (!(*Ip & 1))
        Bytes = 1;
    u16 Where = Immediate ? Ip[1] : u16(C.Rdx);
    Length = u8(Length + Immediate);
    u32 Value = Port(Where, Bytes, Write, u32(C.Rax));
    if (!Write) {
        if (Bytes == 4)
            C.Rax = Value;
        else
            C.Rax = (C.Rax & ~(Bytes == 2 ? 0xFFFFull : 0xFFull)) | (Value & (Bytes == 2 ? 0xFFFFu : 0xFFu));
    }
    C.Rip += Length;
    return true;
}

}

using namespace host;

extern "C" {

NTSTATUS NTAPI IoConnectInterrupt(PKINTERRUPT* Out, PKSERVICE_ROUTINE Routine, PVOID Context, PKSPIN_LOCK SpinLock, ULONG Vector, KIRQL Irql, KIRQL, KINTERRUPT_MODE Mode, BOOLEAN,
                                  KAFFINITY, BOOLEAN)
{
    return Connect(Out, Routine, nullptr, Context, SpinLock, Vector, Irql, Mode == LevelSensitive);
}
NTSTATUS NTAPI IoConnectInterruptEx(PIO_CONNECT_INTERRUPT_PARAMETERS P)
{
    switch (P->Version) {
    case CONNECT_FULLY_SPECIFIED: {
        auto& F = P->FullySpecified;
        return Connect(F.InterruptObject, F.ServiceRoutine, nullptr, F.ServiceContext, F.SpinLock, F.Vector, F.Irql, F.InterruptMode == LevelSensitive);
    }
    case CONNECT_LINE_BASED: {
        auto& L = P->LineBased;
        if (const wd::Resource* R = FixedLine(L.PhysicalDeviceObject))
            return Connect(L.InterruptObject, L.ServiceRoutine, nullptr, L.ServiceContext, L.SpinLock, ULONG(R->Start) + LineVector, LineIrql, R->Level);
        const wd::PciDevice* D = PciOf(L.PhysicalDeviceObject);
        if (!D || D->Pin == ~0u)
            return STATUS_NOT_FOUND;
        return Connect(L.InterruptObject, L.ServiceRoutine, nullptr, L.ServiceContext, L.SpinLock, D->Pin + LineVector, LineIrql, true);
    }
    case CONNECT_MESSAGE_BASED: {
        // Without message interrupts the driver's line routine serves, and it is told so.
        auto& M = P->MessageBased;
        const wd::PciDevice* D = PciOf(M.PhysicalDeviceObject);
        if (ULONG Count = D ? MessagesOf(*D) : 0)
            if (ConnectMessages(M, *D, Count) >= 0)
                return STATUS_SUCCESS;
        if (!D || D->Pin == ~0u || !M.FallBackServiceRoutine)
            return STATUS_NOT_FOUND;
        NTSTATUS Status = Connect(M.ConnectionContext.InterruptObject, M.FallBackServiceRoutine, nullptr, M.ServiceContext, M.SpinLock, D->Pin + LineVector, LineIrql, true);
        if (Status >= 0)
            P->Version = CONNECT_LINE_BASED;
        return Status;
    }
    default:
        return STATUS_NOT_SUPPORTED;
    }
}
void NTAPI IoDisconnectInterrupt(PKINTERRUPT Interrupt)
{
    Hold Held(ConnectLock);
    KIRQL Old = Raise(LineIrql);
    bool Shared = false;
    for (_KINTERRUPT** At = &Connected; *At;) {
        if (*At == Interrupt) {
            *At = Interrupt->Next;
            continue;
        }
        Shared |= (*At)->Bit == Interrupt->Bit;
        At = &(*At)->Next;
    }
    Lower(Old);
    if (!Shared) {
        wd::InterruptLine L { 0, Interrupt->Bit, 0, 0 };
        Control(wd::Control::DisconnectInterrupt, &L, sizeof(L));
    }
    Free(Interrupt);
}
void NTAPI IoDisconnectInterruptEx(PIO_DISCONNECT_INTERRUPT_PARAMETERS P)
{
    if (P->Version != CONNECT_MESSAGE_BASED) {
        IoDisconnectInterrupt(P->ConnectionContext.InterruptObject);
        return;
    }
    Hold Held(ConnectLock);
    auto* Info = P->ConnectionContext.InterruptMessageTable;
    auto* Table = reinterpret_cast<MessageTable*>(Info) - 1;
    wd::MessageInterrupt M { Table->Of->Bus, Table->Of->Device, Table->Of->Function, 0, 0, 0, 0, 0, 0 };
    Control(wd::Control::DisconnectMessages, &M, sizeof(M));
    for (ULONG N = 0; N < Info->MessageCount; ++N) {
        PKINTERRUPT I = Info->MessageInfo[N].InterruptObject;
        KIRQL Old = Raise(LineIrql);
        for (_KINTERRUPT** At = &Connected; *At; At = &(*At)->Next) {
            if (*At == I) {
                *At = I->Next;
                break;
            }
        }
        Lower(Old);
        Free(I);
    }
    Free(Table);
}
BOOLEAN NTAPI KeSynchronizeExecution(PKINTERRUPT Interrupt, PKSYNCHRONIZE_ROUTINE Routine, PVOID Context)
{
    KIRQL Old = Raise(Interrupt->Irql > Irql() ? Interrupt->Irql : Irql());
    BOOLEAN Result = Routine(Context);
    Lower(Old);
    return Result;
}
KIRQL NTAPI KeAcquireInterruptSpinLock(PKINTERRUPT Interrupt) { return Raise(Interrupt->Irql > Irql() ? Interrupt->Irql : Irql()); }
void NTAPI KeReleaseInterruptSpinLock(PKINTERRUPT, KIRQL Old) { Lower(Old); }
ULONG NTAPI HalGetInterruptVector(INTERFACE_TYPE, ULONG, ULONG Level, ULONG, PKIRQL Irql, PKAFFINITY Affinity)
{
    *Irql = LineIrql;
    *Affinity = 1;
    return Level + LineVector;
}
BOOLEAN NTAPI HalTranslateBusAddress(INTERFACE_TYPE, ULONG, PHYSICAL_ADDRESS Address, PULONG, PPHYSICAL_ADDRESS To)
{
    *To = Address;
    return TRUE;
}

PVOID NTAPI MmMapIoSpace(PHYSICAL_ADDRESS Physical, SIZE_T Bytes, MEMORY_CACHING_TYPE)
{
    wd::PhysicalRange R { u64(Physical.QuadPart), Bytes };
    wd::Address A {};
    return Control(wd::Control::MapDevice, &R, sizeof(R), &A, sizeof(A)) >= 0 ? reinterpret_cast<PVOID>(A.At) : nullptr;
}
PVOID NTAPI MmMapIoSpaceEx(PHYSICAL_ADDRESS Physical, SIZE_T Bytes, ULONG) { return MmMapIoSpace(Physical, Bytes, MmNonCached); }
void NTAPI MmUnmapIoSpace(PVOID, SIZE_T) { }       // device pages stay mapped until the process ends
PHYSICAL_ADDRESS NTAPI MmGetPhysicalAddress(PVOID At)
{
    PHYSICAL_ADDRESS P {};
    PFN_NUMBER Frame;
    if (FrameOf(u64(At), &Frame))
        P.QuadPart = LONGLONG((u64(Frame) << PageShift) + (u64(At) & PageMask));
    return P;
}
PVOID NTAPI MmAllocateContiguousMemorySpecifyCache(SIZE_T Bytes, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, PHYSICAL_ADDRESS, MEMORY_CACHING_TYPE)
{
    u64 Physical;
    return AllocateContiguous(Bytes, &Physical);
}
PVOID NTAPI MmAllocateContiguousMemory(SIZE_T Bytes, PHYSICAL_ADDRESS)
{
    u64 Physical;
    return AllocateContiguous(Bytes, &Physical);
}
void NTAPI MmFreeContiguousMemory(PVOID) { }
void NTAPI MmFreeContiguousMemorySpecifyCache(PVOID, SIZE_T, MEMORY_CACHING_TYPE) { }

PDMA_ADAPTER NTAPI IoGetDmaAdapter(PDEVICE_OBJECT D, PDEVICE_DESCRIPTION Description, PULONG Registers)
{
    auto* A = New<DmaAdapter>();
    if (!A)
        return nullptr;
    A->Public.Version = 1;
    A->Public.Size = sizeof(DMA_ADAPTER);
    A->Public.DmaOperations = &Operations;
    A->Device = D;
    A->MapRegisters = Description->MaximumLength ? (Description->MaximumLength >> PageShift) + 2 : 257;
    if (Registers)
        *Registers = A->MapRegisters;
    return &A->Public;
}

// For the firmware's driver: what it tells the Executive (abi/wire/driver.hpp) has no function on Windows.
NTSTATUS NTAPI NeptuneDriverControl(ULONG Code, PVOID In, ULONG InBytes, PVOID Out, ULONG OutBytes) { return NtDriverControl(Code, In, InBytes, Out, OutBytes); }

static void PortBuffer(ULONG_PTR Where, u8 Bytes, bool Write, void* Data, ULONG Count)
{
    auto* At = static_cast<u8*>(Data);
    while (Count) {
        ULONG Now = Count < wd::MaximumPortBuffer / Bytes ? Count : wd::MaximumPortBuffer / Bytes;
        u8 Room[sizeof(wd::PortAccess) + wd::MaximumPortBuffer];
        wd::PortAccess A { u16(Where), Bytes, Write, Now };
        memcpy(Room, &A, sizeof(A));
        if (Write)
            memcpy(Room + sizeof(A), At, Now * Bytes);
        if (Control(wd::Control::PortBuffer, Room, sizeof(A) + (Write ? Now * Bytes : 0), Write ? nullptr : At, Write ? 0 : Now * Bytes) < 0 && !Write)
            memset(At, 0xFF, Now * Bytes);
        At += Now * Bytes;
        Count -= Now;
    }
}
void NTAPI READ_PORT_BUFFER_UCHARExport(PUCHAR P, PUCHAR To, ULONG Count) { PortBuffer(ULONG_PTR(P), 1, false, To, Count); }
void NTAPI READ_PORT_BUFFER_USHORTExport(PUSHORT P, PUSHORT To, ULONG Count) { PortBuffer(ULONG_PTR(P), 2, false, To, Count); }
void NTAPI READ_PORT_BUFFER_ULONGExport(PULONG P, PULONG To, ULONG Count) { PortBuffer(ULONG_PTR(P), 4, false, To, Count); }
void NTAPI WRITE_PORT_BUFFER_UCHARExport(PUCHAR P, PUCHAR From, ULONG Count) { PortBuffer(ULONG_PTR(P), 1, true, From, Count); }
void NTAPI WRITE_PORT_BUFFER_USHORTExport(PUSHORT P, PUSHORT From, ULONG Count) { PortBuffer(ULONG_PTR(P), 2, true, From, Count); }
void NTAPI WRITE_PORT_BUFFER_ULONGExport(PULONG P, PULONG From, ULONG Count) { PortBuffer(ULONG_PTR(P), 4, true, From, Count); }
UCHAR NTAPI READ_PORT_UCHARExport(PUCHAR P) { return UCHAR(Port(ULONG_PTR(P), 1, false, 0)); }
USHORT NTAPI READ_PORT_USHORTExport(PUSHORT P) { return USHORT(Port(ULONG_PTR(P), 2, false, 0)); }
ULONG NTAPI READ_PORT_ULONGExport(PULONG P) { return Port(ULONG_PTR(P), 4, false, 0); }
void NTAPI WRITE_PORT_UCHARExport(PUCHAR P, UCHAR V) { Port(ULONG_PTR(P), 1, true, V); }
void NTAPI WRITE_PORT_USHORTExport(PUSHORT P, USHORT V) { Port(ULONG_PTR(P), 2, true, V); }
void NTAPI WRITE_PORT_ULONGExport(PULONG P, ULONG V) { Port(ULONG_PTR(P), 4, true, V); }

}
