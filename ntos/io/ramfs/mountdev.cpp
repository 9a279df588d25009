// What a mount manager asks the RAM volume: its name, its identity. Structures and codes as in mountdev.h.
#include <string.h>

#include "ntos/io/ramfs/ramfs.hpp"

namespace io::ramfs {

using namespace nt;

namespace {

constexpr ULONG MountDevice = 0x4D, QueryUniqueId = CtlCode(MountDevice, 0, METHOD_BUFFERED, 0), QueryDeviceName = CtlCode(MountDevice, 2, METHOD_BUFFERED, 0),
                LinkCreated = CtlCode(MountDevice, 4, METHOD_BUFFERED, 0), LinkDeleted = CtlCode(MountDevice, 5, METHOD_BUFFERED, 0),
                QueryStableGuid = CtlCode(MountDevice, 6, METHOD_BUFFERED, 0);
constexpr char UniqueId[] = "NEPTUNE1";
// {4e455054-0000-4000-8000-000000000001}
constexpr u8 StableGuid[16] = { 0x54, 0x50, 0x45, 0x4E, 0, 0, 0, 0x40, 0x80, 0, 0, 0, 0, 0, 0, 1 };

// A length in two bytes, then the data; too little room gets the length alone.
Status Counted(Request& R, const void* Data, usize Bytes)
{
    USHORT Length = USHORT(Bytes);
    if (R.Data.Length < sizeof(Length) + 2)
        return STATUS_INVALID_PARAMETER;
    bool Fits = R.Data.Length >= sizeof(Length) + Bytes;
    TRY(R.Reply.Resize(sizeof(Length) + (Fits ? Bytes : 2)));
    memset(R.Reply.Data(), 0, R.Reply.Size());
    memcpy(R.Reply.Data(), &Length, sizeof(Length));
    if (Fits)
        memcpy(R.Reply.Data() + sizeof(Length), Data, Bytes);
    R.Data.Done = u32(R.Reply.Size());
    return Fits ? Status(STATUS_SUCCESS) : Status(STATUS_BUFFER_OVERFLOW);
}

}

Status MountDeviceControl(Volume& V, Request& R)
{
    switch (R.Code) {
    case QueryDeviceName: {
        ob::String Name = TRY(V.QueryName());
        return Counted(R, Name.View().Data, Name.View().Length * 2);
    }
    case QueryUniqueId:
        return Counted(R, UniqueId, sizeof(UniqueId) - 1);
    case QueryStableGuid:
        if (R.Data.Length < sizeof(StableGuid))
            return STATUS_BUFFER_TOO_SMALL;
        TRY(R.Reply.Resize(sizeof(StableGuid)));
        memcpy(R.Reply.Data(), StableGuid, sizeof(StableGuid));
        R.Data.Done = sizeof(StableGuid);
        return STATUS_SUCCESS;
    case LinkCreated:
    case LinkDeleted:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

}
