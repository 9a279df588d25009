// What the Executive sends, by kind.
#include "wdm/ntoskrnl/device.hpp"
#include "wdm/ntoskrnl/fsd.hpp"

namespace host {

void Receive(const wd::Message& M)
{
    switch (M.What) {
    case wd::Kind::Irp:
        ReceiveIrp(M);
        break;
    case wd::Kind::Cancel:
        ReceiveCancel(M);
        break;
    case wd::Kind::Unload:
        Unload();
        Answer(M.Tag, STATUS_INVALID_DEVICE_REQUEST, 0, 0);    // it has no unload routine
        break;
    case wd::Kind::RemoteDone:
        Answer(M.Tag, STATUS_SUCCESS, 0, 0);
        RemoteDone(u32(M.Parameters[0]), NTSTATUS(M.Related), M.Information);
        break;
    case wd::Kind::Watched:
        ReceiveWatched(M);
        break;
    case wd::Kind::MountVolume:
        MountVolume(M);
        break;
    case wd::Kind::Watched:
        ReceiveWatched(M);
        break;
    case wd::Kind::AddDevice:
    case wd::Kind::AddAbove: {
        wd::NewDevnode About;
        memcpy(&About, DataAt(M.Data, 0), sizeof(About));
        u64 Physical = 0;
        NTSTATUS Status = M.What == wd::Kind::AddAbove ? AddAbove(M.Parameters[0], About) : AddDevice(About, M.Parameters[0] != 0, &Physical);
        Answer(M.Tag, Status, Physical, 0);
        break;
    }
    case wd::Kind::ImageLoaded:
        ImageLoaded(M);
        Answer(M.Tag, STATUS_SUCCESS, 0, 0);
        break;
    case wd::Kind::InterfaceChange:
        InterfaceChange(M);
        Answer(M.Tag, STATUS_SUCCESS, 0, 0);
        break;
    default:
        Log("a message of unknown kind %u", unsigned(M.What));
        break;
    }
}

}
