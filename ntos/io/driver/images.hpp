// Who is told of images.
#pragma once
#include "ntos/io/driver/driver.hpp"

namespace io::driver {

Status WatchImages(Channel& In, bool On);
// A driver's image is loaded, by its process; suspends until those who watch have answered, for ten seconds at most.
ke::Task<> TellImage(Channel& In, u64 Base, u64 Bytes, ob::Name Name);

}
