// The namespace as it is at the start, and \ObjectTypes.
#include "ntos/ob/detail.hpp"

namespace ob {

Directory* Root;
Directory* GlobalDos;

namespace {

// An entry of \ObjectTypes: there to be listed.
class TypeObject final : public Object {
public:
    static const TypeInfo Type;
    TypeObject() : Object(Type) { }
};

constinit const TypeInfo TypeObject::Type {
    .Name = L"Type",
    .ValidAccess = STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 1,
    .Mapping = { STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE, STANDARD_RIGHTS_REQUIRED | 1 },
};

Directory* ObjectTypes;

}

static Name TextOf(const wchar_t* Terminated)
{
    usize N = 0;
    while (Terminated[N])
        ++N;
    return { Terminated, N };
}

void ShowType(const TypeInfo& Type)
{
    if (!ObjectTypes)
        return;
    Result<Ref<TypeObject>> Entry = Make<TypeObject>();
    if (!Entry.Ok())
        return;                     // a listing lacks a line
    if (ObjectTypes->Add(*Entry.Value(), TextOf(Type.Name)).Ok())
        MakePermanent(*Entry.Value(), true);
}

static Result<Directory*> MakeDirectory(Name Path)
{
    Ref<Directory> New = TRY(Make<Directory>());
    TRY(InsertKernel(New, Path, true));
    return New.Get();
}

static Status MakeLink(Name Path, Name Target)
{
    Ref<SymbolicLink> New = TRY(Make<SymbolicLink>(TRY(String::Copy(Target))));
    return InsertKernel(std::move(New), Path, true);
}

Status InitializeNamespace()
{
    Ref<Directory> Top = TRY(Make<Directory>());
    MakePermanent(*Top, true);
    Root = Top.Leak();                          // for ever
    static const Name Directories[] = {
        L"\\ObjectTypes", L"\\GLOBAL??", L"\\Device", L"\\Driver", L"\\FileSystem", L"\\KnownDlls", L"\\BaseNamedObjects", L"\\Sessions",
        L"\\Sessions\\0", L"\\Sessions\\1", L"\\Sessions\\1\\BaseNamedObjects", L"\\Sessions\\1\\Windows", L"\\Sessions\\1\\Windows\\WindowStations",
        L"\\Sessions\\BNOLINKS", L"\\Windows", L"\\Windows\\WindowStations", L"\\RPC Control", L"\\Security", L"\\NLS", L"\\Callback",
        L"\\KernelObjects", L"\\ArcName", L"\\UMDFCommunicationPorts", L"\\BaseNamedObjects\\Restricted",
        L"\\Sessions\\1\\BaseNamedObjects\\Restricted",
    };
    for (Name Path : Directories) {
        Directory* Made = TRY(MakeDirectory(Path));
        if (Equal(Path, L"\\GLOBAL??", false))
            GlobalDos = Made;
        else if (Equal(Path, L"\\ObjectTypes", false))
            ObjectTypes = Made;
    }
    static const struct {
        Name Path, Target;
    } Links[] = {
        { L"\\??", L"\\GLOBAL??" },
        { L"\\DosDevices", L"\\??" },
        { L"\\GLOBAL??\\GLOBALROOT", L"" },
        { L"\\GLOBAL??\\Global", L"\\GLOBAL??" },
        { L"\\Sessions\\1\\DosDevices", L"\\GLOBAL??" },
        { L"\\BaseNamedObjects\\Global", L"\\BaseNamedObjects" },
        { L"\\BaseNamedObjects\\Local", L"\\BaseNamedObjects" },
        { L"\\BaseNamedObjects\\Session", L"\\Sessions\\BNOLINKS" },
        { L"\\Sessions\\1\\BaseNamedObjects\\Global", L"\\BaseNamedObjects" },
        { L"\\Sessions\\1\\BaseNamedObjects\\Local", L"\\Sessions\\1\\BaseNamedObjects" },
        { L"\\Sessions\\1\\BaseNamedObjects\\Session", L"\\Sessions\\BNOLINKS" },
        { L"\\Sessions\\BNOLINKS\\0", L"\\BaseNamedObjects" },
        { L"\\Sessions\\BNOLINKS\\1", L"\\Sessions\\1\\BaseNamedObjects" },
        { L"\\SystemRoot", L"\\??\\C:\\windows" },
    };
    for (const auto& L : Links)
        TRY(MakeLink(L.Path, L.Target));
    // The types that were there before the directory (TypeObject itself comes with the first).
    u32 Before = 0;
    while (TypeAt(Before + 1))
        ++Before;
    for (u32 I = 1; I <= Before; ++I)
        ShowType(*TypeAt(I));
    return STATUS_SUCCESS;
}

}
