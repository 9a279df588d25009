// Small devices: \Device\Null, and what stands for the mount manager's driver as long as there is no disk: it answers questions about C:.
#include <string.h>

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/io/pipe.hpp"

namespace io {

namespace {

// A device whose files have no names below it.
template <typename F> class PlainDevice final : public Device {
public:
    using Device::Device;
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File*, ob::Name, bool) override
    {
        if (How.Pipe || How.Mailslot || How.TargetFolder)
            return STATUS_INVALID_PARAMETER;
        How.Granted = TRY(CheckDeviceAccess(Request, *this, How.Access));
        How.Information = FILE_OPENED;
        ob::ParseResult R;
        R.Found = TRY(ob::Make<F>(*this, How));
        return R;
    }
};

class NullFile final : public File {
public:
    NullFile(Device& Of, const CreateParameters& How) : File(Of, How) { }
    ~NullFile() override { CleanupOnce(); }
    Status TryRead(Transfer& T) override { return STATUS_END_OF_FILE; }
    Status TryWrite(Transfer& T) override
    {
        T.Done = T.Length;
        return STATUS_SUCCESS;
    }
    Status Start(Request& R) override
    {
        return R.What == Operation::Read ? TryRead(R.Data) : R.What == Operation::Write ? TryWrite(R.Data) : R.What == Operation::Flush ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
    }
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override
    {
        if (Class != FileStandardInformation)
            return STATUS_INVALID_DEVICE_REQUEST;
        FILE_STANDARD_INFORMATION S {};
        S.NumberOfLinks = 1;
        To.Fixed(S);
        return STATUS_SUCCESS;
    }
};

// --- the mount manager: what the Win32 library asks of it. Structures as in mountmgr.h and (unix drive) Wine's of the same name.

constexpr ULONG IoctlQueryPoints = CtlCode(FILE_DEVICE_MOUNTMGR, 2, METHOD_BUFFERED, 0);
constexpr ULONG IoctlAssignLetters = CtlCode(FILE_DEVICE_MOUNTMGR, 5, METHOD_BUFFERED, 3);      // IOCTL_MOUNTMGR_AUTO_DL_ASSIGNMENTS
constexpr ULONG IoctlQueryUnixDrive = CtlCode(FILE_DEVICE_MOUNTMGR, 33, METHOD_BUFFERED, 1);

struct UnixDrive {
    ULONG Size, Type, FsType, Serial;
    ULONGLONG UniqueId;
    USHORT Letter, DeviceOffset, MountPointOffset, LabelOffset;
};
constexpr ULONG DriveFixed = 3;

struct MountPoint {
    ULONG SymbolicLinkNameOffset;
    USHORT SymbolicLinkNameLength;
    ULONG UniqueIdOffset;
    USHORT UniqueIdLength;
    ULONG DeviceNameOffset;
    USHORT DeviceNameLength;
};
static_assert(sizeof(MountPoint) == 24);
struct MountPoints {
    ULONG Size, Count;
};

class MountManagerFile final : public File {
public:
    MountManagerFile(Device& Of, const CreateParameters& How) : File(Of, How) { }
    ~MountManagerFile() override { CleanupOnce(); }
    Status Start(Request& R) override
    {
        if (R.What != Operation::DeviceControl)
            return STATUS_INVALID_DEVICE_REQUEST;
        if (R.Code == IoctlQueryUnixDrive)
            return QueryDrive(R);
        if (R.Code == IoctlQueryPoints)
            return QueryPoints(R);
        if (R.Code == IoctlAssignLetters) {
            if (LettersMayBeGiven)
                LettersMayBeGiven();
            return STATUS_SUCCESS;
        }
        return STATUS_INVALID_DEVICE_REQUEST;
    }

private:
    static Status QueryDrive(Request& R)
    {
        UnixDrive D {};
        if (R.Input.Size() < sizeof(D) || R.Data.Length < sizeof(D))
            return STATUS_INVALID_PARAMETER;
        memcpy(&D, R.Input.Data(), sizeof(D));
        if ((D.Letter | 0x20) != 'c')
            return STATUS_NO_SUCH_DEVICE;
        USHORT Letter = D.Letter;
        D = {};
        D.Size = sizeof(D);
        D.Type = DriveFixed;
        D.Letter = Letter;
        TRY(R.Reply.Resize(sizeof(D)));
        memcpy(R.Reply.Data(), &D, sizeof(D));
        R.Data.Done = sizeof(D);
        return STATUS_SUCCESS;
    }

