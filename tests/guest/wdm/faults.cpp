// A driver's mistakes end its own process and nothing else: what was under way fails, the driver comes back, and the log names it.
#include "tests/guest/wdm/drivers/wdmtest.hpp"
#include "tests/guest/wdm/load.hpp"

using namespace wdm;

static const WCHAR* Key = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WdmFaults";

// The device, as soon as it is there.
static HANDLE Again()
{
    HANDLE File = nullptr;
    for (int Tries = 0; Tries < 500; ++Tries) {
        if (Open(&File, L"\\Device\\WdmTest") >= 0)
            return File;
        Sleep(20);
    }
    return nullptr;
}

// Makes the driver die of Code; whether it behaves as it should before and after.
static void Dies(const char* Of, ULONG Code)
{
    tap::Print("# %s\n", Of);
    HANDLE File = Again();
    if (!CHECK(File != nullptr))
        return;
    HANDLE Slow, Event;
    CHECK_EQ(u32(Open(&Slow, L"\\Device\\WdmTest", FILE_GENERIC_READ | FILE_GENERIC_WRITE, 0)), 0);
    CHECK_EQ(u32(NtCreateEvent(&Event, 0x1F0003, nullptr, 0, 0)), 0);
    IO_STATUS_BLOCK Io {};
    CHECK_EQ(u32(NtDeviceIoControlFile(Slow, Event, nullptr, nullptr, &Io, wdmtest::Pend, nullptr, 0, nullptr, 0)), u32(STATUS_PENDING));
    NTSTATUS Status = Control(File, Code);
    if (Status >= 0) {                  // the answer was on its way before the end
        Sleep(50);
        Status = Control(File, wdmtest::Nothing);
    }
    CHECK_EQ(u32(Status), u32(STATUS_DEVICE_REMOVED));
    CHECK_EQ(u32(NtWaitForSingleObject(Event, 0, nullptr)), 0);
    CHECK_EQ(u32(Io.Status), u32(STATUS_DEVICE_REMOVED));
    // Handles from before do not reach the new process.
    HANDLE New = Again();
    CHECK(New != nullptr);
    CHECK_EQ(u32(Control(File, wdmtest::Nothing)), u32(STATUS_DEVICE_REMOVED));
    CHECK_EQ(u32(Control(New, wdmtest::Nothing)), 0);
    NtClose(New);
    NtClose(Slow);
    NtClose(File);
    NtClose(Event);
}

// Loads the driver, has it leave something behind, and unloads it: it is gone, and the status tells.
static void Leaves(const char* What, ULONG Code, NTSTATUS Expected)
{
    tap::Print("# unloaded with %s left\n", What);
    CHECK_EQ(u32(Load(Key)), 0);
    HANDLE File = Again();
    CHECK(File != nullptr);
    CHECK_EQ(u32(Control(File, Code)), 0);
    NtClose(File);
    CHECK_EQ(u32(Unload(Key)), u32(Expected));
    CHECK(Open(&File, L"\\Device\\WdmTest") < 0);
}

TAP_MAIN()
{
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\wdmtest.sys")), 0);
    CHECK_EQ(u32(Load(Key)), 0);
    Dies("an access violation in a dispatch routine", wdmtest::Crash);
    Dies("a request completed twice", wdmtest::CompleteTwice);
    Dies("a dispatch routine that returns at a raised IRQL", wdmtest::RaiseAndReturn);
    Dies("a spin lock acquired twice", wdmtest::Spin);
    Dies("a write behind the end of a pool block", wdmtest::Overrun);
    CHECK_EQ(u32(Unload(Key)), 0);
    // Under another key, whose deaths are counted from none.
    Key = L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WdmMistakes";
    CHECK_EQ(u32(MakeKey(Key, L"\\??\\C:\\work\\wdmtest.sys")), 0);
    CHECK_EQ(u32(Load(Key)), 0);
    Dies("an IRP freed while a driver has it", wdmtest::FreeSent);
    Dies("an IRP freed that the driver did not make", wdmtest::FreeForeign);
    Dies("a remove lock released more often than acquired", wdmtest::RemoveLock);
    Dies("a remove lock removed twice", wdmtest::RemoveTwice);
    Dies("a spin lock released to a low IRQL while another one is held", wdmtest::ReleaseLow);
    Dies("an IRQL that falls while a spin lock is held", wdmtest::LowerHeld);
    CHECK_EQ(u32(Unload(Key)), 0);
    Leaves("nothing", wdmtest::Nothing, STATUS_SUCCESS);
    Leaves("a timer", wdmtest::LeaveTimer, STATUS_DRIVER_PROCESS_TERMINATED);
    Leaves("a work item", wdmtest::LeaveWork, STATUS_DRIVER_PROCESS_TERMINATED);
    Leaves("a thread", wdmtest::LeaveThread, STATUS_DRIVER_PROCESS_TERMINATED);
}
