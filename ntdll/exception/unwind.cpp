// RtlVirtualUnwind: one frame back, by the unwind codes of the function or by running the rest of its epilogue.
#include "ntdll/exception/exception.hpp"

namespace {

enum Operation : u8 {
    PushNonVolatile, AllocateLarge, AllocateSmall, SetFramePointer, SaveNonVolatile, SaveNonVolatileFar, Epilogue, Spare,
    SaveXmm, SaveXmmFar, PushMachineFrame,
};

struct Code {
    u8 Offset;
    u8 Operation : 4;
    u8 Info : 4;
};
struct Info {
    u8 Version : 3;
    u8 Flags : 5;
    u8 PrologueSize;
    u8 CodeCount;
    u8 FrameRegister : 4;
    u8 FrameOffset : 4;
    Code Codes[1];

    u16 Word(u32 Index) const { return reinterpret_cast<const u16*>(Codes)[Index]; }
    u32 Long(u32 Index) const { return Word(Index) | u32(Word(Index + 1)) << 16; }
    // What follows the codes, which are padded to an even count: the handler's RVA and data, or the chained function.
    void* Tail() const { return const_cast<u16*>(reinterpret_cast<const u16*>(Codes) + ((CodeCount + 1u) & ~1u)); }
};

// The slots of a code, itself included.
u32 Slots(const Info& Unwind, u32 Index)
{
    switch (Unwind.Codes[Index].Operation) {
    case AllocateLarge:
        return Unwind.Codes[Index].Info ? 3 : 2;
    case SaveNonVolatile:
    case SaveXmm:
        return 2;
    case SaveNonVolatileFar:
    case SaveXmmFar:
    case Spare:
        return 3;
    default:
        return 1;
    }
}

u64* Register(CONTEXT& Context, u32 Number) { return &Context.Rax + Number; }

void Restore(CONTEXT& Context, u32 Number, u64* From, KNONVOLATILE_CONTEXT_POINTERS* Pointers)
{
    *Register(Context, Number) = *From;
    if (Pointers)
        Pointers->IntegerContext[Number] = From;
}

// Whether Pc is in an epilogue: optional `add rsp, n` or `lea rsp, [frame + n]`, pops, then a return or a jump that leaves the
// function. If so its effect is applied.
bool FinishEpilogue(u64 ImageBase, u64 Pc, const RUNTIME_FUNCTION& Function, const Info& Unwind, CONTEXT& Context,
                    KNONVOLATILE_CONTEXT_POINTERS* Pointers)
{
    const u8* At = reinterpret_cast<const u8*>(Pc);
    const u8* End = reinterpret_cast<const u8*>(ImageBase + Function.EndAddress);
    u64 NewRsp = Context.Rsp;
    auto Left = [&] { return At < End ? u64(End - At) : 0; };
    auto Byte32 = [](const u8* P) { return i32(P[0] | P[1] << 8 | P[2] << 16 | u32(P[3]) << 24); };

    if (Left() >= 4 && (At[0] & 0xF8) == 0x48) {
        if (At[0] == 0x48 && At[1] == 0x83 && At[2] == 0xC4) {                              // add rsp, imm8
            NewRsp += i8(At[3]);
            At += 4;
        } else if (At[0] == 0x48 && At[1] == 0x81 && At[2] == 0xC4 && Left() >= 7) {        // add rsp, imm32
            NewRsp += Byte32(At + 3);
            At += 7;
        } else if ((At[0] & 0xFE) == 0x48 && At[1] == 0x8D && Unwind.FrameRegister) {       // lea rsp, [frame + disp]
            u32 Mod = At[2] >> 6, Target = At[2] >> 3 & 7, Base = (At[2] & 7) | (At[0] & 1) << 3;
            if (Target == 4 && Base == Unwind.FrameRegister && (At[2] & 7) != 4 && (Mod == 1 || (Mod == 2 && Left() >= 7))) {
                NewRsp = *Register(Context, Base) + (Mod == 1 ? i64(i8(At[3])) : i64(Byte32(At + 3)));
                At += Mod == 1 ? 4 : 7;
            }
        }
    }
    const u8* Pops = At;
    while (Left() && ((At[0] & 0xF8) == 0x58 || (Left() >= 2 && At[0] == 0x41 && (At[1] & 0xF8) == 0x58)))
        At += At[0] == 0x41 ? 2 : 1;
    const u8* PopsEnd = At;

    if (!Left())
        return false;
    bool Ends = false;
    if (At[0] == 0xC3 || At[0] == 0xC2 || (At[0] == 0xF3 && Left() >= 2 && At[1] == 0xC3)) {
        Ends = true;
    } else if ((At[0] == 0xE9 && Left() >= 5) || (At[0] == 0xEB && Left() >= 2)) {
        u64 Target = u64(At) + (At[0] == 0xE9 ? 5 + i64(Byte32(At + 1)) : 2 + i64(i8(At[1])));
        u64 Rva = Target - ImageBase;
        if (Rva < Function.BeginAddress || Rva >= Function.EndAddress) {
            // A jump into another part of the same function is no end, unless it is a tail call of itself: parts are chained to their
            // primary entry.
            u64 Base = 0;
            RUNTIME_FUNCTION* Other = RtlLookupFunctionEntry(Target, &Base, nullptr);
            Ends = true;
            if (Other && Base == ImageBase) {
                auto Primary = [&](const RUNTIME_FUNCTION* F) {
                    for (u32 Depth = 0; Depth < 32; ++Depth) {
                        auto& I = *reinterpret_cast<const Info*>(ImageBase + F->UnwindData);
                        if (!(I.Flags & UNWIND_HANDLER_CHAINED))
                            break;
                        F = reinterpret_cast<const RUNTIME_FUNCTION*>(I.Tail());
                    }
                    return F->BeginAddress;
                };
                Ends = Primary(Other) != Primary(&Function) || Primary(Other) == Rva;
            }
        }
    } else if (At[0] == 0xFF && Left() >= 2 && (At[1] == 0x25 || (At[1] & 0xF8) == 0xE0)) {
        Ends = At[1] == 0x25 || PopsEnd != Pops || NewRsp != Context.Rsp;                   // jmp [rip + n], jmp reg
    } else if ((At[0] & 0xF8) == 0x48 && Left() >= 3 && At[1] == 0xFF && (At[2] & 0x38) == 0x20) {
        Ends = true;                                                                        // rex.w jmp: marks a tail call
    }
    if (!Ends)
        return false;

    Context.Rsp = NewRsp;
    for (const u8* P = Pops; P < PopsEnd; ++P) {
        u32 Number = *P == 0x41 ? (*++P & 7) | 8 : *P & 7;
        u64* Slot = reinterpret_cast<u64*>(Context.Rsp);
        Context.Rsp += 8;
        if (Number == 4)
            Context.Rsp = *Slot;
        else
            Restore(Context, Number, Slot, Pointers);
    }
    Context.Rip = *reinterpret_cast<u64*>(Context.Rsp);
    Context.Rsp += 8;
    return true;
}

// Undoes the codes at or before PrologueOffset. True: a machine frame gave RIP and RSP.
bool UndoCodes(const Info& Unwind, u64 PrologueOffset, u64 Frame, CONTEXT& Context, KNONVOLATILE_CONTEXT_POINTERS* Pointers)
{
    bool Machine = false;
    for (u32 I = 0; I < Unwind.CodeCount; I += Slots(Unwind, I)) {
        const Code C = Unwind.Codes[I];
        if (C.Operation != Epilogue && C.Offset > PrologueOffset)
            continue;
        switch (C.Operation) {
        case PushNonVolatile:
            Restore(Context, C.Info, reinterpret_cast<u64*>(Context.Rsp), Pointers);
            Context.Rsp += 8;
            break;
        case AllocateLarge:
            Context.Rsp += C.Info ? Unwind.Long(I + 1) : u64(Unwind.Word(I + 1)) * 8;
            break;
        case AllocateSmall:
            Context.Rsp += (C.Info + 1u) * 8;
            break;
        case SetFramePointer:
            Context.Rsp = *Register(Context, Unwind.FrameRegister) - Unwind.FrameOffset * 16u;
            break;
        case SaveNonVolatile:
            Restore(Context, C.Info, reinterpret_cast<u64*>(Frame + u64(Unwind.Word(I + 1)) * 8), Pointers);
            break;
        case SaveNonVolatileFar:
            Restore(Context, C.Info, reinterpret_cast<u64*>(Frame + Unwind.Long(I + 1)), Pointers);
            break;
        case SaveXmm:
        case SaveXmmFar: {
            auto* From = reinterpret_cast<M128A*>(Frame + (C.Operation == SaveXmm ? u64(Unwind.Word(I + 1)) * 16 : Unwind.Long(I + 1)));
            Context.FltSave.XmmRegisters[C.Info] = *From;
            if (Pointers)
                Pointers->FloatingContext[C.Info] = From;
            break;
        }
        case PushMachineFrame: {
            const u64* Pushed = reinterpret_cast<const u64*>(Context.Rsp + (C.Info ? 8 : 0));
            Context.Rip = Pushed[0];
            Context.Rsp = Pushed[3];
            Machine = true;
            break;
        }
        default:
            break;
        }
    }
    return Machine;
}

u64 FrameOf(const Info& Unwind, u64 PrologueOffset, const CONTEXT& Context)
{
    if (!Unwind.FrameRegister)
        return Context.Rsp;
    bool Set = PrologueOffset >= Unwind.PrologueSize;
    for (u32 I = 0; !Set && I < Unwind.CodeCount; I += Slots(Unwind, I))
        Set = Unwind.Codes[I].Operation == SetFramePointer && Unwind.Codes[I].Offset <= PrologueOffset;
    return Set ? *Register(const_cast<CONTEXT&>(Context), Unwind.FrameRegister) - Unwind.FrameOffset * 16u : Context.Rsp;
}

}

