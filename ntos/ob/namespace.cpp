// The namespace as it is at the start, and \ObjectTypes.
#include "ntos/ob/detail.hpp"
#include "ntos/se/se.hpp"

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
    if (Protect(*Entry.Value(), STANDARD_RIGHTS_READ).Ok() && ObjectTypes->Add(*Entry.Value(), TextOf(Type.Name)).Ok())
        MakePermanent(*Entry.Value(), true);
}

Status Protect(Object& Target, ACCESS_MASK Everyone)
{
    const se::Allowed Entries[] = {
        { se::sid::LocalSystem, Target.GetType().ValidAccess },
        { se::sid::Administrators, Target.GetType().ValidAccess },
        { se::sid::Everyone, Everyone },
        { se::sid::RestrictedCode, Everyone },
    };
    Target.SetSecurity(TRY(se::MakeDescriptor(Entries)));
    return STATUS_SUCCESS;
}

static constexpr ACCESS_MASK MayLook = STANDARD_RIGHTS_READ | DIRECTORY_QUERY | DIRECTORY_TRAVERSE;
static constexpr ACCESS_MASK MayCreate = MayLook | DIRECTORY_CREATE_OBJECT | DIRECTORY_CREATE_SUBDIRECTORY;

static Result<Directory*> MakeDirectory(Name Path, ACCESS_MASK Everyone)
{
    Ref<Directory> New = TRY(Make<Directory>());
    TRY(Protect(*New, Everyone));
    TRY(InsertKernel(New, Path, true));
    return New.Get();
}

Status LinkKernel(Name Path, Name Target)
{
    Ref<SymbolicLink> New = TRY(Make<SymbolicLink>(TRY(String::Copy(Target))));
    TRY(Protect(*New, STANDARD_RIGHTS_READ | SYMBOLIC_LINK_QUERY));
    return InsertKernel(std::move(New), Path, true);
}

Status InitializeNamespace()
{
    Ref<Directory> Top = TRY(Make<Directory>());
    MakePermanent(*Top, true);
    Root = Top.Leak();                          // for ever
    TRY(Protect(*Root, MayLook));
    // Where everybody may put objects of his own; everything else is the system's and the administrators'. A name in another case than one
    // that is there already would be found in its place by most, so a directory that all depend on must be closed.
    static const Name Open[] = {
        L"\\BaseNamedObjects", L"\\BaseNamedObjects\\Restricted", L"\\Sessions\\1\\BaseNamedObjects", L"\\Sessions\\1\\BaseNamedObjects\\Restricted",
        L"\\Sessions\\1\\Windows\\WindowStations", L"\\Windows\\WindowStations", L"\\RPC Control",
    };
    static const Name Closed[] = {
        L"\\ObjectTypes", L"\\GLOBAL??", L"\\Device", L"\\Driver", L"\\FileSystem", L"\\KnownDlls", L"\\Sessions", L"\\Sessions\\0", L"\\Sessions\\1",
        L"\\Sessions\\1\\Windows", L"\\Sessions\\BNOLINKS", L"\\Windows", L"\\Security", L"\\NLS", L"\\Callback", L"\\KernelObjects", L"\\ArcName",
        L"\\UMDFCommunicationPorts",
    };
    for (Name Path : Closed) {
        Directory* Made = TRY(MakeDirectory(Path, MayLook));
        if (Equal(Path, L"\\GLOBAL??", false))
            GlobalDos = Made;
        else if (Equal(Path, L"\\ObjectTypes", false))
            ObjectTypes = Made;
    }
    for (Name Path : Open)
        (void)TRY(MakeDirectory(Path, MayCreate));
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
        TRY(LinkKernel(L.Path, L.Target));
    // The types that were there before the directory (TypeObject itself comes with the first).
    u32 Before = 0;
    while (TypeAt(Before + 1))
        ++Before;
    for (u32 I = 1; I <= Before; ++I)
        ShowType(*TypeAt(I));
    return STATUS_SUCCESS;
}

}
