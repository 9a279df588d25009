// Open files and folders.
#include "fastfat.hpp"

namespace fastfat {

static u64 KeyOf(const fat::Entry& E) { return u64(E.Parent) << 32 | (E.Slot + E.Slots); }

Result<Fcb*> FindFcb(Volume& V, const fat::Entry& E)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        if (!F->IsRoot() && !F->IsVolume && !F->Deleted && KeyOf(F->Entry) == KeyOf(E))
            return F;
    return static_cast<Fcb*>(nullptr);
}

static void SetHeader(Fcb& F)
{
    F.OnMedium = F.IsFolder() ? 0 : F.Entry.Size;
    F.Header.FileSize.QuadPart = F.Header.ValidDataLength.QuadPart = LONGLONG(F.OnMedium);
    F.Header.AllocationSize.QuadPart = LONGLONG(AllocatedOf(*F.Of, F.Entry));
}

void TellSizes(Fcb& F, FILE_OBJECT* File)
{
    CC_FILE_SIZES Sizes { F.Header.AllocationSize, F.Header.FileSize, F.Header.ValidDataLength };
    if (File && File->SectionObjectPointer)
        CcSetFileSizes(File, &Sizes);
}

u64 AllocatedOf(Volume& V, const fat::Entry& E)
{
    u32 Cluster = V.Fat->ClusterBytes();
    return E.IsFolder() ? 0 : (u64(E.Size) + Cluster - 1) / Cluster * Cluster;
}

Status NameFcb(Fcb& F)
{
    UNICODE_STRING New {};
    u32 Above = F.Parent && !F.Parent->IsRoot() ? F.Parent->Name.Length : 0, Own = u32(F.Entry.Name.Size() * 2);
    New.Length = New.MaximumLength = USHORT(Above + 2 + Own);
    New.Buffer = static_cast<WCHAR*>(Allocate(Above + 2 + Own));
    if (!New.Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (Above)
        memcpy(New.Buffer, F.Parent->Name.Buffer, Above);
    New.Buffer[Above / 2] = L'\\';
    if (Own)
        memcpy(New.Buffer + Above / 2 + 1, F.Entry.Name.Data(), Own);
    Free(F.Name.Buffer);
    F.Name = New;
    return STATUS_SUCCESS;
}

Result<Fcb*> MakeFcb(Volume& V, Fcb* Parent, fat::Entry&& E)
{
    auto* F = static_cast<Fcb*>(Allocate(sizeof(Fcb)));
    if (!F)
        return STATUS_INSUFFICIENT_RESOURCES;
    new (static_cast<void*>(&F->Entry)) fat::Entry(std::move(E));
    F->Of = &V;
    F->Parent = Parent;
    ExInitializeResourceLite(&F->Main);
    ExInitializeResourceLite(&F->Paging);
    F->Header.NodeTypeCode = 0x0502;
    F->Header.NodeByteSize = sizeof(Fcb);
    F->Header.Resource = &F->Main;
    F->Header.PagingIoResource = &F->Paging;
    F->Header.IsFastIoPossible = FastIoIsPossible;
    FsRtlInitializeFileLock(&F->Locks, nullptr, nullptr);
    KeInitializeEvent(&F->Still, NotificationEvent, TRUE);
    F->References = 1;
    SetHeader(*F);
    if (Status S = NameFcb(*F); !S.Ok()) {
        F->Parent = nullptr;
        F->References = 1;
        F->Entry.~Entry();
        ExDeleteResourceLite(&F->Main);
        ExDeleteResourceLite(&F->Paging);
        Free(F);
        return S;
    }
    if (Parent)
        ++Parent->References;
    F->Next = V.Fcbs;
    V.Fcbs = F;
    return F;
}

void Release(Fcb* F)
{
    while (F && --F->References == 0) {
        Fcb* Above = F->Parent;
        if (F->Changed && !F->Of->Dismounted)
            if (Status S = WriteBack(*F, true); !S.Ok())
                DbgPrint("fastfat: %wZ cannot be written back: %08x", &F->Name, unsigned(S.Code()));
        for (Fcb** At = &F->Of->Fcbs; *At; At = &(*At)->Next) {
            if (*At == F) {
                *At = F->Next;
                break;
            }
        }
        FsRtlUninitializeFileLock(&F->Locks);
        ExDeleteResourceLite(&F->Main);
        ExDeleteResourceLite(&F->Paging);
        F->Entry.~Entry();
        Free(F->Name.Buffer);
        Free(F);
        F = Above;
    }
}

void Changed(Volume& V)
{
    V.ChangedAt = LONGLONG(KeQueryInterruptTime()) | 1;
    if (!V.ChangedSince)
        V.ChangedSince = V.ChangedAt;
}

Status WriteBack(Fcb& F, bool Whole)
{
    if (!F.Changed || F.Deleted || F.IsRoot() || F.IsVolume)
        return STATUS_SUCCESS;
    Volume& V = *F.Of;
    u64 Size = u64(F.Header.FileSize.QuadPart);
    if (Whole && !F.IsFolder() && F.OnMedium < Size) {
        // Behind what has been written the clusters have old data.
        WaitStill(F);
        TRY(V.Fat->Zero(F.Entry, F.OnMedium, Size - F.OnMedium));
        F.OnMedium = Size;
    }
    if (!F.IsFolder())
        F.Entry.Size = u32(F.OnMedium < Size ? F.OnMedium : Size);
    TRY(V.Fat->WriteTable());
    TRY(V.Fat->Update(F.Entry));
    F.Changed = !F.IsFolder() && F.Entry.Size < Size;
    V.ChangedAt = LONGLONG(KeQueryInterruptTime()) | 1;
    return STATUS_SUCCESS;
}

Status CommitSize(Fcb& F, u64 Past)
{
    Volume& V = *F.Of;
    u64 Size = u64(F.Header.FileSize.QuadPart), Now = Past < F.OnMedium ? Past : F.OnMedium;
    if (Now > Size)
        Now = Size;
    if (F.Deleted || V.Dismounted || Now <= F.Entry.Size)
        return STATUS_SUCCESS;
    F.Entry.Size = u32(Now);
    TRY(V.Fat->WriteTable());
    return V.Fat->Update(F.Entry);
}

Status Sync(Volume& V)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        TRY(WriteBack(*F, !F->Opens));
    TRY(V.Fat->Sync());
    V.ChangedAt = V.ChangedSince = 0;
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        if (F->Changed)
            Changed(V);                 // some data is still in the cache
    return STATUS_SUCCESS;
}

