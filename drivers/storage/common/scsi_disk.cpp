#include "scsi_disk.hpp"

namespace disk {

namespace {

ULONG Big16(const UCHAR* B) { return ULONG(B[0] << 8 | B[1]); }
ULONG Big32(const UCHAR* B) { return ULONG(B[0]) << 24 | ULONG(B[1]) << 16 | ULONG(B[2]) << 8 | B[3]; }
ULONGLONG Big64(const UCHAR* B) { return ULONGLONG(Big32(B)) << 32 | Big32(B + 4); }
void Put16(UCHAR* B, ULONG V)
{
    B[0] = UCHAR(V >> 8);
    B[1] = UCHAR(V);
}
void Put32(UCHAR* B, ULONG V)
{
    Put16(B, V >> 16);
    Put16(B + 2, V & 0xFFFF);
}
void Put64(UCHAR* B, ULONGLONG V)
{
    Put32(B, ULONG(V >> 32));
    Put32(B + 4, ULONG(V));
}

bool IsZero(const UCHAR* B, ULONG Bytes)
{
    while (Bytes)
        if (B[--Bytes])
            return false;
    return true;
}

// As much of an answer as the request has room for.
void Give(PSCSI_REQUEST_BLOCK Srb, const UCHAR* Data, ULONG Bytes, ULONG Allocated)
{
    ULONG Room = SrbGetDataTransferLength(Srb);
    auto* To = static_cast<UCHAR*>(SrbGetDataBuffer(Srb));
    ULONG Most = Room < Allocated ? Room : Allocated;
    if (Bytes > Most)
        Bytes = Most;
    if (Bytes && To)
        RtlCopyMemory(To, Data, Bytes);
    SrbSetDataTransferLength(Srb, Bytes);
    SrbSetScsiStatus(Srb, SCSISTAT_GOOD);
    SrbSetSrbStatus(Srb, Bytes < Room ? SRB_STATUS_DATA_OVERRUN : SRB_STATUS_SUCCESS);
}

ULONG SerialLength(const Disk& D)
{
    ULONG N = 0;
    while (N < sizeof(D.Serial) && D.Serial[N])
        ++N;
    return N;
}

void VitalData(PSCSI_REQUEST_BLOCK Srb, const Disk& D, UCHAR Page, ULONG Allocated)
{
    UCHAR P[96] {};
    ULONG Bytes = 4;
    P[1] = Page;
    switch (Page) {
    case 0x00: {                        // supported pages
        UCHAR N = 4;
        P[N++] = 0x00;
        P[N++] = 0x80;
        P[N++] = 0x83;
        P[N++] = 0xB0;
        P[N++] = 0xB1;
        if (D.Unmaps)
            P[N++] = 0xB2;
        Bytes = N;
        break;
    }
    case 0x80:                          // unit serial number
        Bytes += SerialLength(D);
        RtlCopyMemory(P + 4, D.Serial, SerialLength(D));
        break;
    case 0x83:                          // identification
        if (!IsZero(D.Eui64, 8)) {
            P[Bytes] = 1;               // binary
            P[Bytes + 1] = 2;           // EUI-64
            P[Bytes + 3] = 8;
            RtlCopyMemory(P + Bytes + 4, D.Eui64, 8);
            Bytes += 12;
        }
        if (!IsZero(D.Naa, 8)) {
            P[Bytes] = 1;
            P[Bytes + 1] = 3;           // NAA
            P[Bytes + 3] = 8;
            RtlCopyMemory(P + Bytes + 4, D.Naa, 8);
            Bytes += 12;
        }
        {
            // T10 vendor id, then the serial number.
            ULONG Serial = SerialLength(D);
            P[Bytes] = 2;               // ASCII
            P[Bytes + 1] = 1;
            P[Bytes + 3] = UCHAR(8 + Serial);
            RtlCopyMemory(P + Bytes + 4, D.Vendor, 8);
            RtlCopyMemory(P + Bytes + 12, D.Serial, Serial);
            Bytes += 12 + Serial;
        }
        break;
    case 0xB0:                          // block limits
        Bytes = 64;
        Put16(P + 6, 1u << D.PhysicalExponent);
        Put32(P + 20, D.Unmaps ? D.MaximumUnmapBlocks : 0);
        Put32(P + 24, D.Unmaps ? D.MaximumUnmapRanges : 0);
        break;
    case 0xB1:                          // characteristics: does not rotate
        Bytes = 64;
        Put16(P + 4, 1);
        break;
    case 0xB2:                          // provisioning
        if (D.Unmaps) {
            Bytes = 8;
            P[5] = 0x80;                // UNMAP
            P[6] = 2;                   // thin
            break;
        }
        [[fallthrough]];
    default:
        Fail(Srb, InvalidField);
        return;
    }
    Put16(P + 2, Bytes - 4);
    Give(Srb, P, Bytes, Allocated);
}

void Inquiry(PSCSI_REQUEST_BLOCK Srb, const Disk& D, const UCHAR* Cdb)
{
    ULONG Allocated = Big16(Cdb + 3);
    if (Cdb[1] & 1) {
        VitalData(Srb, D, Cdb[2], Allocated);
        return;
    }
    if (Cdb[2]) {
        Fail(Srb, InvalidField);
        return;
    }
    UCHAR P[96] {};
    P[2] = 6;                           // SPC-4
    P[3] = 2;                           // response data format
    P[4] = sizeof(P) - 5;
    P[7] = 2;                           // command queuing
    RtlCopyMemory(P + 8, D.Vendor, 8);
    RtlCopyMemory(P + 16, D.Product, 16);
    RtlCopyMemory(P + 32, D.Revision, 4);
    Put16(P + 58, 0x0460);              // SPC-4
    Put16(P + 60, 0x04C0);              // SBC-3
    Give(Srb, P, sizeof(P), Allocated);
}

void ModeSense(PSCSI_REQUEST_BLOCK Srb, const Disk& D, const UCHAR* Cdb)
{
    bool Ten = Cdb[0] == SCSIOP_MODE_SENSE10;
    ULONG Allocated = Ten ? Big16(Cdb + 7) : Cdb[4];
    UCHAR Page = Cdb[2] & 0x3F, Control = Cdb[2] >> 6;
    bool All = Page == 0x3F;
    if ((!All && Page != 0x08 && Page != 0x0A) || Control == 3) {
        Fail(Srb, Control == 3 ? Sense { 5, 0x39, 0 } : InvalidField);
        return;
    }
    UCHAR P[80] {};
    ULONG At = Ten ? 8 : 4;
    if (!(Cdb[1] & 8)) {                // a block descriptor
        Put32(P + At, D.Blocks > 0xFFFFFFFF ? 0xFFFFFFFF : ULONG(D.Blocks));
        Put32(P + At + 4, D.BlockBytes);
        if (Ten)
            P[7] = 8;
        else
            P[3] = 8;
        At += 8;
    }
    if (All || Page == 0x08) {          // caching
        P[At] = 0x08;
        P[At + 1] = 18;
        if (Control != 1)               // nothing can be changed
            P[At + 2] = D.WriteCache ? 4 : 0;
        At += 20;
    }
    if (All || Page == 0x0A) {          // control
        P[At] = 0x0A;
        P[At + 1] = 10;
        if (Control != 1)
            P[At + 3] = 0x10;           // unrestricted reordering
        At += 12;
    }
    UCHAR Specific = UCHAR((D.ReadOnly ? 0x80 : 0) | (D.Fua ? 0x10 : 0));
    if (Ten) {
        Put16(P, At - 2);
        P[3] = Specific;
    } else {
        P[0] = UCHAR(At - 1);
        P[2] = Specific;
    }
    Give(Srb, P, At, Allocated);
}

void Capacity(PSCSI_REQUEST_BLOCK Srb, const Disk& D, const UCHAR* Cdb)
{
    UCHAR P[32] {};
    if (Cdb[0] == SCSIOP_READ_CAPACITY) {
        Put32(P, D.Blocks > 0xFFFFFFFF ? 0xFFFFFFFF : ULONG(D.Blocks - 1));
        Put32(P + 4, D.BlockBytes);
        Give(Srb, P, 8, 8);
        return;
    }
    Put64(P, D.Blocks - 1);
    Put32(P + 8, D.BlockBytes);
    P[13] = D.PhysicalExponent & 15;
    P[14] = D.Unmaps ? 0x80 : 0;
    Give(Srb, P, sizeof(P), Big32(Cdb + 10));
}

// Whether the parameter list of an UNMAP is as long as it says and in range; sets sense data otherwise.
bool CheckUnmap(PSCSI_REQUEST_BLOCK Srb, const Disk& D, const UCHAR* Cdb)
{
    auto* P = static_cast<UCHAR*>(SrbGetDataBuffer(Srb));
    ULONG Bytes = SrbGetDataTransferLength(Srb);
    if (!P || Bytes < 8 || Big16(Cdb + 7) > Bytes || Big16(P + 2) > Bytes - 8) {
        Fail(Srb, ParameterLength);
        return false;
    }
    ULONGLONG Lba;
    ULONG Blocks;
    for (ULONG N = 0; UnmapRange(Srb, N, Lba, Blocks); ++N) {
        if (Lba > D.Blocks || Blocks > D.Blocks - Lba) {
            Fail(Srb, OutOfRange);
            return false;
        }
        if (N >= D.MaximumUnmapRanges) {
            Fail(Srb, InvalidField);
            return false;
        }
    }
    return true;
}

Command Transfer(PSCSI_REQUEST_BLOCK Srb, const Disk& D, const UCHAR* Cdb)
{
    Command C { What::Read, false, 0, 0 };
    switch (Cdb[0]) {
    case SCSIOP_READ6:
    case SCSIOP_WRITE6:
        C.Lba = ULONG(Cdb[1] & 0x1F) << 16 | Big16(Cdb + 2);
        C.Blocks = Cdb[4] ? Cdb[4] : 256;
        break;
    case SCSIOP_READ:
    case SCSIOP_WRITE:
        C.Lba = Big32(Cdb + 2);
        C.Blocks = Big16(Cdb + 7);
        C.Fua = Cdb[1] & 8;
        break;
    case SCSIOP_READ12:
    case SCSIOP_WRITE12:
        C.Lba = Big32(Cdb + 2);
        C.Blocks = Big32(Cdb + 6);
        C.Fua = Cdb[1] & 8;
        break;
    default:
        C.Lba = Big64(Cdb + 2);
        C.Blocks = Big32(Cdb + 10);
        C.Fua = Cdb[1] & 8;
        break;
    }
    bool Write = Cdb[0] == SCSIOP_WRITE6 || Cdb[0] == SCSIOP_WRITE || Cdb[0] == SCSIOP_WRITE12 || Cdb[0] == SCSIOP_WRITE16;
    C.Action = Write ? What::Write : What::Read;
    const Sense* Bad = nullptr;
    if (C.Lba > D.Blocks || C.Blocks > D.Blocks - C.Lba)
        Bad = &OutOfRange;
    else if (Write && D.ReadOnly)
        Bad = &WriteProtected;
    else if (Write && C.Fua && D.WriteCache && !D.Fua)
        Bad = &InvalidField;
    else if (ULONGLONG(C.Blocks) * D.BlockBytes > SrbGetDataTransferLength(Srb) || (Cdb[0] != SCSIOP_READ6 && Cdb[0] != SCSIOP_WRITE6 && Cdb[1] & 0xE0))
        Bad = &InvalidField;            // protection information, or more blocks than there is room for
    if (Bad) {
        Fail(Srb, *Bad);
        C.Action = What::Done;
    } else if (!C.Blocks) {
        SrbSetDataTransferLength(Srb, 0);
        Succeed(Srb);
        C.Action = What::Done;
    } else {
        SrbSetDataTransferLength(Srb, C.Blocks * D.BlockBytes);
    }
    return C;
}

}

void Fail(PSCSI_REQUEST_BLOCK Srb, const Sense& S)
{
    auto* To = static_cast<UCHAR*>(SrbGetSenseInfoBuffer(Srb));
    UCHAR Room = SrbGetSenseInfoBufferLength(Srb), Status = SRB_STATUS_ERROR;
    if (To && Room) {
        UCHAR P[18] { 0x70, 0, S.Key, 0, 0, 0, 0, 10, 0, 0, 0, 0, S.Code, S.Qualifier };
        UCHAR Bytes = Room < sizeof(P) ? Room : UCHAR(sizeof(P));
        RtlCopyMemory(To, P, Bytes);
        SrbSetSenseInfoBufferLength(Srb, Bytes);
        Status |= SRB_STATUS_AUTOSENSE_VALID;
    }
    SrbSetDataTransferLength(Srb, 0);
    SrbSetScsiStatus(Srb, SCSISTAT_CHECK_CONDITION);
    SrbSetSrbStatus(Srb, Status);
}

void Succeed(PSCSI_REQUEST_BLOCK Srb)
{
    SrbSetScsiStatus(Srb, SCSISTAT_GOOD);
    SrbSetSrbStatus(Srb, SRB_STATUS_SUCCESS);
}

Command Interpret(PSCSI_REQUEST_BLOCK Srb, const Disk& D)
{
    constexpr Command Done { What::Done, false, 0, 0 };
    auto* Cdb = reinterpret_cast<UCHAR*>(SrbGetCdb(Srb));
    if (!Cdb) {
        SrbSetSrbStatus(Srb, SRB_STATUS_INVALID_REQUEST);
        return Done;
    }
    switch (Cdb[0]) {
    case SCSIOP_READ6:
    case SCSIOP_WRITE6:
    case SCSIOP_READ:
    case SCSIOP_WRITE:
    case SCSIOP_READ12:
    case SCSIOP_WRITE12:
    case SCSIOP_READ16:
    case SCSIOP_WRITE16:
        return Transfer(Srb, D, Cdb);
    case SCSIOP_INQUIRY:
        Inquiry(Srb, D, Cdb);
        return Done;
    case SCSIOP_READ_CAPACITY:
        Capacity(Srb, D, Cdb);
        return Done;
    case SCSIOP_READ_CAPACITY16:        // SERVICE ACTION IN(16)
        if ((Cdb[1] & 0x1F) == 0x10)
            Capacity(Srb, D, Cdb);
        else
            Fail(Srb, InvalidField);
        return Done;
    case SCSIOP_MODE_SENSE:
    case SCSIOP_MODE_SENSE10:
        ModeSense(Srb, D, Cdb);
        return Done;
    case SCSIOP_REPORT_LUNS: {
        UCHAR P[16] {};
        P[3] = 8;
        Give(Srb, P, sizeof(P), Big32(Cdb + 6));
        return Done;
    }
    case SCSIOP_REQUEST_SENSE: {
        UCHAR P[18] { 0x70, 0, 0, 0, 0, 0, 0, 10 };
        Give(Srb, P, sizeof(P), Cdb[4]);
        return Done;
    }
    case SCSIOP_SYNCHRONIZE_CACHE:
    case SCSIOP_SYNCHRONIZE_CACHE16:
        if (!D.WriteCache) {
            Succeed(Srb);
            return Done;
        }
        return { What::Flush, false, 0, 0 };
    case SCSIOP_UNMAP:
        if (!D.Unmaps)
            break;
        if (D.ReadOnly) {
            Fail(Srb, WriteProtected);
            return Done;
        }
        return CheckUnmap(Srb, D, Cdb) ? Command { What::Unmap, false, 0, 0 } : Done;
    case SCSIOP_TEST_UNIT_READY:
    case SCSIOP_START_STOP_UNIT:
    case SCSIOP_MEDIUM_REMOVAL:
    case SCSIOP_RESERVE_UNIT:
    case SCSIOP_RELEASE_UNIT:
    case SCSIOP_VERIFY:                 // without a comparison there is nothing to look at: the device reports what it cannot read
    case SCSIOP_VERIFY16:
        if ((Cdb[0] == SCSIOP_VERIFY || Cdb[0] == SCSIOP_VERIFY16) && Cdb[1] & 6) {
            Fail(Srb, InvalidField);
            return Done;
        }
        SrbSetDataTransferLength(Srb, 0);
        Succeed(Srb);
        return Done;
    default:
        break;
    }
    Fail(Srb, InvalidCommand);
    return Done;
}

bool UnmapRange(PSCSI_REQUEST_BLOCK Srb, ULONG Index, ULONGLONG& Lba, ULONG& Blocks)
{
    auto* P = static_cast<UCHAR*>(SrbGetDataBuffer(Srb));
    ULONG Bytes = Big16(P + 2);
    if ((Index + 1) * 16 > Bytes || 8 + (Index + 1) * 16 > SrbGetDataTransferLength(Srb))
        return false;
    Lba = Big64(P + 8 + Index * 16);
    Blocks = Big32(P + 8 + Index * 16 + 8);
    return true;
}

void Pad(CHAR* To, ULONG Room, const CHAR* From)
{
    ULONG N = 0;
    for (; N < Room && From[N]; ++N)
        To[N] = From[N];
    for (; N < Room; ++N)
        To[N] = ' ';
}

SCSI_ADAPTER_CONTROL_STATUS TellControls(PSCSI_SUPPORTED_CONTROL_TYPE_LIST List)
{
    for (ULONG N = 0; N < List->MaxControlType; ++N)
        List->SupportedTypeList[N] = N == ScsiQuerySupportedControlTypes || N == ScsiStopAdapter || N == ScsiRestartAdapter;
    return ScsiAdapterControlSuccess;
}

HW_INITIALIZATION_DATA PciAdapter()
{
    HW_INITIALIZATION_DATA D {};
    D.HwInitializationDataSize = sizeof(D);
    D.AdapterInterfaceType = PCIBus;
    D.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    D.NeedPhysicalAddresses = D.TaggedQueuing = D.AutoRequestSense = D.MultipleRequestPerLu = TRUE;
    D.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    return D;
}

}
