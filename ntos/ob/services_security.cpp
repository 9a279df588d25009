// Security descriptors of objects: query and set.
#include "ntos/ob/detail.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"
