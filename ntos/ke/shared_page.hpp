// The page at 0x7FFE0000 (abi/kuser.hpp).
#pragma once
#include "abi/kuser.hpp"
#include "lib/core/result.hpp"

namespace ke {

// Makes the page and fills in what does not change; its frame, and where the Executive sees it.
Result<u32> MakeSharedPage(abi::KuserSharedData*& Page);

}
