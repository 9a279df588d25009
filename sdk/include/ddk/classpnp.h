// classpnp.h: mingw-w64's, usable by itself and from C++.
#ifndef NEPTUNE_DDK_CLASSPNP_H
#define NEPTUNE_DDK_CLASSPNP_H
#include <ntddk.h>
#include <stdio.h>
#include <scsi.h>
#include <ntdddisk.h>
#include <ntddcdrm.h>
#include <ntddtape.h>
#include <ntddscsi.h>
#include <ntddstor.h>
#ifdef __cplusplus
extern "C" {
#endif
#include_next <classpnp.h>
#ifdef __cplusplus
}
// Macros of it that are words of the C++ library.
#undef min
#undef max
#endif
#endif
