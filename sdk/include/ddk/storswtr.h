// storswtr.h: the tracing levels and flags of Microsoft's storage drivers; tracing compiles to nothing (neptune/wpp.h).
#ifndef NEPTUNE_DDK_STORSWTR_H
#define NEPTUNE_DDK_STORSWTR_H
#include <neptune/wpp.h>
#define WPP_CONTROL_GUIDS_NORMAL_FLAGS(Guid)
#define TRACE_FLAG_GENERAL 0x0001
#define TRACE_FLAG_PNP 0x0002
#define TRACE_FLAG_POWER 0x0004
#define TRACE_FLAG_RW 0x0008
#define TRACE_FLAG_IOCTL 0x0010
#define TRACE_FLAG_QUEUE 0x0020
#define TRACE_FLAG_WMI 0x0040
#define TRACE_FLAG_TIMER 0x0080
#define TRACE_FLAG_INIT 0x0100
#define TRACE_FLAG_LOCK 0x0200
#define TRACE_FLAG_DEBUG1 0x0400
#define TRACE_FLAG_DEBUG2 0x0800
#define TRACE_FLAG_MCN 0x1000
#define TRACE_FLAG_ISR 0x2000
#define TRACE_FLAG_ENUM 0x4000
#define TRACE_FLAG_SCSI 0x8000
#endif
