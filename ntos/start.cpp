// Where the Executive begins: the kernel has started this image as its root task. Each component in the order they need
// each other; then the first process, then the dispatcher for ever.
#include "abi/wire/bootfs.hpp"
#include "kernel/kernel.hpp"
#include "ntos/cm/cm.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/hal/hostlink.hpp"
#include "ntos/io/io.hpp"
#include "ntos/ke/dispatch.hpp"
#include "ntos/ke/shared_page.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/ps/detail.hpp"
#include "ntos/se/se.hpp"

namespace ps {
extern mm::Pfn SharedPage;
}

extern "C" const u8 __archive_start[];

namespace {

u64 ArchiveSize(const kernel::BootInfo& Boot)
{
    // The image ends with the archive, if there is one: the kernel says how many pages the image has.
    u64 End = Boot.ImageAddress + (Boot.ImageFrames << PageShift), Start = reinterpret_cast<u64>(__archive_start);
    return End > Start ? End - Start : 0;
}

// The registry as the boot volume describes it. A wrong line ends there, with a message in the log: a system with the rest is better than none.
Status SeedRegistry()
{
    Ref<io::File> File = TRY(io::OpenKernelFile(L"\\SystemRoot\\System32\\config\\registry.txt"));
    Vector<char> Text;
    TRY(Text.Resize(File->DataSize()));
    usize Size = TRY(io::ReadKernel(*File, 0, Text.Data(), Text.Size()));
    return cm::LoadSeed(Text.Data(), Size);
}

Status StartExecutive(void* BootArgument)
{
    const kernel::BootInfo& Boot = kernel::Start(BootArgument);
    TRY(mm::Initialize(Boot));
    ps::InitializeExceptions();
    mm::KernelHandle Endpoint = TRY(mm::AllocateObject(mm::KernelObject::Endpoint));
    mm::KernelHandle Notification = TRY(mm::AllocateObject(mm::KernelObject::Notification));
    ps::ServiceEndpoint = Endpoint.Cap;
    ps::DispatcherNotification = Notification.Cap;
    if (kernel::Failed(kernel::BindNotification(kernel::boot::Tcb, Notification.Cap)) || kernel::Failed(kernel::SetPriority(kernel::boot::Tcb, ps::ExecutivePriority)))
        return STATUS_UNSUCCESSFUL;
    TRY(ke::StartGuard());
    TRY(hal::InitializeInterrupts(Notification.Cap));
    abi::KuserSharedData* Shared;
    ps::SharedPage = TRY(ke::MakeSharedPage(Shared));
    TRY(hal::InitializeClock(Shared));
    TRY(se::Initialize());
    TRY(ob::InitializeNamespace());
    TRY(io::Initialize());
    if (Status S = hal::InitializeHostLink(); !S.Ok())
        ex::Log("no host link: 0x%x\n", u32(S.Code()));
    TRY(io::InitializeHostLinkDevice());
    u64 Archive = ArchiveSize(Boot);
    if (!Archive) {
        ex::Log("the image carries no boot archive\n");
        return STATUS_NOT_FOUND;
    }
    u32 FirstPage = u32((Boot.ImagePhysical + (reinterpret_cast<u64>(__archive_start) - Boot.ImageAddress)) >> PageShift);
    TRY(io::MountBootVolume(__archive_start, Archive, FirstPage));
    TRY(cm::Initialize());
    TRY(cm::DescribeProcessor(Shared->Clock.TscFrequency));
    if (Status S = SeedRegistry(); !S.Ok())
        ex::Log("registry description: 0x%x\n", u32(S.Code()));
    TRY(ps::InitializeNtdll());
    TRY(io::InitializeDrivers());
    mm::MemoryInfo Memory = mm::QueryMemory();
    ex::Log("Neptune OS: %u MiB memory, %u MiB free\n", Memory.TotalPages >> 8, Memory.FreePages >> 8);
    io::StartBootDrivers();
    return ps::StartFirstProcess(L"\\??\\C:\\Windows\\System32\\smss.exe", L"smss.exe");
}

}

extern "C" [[noreturn]] void ExecutiveMain(void* BootArgument)
{
    if (Status S = StartExecutive(BootArgument); !S.Ok()) {
        ex::Log("NEPTUNE PANIC: start failed with status 0x%x\n", u32(S.Code()));
        hal::ControlLine("error the system could not start (see the log)");
        hal::Shutdown(hal::PowerAction::PowerOff);
    }
    ke::Dispatch(ps::ServiceEndpoint);
}
