#pragma once
#include "win32/ws2_32/ws.hpp"

namespace ws {

// Describes one of the protocols there are; false if there is no such.
bool Describe(int Family, int Type, WSAPROTOCOL_INFOW& Out);
bool Describe(int Family, int Type, WSAPROTOCOL_INFOA& Out);

}
