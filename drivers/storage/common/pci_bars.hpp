// Base address registers and capabilities of a miniport's PCI function (PCI 3.0, sections 6.2.5 and 6.7).
#pragma once
#include <storport.h>

namespace pci {

struct Function {
    UCHAR Config[256];
    bool Read(PVOID X, PPORT_CONFIGURATION_INFORMATION C)
    {
        return StorPortGetBusData(X, PCIConfiguration, C->SystemIoBusNumber, C->SlotNumber, Config, sizeof(Config)) == sizeof(Config);
    }
    USHORT Word(ULONG At) const { return USHORT(Config[At] | Config[At + 1] << 8); }
    ULONG Long(ULONG At) const { return ULONG(Word(At)) | ULONG(Word(At + 2)) << 16; }
    ULONGLONG Bar(ULONG Index) const
    {
        ULONG Low = Long(0x10 + Index * 4);
        if (Low & 1)
            return Low & ~3u;
        return (Low & ~15u) | ((Low & 6) == 4 ? ULONGLONG(Long(0x14 + Index * 4)) << 32 : 0);
    }
    // The capability with this id behind After (0: the first); 0: there is none.
    UCHAR Capability(UCHAR Id, UCHAR After = 0) const
    {
        if (!(Word(6) & 0x10))
            return 0;
        UCHAR At = After ? Config[After + 1] : Config[0x34];
        for (int Steps = 0; At >= 0x40 && Steps < 48; ++Steps, At = Config[(At & 0xFC) + 1])
            if (Config[At & 0xFC] == Id)
                return At & 0xFC;
        return 0;
    }
    // The range that begins where the register says; null: it is not among what the adapter has.
    const ACCESS_RANGE* Range(PPORT_CONFIGURATION_INFORMATION C, ULONG Index) const
    {
        ULONGLONG Base = Bar(Index);
        for (ULONG N = 0; N < C->NumberOfAccessRanges; ++N)
            if (Base && ULONGLONG((*C->AccessRanges)[N].RangeStart.QuadPart) == Base && (*C->AccessRanges)[N].RangeLength)
                return &(*C->AccessRanges)[N];
        return nullptr;
    }
};

}
