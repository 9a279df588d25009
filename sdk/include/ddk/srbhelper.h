// srbhelper.h: the fields of a storage request, whichever of the two kinds of request block it is.
#ifndef NEPTUNE_DDK_SRBHELPER_H
#define NEPTUNE_DDK_SRBHELPER_H
#if !defined(NEPTUNE_DDK_STORPORT_H)
#include <scsi.h>
#endif

#define SRBHELPER_IS_EX(Srb) (((PSTORAGE_REQUEST_BLOCK_HEADER)(Srb))->Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK)

FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByIndex(PSTORAGE_REQUEST_BLOCK Srb, ULONG Index)
{
    ULONG Offset;
    if (Srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK || Index >= Srb->NumSrbExData) return NULL;
    Offset = Srb->SrbExDataOffset[Index];
    if (Offset < sizeof(STORAGE_REQUEST_BLOCK) || Offset >= Srb->SrbLength) return NULL;
    return (PSRBEX_DATA)((PUCHAR)Srb + Offset);
}

FORCEINLINE PSRBEX_DATA SrbGetSrbExDataByType(PSTORAGE_REQUEST_BLOCK Srb, SRBEXDATATYPE Type)
{
    ULONG Index;
    if (Srb->Function != SRB_FUNCTION_STORAGE_REQUEST_BLOCK) return NULL;
    for (Index = 0; Index < Srb->NumSrbExData; Index++) {
        PSRBEX_DATA Data = SrbGetSrbExDataByIndex(Srb, Index);
        if (Data != NULL && Data->Type == Type) return Data;
    }
    return NULL;
}

FORCEINLINE PSRBEX_DATA SrbGetPrimarySrbExData(PSTORAGE_REQUEST_BLOCK Srb)
{
    return Srb->NumSrbExData > 0 ? SrbGetSrbExDataByIndex(Srb, 0) : NULL;
}

// The command descriptor block's data of an extended request; any of the output pointers may be NULL.
FORCEINLINE PCDB SrbGetScsiData(PSTORAGE_REQUEST_BLOCK Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus, PVOID *SenseInfoBuffer,
                                PUCHAR SenseInfoBufferLength)
{
    ULONG Index;
    for (Index = 0; Index < Srb->NumSrbExData; Index++) {
        PSRBEX_DATA Data = SrbGetSrbExDataByIndex(Srb, Index);
        PCDB Cdb = NULL;
        if (Data == NULL) continue;
        switch (Data->Type) {
        case SrbExDataTypeScsiCdb16: {
            PSRBEX_DATA_SCSI_CDB16 Cdb16 = (PSRBEX_DATA_SCSI_CDB16)Data;
            if (CdbLength8) *CdbLength8 = Cdb16->CdbLength;
            if (CdbLength32) *CdbLength32 = Cdb16->CdbLength;
            if (ScsiStatus) *ScsiStatus = Cdb16->ScsiStatus;
            if (SenseInfoBuffer) *SenseInfoBuffer = Cdb16->SenseInfoBuffer;
            if (SenseInfoBufferLength) *SenseInfoBufferLength = Cdb16->SenseInfoBufferLength;
            Cdb = Cdb16->CdbLength > 0 ? (PCDB)Cdb16->Cdb : NULL;
            return Cdb;
        }
        case SrbExDataTypeScsiCdb32: {
            PSRBEX_DATA_SCSI_CDB32 Cdb32 = (PSRBEX_DATA_SCSI_CDB32)Data;
            if (CdbLength8) *CdbLength8 = Cdb32->CdbLength;
            if (CdbLength32) *CdbLength32 = Cdb32->CdbLength;
            if (ScsiStatus) *ScsiStatus = Cdb32->ScsiStatus;
            if (SenseInfoBuffer) *SenseInfoBuffer = Cdb32->SenseInfoBuffer;
            if (SenseInfoBufferLength) *SenseInfoBufferLength = Cdb32->SenseInfoBufferLength;
            Cdb = Cdb32->CdbLength > 0 ? (PCDB)Cdb32->Cdb : NULL;
            return Cdb;
        }
        case SrbExDataTypeScsiCdbVar: {
            PSRBEX_DATA_SCSI_CDB_VAR CdbVar = (PSRBEX_DATA_SCSI_CDB_VAR)Data;
            if (CdbLength8) *CdbLength8 = (UCHAR)CdbVar->CdbLength;
            if (CdbLength32) *CdbLength32 = CdbVar->CdbLength;
            if (ScsiStatus) *ScsiStatus = CdbVar->ScsiStatus;
            if (SenseInfoBuffer) *SenseInfoBuffer = CdbVar->SenseInfoBuffer;
            if (SenseInfoBufferLength) *SenseInfoBufferLength = CdbVar->SenseInfoBufferLength;
            Cdb = CdbVar->CdbLength > 0 ? (PCDB)CdbVar->Cdb : NULL;
            return Cdb;
        }
        default: break;
        }
    }
    return NULL;
}

