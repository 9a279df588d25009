#include "ntos/io/section_file.hpp"

#include "ntos/io/create.hpp"
#include "ntos/mm/mm.hpp"

namespace io {

static Result<SectionFile> Describe(Ref<File> F)
{
    RefPtr<mm::PageStore> Data = F->DataStore();
    if (!Data)
        return STATUS_INVALID_FILE_FOR_SECTION;
    ob::String Path = TRY(F->GetDevice().QueryName());
    TRY(Path.Append(TRY(F->RelativeName()).View()));
    u64 Size = F->DataSize();
    return SectionFile { std::move(F), Ref<mm::PageStore>::Adopt(*Data.Leak()), Size, std::move(Path) };
}

Result<SectionFile> OpenImageFile(ke::Caller& Caller, ob::Name Path)
{
    ob::Attributes Wanted;
    Wanted.Path = TRY(ob::String::Copy(Path));
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    CreateParameters How;
    How.Access = FILE_EXECUTE | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    How.Share = FILE_SHARE_READ | FILE_SHARE_DELETE;
    How.Options = FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT;
    return Describe(TRY(OpenFile(Caller, Wanted, How)));
}

Result<SectionFile> FileForSection(ke::Caller& Caller, HANDLE Handle, u32 Protection, u32 Attributes)
{
    ACCESS_MASK Needed = FILE_READ_DATA;
    if (Protection & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE))
        Needed = FILE_READ_DATA | FILE_WRITE_DATA | (Protection & PAGE_EXECUTE_READWRITE ? FILE_EXECUTE : 0);
    else if (Protection & (PAGE_EXECUTE_READ | PAGE_EXECUTE_WRITECOPY))
        Needed = FILE_READ_DATA | FILE_EXECUTE;
    else if (Protection & PAGE_EXECUTE)
        Needed = FILE_EXECUTE;
    Ref<File> F = TRY(ob::Reference<File>(Caller, Handle, Needed));
    return Describe(std::move(F));
}

Status ExtendForSection(ob::Object& Of, u64 Size)
{
    return static_cast<File&>(Of).ExtendData(Size);
}

u64 SizeForSection(ob::Object& Of)
{
    return static_cast<File&>(Of).DataSize();
}

}
