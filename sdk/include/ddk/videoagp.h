// videoagp.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_VIDEOAGP_H
#define NEPTUNE_DDK_VIDEOAGP_H
#include <ntddk.h>
#include <video.h>
#include_next <videoagp.h>
#endif
