// Requests from one driver to a device of another: the data goes from the calling driver's memory to the called one's data area and back.
#include "ntos/io/driver/remote.hpp"

#include "ntos/io/issue.hpp"

namespace io::driver {

using namespace nt;

Status StartRemote(Channel&, u64) { return STATUS_NOT_IMPLEMENTED; }
void CancelRemote(Channel&, u32) { }
void RemoteCallerEnds(Channel&) { }

}
