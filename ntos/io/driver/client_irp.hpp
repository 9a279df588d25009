// For io alone: what the Irps of clients' requests have in common, whether a driver's device or a file system's file takes them.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace io::driver {

class ClientIrp : public Irp {
protected:
    explicit ClientIrp(Request& R) : R_(R) { }
    // Where input and output lie in the data area. Shared: in the same place.
    void Layout(u32 In, u32 Out, bool Shared);
    // Of DeviceControl and FsControl: the parameters; then, for data that is copied, the layout. STATUS_INSUFFICIENT_RESOURCES.
    void FillControl();
    Status CopyControl();
    // Flush, queries, sets, locks and notification, by the documented parameters. STATUS_INVALID_DEVICE_REQUEST for others.
    Status FillOther();
    // The captured input and the client's buffer.
    Status CopyInData(Channel& In);
    Request& R_;                        // holds a reference of its own until Complete
    u32 InputFromUser_ = 0;             // bytes of the client's buffer that go in at OutputOffset (or at the start, for a write)
    u64 PartAt_ = 0;                    // where in the client's buffer they begin
    bool BackWhole_ = false;            // the whole output goes back, whatever the outcome
};

}
