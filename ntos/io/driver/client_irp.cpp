#include "ntos/io/driver/client_irp.hpp"

namespace io::driver {

using namespace nt;

void ClientIrp::Layout(u32 In, u32 Out, bool Shared)
{
    M.InputBytes = In;
    M.OutputBytes = Out;
    M.OutputOffset = Shared || !Out || !In ? 0 : Out >= PageSize ? AlignUp(In, PageSize) : AlignUp(In, 64);
    DataBytes = Shared ? (In > Out ? In : Out) : M.OutputOffset + (Out ? Out : In);
}

void ClientIrp::FillControl()
{
    M.Major = R_.What == Operation::DeviceControl ? mj::DeviceControl : mj::FsControl;      // minor function 0: IRP_MN_USER_FS_REQUEST
    M.Parameters[0] = R_.Data.Length;
    M.Parameters[1] = R_.Input.Size();
    M.Parameters[2] = R_.Code;
    u32 Method = R_.Code & 3;
    M.Mode = Method == 0 ? wd::Transfer::Buffered : Method == 3 ? wd::Transfer::Neither : wd::Transfer::Direct;
}

Status ClientIrp::CopyControl()
{
    if (R_.Data.Length > wd::DataPages * PageSize / 2)
        return STATUS_INSUFFICIENT_RESOURCES;
    u32 Method = R_.Code & 3;
    Layout(u32(R_.Input.Size()), R_.Data.Length, Method == 0);
    if (Method != 0) {
        InputFromUser_ = R_.Data.Length;
        BackWhole_ = Method != 1;
    }
    return STATUS_SUCCESS;
}

Status ClientIrp::FillOther()
{
    u64* P = M.Parameters;
    switch (R_.What) {
    case Operation::Flush: M.Major = mj::FlushBuffers; return STATUS_SUCCESS;
    case Operation::QueryInformation:
    case Operation::QueryVolume:
        M.Major = R_.What == Operation::QueryVolume ? mj::QueryVolume : mj::QueryInformation;
        M.Mode = wd::Transfer::Buffered;
        P[0] = R_.Data.Length;
        P[1] = R_.Code;
        Layout(0, R_.Data.Length, true);
        return STATUS_SUCCESS;
    case Operation::SetInformation:
    case Operation::SetVolume:
        M.Major = R_.What == Operation::SetVolume ? mj::SetVolume : mj::SetInformation;
        M.Mode = wd::Transfer::Buffered;
        P[0] = R_.Input.Size();
        P[1] = R_.Code;
        Layout(u32(R_.Input.Size()), 0, true);
        return STATUS_SUCCESS;
    case Operation::Lock:
        M.Major = mj::LockControl;
        M.Minor = 1;                    // IRP_MN_LOCK
        M.StackFlags = u8((R_.Code & 1 ? 2 : 0) | (R_.Code & 2 ? 1 : 0));      // SL_EXCLUSIVE_LOCK, SL_FAIL_IMMEDIATELY
        P[0] = R_.LockLength;
        P[1] = R_.Data.Key;
        P[2] = R_.Data.Offset;
        return STATUS_SUCCESS;
    case Operation::NotifyChange:
        M.Major = mj::DirectoryControl;
        M.Minor = 2;                    // IRP_MN_NOTIFY_CHANGE_DIRECTORY
        M.StackFlags = R_.WatchTree ? 1 : 0;    // SL_WATCH_TREE
        P[0] = R_.Data.Length;
        P[1] = R_.Code;
        Layout(0, R_.Data.Length, false);
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

Status ClientIrp::CopyInData(Channel& In)
{
    if (R_.Input.Size())
        TRY(In.WriteData(*this, 0, R_.Input.Data(), u32(R_.Input.Size())));
    if (InputFromUser_)
        TRY(In.DataFromUser(*this, M.OutputOffset, *R_.Process, R_.Data.Address + PartAt_, InputFromUser_));
    return STATUS_SUCCESS;
}

}
