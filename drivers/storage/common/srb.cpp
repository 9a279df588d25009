// What the answer to a request block means, and writing blocks.
#include "srb.hpp"

namespace srb {

namespace {

// Sense keys (SPC-4, table 48).
enum Key : UCHAR { NoSense, Recovered, NotReady, MediumError, HardwareError, IllegalRequest, UnitAttention, DataProtect, BlankCheck, Vendor, CopyAborted, Aborted };

struct Sense {
    UCHAR Key = NoSense, Code = 0, Qualifier = 0;
};

// Fixed (70h, 71h) or descriptor format (72h, 73h).
Sense ReadSense(const SCSI_REQUEST_BLOCK& Srb)
{
    auto* S = static_cast<const UCHAR*>(Srb.SenseInfoBuffer);
    Sense Result;
    if (!(Srb.SrbStatus & SRB_STATUS_AUTOSENSE_VALID) || !S || Srb.SenseInfoBufferLength < 8)
        return Result;
    if ((S[0] & 0x7E) == 0x72)
        return { UCHAR(S[1] & 15), S[2], S[3] };
    Result.Key = S[2] & 15;
    if (Srb.SenseInfoBufferLength >= 14) {
        Result.Code = S[12];
        Result.Qualifier = S[13];
    }
    return Result;
}

Verdict JudgeSense(const Sense& S)
{
    switch (S.Key) {
    case NoSense:
        return { STATUS_IO_DEVICE_ERROR, true, 10 };
    case Recovered:
        return { STATUS_SUCCESS, false, 0 };
    case NotReady:
        // 04h: becoming ready, formatting ...; 3Ah: no medium.
        if (S.Code == 0x3A)
            return { STATUS_NO_MEDIA_IN_DEVICE, false, 0 };
        return { STATUS_DEVICE_NOT_READY, S.Code == 0x04 && S.Qualifier != 0x03, 500 };
    case MediumError:
        return { S.Code == 0x11 || S.Code == 0x0C ? STATUS_DEVICE_DATA_ERROR : STATUS_DISK_CORRUPT_ERROR, true, 0 };
    case HardwareError:
        return { STATUS_IO_DEVICE_ERROR, true, 0 };
    case IllegalRequest:
        return { S.Code == 0x21 ? STATUS_NONEXISTENT_SECTOR : STATUS_INVALID_DEVICE_REQUEST, false, 0 };
    case UnitAttention:
        return { STATUS_VERIFY_REQUIRED, true, 0 };
    case DataProtect:
        return { STATUS_MEDIA_WRITE_PROTECTED, false, 0 };
    case Aborted:
        return { STATUS_IO_DEVICE_ERROR, true, 100 };
    default:
        return { STATUS_IO_DEVICE_ERROR, false, 0 };
    }
}

}

Verdict Judge(const SCSI_REQUEST_BLOCK& Srb, NTSTATUS IrpStatus)
{
    UCHAR Status = SRB_STATUS(Srb.SrbStatus);
    if (Status == SRB_STATUS_SUCCESS)
        return { STATUS_SUCCESS, false, 0 };
    if (Status == SRB_STATUS_PENDING)   // nobody has looked at it
        return { NT_SUCCESS(IrpStatus) ? STATUS_IO_DEVICE_ERROR : IrpStatus, false, 0 };
    switch (Srb.ScsiStatus) {           // SAM-5, table 41
    case 0x02: return JudgeSense(ReadSense(Srb));
    case 0x08: return { STATUS_DEVICE_BUSY, true, 100 };        // BUSY
    case 0x18: return { STATUS_DEVICE_BUSY, false, 0 };         // RESERVATION CONFLICT
    case 0x28: return { STATUS_DEVICE_BUSY, true, 50 };         // TASK SET FULL
    }
    switch (Status) {
    case SRB_STATUS_DATA_OVERRUN: return { STATUS_SUCCESS, false, 0 };       // fewer bytes came; DataTransferLength tells
    case SRB_STATUS_BUSY: return { STATUS_DEVICE_BUSY, true, 100 };
    case SRB_STATUS_TIMEOUT:
    case SRB_STATUS_COMMAND_TIMEOUT: return { STATUS_IO_TIMEOUT, true, 0 };
    case SRB_STATUS_ABORTED:
    case SRB_STATUS_BUS_RESET:
    case SRB_STATUS_PARITY_ERROR:
    case SRB_STATUS_UNEXPECTED_BUS_FREE:
    case SRB_STATUS_PHASE_SEQUENCE_FAILURE:
    case SRB_STATUS_REQUEST_FLUSHED: return { STATUS_IO_DEVICE_ERROR, true, 10 };
    case SRB_STATUS_NO_DEVICE:
    case SRB_STATUS_NO_HBA: return { STATUS_NO_SUCH_DEVICE, false, 0 };
    case SRB_STATUS_SELECTION_TIMEOUT:
    case SRB_STATUS_INVALID_LUN:
    case SRB_STATUS_INVALID_TARGET_ID:
    case SRB_STATUS_INVALID_PATH_ID: return { STATUS_DEVICE_NOT_CONNECTED, true, 10 };
    case SRB_STATUS_INVALID_REQUEST:
    case SRB_STATUS_BAD_FUNCTION: return { STATUS_INVALID_DEVICE_REQUEST, false, 0 };
    case SRB_STATUS_ERROR: return JudgeSense(ReadSense(Srb));
    default: return { STATUS_IO_DEVICE_ERROR, false, 0 };
    }
}

void Prepare(SCSI_REQUEST_BLOCK& Srb, const UCHAR* Cdb, UCHAR CdbBytes, void* Data, ULONG Bytes, bool Write, UCHAR* SenseAt)
{
    memset(&Srb, 0, sizeof(Srb));
    Srb.Length = sizeof(Srb);
    Srb.Function = SRB_FUNCTION_EXECUTE_SCSI;
    Srb.QueueAction = SRB_SIMPLE_TAG_REQUEST;
    Srb.CdbLength = CdbBytes;
    memcpy(Srb.Cdb, Cdb, CdbBytes);
    Srb.SrbFlags = (Bytes ? Write ? SRB_FLAGS_DATA_OUT : SRB_FLAGS_DATA_IN : SRB_FLAGS_NO_DATA_TRANSFER) | SRB_FLAGS_QUEUE_ACTION_ENABLE | SRB_FLAGS_ADAPTER_CACHE_ENABLE;
    Srb.DataBuffer = Data;
    Srb.DataTransferLength = Bytes;
    Srb.TimeOutValue = TimeOut;
    Srb.SenseInfoBuffer = SenseAt;
    Srb.SenseInfoBufferLength = SenseAt ? SenseBytes : 0;
    if (SenseAt)
        memset(SenseAt, 0, SenseBytes);
}

}