void FlushAll(Volume& V)
{
    // One after the other, each kept meanwhile; what comes new is not waited for.
    u32 Count = 0;
    Fcb* All[64];
    for (u32 Skip = 0;; Skip += Count) {
        Count = 0;
        {
            Locked Held(V);
            u32 N = 0;
            for (Fcb* F = V.Fcbs; F && Count < 64; F = F->Next)
                if (!F->IsFolder() && !F->IsVolume && F->Sections.SharedCacheMap && N++ >= Skip) {
                    ++F->References;
                    All[Count++] = F;
                }
        }
        for (u32 I = 0; I < Count; ++I)
            CcFlushCache(&All[I]->Sections, nullptr, 0, nullptr);
        Locked Held(V);
        for (u32 I = 0; I < Count; ++I)
            Release(All[I]);
        if (Count < 64)
            return;
    }
}

NTSTATUS FlushFile(Fcb& F)
{
    IO_STATUS_BLOCK Iosb {};
    if (F.Sections.SharedCacheMap)
        CcFlushCache(&F.Sections, nullptr, 0, &Iosb);
    if (Iosb.Status < 0)
        return Iosb.Status;
    Locked Held(*F.Of);
    if (F.Of->Dismounted)
        return STATUS_VOLUME_DISMOUNTED;
    if (Status S = WriteBack(F, true); !S.Ok())
        return S.Code();
    return F.Of->On.Flush().Code();
}

void WaitStill(Fcb& F)
{
    // The event is a hint: it may be late for the transfer before. With the volume's resource held nothing new begins.
    LARGE_INTEGER Tick;
    Tick.QuadPart = -10'000;
    while (F.Moving)
        if (KeWaitForSingleObject(&F.Still, Executive, KernelMode, FALSE, nullptr) >= 0 && F.Moving)
            KeDelayExecutionThread(KernelMode, FALSE, &Tick);
}

