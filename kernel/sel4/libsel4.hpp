// The parts of libsel4 that state facts (object types, boot information), without the parts that need its generators.
#pragma once
#include "lib/core/types.hpp"

#define SEL4_PACKED __attribute__((packed))
#define HAVE_AUTOCONF 1
using seL4_Word = u64;
using seL4_Uint8 = u8;
using seL4_NodeId = u64;
using seL4_Domain = u64;
struct seL4_IPCBuffer;
#include <autoconf.h>
#include <sel4/objecttype.h>
#include <sel4/sel4_arch/objecttype.h>
#include <sel4/arch/objecttype.h>
#include <sel4/bootinfo_types.h>
