// The guard: what is told when the dispatcher itself faults, or panics.
#include "kernel/kernel.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/ke/dispatch.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/thread.hpp"

namespace ke {

using namespace nt;

InHand Serving;

static mm::KernelHandle GuardTcb, GuardEndpoint;

static void TellServing()
{
    if (!Serving.Service || !Serving.By) {
        ex::Log("no service was being run\n");
        return;
    }
    ps::Thread& T = Serving.By->Thread();
    ex::Log("while running Nt%s for thread %u:", Serving.Service->Name, T.Id());
    for (u32 I = 0; I < Serving.Service->ArgumentCount; ++I)
        ex::Log(" 0x%x", T.Arguments[I]);
    ex::Log("\n");
}

static void Guard()
{
    kernel::Message M = kernel::Receive(GuardEndpoint.Cap);
    u64 Extra = M.Label == kernel::fault::UserException ? kernel::MessageWord(4) : M.Words[3];
    ex::Log("the Executive faulted: kind %u at 0x%x, address 0x%x, %x %x %x\n", M.Label, M.Words[0], M.Words[1], M.Words[2], M.Words[3], Extra);
    kernel::Registers R {};
    if (!kernel::Failed(kernel::ReadRegisters(kernel::boot::Tcb, false, R))) {
        ex::Log("  rax %p rbx %p rcx %p rdx %p rsi %p rdi %p\n", R.Rax, R.Rbx, R.Rcx, R.Rdx, R.Rsi, R.Rdi);
        ex::Log("  r8 %p r9 %p r12 %p r13 %p r14 %p r15 %p rsp %p\n", R.R8, R.R9, R.R12, R.R13, R.R14, R.R15, R.Rsp);
        // Frame pointers, while they look like some of the dispatcher's stack.
        ex::Log("  callers:");
        u64 Frame = R.Rbp;
        for (u32 I = 0; I < 16 && Frame % 8 == 0 && Frame >= R.Rsp && Frame - R.Rsp < 256 * KiB - 16; ++I) {
            const u64* At = reinterpret_cast<const u64*>(Frame);
            ex::Log(" 0x%x", At[1]);
            if (At[0] <= Frame)
                break;
            Frame = At[0];
        }
        ex::Log("\n");
    }
    core::Panic("the Executive faulted", __FILE__, __LINE__);
}

Status StartGuard()
{
    kernel::OnPanic = TellServing;
    GuardTcb = TRY(mm::AllocateObject(mm::KernelObject::Tcb));
    GuardEndpoint = TRY(mm::AllocateObject(mm::KernelObject::Endpoint));
    u8* Stack = TRY(mm::AllocatePage());
    u8* Buffer = TRY(mm::AllocatePage());
    mm::CPtr Frame = TRY(mm::AllocateSlot());
    if (kernel::Failed(kernel::Copy(Frame, mm::FrameCapability(mm::FrameOf(Buffer)), kernel::ReadWrite)) ||
        kernel::Failed(kernel::StartGuard(GuardTcb.Cap, GuardEndpoint.Cap, Guard, reinterpret_cast<u64>(Stack) + PageSize, reinterpret_cast<u64>(Buffer), Frame)))
        return STATUS_UNSUCCESSFUL;
    return STATUS_SUCCESS;
}

}