extern "C" EXCEPTION_ROUTINE* NTAPI RtlVirtualUnwind(ULONG HandlerType, u64 ImageBase, u64 ControlPc, RUNTIME_FUNCTION* Function,
                                                     CONTEXT* Context, PVOID* HandlerData, u64* EstablisherFrame,
                                                     KNONVOLATILE_CONTEXT_POINTERS* Pointers)
{
    Context->ContextFlags |= CONTEXT_UNWOUND_TO_CALL;
    if (!Function) {                                // a leaf function: nothing saved
        *EstablisherFrame = Context->Rsp;
        Context->Rip = *reinterpret_cast<u64*>(Context->Rsp);
        Context->Rsp += 8;
        return nullptr;
    }
    if (Function->UnwindData & 1)
        Function = reinterpret_cast<RUNTIME_FUNCTION*>(ImageBase + (Function->UnwindData & ~1u));
    const Info* Unwind = reinterpret_cast<const Info*>(ImageBase + Function->UnwindData);
    u64 PrologueOffset = ControlPc - ImageBase - Function->BeginAddress;
    bool InPrologue = PrologueOffset < Unwind->PrologueSize;
    u64 Frame = FrameOf(*Unwind, PrologueOffset, *Context);
    *EstablisherFrame = Frame;

    if (!InPrologue && FinishEpilogue(ImageBase, ControlPc, *Function, *Unwind, *Context, Pointers))
        return nullptr;
    bool Machine = false;
    for (u32 Depth = 0; Depth < 32; ++Depth) {
        Machine |= UndoCodes(*Unwind, PrologueOffset, Frame, *Context, Pointers);
        if (!(Unwind->Flags & UNWIND_HANDLER_CHAINED))
            break;
        auto* Primary = static_cast<RUNTIME_FUNCTION*>(Unwind->Tail());
        Unwind = reinterpret_cast<const Info*>(ImageBase + Primary->UnwindData);
        PrologueOffset = ~u64(0);
    }
    if (!Machine) {
        Context->Rip = *reinterpret_cast<u64*>(Context->Rsp);
        Context->Rsp += 8;
    }
    if (InPrologue || !(Unwind->Flags & HandlerType & (UNWIND_HANDLER_EXCEPTION | UNWIND_HANDLER_UNWIND)))
        return nullptr;
    u32* Tail = static_cast<u32*>(Unwind->Tail());
    if (HandlerData)
        *HandlerData = Tail + 1;
    return reinterpret_cast<EXCEPTION_ROUTINE*>(ImageBase + *Tail);
}
