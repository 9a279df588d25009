// What io needs of mm (page frames are blocks of the host's memory) and of se.
#include <stdlib.h>
#include <string.h>

#include <vector>

#include "ntos/mm/mm.hpp"
#include "ntos/mm/phys.hpp"
#include "ntos/se/token.hpp"
#include "tests/host/io/io_test.hpp"

namespace mm {

static std::vector<u8*>& Frames()
{
    static auto& All = *new std::vector<u8*> { nullptr };
    return All;
}
static std::vector<Pfn>& FreeFrames()
{
    static auto& All = *new std::vector<Pfn>;
    return All;
}

static u64 InUse;

Result<u8*> AllocatePage()
{
    auto* Page = static_cast<u8*>(aligned_alloc(PageSize, PageSize));
    if (Page)
        memset(Page, 0, PageSize);
    return Page;
}
void FreePage(u8* Page) { free(Page); }

Result<Pfn> AllocateFrame(bool)
{
    if (InUse >= io_test::FrameLimit)
        return Status(STATUS_NO_MEMORY);
    ++InUse;
    Pfn F;
    if (FreeFrames().empty()) {
        F = Pfn(Frames().size());
        Frames().push_back(static_cast<u8*>(aligned_alloc(PageSize, PageSize)));
    } else {
        F = FreeFrames().back();
        FreeFrames().pop_back();
    }
    memset(Frames()[F], 0, PageSize);
    return F;
}
void ReleaseFrame(Pfn F)
{
    if (F >= io_test::FirstBootFrame)
        return;
    --InUse;
    FreeFrames().push_back(F);
}
u8* PageAddress(Pfn F)
{
    if (F >= io_test::FirstBootFrame)
        return io_test::BootArchive + u64(F - io_test::FirstBootFrame) * PageSize;
    return Frames()[F];
}
Status ChargeCommit(u64) { return STATUS_SUCCESS; }
void ReturnCommit(u64) { }

// Between stores and client memory as ex's double has it; and no store is paged here.
template <typename F> static Status EachPage(u64 Offset, usize Bytes, usize& Done, F&& Each)
{
    for (Done = 0; Done < Bytes;) {
        usize Now = PageSize - ((Offset + Done) & PageMask);
        if (Now > Bytes - Done)
            Now = Bytes - Done;
        TRY(Each(Offset + Done, Done, Now));
        Done += Now;
    }
    return STATUS_SUCCESS;
}
Status PageStore::ReadToUser(u64 Offset, ps::Process& To, u64 Address, usize Bytes, usize& Done)
{
    return EachPage(Offset, Bytes, Done, [&](u64 At, usize Skip, usize Now) -> Status {
        u8* From = TRY(Page(At >> PageShift, false));
        return From ? CopyToUser(To, Address + Skip, From + (At & PageMask), Now) : ZeroUser(To, Address + Skip, Now);
    });
}
Status PageStore::WriteFromUser(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done)
{
    return EachPage(Offset, Bytes, Done, [&](u64 At, usize Skip, usize Now) -> Status {
        u8* To = TRY(Page(At >> PageShift, true));
        return CopyFromUser(From, To + (At & PageMask), Address + Skip, Now);
    });
}
Result<Pfn> PageStore::PagedFrame(u64, bool) { return STATUS_NOT_IMPLEMENTED; }
void PageStore::MarkDirty(u64) { }
void PageStore::ForgetState(Pfn&) { }
void PageStore::EndPaging() { }
u64 PageStore::HasDirty() const { return 0; }
void PageStore::FreeWord(Pfn& Word)
{
    ReleaseFrame(Word);
    Word = NoPfn;
    --PageCount_;
}

}

namespace io_test {

u8* BootArchive;
u64 FrameLimit = ~u64(0);
u64 FramesInUse() { return mm::InUse; }

// The tree every test starts from.
static void Put(std::vector<u8>& To, const void* From, usize Bytes) { To.insert(To.end(), static_cast<const u8*>(From), static_cast<const u8*>(From) + Bytes); }

std::vector<u8> MakeArchive(const std::vector<ArchiveEntry>& List)
{
    using namespace wire::bootfs;
    std::vector<u8> Names, Out;
    std::vector<Entry> Entries;
    for (const auto& E : List) {
        Entries.push_back({ 0, E.Data.size(), E.MTime, u32(Names.size()), u32(E.Name.size()), E.Attributes, 0 });
        Put(Names, E.Name.data(), E.Name.size());
    }
    Header H { Magic, Version, u32(List.size()), 0, sizeof(Header) + List.size() * sizeof(Entry), Names.size(), {} };
    u64 At = AlignUp(H.NamesOffset + Names.size(), PageSize);
    for (usize I = 0; I < List.size(); ++I) {
        if (List[I].Data.empty())
            continue;
        Entries[I].Offset = At;
        At = AlignUp(At + List[I].Data.size(), PageSize);
    }
    H.TotalSize = At;
    Put(Out, &H, sizeof(H));
    Put(Out, Entries.data(), Entries.size() * sizeof(Entry));
    Put(Out, Names.data(), Names.size());
    Out.resize(At);
    for (usize I = 0; I < List.size(); ++I)
        memcpy(Out.data() + Entries[I].Offset * !List[I].Data.empty(), List[I].Data.data(), List[I].Data.empty() ? 0 : List[I].Data.size());
    return Out;
}

void Begin()
{
    static bool Done = false;
    if (std::exchange(Done, true))
        return;
    fake::Begin();
    MUST(io::Initialize());
    static std::vector<u8> Archive = MakeArchive({
        { "Windows", "", FILE_ATTRIBUTE_DIRECTORY },
        { "Windows/System32", "", FILE_ATTRIBUTE_DIRECTORY },
        { "Windows/System32/ntdll.dll", std::string(5000, 'n'), FILE_ATTRIBUTE_ARCHIVE },
        { "Windows/notepad.exe", "MZ", FILE_ATTRIBUTE_ARCHIVE },
        { "work", "", FILE_ATTRIBUTE_DIRECTORY },
        { "work/Hello.txt", "hello, world", FILE_ATTRIBUTE_ARCHIVE },
        { "work/\xC3\xA9t\xC3\xA9.txt", "summer", FILE_ATTRIBUTE_ARCHIVE },
        { "neptune.ini", "mode=run", 0 },
    });
    BootArchive = static_cast<u8*>(aligned_alloc(PageSize, Archive.size()));
    memcpy(BootArchive, Archive.data(), Archive.size());
    MUST(io::MountBootVolume(BootArchive, Archive.size(), FirstBootFrame));
}

}
