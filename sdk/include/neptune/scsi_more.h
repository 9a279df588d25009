// SCSI names newer than mingw-w64's scsi.h.
#pragma once

#ifndef _SENSE_DATA_EX_
#define _SENSE_DATA_EX_
typedef union _SENSE_DATA_EX {
    SENSE_DATA FixedData;
#ifdef SCSI_SENSE_ERRORCODE_DESCRIPTOR_CURRENT
    DESCRIPTOR_SENSE_DATA DescriptorData;
#endif
} SENSE_DATA_EX_NEPTUNE;
#endif
