// The control codes. Buffers are the documented ones of mountmgr.h; what they say is checked against their lengths.
#include "drivers/storage/mountmgr/mountmgr.hpp"

namespace mountmgr {

namespace {

struct Buffers {
    explicit Buffers(PIRP Irp)
        : At(static_cast<UCHAR*>(Irp->AssociatedIrp.SystemBuffer)), In(IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.InputBufferLength),
          Out(IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.OutputBufferLength)
    {
    }
    // A part of the input.
    bool Text(ULONG Offset, ULONG Bytes, Name& To) const { return Offset <= In && Bytes <= In - Offset && To.Set(At + Offset, Bytes); }
    UCHAR* At;
    ULONG In, Out;
};

// What MOUNTMGR_MOUNT_POINT asks for.
struct Filter {
    Name Link, Device;
    Id Unique;
    bool Read(const Buffers& B)
    {
        MOUNTMGR_MOUNT_POINT P;
        if (B.In < sizeof(P))
            return false;
        memcpy(&P, B.At, sizeof(P));
        if (P.SymbolicLinkNameLength && !B.Text(P.SymbolicLinkNameOffset, P.SymbolicLinkNameLength, Link))
            return false;
        if (P.DeviceNameLength && !B.Text(P.DeviceNameOffset, P.DeviceNameLength, Device))
            return false;
        if (P.UniqueIdLength) {
            if (P.UniqueIdLength > MaximumId || P.UniqueIdOffset > B.In || P.UniqueIdLength > B.In - P.UniqueIdOffset)
                return false;
            Unique.Bytes = P.UniqueIdLength;
            memcpy(Unique.Data, B.At + P.UniqueIdOffset, P.UniqueIdLength);
        }
        return true;
    }
    bool Takes(const Volume& V) const
    {
        return (!Unique.Bytes || Unique.Equals(V.Unique)) && (!Device.Bytes || Find(Device) == &V);
    }
    bool Takes(const Volume& V, const struct Link& L) const { return Takes(V) && (!Link.Bytes || Link.Equals(L.Of)); }
};

// All that the filter takes, as MOUNTMGR_MOUNT_POINTS.
NTSTATUS Report(const Buffers& B, const Filter& F, ULONG_PTR& Information)
{
    constexpr ULONG Head = offsetof(MOUNTMGR_MOUNT_POINTS, MountPoints);
    ULONG Count = 0, Bytes = Head;
    for (Volume* V = Volumes; V; V = V->Next)
        for (Link* L = V->Links; L; L = L->Next)
            if (F.Takes(*V, *L)) {
                ++Count;
                Bytes += sizeof(MOUNTMGR_MOUNT_POINT) + L->Of.Bytes + V->Device.Bytes + ((V->Unique.Bytes + 1u) & ~1u);
            }
    if (B.Out < sizeof(MOUNTMGR_MOUNT_POINTS))
        return STATUS_INVALID_PARAMETER;
    if (!Count && (F.Link.Bytes || F.Device.Bytes || F.Unique.Bytes))
        return STATUS_OBJECT_NAME_NOT_FOUND;
    auto& To = *reinterpret_cast<MOUNTMGR_MOUNT_POINTS*>(B.At);
    if (Bytes < sizeof(To))
        Bytes = sizeof(To);
    memset(B.At, 0, sizeof(To));
    To.Size = Bytes;
    if (Bytes > B.Out) {
        Information = sizeof(To);
        return STATUS_BUFFER_OVERFLOW;
    }
    memset(B.At, 0, Bytes);
    To.Size = Bytes;
    To.NumberOfMountPoints = Count;
    ULONG At = Head + Count * sizeof(MOUNTMGR_MOUNT_POINT), I = 0;
    auto Put = [&](const void* From, USHORT Length) {
        memcpy(B.At + At, From, Length);
        ULONG Was = At;
        At += (Length + 1u) & ~1u;
        return Was;
    };
    for (Volume* V = Volumes; V; V = V->Next)
        for (Link* L = V->Links; L; L = L->Next) {
            if (!F.Takes(*V, *L))
                continue;
            MOUNTMGR_MOUNT_POINT& P = To.MountPoints[I++];
            P.SymbolicLinkNameOffset = Put(L->Of.Text, L->Of.Bytes);
            P.SymbolicLinkNameLength = L->Of.Bytes;
            P.UniqueIdOffset = Put(V->Unique.Data, V->Unique.Bytes);
            P.UniqueIdLength = V->Unique.Bytes;
            P.DeviceNameOffset = Put(V->Device.Text, V->Device.Bytes);
            P.DeviceNameLength = V->Device.Bytes;
        }
    Information = Bytes;
    return STATUS_SUCCESS;
}

NTSTATUS QueryPoints(const Buffers& B, ULONG_PTR& Information)
{
    Filter F;
    return F.Read(B) ? Report(B, F, Information) : STATUS_INVALID_PARAMETER;
}

// Tells what it deletes. A volume that loses its letter gets none by itself again.
NTSTATUS DeletePoints(const Buffers& B, bool OnlyKept, ULONG_PTR& Information)
{
    Filter F;
    if (!F.Read(B))
        return STATUS_INVALID_PARAMETER;
    NTSTATUS Status = Report(B, F, Information);
    if (Status != STATUS_SUCCESS)
        return Status;
    for (Volume* V = Volumes; V; V = V->Next)
        for (Link* Next = V->Links; Next;) {
            Link& L = *Next;
            Next = L.Next;
            if (!F.Takes(*V, L))
                continue;
            Forget(L.Of);
            if (OnlyKept)
                continue;
            if (IsLetter(L.Of))
                LettersFor(*V, false);
            // Taken out last: the filter may know the volume by this name.
            if (!F.Link.Bytes && Next && F.Device.Equals(L.Of))
                F.Device = V->Device;
            DropLink(*V, L);
        }
    Changed();
    return STATUS_SUCCESS;
}

NTSTATUS CreatePoint(const Buffers& B)
{
    MOUNTMGR_CREATE_POINT_INPUT P;
    Name Link, Device;
    if (B.In < sizeof(P))
        return STATUS_INVALID_PARAMETER;
    memcpy(&P, B.At, sizeof(P));
    if (!B.Text(P.SymbolicLinkNameOffset, P.SymbolicLinkNameLength, Link) || !B.Text(P.DeviceNameOffset, P.DeviceNameLength, Device))
        return STATUS_INVALID_PARAMETER;
    if (!IsLetter(Link) && !IsVolumeName(Link))
        return STATUS_INVALID_PARAMETER;
    if (IsLetter(Link))
        Link.Text[12] &= ~0x20;
    Volume* V = Find(Device);
    if (!V)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    // One letter each.
    if (struct Link* L = IsLetter(Link) ? FindLink(*V, IsLetter) : nullptr)
        return L->Of.Equals(Link) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    NTSTATUS Status = MakeLink(*V, Link);
    if (!NT_SUCCESS(Status))
        return Status;
    Keep(Link, V->Unique);
    if (IsLetter(Link))
        LettersFor(*V, true);
    Changed();
    return STATUS_SUCCESS;
}

NTSTATUS NextLetter(const Buffers& B, ULONG_PTR& Information)
{
    Name Device;
    USHORT Bytes;
    constexpr ULONG Head = offsetof(MOUNTMGR_DRIVE_LETTER_TARGET, DeviceName);
    if (B.In < sizeof(MOUNTMGR_DRIVE_LETTER_TARGET) || B.Out < sizeof(MOUNTMGR_DRIVE_LETTER_INFORMATION))
        return STATUS_INVALID_PARAMETER;
    memcpy(&Bytes, B.At, sizeof(Bytes));
    if (!B.Text(Head, Bytes, Device))
        return STATUS_INVALID_PARAMETER;
    Volume* V = Find(Device);
    if (!V)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    bool Had = FindLink(*V, IsLetter) != nullptr;
    MOUNTMGR_DRIVE_LETTER_INFORMATION Answer {};
    Answer.DriveLetterWasAssigned = !V->NoLetter && GiveLetter(*V);
    if (Link* L = FindLink(*V, IsLetter))
        Answer.CurrentDriveLetter = UCHAR(L->Of.Text[12]);
    if (!Had && Answer.CurrentDriveLetter)
        Changed();
    memcpy(B.At, &Answer, sizeof(Answer));
    Information = sizeof(Answer);
    return STATUS_SUCCESS;
}

NTSTATUS AssignLetters()
{
    Automatic = true;
    bool Any = false;
    for (Volume* V = Volumes; V; V = V->Next)
        if (!V->NoLetter && !FindLink(*V, IsLetter))
            Any |= GiveLetter(*V);
    if (Any)
        Changed();
    return STATUS_SUCCESS;
}

// D: of \DosDevices\D:, and without a letter \\?\Volume{...}.
NTSTATUS QueryPaths(const Buffers& B, ULONG_PTR& Information)
{
    Name Device, Path;
    USHORT Bytes;
    if (B.In < sizeof(MOUNTMGR_TARGET_NAME) || B.Out < sizeof(MOUNTMGR_VOLUME_PATHS))
        return STATUS_INVALID_PARAMETER;
    memcpy(&Bytes, B.At, sizeof(Bytes));
    if (!B.Text(offsetof(MOUNTMGR_TARGET_NAME, DeviceName), Bytes, Device))
        return STATUS_INVALID_PARAMETER;
    Volume* V = Find(Device);
    if (!V)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (Link* L = FindLink(*V, IsLetter)) {
        Path.Set(L->Of.Text + 12);
    } else if (Link* Other = FindLink(*V, IsVolumeName)) {
        Path.Set(Other->Of.Text);
        Path.Text[1] = L'\\';
    }
    // The texts' ends, and the end of all.
    ULONG Length = Path.Bytes ? Path.Bytes + 2 * sizeof(WCHAR) : sizeof(WCHAR);
    constexpr ULONG Head = offsetof(MOUNTMGR_VOLUME_PATHS, MultiSz);
    memset(B.At, 0, sizeof(MOUNTMGR_VOLUME_PATHS));
    memcpy(B.At, &Length, sizeof(Length));
    if (Head + Length > B.Out) {
        Information = sizeof(MOUNTMGR_VOLUME_PATHS);
        return STATUS_BUFFER_OVERFLOW;
    }
    memset(B.At + Head, 0, Length);
    memcpy(B.At + Head, Path.Text, Path.Bytes);
    Information = Head + Length;
    return STATUS_SUCCESS;
}

// What the packaged kernelbase's GetDriveType asks (IOCTL_MOUNTMGR_QUERY_UNIX_DRIVE, in and out the same structure).
NTSTATUS QueryDrive(const Buffers& B, ULONG_PTR& Information)
{
    struct Drive {
        ULONG Size, Type, FileSystem, Serial;
        ULONGLONG UniqueId;
        USHORT Letter, DeviceOffset, MountPointOffset, LabelOffset;
    } D;
    constexpr ULONG RemovableDrive = 2, FixedDrive = 3;
    if (B.In < sizeof(D) || B.Out < sizeof(D))
        return STATUS_INVALID_PARAMETER;
    memcpy(&D, B.At, sizeof(D));
    Name Letter;
    LetterName(WCHAR(D.Letter), Letter);
    Volume* V = IsLetter(Letter) ? Find(Letter) : nullptr;
    if (!V)
        return STATUS_NO_SUCH_DEVICE;
    USHORT Was = D.Letter;
    D = {};
    D.Size = sizeof(D);
    D.Type = V->Removable ? RemovableDrive : FixedDrive;
    D.Letter = Was;
    memcpy(B.At, &D, sizeof(D));
    Information = sizeof(D);
    return STATUS_SUCCESS;
}

NTSTATUS Announce(const Buffers& B)
{
    Name Device;
    USHORT Bytes;
    if (B.In < sizeof(MOUNTMGR_TARGET_NAME))
        return STATUS_INVALID_PARAMETER;
    memcpy(&Bytes, B.At, sizeof(Bytes));
    if (!B.Text(offsetof(MOUNTMGR_TARGET_NAME, DeviceName), Bytes, Device))
        return STATUS_INVALID_PARAMETER;
    if (Find(Device))
        return STATUS_SUCCESS;
    return Arrive(Device.String()) ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

// Entries of volumes that are not there go.
NTSTATUS Scrub()
{
    for (;;) {
        Name Old;
        ForEachKept([](void* Context, const Name& N, const Id& Unique) {
            for (Volume* V = Volumes; V; V = V->Next)
                if (V->Unique.Equals(Unique))
                    return true;
            *static_cast<Name*>(Context) = N;
            return false;
        }, &Old);
        if (!Old.Bytes)
            return STATUS_SUCCESS;
        if (!Forget(Old))
            return STATUS_UNSUCCESSFUL;
    }
}

}

NTSTATUS Control(PIRP Irp, ULONG_PTR& Information)
{
    Buffers B(Irp);
    switch (IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MOUNTMGR_QUERY_POINTS: return QueryPoints(B, Information);
    case IOCTL_MOUNTMGR_CREATE_POINT: return CreatePoint(B);
    case IOCTL_MOUNTMGR_DELETE_POINTS: return DeletePoints(B, false, Information);
    case IOCTL_MOUNTMGR_DELETE_POINTS_DBONLY: return DeletePoints(B, true, Information);
    case IOCTL_MOUNTMGR_NEXT_DRIVE_LETTER: return NextLetter(B, Information);
    case IOCTL_MOUNTMGR_AUTO_DL_ASSIGNMENTS:
    case IOCTL_MOUNTMGR_BOOT_DL_ASSIGNMENT: return AssignLetters();
    case IOCTL_MOUNTMGR_QUERY_DOS_VOLUME_PATH:
    case IOCTL_MOUNTMGR_QUERY_DOS_VOLUME_PATHS: return QueryPaths(B, Information);
    case IOCTL_MOUNTMGR_VOLUME_ARRIVAL_NOTIFICATION: return Announce(B);
    case IOCTL_MOUNTMGR_QUERY_UNIX_DRIVE: return QueryDrive(B, Information);
    case IOCTL_MOUNTMGR_CHECK_UNPROCESSED_VOLUMES: return STATUS_SUCCESS;       // every one is looked at as it comes
    case IOCTL_MOUNTMGR_SCRUB_REGISTRY: return Scrub();
    case IOCTL_MOUNTMGR_QUERY_AUTO_MOUNT: {
        if (B.Out < sizeof(MOUNTMGR_QUERY_AUTO_MOUNT))
            return STATUS_INVALID_PARAMETER;
        reinterpret_cast<MOUNTMGR_QUERY_AUTO_MOUNT*>(B.At)->CurrentState = Automatic ? Enabled : Disabled;
        Information = sizeof(MOUNTMGR_QUERY_AUTO_MOUNT);
        return STATUS_SUCCESS;
    }
    case IOCTL_MOUNTMGR_SET_AUTO_MOUNT: {
        if (B.In < sizeof(MOUNTMGR_SET_AUTO_MOUNT))
            return STATUS_INVALID_PARAMETER;
        bool On = reinterpret_cast<MOUNTMGR_SET_AUTO_MOUNT*>(B.At)->NewState == Enabled;
        NTSTATUS Status = WriteAutomatic(On);
        if (NT_SUCCESS(Status))
            Automatic = On;
        return Status;
    }
    default: return STATUS_INVALID_DEVICE_REQUEST;
    }
}

}
