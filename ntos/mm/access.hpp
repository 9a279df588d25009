// Copies between the Executive and a process' memory; declared where services use them.
#pragma once
#include "ntos/ke/user.hpp"
