// Sections: what can be mapped. Backed by a file's store, by the page file (here: memory), or an image.
#pragma once
#include "abi/nt/image.hpp"
#include "abi/nt/mm.hpp"
#include "abi/nt/ps.hpp"
#include "ntos/ke/task.hpp"
#include "ntos/mm/mm.hpp"
#include "ntos/mm/store.hpp"

namespace mm {

enum class Protection : u8;

// One part of an image with its own protection.
struct Subsection {
    u32 FirstPage, Pages;               // of the image
    u32 FileOffset, FileBytes;          // bytes in the file; the rest is zero
    Protection Protect;
    bool Shared;
};

// An image file taken apart, shared by all sections and processes while any uses it.
class ImageMap : public RefCounted<ImageMap> {
public:
    // Checks the headers thoroughly: STATUS_INVALID_IMAGE_FORMAT, STATUS_INVALID_IMAGE_NOT_MZ, STATUS_INVALID_IMAGE_WIN_16, STATUS_INVALID_IMAGE_PROTECT.
    // Images for x86 (assemblies of IL among them) are taken too, as data: mapping one tells STATUS_IMAGE_MACHINE_TYPE_MISMATCH, a success.
    static Result<Ref<ImageMap>> Create(Ref<PageStore> File, u64 FileSize);
    ~ImageMap();
    // The shared page of the image: of the file itself if its bytes lie page-aligned there, else a copy made once.
    Result<Pfn> Page(u32 Index);
    const Subsection* Find(u32 Page) const;
    std::span<const Subsection> Subsections() const { return Parts_.Span(); }
    SECTION_IMAGE_INFORMATION Info {};
    u64 PreferredBase = 0;
    u32 Pages = 0;

private:
    friend class RefCounted<ImageMap>;
    explicit ImageMap(Ref<PageStore> File) : File_(std::move(File)) { ++File_->ImageMappings; }
    Status Parse(u64 FileSize);
    Result<u8> CliFlags(const IMAGE_DATA_DIRECTORY& Where) const;
    Ref<PageStore> File_;
    u64 FileSize_ = 0;
    RefPtr<PageStore> Copies_;
    Vector<Subsection> Parts_;
};

class Section final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    ~Section() override;
    explicit Section() : Object(Type) { }
    RefPtr<PageStore> Store;            // data sections
    RefPtr<ImageMap> Image;
    RefPtr<ob::Object> File;
    ob::String FileName;
    u64 Size = 0;                       // bytes
    u32 Attributes = 0;                 // SEC_*
    u32 PageProtect = 0;                // PAGE_* it was made with
    bool PageFile = false;
    u64 ChargedPages = 0;
};

Result<Ref<Section>> CreatePageFileSection(u64 Size, u32 PageProtect, u32 Attributes);
Result<Ref<Section>> CreateImageSection(Ref<ob::Object> File, Ref<PageStore> Data, u64 Size, ob::Name Path);
// The same of a paged store: the file is read whole first, and nothing of it is taken as long as the image is used. Path must stay.
ke::Task<Ref<Section>> CreateImageSectionLater(Ref<ob::Object> File, Ref<PageStore> Data, u64 Size, ob::Name Path);
class AddressSpace;
struct ViewRequest {
    u64 Base = 0;                       // 0: anywhere
    u64 Offset = 0, Size = 0;           // Size 0: to the end
    u32 Protect = PAGE_READWRITE;
    u32 AllocationType = 0;
    bool Inherit = true;
    u64 Lowest = 0, Highest = 0, Alignment = 0;     // 0: defaults
};
// Maps; With<STATUS_IMAGE_NOT_AT_BASE>(base) when an image went elsewhere. Request.Size becomes the view's.
Result<u64> MapView(AddressSpace& Space, Ref<Section> From, ViewRequest& Request);
Status UnmapView(AddressSpace& Space, u64 Address, bool KeepPlaceholder);
// A process has mapped an image into its own space, or unmapped one (set by ps).
extern void (*OnImageMapped)(ke::Caller& By, u64 Base, ob::Name File);
extern void (*OnImageUnmapped)(ke::Caller& By, u64 Base);

}
