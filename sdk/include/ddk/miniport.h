// miniport.h: the base types of drivers that live under a port driver. mingw-w64's clashes with its wdm.h, which has them all.
#ifndef NEPTUNE_DDK_MINIPORT_H
#define NEPTUNE_DDK_MINIPORT_H
#define _MINIPORT_
#include <wdm.h>
#include <devioctl.h>
#endif