NTSTATUS Extend(Fcb& F, u64 Size)
{
    Volume& V = *F.Of;
    if (Size > 0xFFFFFFFF)
        return STATUS_DISK_FULL;
    if (Status S = V.Fat->Reserve(F.Entry, Size); !S.Ok())
        return S.Code();
    auto Room = V.Fat->Reserved(F.Entry);
    if (!Room.Ok())
        return Room.Code();
    F.Header.AllocationSize.QuadPart = LONGLONG(Room.Value());
    F.Header.FileSize.QuadPart = LONGLONG(Size);
    F.Changed = true;
    Changed(V);
    return STATUS_SUCCESS;
}

NTSTATUS SetSize(Fcb& F, FILE_OBJECT* File, u64 Size)
{
    Volume& V = *F.Of;
    u64 Old = u64(F.Header.FileSize.QuadPart);
    F.Entry.Written = Now();
    F.Entry.Attributes |= fat::Archive;
    F.Changed = true;
    if (Size >= Old) {
        NTSTATUS S = Size > Old ? Extend(F, Size) : STATUS_SUCCESS;
        TellSizes(F, File);
        Changed(V);
        return S;
    }
    F.Header.FileSize.QuadPart = LONGLONG(Size);
    if (F.Header.ValidDataLength.QuadPart > LONGLONG(Size))
        F.Header.ValidDataLength.QuadPart = LONGLONG(Size);
    TellSizes(F, File);
    WaitStill(F);                       // nothing is on its way to clusters that are about to be free
    if (F.OnMedium > Size)
        F.OnMedium = Size;
    Status S = V.Fat->Cut(F.Entry, Size);
    auto Room = V.Fat->Reserved(F.Entry);
    if (Room.Ok())
        F.Header.AllocationSize.QuadPart = LONGLONG(Room.Value());
    TellSizes(F, File);
    Changed(V);
    return S.Code();
}

void ReportName(Volume& V, const UNICODE_STRING& Name, ULONG Filter, ULONG Action)
{
    STRING Whole { Name.Length, Name.Length, reinterpret_cast<PCHAR>(Name.Buffer) };
    USHORT At = Name.Length;
    while (At && Name.Buffer[At / 2 - 1] != L'\\')
        At -= 2;
    FsRtlNotifyFullReportChange(V.NotifySync, &V.Notify, &Whole, At, nullptr, nullptr, Filter, Action, nullptr);
}
void Report(Fcb& F, ULONG Filter, ULONG Action) { ReportName(*F.Of, F.Name, Filter, Action); }

// --- times: the medium has local time in steps of two seconds

fat::Stamp FromTime(LARGE_INTEGER Time)
{
    LARGE_INTEGER Local;
    TIME_FIELDS T;
    ExSystemTimeToLocalTime(&Time, &Local);
    RtlTimeToTimeFields(&Local, &T);
    if (T.Year < 1980)
        return {};
    if (T.Year > 2107)
        return { 0xFF9F, 0xBF7D, 199 };
    return { u16((T.Year - 1980) << 9 | T.Month << 5 | T.Day), u16(T.Hour << 11 | T.Minute << 5 | T.Second / 2), u8(T.Second % 2 * 100 + T.Milliseconds / 10) };
}
fat::Stamp Now()
{
    LARGE_INTEGER Time;
    KeQuerySystemTime(&Time);
    return FromTime(Time);
}
LARGE_INTEGER ToTime(const fat::Stamp& S)
{
    TIME_FIELDS T {};
    T.Year = CSHORT(1980 + (S.Date >> 9));
    T.Month = CSHORT(S.Date >> 5 & 15);
    T.Day = CSHORT(S.Date & 31);
    T.Hour = CSHORT(S.Time >> 11);
    T.Minute = CSHORT(S.Time >> 5 & 63);
    T.Second = CSHORT((S.Time & 31) * 2 + S.Tenths / 100);
    T.Milliseconds = CSHORT(S.Tenths % 100 * 10);
    LARGE_INTEGER Local, Time;
    Time.QuadPart = 0;                  // what no calendar has
    if (RtlTimeFieldsToTime(&T, &Local))
        ExLocalTimeToSystemTime(&Local, &Time);
    return Time;
}

}
