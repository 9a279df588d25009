// minitape.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_MINITAPE_H
#define NEPTUNE_DDK_MINITAPE_H
#include <wdm.h>
#include <srb.h>
#include <ntddtape.h>
#include_next <minitape.h>
#endif
