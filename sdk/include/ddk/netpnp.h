// netpnp.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_NETPNP_H
#define NEPTUNE_DDK_NETPNP_H
#include <wdm.h>
#include_next <netpnp.h>
#endif
