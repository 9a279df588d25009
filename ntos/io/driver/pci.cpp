// PCI enumeration (PCI Local Bus 3.0, sections 6.1 and 6.2.5). Each function becomes a devnode (ntos/io/pnp); the driver of its stack's bottom layer gets it.
#include "ntos/io/driver/firmware.hpp"
#include "ntos/io/driver/pci.hpp"

#include <string.h>

#include "ntos/hal/pci.hpp"
#include "ntos/io/pnp/pnp.hpp"

namespace io::driver {

using namespace nt;

namespace {

constexpr u32 MaximumFunctions = 64, CommandRegister = 4, BusMaster = 4;
Function* Functions[MaximumFunctions];
u32 FunctionCount;

u32 Where(u32 Bus, u32 Device) { return Bus << 5 | Device; }

// Sizes of the base address registers: written with ones, what reads back as zero is the size.
void ReadBars(wd::PciDevice& P)
{
    u32 At = Where(P.Bus, P.Device);
    u32 Command = hal::PciRead(At, P.Function, CommandRegister);
    hal::PciWrite(At, P.Function, CommandRegister, Command & 0xFFFC & ~BusMaster);      // no decoding meanwhile
    for (u32 I = 0; I < 6; ++I) {
        u32 Offset = 0x10 + I * 4, Low = hal::PciRead(At, P.Function, Offset);
        hal::PciWrite(At, P.Function, Offset, ~0u);
        u32 Mask = hal::PciRead(At, P.Function, Offset);
        hal::PciWrite(At, P.Function, Offset, Low);
        if (!Mask)
            continue;
        wd::Bar& B = P.Bars[I];
        if (Low & 1) {
            B.IsPort = 1;
            B.Base = Low & 0xFFFC;
            B.Bytes = (~(Mask & 0xFFFC) & 0xFFFF) + 1;
            continue;
        }
        u64 Whole = Mask & ~15u, Base = Low & ~15u;
        B.Prefetchable = Low >> 3 & 1;
        if ((Low & 6) == 4 && I < 5) {
            u32 High = hal::PciRead(At, P.Function, Offset + 4);
            hal::PciWrite(At, P.Function, Offset + 4, ~0u);
            Whole |= u64(hal::PciRead(At, P.Function, Offset + 4)) << 32;
            hal::PciWrite(At, P.Function, Offset + 4, High);
            Base |= u64(High) << 32;
        } else {
            Whole |= ~u64(0) << 32;
        }
        B.Base = Base;
        B.Bytes = ~Whole + 1;
        if ((Low & 6) == 4)
            ++I;
    }
    hal::PciWrite(At, P.Function, CommandRegister, Command & 0xFFFF);
}

void Hex(ob::String& To, u32 Value, u32 Digits)
{
    for (u32 I = 0; I < Digits; ++I)
        To.Characters().Push(L"0123456789ABCDEF"[Value >> (4 * (Digits - 1 - I)) & 15]).Ignore();     // a name too short finds no driver
}

// Names as pci.sys gives them.
Status Tell(const wd::PciDevice& P)
{
    const u8* C = P.Config;
    pnp::BusDevice D;
    D.Pci = &P;
    D.Bus = TRY(ob::String::Copy(L"PCI"));
    ob::String Id = TRY(ob::String::Copy(L"PCI\\VEN_"));
    Hex(Id, C[0] | C[1] << 8, 4);
    TRY(Id.Append(L"&DEV_"));
    Hex(Id, C[2] | C[3] << 8, 4);
    ob::String Subsystem = TRY(ob::String::Copy(Id)), Revision = TRY(ob::String::Copy(Id));
    TRY(Subsystem.Append(L"&SUBSYS_"));
    Hex(Subsystem, C[0x2E] | C[0x2F] << 8, 4);
    Hex(Subsystem, C[0x2C] | C[0x2D] << 8, 4);
    ob::String Whole = TRY(ob::String::Copy(Subsystem));
    TRY(Whole.Append(L"&REV_"));
    Hex(Whole, C[8], 2);
    TRY(Revision.Append(L"&REV_"));
    Hex(Revision, C[8], 2);
    D.Device = TRY(ob::String::Copy(Whole.View().From(4)));
    Hex(D.Instance, P.Bus << 8 | P.Device << 3 | P.Function, 4);
    auto Add = [](Vector<wchar_t>& To, ob::Name Name) -> Status {
        for (usize I = 0; I < Name.Length; ++I)
            TRY(To.Push(Name.Data[I]));
        return To.Push(L'\0');
    };
    for (const ob::String* S : { &Whole, &Subsystem, &Revision, &Id })
        TRY(Add(D.Hardware, *S));
    TRY(D.Hardware.Push(L'\0'));
    for (u32 Digits : { 6u, 4u }) {
        ob::String Class = TRY(ob::String::Copy(L"PCI\\CC_"));
        u32 Code = u32(C[11]) << 16 | C[10] << 8 | C[9];
        Hex(Class, Digits == 6 ? Code : Code >> 8, Digits);
        TRY(Add(D.Compatible, Class));
    }
    TRY(D.Compatible.Push(L'\0'));
    // A VGA decodes what no base address says (PCI Code and ID Assignment, class 03 00).
    if (C[11] == 3 && C[10] == 0)
        for (const wd::Resource& R : { wd::Resource { 0xA0000, 0x20000, 3, 0, 0, 0, 0 }, wd::Resource { 0x3B0, 12, 1, 0, 0, 0, 0 }, wd::Resource { 0x3C0, 32, 1, 0, 0, 0, 0 } })
            TRY(D.Resources.Push(R));
    (void)TRY(pnp::Report(std::move(D)));
    return STATUS_SUCCESS;
}

Status Found(u32 Bus, u32 Device, u32 FunctionNumber)
{
    if (FunctionCount == MaximumFunctions)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto* F = new (std::nothrow) Function {};
    if (!F)
        return STATUS_INSUFFICIENT_RESOURCES;
    Functions[FunctionCount++] = F;
    wd::PciDevice& P = F->About;
    P.Bus = Bus;
    P.Device = Device;
    P.Function = FunctionNumber;
    ReadConfig(Bus, Device, FunctionNumber, 0, P.Config, sizeof(P.Config));
    P.Pin = ~0u;                        // known when a driver gets it
    return (P.Config[0x0E] & 0x7F) == 0 ? Tell(P) : Status(STATUS_SUCCESS);
}

}

void ReadConfig(u32 Bus, u32 Device, u32 FunctionNumber, u32 Offset, u8* To, u32 Bytes)
{
    for (u32 I = 0; I < Bytes; ++I)
        To[I] = u8(hal::PciRead(Where(Bus, Device), FunctionNumber, Offset + I) >> (8 * ((Offset + I) & 3)));
}

void WriteConfig(u32 Bus, u32 Device, u32 FunctionNumber, u32 Offset, const u8* From, u32 Bytes)
{
    for (u32 I = 0; I < Bytes;) {
        u32 At = Offset + I, Shift = 8 * (At & 3);
        u32 Word = hal::PciRead(Where(Bus, Device), FunctionNumber, At);
        if ((At & ~3u) == CommandRegister)
            Word &= 0xFFFF;             // ones in the status register clear its bits
        do {
            Word = (Word & ~(0xFFu << Shift)) | u32(From[I]) << Shift;
            ++I;
            Shift += 8;
        } while (Shift < 32 && I < Bytes);
        // The base addresses and where messages go are the Executive's: a driver moves nothing.
        if (((At & ~3u) < 0x10 || (At & ~3u) > 0x30) && !IsMessageRegister(Bus, Device, FunctionNumber, At & ~3u))
            hal::PciWrite(Where(Bus, Device), FunctionNumber, At, Word);
    }
}

template <typename F> static bool Any(const Driver& D, F Is)
{
    for (u32 I = 0; I < FunctionCount; ++I)
        if (Functions[I]->Of == &D && Is(Functions[I]->About))
            return true;
    return false;
}

bool HasFunction(const Driver& D, u32 Bus, u32 Device, u32 FunctionNumber)
{
    return Any(D, [&](const wd::PciDevice& P) { return P.Bus == Bus && P.Device == Device && P.Function == FunctionNumber; });
}

const wd::PciDevice* FindFunction(const Driver& D, u32 Bus, u32 Device, u32 FunctionNumber)
{
    for (u32 I = 0; I < FunctionCount; ++I) {
        const wd::PciDevice& P = Functions[I]->About;
        if (Functions[I]->Of == &D && P.Bus == Bus && P.Device == Device && P.Function == FunctionNumber)
            return &P;
    }
    return nullptr;
}

MessageTable TableIn(const Driver& D, u64 First, u32 Pages)
{
    MessageTable T;
    for (u32 I = 0; I < FunctionCount; ++I) {
        if (Functions[I]->Of != &D)
            continue;
        Messages M = FindMessages(Functions[I]->About);
        u64 Start = AlignDown(M.Table, PageSize), End = AlignUp(M.Table + M.Count * 16, PageSize);
        if (M.Extended && Start < First + Pages * PageSize && End > First)
            T = { Start, End };
    }
    return T;
}

bool HasLine(const Driver& D, u32 Pin)
{
    return Pin != ~0u && Any(D, [&](const wd::PciDevice& P) { return P.Pin == Pin; });
}

bool HasMemory(const Driver& D, u64 Physical, u64 Bytes)
{
    return Any(D, [&](const wd::PciDevice& P) {
        for (const wd::Bar& B : P.Bars)
            if (!B.IsPort && B.Bytes && Physical >= B.Base && Bytes <= B.Bytes && Physical - B.Base <= B.Bytes - Bytes)
                return true;
        return false;
    });
}

bool HasPort(const Driver& D, u32 Port, u32 Bytes)
{
    return Any(D, [&](const wd::PciDevice& P) {
        for (const wd::Bar& B : P.Bars)
            if (B.IsPort && Port >= B.Base && Port + Bytes <= B.Base + B.Bytes)
                return true;
        return false;
    });
}

bool LineIsLow(const Driver& D, u32 Pin)
{
    for (u32 I = 0; I < FunctionCount; ++I)
        if (Functions[I]->Of == &D && Functions[I]->About.Pin == Pin)
            return Functions[I]->LowLine;
    return true;
}

bool IsOfOthers(const Driver& D, bool IsPort, u64 Start, u64 Bytes)
{
    for (u32 I = 0; I < FunctionCount; ++I)
        for (const wd::Bar& B : Functions[I]->About.Bars)
            if (Functions[I]->Of && Functions[I]->Of != &D && B.Bytes && bool(B.IsPort) == IsPort && Start < B.Base + B.Bytes && B.Base < Start + Bytes)
                return true;
    return false;
}

bool IsDriven(u32 Bus, u32 Device, u32 FunctionNumber)
{
    for (u32 I = 0; I < FunctionCount; ++I) {
        const wd::PciDevice& P = Functions[I]->About;
        if (P.Bus == Bus && P.Device == Device && P.Function == FunctionNumber)
            return Functions[I]->Of != nullptr;
    }
    return false;
}

const wd::PciDevice* BridgeTo(u32 Bus)
{
    for (u32 I = 0; I < FunctionCount; ++I) {
        const u8* C = Functions[I]->About.Config;
        if ((C[0x0E] & 0x7F) == 1 && C[0x19] == Bus && Bus)     // secondary bus number
            return &Functions[I]->About;
    }
    return nullptr;
}

bool HasAny(const Driver& D)
{
    return Any(D, [](const wd::PciDevice&) { return true; });
}

void TakeDevices(Driver& From)
{
    for (u32 I = 0; I < FunctionCount; ++I) {
        Function& F = *Functions[I];
        if (F.Of != &From)
            continue;
        u32 At = Where(F.About.Bus, F.About.Device);
        hal::PciWrite(At, F.About.Function, CommandRegister, hal::PciRead(At, F.About.Function, CommandRegister) & 0xFFFF & ~BusMaster);
        F.Of = nullptr;
    }
}

void GiveFunction(const wd::PciDevice& About, Driver& To)
{
    for (u32 I = 0; I < FunctionCount; ++I) {
        Function& F = *Functions[I];
        if (&F.About != &About)
            continue;
        if (!std::exchange(F.HasBars, true))
            ReadBars(F.About);
        F.About.Pin = LineOf(F.About, F.LowLine);
        F.Of = &To;
    }
}

void EnumeratePci()
{
    // Bridges were numbered by the firmware: every bus up to the highest subordinate one that is told.
    u32 LastBus = 0;
    for (u32 Bus = 0; Bus <= LastBus; ++Bus) {
        for (u32 Device = 0; Device < 32; ++Device) {
            for (u32 FunctionNumber = 0; FunctionNumber < 8; ++FunctionNumber) {
                if ((hal::PciRead(Where(Bus, Device), FunctionNumber, 0) & 0xFFFF) == 0xFFFF) {
                    if (FunctionNumber == 0)
                        break;
                    continue;
                }
                u32 Header = hal::PciRead(Where(Bus, Device), FunctionNumber, 0x0C) >> 16 & 0xFF;
                if ((Header & 0x7F) == 1) {
                    u32 Subordinate = hal::PciRead(Where(Bus, Device), FunctionNumber, 0x18) >> 16 & 0xFF;
                    if (Subordinate > LastBus)
                        LastBus = Subordinate;
                }
                Found(Bus, Device, FunctionNumber).Ignore();
                if (FunctionNumber == 0 && !(Header & 0x80))
                    break;
            }
        }
    }
}

}
