// video.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_VIDEO_H
#define NEPTUNE_DDK_VIDEO_H
#include <ntddk.h>
#include <miniport.h>
#include <ntddvdeo.h>
#include_next <video.h>
#endif
