// kernel::Start: reads what the kernel tells the root task, takes the stack's guard page away and moves into the
// two-level capability space.
#include "kernel/kernel.hpp"
#include "kernel/sel4/invocations.hpp"
#include "kernel/sel4/libsel4.hpp"
#include "kernel/sel4/space.hpp"
#include "lib/core/result.hpp"

extern "C" char __image_start[], __stack_guard[];

namespace kernel {
using namespace sel4;

static_assert(boot::Tcb == seL4_CapInitThreadTCB && boot::CNode == seL4_CapInitThreadCNode && boot::Pml4 == seL4_CapInitThreadVSpace &&
              boot::IrqControl == seL4_CapIRQControl && boot::AsidControl == seL4_CapASIDControl &&
              boot::AsidPool == seL4_CapInitThreadASIDPool && boot::IoPort == seL4_CapIOPort &&
              boot::IpcBufferFrame == seL4_CapInitThreadIPCBuffer && RootCap == seL4_CapIOSpace);
static_assert(CONFIG_ROOT_CNODE_SIZE_BITS == NodeBits && sizeof(seL4_BootInfo) <= PageSize);
static_assert(CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS <= sizeof(BootInfo::Untyped) / sizeof(UntypedInfo));

static BootInfo Info;

static void Need(u32 Error, const char* What)
{
    if (Error)
        core::Panic(What, "kernel/sel4/boot.cpp", int(Error));
}

// Takes 2^SizeBits bytes from the front of the smallest untyped that has them: the capability to retype. The rest of that
// untyped, if any, becomes untypeds of its own, so that every one listed is whole.
static CPtr TakeMemory(u32 SizeBits)
{
    UntypedInfo* Best = nullptr;
    for (u32 I = 0; I < Info.UntypedCount; ++I) {
        UntypedInfo& U = Info.Untyped[I];
        if (!U.IsDevice && U.SizeBits >= SizeBits && (!Best || U.SizeBits < Best->SizeBits))
            Best = &U;
    }
    if (!Best)
        core::Panic("no memory for the capability space", __FILE__, __LINE__);
    UntypedInfo From = *Best;
    *Best = Info.Untyped[--Info.UntypedCount];
    if (From.SizeBits == SizeBits)
        return From.Cap;
    auto Piece = [&](u32 Bits) {
        CPtr Slot = Info.FirstFreeSlot++;
        Need(Untyped_Retype({ From.Cap }, seL4_UntypedObject, Bits, { boot::CNode }, 0, 0, Slot, 1), "boot memory");
        return Slot;
    };
    CPtr Front = Piece(SizeBits);
    for (u32 Bits = SizeBits; Bits < From.SizeBits && Info.UntypedCount < sizeof(Info.Untyped) / sizeof(Info.Untyped[0]); ++Bits)
        Info.Untyped[Info.UntypedCount++] = { Piece(Bits), From.Physical + (u64(1) << Bits), u8(Bits), false };
    return Front;
}

static void BuildSpace()
{
    // The initial CNode's own capability resolves all 64 bits (48 of guard): it serves as root until SetSpace.
    CNode Initial { boot::CNode };
    CPtr Memory = TakeMemory(RootBits + CNodeSlotBits), NewRoot = Info.FirstFreeSlot++;
    Need(Untyped_Retype({ Memory }, seL4_CapTableObject, RootBits, Initial, 0, 0, NewRoot, 1), "root CNode");
    Need(CNode_Mint({ NewRoot }, 0, RootBits, Initial, boot::CNode, 64, Rights::AllRights, GuardData(0)), "initial CNode into the root");
    Need(CNode_Mint(Initial, RootCap, 64, Initial, NewRoot, 64, Rights::AllRights, GuardData(64 - RootBits - NodeBits)), "root capability");
    Need(TCB_SetSpace({ boot::Tcb }, 0, { RootCap }, 0, { boot::Pml4 }, 0), "TCB_SetSpace");
}

const BootInfo& Start(void* BootArgument)
{
    const auto& From = *static_cast<const seL4_BootInfo*>(BootArgument);
    Info.FirstFreeSlot = From.empty.start;
    Info.EndFreeSlot = From.empty.end;
    Info.FirstImageFrame = From.userImageFrames.start;
    Info.ImageFrames = From.userImageFrames.end - From.userImageFrames.start;
    Info.ImageAddress = reinterpret_cast<u64>(__image_start);
    Info.TscFrequency = From.archInfo * 1000000;    // the kernel counts in MHz
    Info.UntypedCount = u32(From.untyped.end - From.untyped.start);
    for (u32 I = 0; I < Info.UntypedCount; ++I) {
        const seL4_UntypedDesc& U = From.untypedList[I];
        Info.Untyped[I] = { From.untyped.start + I, U.paddr, U.sizeBits, U.isDevice != 0 };
    }
    Need(X86_Page_GetAddress({ Info.FirstImageFrame }, Info.ImagePhysical), "image frames");
    u64 Guard = (reinterpret_cast<u64>(__stack_guard) - Info.ImageAddress) / PageSize;
    Need(X86_Page_Unmap({ Info.FirstImageFrame + Guard }), "stack guard");
    BuildSpace();
    return Info;
}

}