    // The volume's two names, whatever of them (or nothing) was asked for.
    static Status QueryPoints(Request& R)
    {
        static constexpr wchar_t Device[] = L"\\Device\\HarddiskVolume1", Drive[] = L"\\DosDevices\\C:",
                                 Volume[] = L"\\??\\Volume{4e455054-0000-4000-8000-000000000001}";
        static constexpr char Id[] = "NEPTUNE1";
        if (R.Input.Size() < sizeof(MountPoint))
            return STATUS_INVALID_PARAMETER;
        MountPoint Asked;
        memcpy(&Asked, R.Input.Data(), sizeof(Asked));
        auto Same = [&](ULONG Offset, USHORT Length, ob::Name With) {
            if (!Length)
                return true;
            if (Offset > R.Input.Size() || Length > R.Input.Size() - Offset || (Length & 1) || Length / 2 != With.Length)
                return false;
            for (usize I = 0; I < With.Length; ++I) {
                wchar_t C;
                memcpy(&C, &R.Input[Offset + I * 2], 2);
                if (ob::UpCase(C) != ob::UpCase(With.Data[I]))
                    return false;
            }
            return true;
        };
        constexpr usize DeviceBytes = sizeof(Device) - 2;
        bool ForDevice = Same(Asked.DeviceNameOffset, Asked.DeviceNameLength, Device);
        struct {
            ob::Name Name;
            bool Wanted;
        } Names[] = { { Drive, false }, { Volume, false } };
        u32 Count = 0;
        usize Total = sizeof(MountPoints);
        for (auto& N : Names) {
            N.Wanted = ForDevice && Same(Asked.SymbolicLinkNameOffset, Asked.SymbolicLinkNameLength, N.Name);
            if (N.Wanted) {
                ++Count;
                Total += sizeof(MountPoint) + N.Name.Length * 2 + DeviceBytes + 8;
            }
        }
        MountPoints Head { ULONG(Total), Count };
        if (R.Data.Length < sizeof(Head))
            return STATUS_BUFFER_TOO_SMALL;
        bool Fits = R.Data.Length >= Total;
        TRY(R.Reply.Resize(Fits ? Total : sizeof(Head)));
        memcpy(R.Reply.Data(), &Head, sizeof(Head));
        R.Data.Done = R.Reply.Size();
        if (!Fits)
            return STATUS_BUFFER_OVERFLOW;
        usize At = sizeof(Head), Text = sizeof(Head) + Count * sizeof(MountPoint);
        auto Put = [&](const void* From, usize Bytes) {
            memcpy(&R.Reply[Text], From, Bytes);
            Text += Bytes;
            return ULONG(Text - Bytes);
        };
        for (auto& N : Names) {
            if (!N.Wanted)
                continue;
            MountPoint P {};
            P.SymbolicLinkNameOffset = Put(N.Name.Data, N.Name.Length * 2);
            P.SymbolicLinkNameLength = USHORT(N.Name.Length * 2);
            P.UniqueIdOffset = Put(Id, 8);
            P.UniqueIdLength = 8;
            P.DeviceNameOffset = Put(Device, DeviceBytes);
            P.DeviceNameLength = USHORT(DeviceBytes);
            memcpy(&R.Reply[At], &P, sizeof(P));
            At += sizeof(P);
        }
        return STATUS_SUCCESS;
    }
};

}

void (*LettersMayBeGiven)();

Status Initialize()
{
    auto Null = TRY(ob::Make<PlainDevice<NullFile>>(FILE_DEVICE_NULL, 0));
    Null->Fallback = true;
    TRY(NameDevice(std::move(Null), L"\\Device\\Null"));
    TRY(ob::LinkKernel(L"\\GLOBAL??\\NUL", L"\\Device\\Null"));
    auto Mounts = TRY(ob::Make<PlainDevice<MountManagerFile>>(FILE_DEVICE_MOUNTMGR, 0));
    Mounts->Fallback = true;
    TRY(NameDevice(std::move(Mounts), L"\\Device\\MountPointManager"));
    TRY(ob::LinkKernel(L"\\GLOBAL??\\MountPointManager", L"\\Device\\MountPointManager"));
    TRY(InitializePipes());
    TRY(ob::LinkKernel(L"\\GLOBAL??\\PIPE", L"\\Device\\NamedPipe"));
    TRY(InitializeMailslots());
    return ob::LinkKernel(L"\\GLOBAL??\\MAILSLOT", L"\\Device\\Mailslot");
}

}
