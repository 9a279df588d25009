// Image notifications: the Executive tells of them (ntos/io/driver/images.cpp).
#include "wdm/ntoskrnl/host.hpp"

namespace host {

namespace {

constexpr u32 Most = 64;                // PSP_MAX_LOAD_IMAGE_NOTIFY
constexpr usize MostName = 1000;        // characters
Lock RoutineLock;
PLOAD_IMAGE_NOTIFY_ROUTINE Routines[Most];

}

void ImageLoaded(const wd::Message& M)
{
    // Terminated: routines take the buffer for a string.
    auto* Text = static_cast<WCHAR*>(Allocate(M.InputBytes + 2));
    if (!Text)
        return;
    memcpy(Text, DataAt(M.Data, 0), M.InputBytes);
    UNICODE_STRING Name { USHORT(M.InputBytes), USHORT(M.InputBytes + 2), Text };
    for (u32 I = 0; I < Most; ++I) {
        IMAGE_INFO About {};
        About.ImageAddressingMode = IMAGE_ADDRESSING_MODE_32BIT;
        About.SystemModeImage = M.Parameters[0] == 0;
        About.ImageBase = reinterpret_cast<PVOID>(M.Parameters[1]);
        About.ImageSize = M.Parameters[2];
        if (PLOAD_IMAGE_NOTIFY_ROUTINE R = __atomic_load_n(&Routines[I], __ATOMIC_ACQUIRE))
            R(&Name, reinterpret_cast<HANDLE>(M.Parameters[0]), &About);
    }
    Free(Text);
}

void TellImage(PVOID Base, ULONG Bytes, const UNICODE_STRING& DosPath)
{
    u8 In[sizeof(wd::LoadedImage) + (4 + MostName) * sizeof(WCHAR)];
    usize Length = DosPath.Length / sizeof(WCHAR) < MostName ? DosPath.Length / sizeof(WCHAR) : MostName;
    wd::LoadedImage About { u64(Base), Bytes, u32((4 + Length) * sizeof(WCHAR)), 0 };
    memcpy(In, &About, sizeof(About));
    memcpy(In + sizeof(About), L"\\??\\", 4 * sizeof(WCHAR));
    memcpy(In + sizeof(About) + 4 * sizeof(WCHAR), DosPath.Buffer, Length * sizeof(WCHAR));
    Control(wd::Control::ImageLoaded, In, ULONG(sizeof(About) + About.NameBytes));
}

}

using namespace host;

extern "C" {

// The same routine may be registered more than once; it is called as often.
NTSTATUS NTAPI PsSetLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE Routine)
{
    wd::Status On { 1, 0 };
    if (NTSTATUS Status = Control(wd::Control::WatchImages, &On, sizeof(On)); Status < 0)
        return Status;
    Hold Held(RoutineLock);
    for (auto& R : Routines) {
        if (R)
            continue;
        __atomic_store_n(&R, Routine, __ATOMIC_RELEASE);
        return STATUS_SUCCESS;
    }
    return STATUS_INSUFFICIENT_RESOURCES;
}
NTSTATUS NTAPI PsSetLoadImageNotifyRoutineEx(PLOAD_IMAGE_NOTIFY_ROUTINE Routine, ULONG_PTR) { return PsSetLoadImageNotifyRoutine(Routine); }
NTSTATUS NTAPI PsRemoveLoadImageNotifyRoutine(PLOAD_IMAGE_NOTIFY_ROUTINE Routine)
{
    bool Found = false, Others = false;
    {
        Hold Held(RoutineLock);
        for (auto& R : Routines) {
            if (!Found && R == Routine) {
                __atomic_store_n(&R, nullptr, __ATOMIC_RELEASE);
                Found = true;
            }
            Others |= R != nullptr;
        }
    }
    wd::Status Off { 0, 0 };
    if (Found && !Others)
        Control(wd::Control::WatchImages, &Off, sizeof(Off));
    return Found ? STATUS_SUCCESS : STATUS_PROCEDURE_NOT_FOUND;
}

}
