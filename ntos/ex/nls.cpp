// National language files: data sections of C:\Windows\System32\*.nls, mapped read-only and shared.
#include "ntos/io/io.hpp"
#include "ntos/mm/space.hpp"
#include "ntos/ps/process.hpp"

namespace {

// NtGetNlsSectionPtr's types.
enum : u32 { SortDefault = 9, CaseMap = 10, CodePage = 11, Normalization = 12 };

Result<ob::String> FileOf(u32 Type, u32 Data)
{
    ob::String Path = TRY(ob::String::Copy(L"\\SystemRoot\\System32\\"));
    switch (Type) {
    case SortDefault:
        if (Data)
            return STATUS_INVALID_PARAMETER_1;
        TRY(Path.Append(L"sortdefault.nls"));
        return Path;
    case CaseMap:
        TRY(Path.Append(L"l_intl.nls"));
        return Path;
    case CodePage: {
        wchar_t Digits[6];
        u32 N = 0, Rest = Data;
        if (Data > 0xFFFF)
            return STATUS_INVALID_PARAMETER_1;
        do
            Digits[N++] = L'0' + Rest % 10;
        while (Rest /= 10);
        while (N < 3)
            Digits[N++] = L'0';
        TRY(Path.Append(L"c_"));
        while (N)
            TRY(Path.Append(ob::Name(&Digits[--N], 1)));
        TRY(Path.Append(L".nls"));
        return Path;
    }
    case Normalization: {
        ob::Name File = Data == 1 ? ob::Name(L"normnfc.nls") : Data == 2 ? ob::Name(L"normnfd.nls") : Data == 5 ? ob::Name(L"normnfkc.nls") :
                        Data == 6 ? ob::Name(L"normnfkd.nls") : Data == 13 ? ob::Name(L"normidna.nls") : ob::Name();
        if (File.IsEmpty())
            return STATUS_OBJECT_NAME_NOT_FOUND;
        TRY(Path.Append(File));
        return Path;
    }
    default:
        return STATUS_INVALID_PARAMETER_1;
    }
}

struct Mapped {
    u64 Base, Size;
};
Result<Mapped> MapFile(ps::Process& P, ob::Name Path)
{
    Ref<io::File> File = TRY(io::OpenKernelFile(Path));
    RefPtr<mm::PageStore> Data = File->DataStore();
    if (!Data)
        return STATUS_FILE_INVALID;
    u64 Size = File->DataSize();
    if (Size == 0)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    Ref<mm::Section> S = TRY(ob::Make<mm::Section>());
    S->FileName = TRY(File->QueryName());
    S->Store = std::move(Data);
    S->File = std::move(File);
    S->Size = Size;
    S->Attributes = SEC_COMMIT | SEC_FILE;
    S->PageProtect = PAGE_READONLY;
    mm::ViewRequest View;
    View.Protect = PAGE_READONLY;
    u64 Base = TRY(mm::MapView(P.Memory(), S, View));
    return Mapped { Base, Size };
}

}

ke::Task<> NtGetNlsSectionPtr(ke::Caller& Caller, svc::GetNlsSectionPtr& Call)
{
    CO_TRY(Call.SectionPointer.Probe(Caller));
    ob::String Path = CO_TRY(FileOf(Call.SectionType, Call.SectionData));
    Mapped M = CO_TRY(MapFile(Caller.Process(), Path));
    CO_TRY(Call.SectionPointer.Write(Caller, reinterpret_cast<PVOID>(M.Base)));
    co_return Call.SectionSize.WriteIfThere(Caller, ULONG(M.Size));
}

ke::Task<> NtInitializeNlsFiles(ke::Caller& Caller, svc::InitializeNlsFiles& Call)
{
    CO_TRY(Call.BaseAddress.Probe(Caller));
    Mapped M = CO_TRY(MapFile(Caller.Process(), L"\\SystemRoot\\System32\\locale.nls"));
    CO_TRY(Call.BaseAddress.Write(Caller, reinterpret_cast<PVOID>(M.Base)));
    CO_TRY(Call.DefaultLocaleId.WriteIfThere(Caller, 0x409));
    co_return Call.DefaultCasingTableSize.WriteIfThere(Caller, LARGE_INTEGER { .QuadPart = i64(M.Size) });
}
