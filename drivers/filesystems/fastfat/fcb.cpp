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
    F.Header.FileSize.QuadPart = F.Header.ValidDataLength.QuadPart = F.IsFolder() ? 0 : LONGLONG(F.Entry.Size);
    F.Header.AllocationSize.QuadPart = LONGLONG(AllocatedOf(*F.Of, F.Entry));
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
}

Status WriteBack(Fcb& F)
{
    if (!F.Changed || F.Deleted)
        return STATUS_SUCCESS;
    TRY(F.Of->Fat->Update(F.Entry));
    F.Changed = false;
    Changed(*F.Of);
    return STATUS_SUCCESS;
}

Status Sync(Volume& V)
{
    for (Fcb* F = V.Fcbs; F; F = F->Next)
        TRY(WriteBack(*F));
    TRY(V.Fat->Sync());
    V.ChangedAt = 0;
    return STATUS_SUCCESS;
}

void WaitStill(Fcb& F)
{
    KeWaitForSingleObject(&F.Still, Executive, KernelMode, FALSE, nullptr);
}

NTSTATUS SetSize(Fcb& F, u64 Size)
{
    if (Size > 0xFFFFFFFF)
        return STATUS_DISK_FULL;
    Volume& V = *F.Of;
    if (Size < F.Entry.Size)
        WaitStill(F);
    if (Status S = V.Fat->SetSize(F.Entry, u32(Size)); !S.Ok())
        return S.Code();
    F.Entry.Written = Now();
    F.Entry.Attributes |= fat::Archive;
    F.Changed = true;
    SetHeader(F);
    Changed(V);
    return STATUS_SUCCESS;
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
