#include "ntos/io/section_file.hpp"

#include "ntos/io/create.hpp"
#include "ntos/io/issue.hpp"
#include "ntos/mm/mm.hpp"

namespace io {

Result<SectionFile> DescribeForSection(Ref<ob::Object> Of)
{
    auto& F = static_cast<File&>(*Of);
    RefPtr<mm::PageStore> Data = F.DataStore();
    if (!Data)
        return STATUS_INVALID_FILE_FOR_SECTION;
    ob::String Path = TRY(F.GetDevice().QueryName());
    TRY(Path.Append(TRY(F.RelativeName()).View()));
    return SectionFile { std::move(Of), Ref<mm::PageStore>::Adopt(*Data.Leak()), F.DataSize(), std::move(Path) };
}

bool SectionWaits(ob::Object& Of)
{
    return static_cast<File&>(Of).WaitsForSections();
}

ke::Task<> PrepareForSection(Ref<ob::Object> Of)
{
    return static_cast<File&>(*Of).PrepareSection();    // the caller keeps the file
}

static Result<Ref<File>> OpenImage(ke::Caller& Caller, ob::Name Path)
{
    ob::Attributes Wanted;
    Wanted.Path = TRY(ob::String::Copy(Path));
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    CreateParameters How;
    How.Access = FILE_EXECUTE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    How.Share = FILE_SHARE_READ | FILE_SHARE_DELETE;
    How.Options = FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT;
    return OpenFile(Caller, Wanted, How);
}

static ke::Task<SectionFile> Prepared(ke::Caller& Caller, Ref<File> F)
{
    u32 Information = 0;
    if (F->NeedsCreate())
        CO_TRY(co_await Issue::RunCreate(Caller, F, Information));
    CO_TRY(co_await F->PrepareSection());
    co_return DescribeForSection(std::move(F));
}

ke::Task<SectionFile> OpenImageFile(ke::Caller& Caller, ob::Name Path)
{
    auto F = OpenImage(Caller, Path);
    if (!F.Ok())
        return ke::Task<SectionFile>(F.GetStatus());
    if (F.Value()->NeedsCreate() || F.Value()->WaitsForSections())
        return Prepared(Caller, F.Take());
    return ke::Task<SectionFile>(DescribeForSection(F.Take()));
}

Result<Ref<ob::Object>> FileForSection(ke::Caller& Caller, HANDLE Handle, u32 Protection, u32 Attributes)
{
    ACCESS_MASK Needed = FILE_READ_DATA;
    if (Protection & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE))
        Needed = FILE_READ_DATA | FILE_WRITE_DATA | (Protection & PAGE_EXECUTE_READWRITE ? FILE_EXECUTE : 0);
    else if (Protection & (PAGE_EXECUTE_READ | PAGE_EXECUTE_WRITECOPY))
        Needed = FILE_READ_DATA | FILE_EXECUTE;
    else if (Protection & PAGE_EXECUTE)
        Needed = FILE_EXECUTE;
    return Ref<ob::Object>(TRY(ob::Reference<File>(Caller, Handle, Needed)));
}

ke::Task<> ExtendForSection(Ref<ob::Object> Of, u64 Size)
{
    return static_cast<File&>(*Of).ExtendDataLater(Size);
}

u64 SizeForSection(ob::Object& Of)
{
    return static_cast<File&>(Of).DataSize();
}

}
