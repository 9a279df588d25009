// ata.h: mingw-w64's, usable by itself.
#ifndef NEPTUNE_DDK_ATA_H
#define NEPTUNE_DDK_ATA_H
#include <wdm.h>
#include_next <ata.h>
#endif