FORCEINLINE VOID SrbSetScsiData(PSTORAGE_REQUEST_BLOCK Srb, PUCHAR CdbLength8, PULONG CdbLength32, PUCHAR ScsiStatus, PVOID *SenseInfoBuffer,
                                PUCHAR SenseInfoBufferLength)
{
    ULONG Index;
    for (Index = 0; Index < Srb->NumSrbExData; Index++) {
        PSRBEX_DATA Data = SrbGetSrbExDataByIndex(Srb, Index);
        if (Data == NULL) continue;
        if (Data->Type == SrbExDataTypeScsiCdb16 || Data->Type == SrbExDataTypeScsiCdb32) {
            PSRBEX_DATA_SCSI_CDB16 Cdb = (PSRBEX_DATA_SCSI_CDB16)Data; // both begin alike
            if (CdbLength8) Cdb->CdbLength = *CdbLength8;
            if (ScsiStatus) Cdb->ScsiStatus = *ScsiStatus;
            if (SenseInfoBuffer) Cdb->SenseInfoBuffer = *SenseInfoBuffer;
            if (SenseInfoBufferLength) Cdb->SenseInfoBufferLength = *SenseInfoBufferLength;
            return;
        }
        if (Data->Type == SrbExDataTypeScsiCdbVar) {
            PSRBEX_DATA_SCSI_CDB_VAR Cdb = (PSRBEX_DATA_SCSI_CDB_VAR)Data;
            if (CdbLength32) Cdb->CdbLength = *CdbLength32;
            if (ScsiStatus) Cdb->ScsiStatus = *ScsiStatus;
            if (SenseInfoBuffer) Cdb->SenseInfoBuffer = *SenseInfoBuffer;
            if (SenseInfoBufferLength) Cdb->SenseInfoBufferLength = *SenseInfoBufferLength;
            return;
        }
    }
}

FORCEINLINE PCDB SrbGetCdb(PVOID Srb)
{
    PSCSI_REQUEST_BLOCK Old = (PSCSI_REQUEST_BLOCK)Srb;
    return SRBHELPER_IS_EX(Srb) ? SrbGetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, NULL, NULL, NULL) : (PCDB)Old->Cdb;
}

FORCEINLINE ULONG SrbGetSrbFunction(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbFunction : (ULONG)((PSCSI_REQUEST_BLOCK)Srb)->Function;
}

FORCEINLINE PVOID SrbGetSenseInfoBuffer(PVOID Srb)
{
    PVOID Buffer = NULL;
    if (!SRBHELPER_IS_EX(Srb)) return ((PSCSI_REQUEST_BLOCK)Srb)->SenseInfoBuffer;
    SrbGetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, NULL, &Buffer, NULL);
    return Buffer;
}
FORCEINLINE VOID SrbSetSenseInfoBuffer(PVOID Srb, PVOID Buffer)
{
    if (SRBHELPER_IS_EX(Srb)) SrbSetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, NULL, &Buffer, NULL);
    else ((PSCSI_REQUEST_BLOCK)Srb)->SenseInfoBuffer = Buffer;
}
FORCEINLINE UCHAR SrbGetSenseInfoBufferLength(PVOID Srb)
{
    UCHAR Length = 0;
    if (!SRBHELPER_IS_EX(Srb)) return ((PSCSI_REQUEST_BLOCK)Srb)->SenseInfoBufferLength;
    SrbGetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, NULL, NULL, &Length);
    return Length;
}
FORCEINLINE VOID SrbSetSenseInfoBufferLength(PVOID Srb, UCHAR Length)
{
    if (SRBHELPER_IS_EX(Srb)) SrbSetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, NULL, NULL, &Length);
    else ((PSCSI_REQUEST_BLOCK)Srb)->SenseInfoBufferLength = Length;
}
FORCEINLINE UCHAR SrbGetScsiStatus(PVOID Srb)
{
    UCHAR Status = 0;
    if (!SRBHELPER_IS_EX(Srb)) return ((PSCSI_REQUEST_BLOCK)Srb)->ScsiStatus;
    SrbGetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, &Status, NULL, NULL);
    return Status;
}
FORCEINLINE VOID SrbSetScsiStatus(PVOID Srb, UCHAR Status)
{
    if (SRBHELPER_IS_EX(Srb)) SrbSetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, NULL, NULL, &Status, NULL, NULL);
    else ((PSCSI_REQUEST_BLOCK)Srb)->ScsiStatus = Status;
}
FORCEINLINE UCHAR SrbGetCdbLength(PVOID Srb)
{
    UCHAR Length = 0;
    if (!SRBHELPER_IS_EX(Srb)) return ((PSCSI_REQUEST_BLOCK)Srb)->CdbLength;
    SrbGetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, &Length, NULL, NULL, NULL, NULL);
    return Length;
}
FORCEINLINE VOID SrbSetCdbLength(PVOID Srb, UCHAR Length)
{
    if (SRBHELPER_IS_EX(Srb)) SrbSetScsiData((PSTORAGE_REQUEST_BLOCK)Srb, &Length, NULL, NULL, NULL, NULL);
    else ((PSCSI_REQUEST_BLOCK)Srb)->CdbLength = Length;
}

