// Virtual memory and sections.
#include "bench/native/bench.hpp"

namespace bench {

static constexpr u32 Pages = 512;
static HANDLE Section;

static NTSTATUS PageFaults(u32 Count)
{
    PVOID Base = nullptr;
    SIZE_T Size = SIZE_T(Count) * 4096;
    BENCH_TRY(NtAllocateVirtualMemory(ThisProcess(), &Base, 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    // The marker before this function is Measure's: one more pair here would count the allocation apart, but it is one call for all the pages.
    for (u32 I = 0; I < Count; ++I)
        static_cast<volatile char*>(Base)[SIZE_T(I) * 4096] = 1;
    Size = 0;
    return NtFreeVirtualMemory(ThisProcess(), &Base, &Size, MEM_RELEASE);
}

static NTSTATUS Commit64K(u32 Count, bool Touch)
{
    for (u32 I = 0; I < Count; ++I) {
        PVOID Base = nullptr;
        SIZE_T Size = 65536;
        BENCH_TRY(NtAllocateVirtualMemory(ThisProcess(), &Base, 0, &Size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
        for (u32 Page = 0; Touch && Page < 16; ++Page)
            static_cast<volatile char*>(Base)[Page * 4096] = 1;
        Size = 0;
        BENCH_TRY(NtFreeVirtualMemory(ThisProcess(), &Base, &Size, MEM_RELEASE));
    }
    return 0;
}

static NTSTATUS MakeSection()
{
    LARGE_INTEGER Size;
    Size.QuadPart = 65536;
    return NtCreateSection(&Section, SECTION_ALL_ACCESS, nullptr, &Size, PAGE_READWRITE, SEC_COMMIT, nullptr);
}
static NTSTATUS MapUnmap(u32 Count)
{
    for (u32 I = 0; I < Count; ++I) {
        PVOID Base = nullptr;
        SIZE_T Size = 0;
        BENCH_TRY(NtMapViewOfSection(Section, ThisProcess(), &Base, 0, 0, nullptr, &Size, ViewUnmap, 0, PAGE_READWRITE));
        *static_cast<volatile char*>(Base) = 1;
        BENCH_TRY(NtUnmapViewOfSection(ThisProcess(), Base));
    }
    return 0;
}
static void CloseSection() { NtClose(Section); }

extern const Row MemoryRows[] = {
    { "page_fault", Pages, nullptr, PageFaults, nullptr, "first write to a page of fresh committed memory; its share of one allocation and release of 2 MiB included" },
    { "vm_commit_free_64k", 200, nullptr, [](u32 Count) { return Commit64K(Count, false); }, nullptr,
      "NtAllocateVirtualMemory (reserve and commit) of 64 KiB, NtFreeVirtualMemory; no page is touched" },
    { "vm_commit_touch_free_64k", 200, nullptr, [](u32 Count) { return Commit64K(Count, true); }, nullptr,
      "the same with a write to each of the 16 pages in between" },
    { "section_map_unmap", 200, MakeSection, MapUnmap, CloseSection, "NtMapViewOfSection of a 64 KiB page-file section, a write to its first page, NtUnmapViewOfSection" },
    {},
};

}
