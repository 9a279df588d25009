// What mm needs of a file to make a section of it, and how it tells io that the section is gone.
#pragma once
#include "ntos/ke/task.hpp"
#include "ntos/mm/store.hpp"
#include "ntos/ob/ob.hpp"

namespace io {

struct SectionFile {
    Ref<ob::Object> File;           // keeps the file's data alive while the section exists
    Ref<mm::PageStore> Data;
    u64 Size;                       // bytes, now
    ob::String Path;                // NT path, for image names
};
// Checks the handle's rights against the section's: Protection is PAGE_*, Attributes SEC_*. Write access to the section needs FILE_READ_DATA and
// FILE_WRITE_DATA, execute needs FILE_EXECUTE, all else FILE_READ_DATA; the same for images (as NtCreateSection on Windows).
// STATUS_INVALID_HANDLE, STATUS_OBJECT_TYPE_MISMATCH, STATUS_ACCESS_DENIED, STATUS_INVALID_FILE_FOR_SECTION (not a file with data: pipe, folder, device).
// An empty file is returned as it is: STATUS_MAPPED_FILE_SIZE_ZERO is mm's to say.
// The file is truncated or deleted only while Data->Mappings (Data->ImageMappings) are zero: mm counts views and sections there.
Result<Ref<ob::Object>> FileForSection(ke::Caller& Caller, HANDLE Handle, u32 Protection, u32 Attributes);
// What there is to know of it. A file whose driver must be asked first (SectionWaits): only after PrepareForSection.
bool SectionWaits(ob::Object& File);
ke::Task<> PrepareForSection(Ref<ob::Object> File);
Result<SectionFile> DescribeForSection(Ref<ob::Object> File);
// The same for an image file by NT name, opened for execution with the caller's rights (NtCreateUserProcess). Path must stay.
ke::Task<SectionFile> OpenImageFile(ke::Caller& Caller, ob::Name Path);
// A data section larger than the file makes it longer. The file must be the one FileForSection gave.
ke::Task<> ExtendForSection(Ref<ob::Object> File, u64 Size);
u64 SizeForSection(ob::Object& File);

}
