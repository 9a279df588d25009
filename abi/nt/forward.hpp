// Structures that abi/services.def names, declared; each is defined in the header of its subsystem.
#pragma once
#include "abi/nt/basic.hpp"

namespace nt {
struct RTL_USER_PROCESS_PARAMETERS;
struct PS_CREATE_INFO;
struct PS_ATTRIBUTE_LIST;
struct CONTEXT;
struct EXCEPTION_RECORD;
struct MEM_EXTENDED_PARAMETER;
struct FILE_BASIC_INFORMATION;
struct FILE_NETWORK_OPEN_INFORMATION;
struct GENERIC_MAPPING;
struct SECURITY_QUALITY_OF_SERVICE;
}