// Fields that both kinds have under one name.
#define NEPTUNE_SRB_FIELD(Type, Name, Field)                                                                 \
    FORCEINLINE Type SrbGet##Name(PVOID Srb)                                                                 \
    {                                                                                                        \
        return SRBHELPER_IS_EX(Srb) ? (Type)((PSTORAGE_REQUEST_BLOCK)Srb)->Field : (Type)((PSCSI_REQUEST_BLOCK)Srb)->Field; \
    }                                                                                                        \
    FORCEINLINE VOID SrbSet##Name(PVOID Srb, Type Value)                                                     \
    {                                                                                                        \
        if (SRBHELPER_IS_EX(Srb)) ((PSTORAGE_REQUEST_BLOCK)Srb)->Field = Value;                              \
        else ((PSCSI_REQUEST_BLOCK)Srb)->Field = Value;                                                      \
    }
NEPTUNE_SRB_FIELD(PVOID, DataBuffer, DataBuffer)
NEPTUNE_SRB_FIELD(ULONG, DataTransferLength, DataTransferLength)
NEPTUNE_SRB_FIELD(ULONG, TimeOutValue, TimeOutValue)
NEPTUNE_SRB_FIELD(ULONG, SrbFlags, SrbFlags)
NEPTUNE_SRB_FIELD(PVOID, OriginalRequest, OriginalRequest)
#undef NEPTUNE_SRB_FIELD

FORCEINLINE VOID SrbAssignSrbFlags(PVOID Srb, ULONG Flags) { SrbSetSrbFlags(Srb, Flags); }
#define SrbSetSrbFlags(Srb, Flags) (SRBHELPER_IS_EX(Srb) ? (((PSTORAGE_REQUEST_BLOCK)(Srb))->SrbFlags |= (Flags)) : (((PSCSI_REQUEST_BLOCK)(Srb))->SrbFlags |= (Flags)))
#define SrbClearSrbFlags(Srb, Flags) (SRBHELPER_IS_EX(Srb) ? (((PSTORAGE_REQUEST_BLOCK)(Srb))->SrbFlags &= ~(Flags)) : (((PSCSI_REQUEST_BLOCK)(Srb))->SrbFlags &= ~(Flags)))

