// Security structures of the NT API.
#pragma once
#include "abi/nt/forward.hpp"

namespace nt {

struct SECURITY_QUALITY_OF_SERVICE {
    ULONG Length, ImpersonationLevel;
    BOOLEAN ContextTrackingMode, EffectiveOnly;
};
static_assert(sizeof(SECURITY_QUALITY_OF_SERVICE) == 12);

}
