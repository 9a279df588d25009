// amtvuids.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_AMTVUIDS_H
#define NEPTUNE_DDK_AMTVUIDS_H
#include <wdm.h>
#include_next <amtvuids.h>
#endif
