// ReactOS's development kit of native structures; a driver gets what ntifs.h has of them.
#pragma once
#include <ntifs.h>
