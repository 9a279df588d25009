// Private to io::driver: requests that one driver sends to a device of another.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace io::driver {

// At: a wd::RemoteCall in the calling driver's memory. A failure: it could not be read.
Status StartRemote(Channel& From, u64 At);
void CancelRemote(Channel& From, u32 Tag);
void RemoteCallerEnds(Channel& From);

}
