// classpnp.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_CLASSPNP_H
#define NEPTUNE_DDK_CLASSPNP_H
#include <ntddk.h>
#include <scsi.h>
#include <ntddstor.h>
#include_next <classpnp.h>
#endif
