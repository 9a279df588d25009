// PageStore: the pages of one file (or of a page-file backed section), each once, shared by everything that looks at the
// data: mapped views, image sections, NtReadFile and NtWriteFile. Sparse; a page that was never written is a hole and reads as zero.
// The length in bytes is the owner's business (a file's size): the store only holds pages.
#pragma once
#include "lib/core/ref.hpp"
#include "ntos/ke/user.hpp"

namespace mm {

using Pfn = u32;                    // index of a physical page
inline constexpr Pfn NoPfn = 0;

class ImageMap;

class PageStore : public RefCounted<PageStore> {
public:
    static Result<Ref<PageStore>> Create();
    ~PageStore();
    // The Executive's address of page Index, valid until the next Truncate or ReplacePage of it. A hole: null, unless Make.
    Result<u8*> Page(u64 Index, bool Make);
    Result<Pfn> PageFrame(u64 Index, bool Make);
    // Uses an existing, mapped, read-only frame of the boot image as page Index; the first write replaces it by a copy.
    Status AdoptBootPage(u64 Index, Pfn Frame);
    // Executive memory to and from the store, any alignment.
    Status Read(u64 Offset, void* To, usize Bytes);
    Status Write(u64 Offset, const void* From, usize Bytes);
    // Client memory to and from the store: one copy, page by page. Done: bytes copied, also when it fails half way.
    Status ReadToUser(u64 Offset, ps::Process& To, u64 Address, usize Bytes, usize& Done);
    Status WriteFromUser(u64 Offset, ps::Process& From, u64 Address, usize Bytes, usize& Done);
    Status Zero(u64 Offset, u64 Bytes);
    // Frees the pages from byte Size on and zeroes the rest of the last one. STATUS_USER_MAPPED_FILE while views of them exist.
    Status Truncate(u64 Size);
    u64 Pages() const { return PageCount_; }        // not holes
    // Views and image sections that refer to the pages.
    u32 Mappings = 0;
    u32 Sections = 0;                   // section objects of the file's data, with or without views
    u32 ImageMappings = 0;
    ImageMap* SharedImage = nullptr;          // borrowed: the image map of this file while one exists

private:
    PageStore() = default;
    friend class RefCounted<PageStore>;
    static constexpr u32 LeafFan = 1024, NodeFan = 512;
    // The word for page Index, or null if there is none and not Make.
    Result<Pfn*> Entry(u64 Index, bool Make);
    // Frees the pages with index >= From below node At, which covers from Base; true if nothing is left in it.
    bool FreeFrom(void* At, u32 Level, u64 Base, u64 From);
    // A tree of pages, Levels_ high: leaves hold LeafFan frame numbers, inner nodes NodeFan pointers.
    void* Top_ = nullptr;
    u32 Levels_ = 0;
    u64 PageCount_ = 0;
};

}