FORCEINLINE ULONG SrbGetSystemStatus(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SystemStatus : ((PSCSI_REQUEST_BLOCK)Srb)->InternalStatus;
}
FORCEINLINE VOID SrbSetSystemStatus(PVOID Srb, ULONG Status)
{
    if (SRBHELPER_IS_EX(Srb)) ((PSTORAGE_REQUEST_BLOCK)Srb)->SystemStatus = Status;
    else ((PSCSI_REQUEST_BLOCK)Srb)->InternalStatus = Status;
}
FORCEINLINE ULONG SrbGetQueueTag(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->RequestTag : ((PSCSI_REQUEST_BLOCK)Srb)->QueueTag;
}
#define SrbGetRequestTag SrbGetQueueTag
FORCEINLINE VOID SrbSetQueueTag(PVOID Srb, ULONG Tag)
{
    if (SRBHELPER_IS_EX(Srb)) ((PSTORAGE_REQUEST_BLOCK)Srb)->RequestTag = Tag;
    else ((PSCSI_REQUEST_BLOCK)Srb)->QueueTag = (UCHAR)Tag;
}
#define SrbSetRequestTag SrbSetQueueTag
FORCEINLINE VOID SrbSetRequestAttribute(PVOID Srb, UCHAR Attribute)
{
    if (SRBHELPER_IS_EX(Srb)) ((PSTORAGE_REQUEST_BLOCK)Srb)->RequestAttribute = Attribute;
    else ((PSCSI_REQUEST_BLOCK)Srb)->QueueAction = Attribute;
}
FORCEINLINE UCHAR SrbGetRequestAttribute(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? (UCHAR)((PSTORAGE_REQUEST_BLOCK)Srb)->RequestAttribute : ((PSCSI_REQUEST_BLOCK)Srb)->QueueAction;
}
FORCEINLINE PVOID SrbGetNextSrb(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? (PVOID)((PSTORAGE_REQUEST_BLOCK)Srb)->NextSrb : (PVOID)((PSCSI_REQUEST_BLOCK)Srb)->NextSrb;
}
FORCEINLINE PVOID SrbGetMiniportContext(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->MiniportContext : ((PSCSI_REQUEST_BLOCK)Srb)->SrbExtension;
}
#define SrbGetSrbExtension SrbGetMiniportContext
FORCEINLINE PVOID SrbGetPortContext(PVOID Srb) { return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->PortContext : NULL; }
FORCEINLINE UCHAR SrbGetSrbStatus(PVOID Srb) { return ((PSTORAGE_REQUEST_BLOCK_HEADER)Srb)->SrbStatus; }
FORCEINLINE VOID SrbSetSrbStatus(PVOID Srb, UCHAR Status) { ((PSTORAGE_REQUEST_BLOCK_HEADER)Srb)->SrbStatus = Status; }
FORCEINLINE ULONG SrbGetSrbLength(PVOID Srb)
{
    return SRBHELPER_IS_EX(Srb) ? ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength : (ULONG)((PSCSI_REQUEST_BLOCK)Srb)->Length;
}
FORCEINLINE BOOLEAN SrbCopySrb(PVOID Target, ULONG TargetLength, PVOID Source)
{
    ULONG Length = SrbGetSrbLength(Source);
    if (TargetLength < Length) return FALSE;
    RtlCopyMemory(Target, Source, Length);
    return TRUE;
}
FORCEINLINE VOID SrbZeroSrb(PVOID Srb)
{
    PSTORAGE_REQUEST_BLOCK_HEADER Header = (PSTORAGE_REQUEST_BLOCK_HEADER)Srb;
    UCHAR Function = Header->Function;
    USHORT Length = Header->Length;
    ULONG SrbLength = SrbGetSrbLength(Srb);
    RtlZeroMemory(Srb, SrbLength);
    Header->Function = Function;
    Header->Length = Length;
    if (Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK) ((PSTORAGE_REQUEST_BLOCK)Srb)->SrbLength = SrbLength;
}

FORCEINLINE PSTOR_ADDR_BTL8 SrbGetBtl8Address_(PSTORAGE_REQUEST_BLOCK Srb) { return (PSTOR_ADDR_BTL8)((PUCHAR)Srb + Srb->AddressOffset); }
FORCEINLINE PSTOR_ADDRESS SrbGetAddress(PSTORAGE_REQUEST_BLOCK Srb) { return (PSTOR_ADDRESS)((PUCHAR)Srb + Srb->AddressOffset); }
FORCEINLINE VOID SrbGetPathTargetLun(PVOID Srb, PUCHAR PathId, PUCHAR TargetId, PUCHAR Lun)
{
    if (SRBHELPER_IS_EX(Srb)) {
        PSTOR_ADDR_BTL8 Address = SrbGetBtl8Address_((PSTORAGE_REQUEST_BLOCK)Srb);
        if (PathId) *PathId = Address->Path;
        if (TargetId) *TargetId = Address->Target;
        if (Lun) *Lun = Address->Lun;
    } else {
        PSCSI_REQUEST_BLOCK Old = (PSCSI_REQUEST_BLOCK)Srb;
        if (PathId) *PathId = Old->PathId;
        if (TargetId) *TargetId = Old->TargetId;
        if (Lun) *Lun = Old->Lun;
    }
}
FORCEINLINE UCHAR SrbGetPathId(PVOID Srb)
{
    UCHAR Id;
    SrbGetPathTargetLun(Srb, &Id, NULL, NULL);
    return Id;
}
FORCEINLINE UCHAR SrbGetTargetId(PVOID Srb)
{
    UCHAR Id;
    SrbGetPathTargetLun(Srb, NULL, &Id, NULL);
    return Id;
}
FORCEINLINE UCHAR SrbGetLun(PVOID Srb)
{
    UCHAR Id;
    SrbGetPathTargetLun(Srb, NULL, NULL, &Id);
    return Id;
}
#endif
