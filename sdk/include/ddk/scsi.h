// scsi.h: mingw-w64's, and what newer kits add.
#ifndef NEPTUNE_DDK_SCSI_H
#define NEPTUNE_DDK_SCSI_H
#include <srb.h>
#include_next <scsi.h>
#include <neptune/scsi_more.h>
#endif
