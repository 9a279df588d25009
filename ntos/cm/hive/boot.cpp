// The system's own hives: loaded from C: when it is there, over what the readable description has made.
#include <string.h>

#include "ntos/cm/cm.hpp"
#include "ntos/cm/hive/hive.hpp"
#include "ntos/cm/key.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/ps/thread.hpp"

namespace cm {

ke::Task<> OpenHive(ke::Caller& Caller, const ob::Attributes& Named, bool LazyFlush, Own<FileHive>& To)
{
    FileHive::Files Files;
    io::CreateParameters How;
    How.Access = FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE;
    How.Disposition = FILE_OPEN_IF;
    How.Options = FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT;
    CO_TRY(co_await io::OpenOwn(Caller, Named, {}, How, Files.Primary));
    CO_TRY(co_await io::OpenOwn(Caller, Named, L".LOG1", How, Files.Log1));
    CO_TRY(co_await io::OpenOwn(Caller, Named, L".LOG2", How, Files.Log2));
    co_return co_await FileHive::Open(Ref<ps::Process>(Caller.Process()), std::move(Files), LazyFlush, To);
}

namespace {

constexpr u32 TcbPrivilege = 7;
bool Initialized;

// What the description said when the hives were last brought up to it; in SYSTEM, written after all of them.
constexpr ob::Name SetupKey = L"\\Registry\\Machine\\SYSTEM\\Setup", SeedValue = L"Description";

struct SystemHive {
    ob::Name Key, File;
};
constexpr SystemHive SystemHives[] = {
    { L"\\Registry\\Machine\\SYSTEM", L"\\??\\C:\\Windows\\System32\\config\\SYSTEM" },
    { L"\\Registry\\Machine\\SOFTWARE", L"\\??\\C:\\Windows\\System32\\config\\SOFTWARE" },
    { L"\\Registry\\Machine\\SAM", L"\\??\\C:\\Windows\\System32\\config\\SAM" },
    { L"\\Registry\\Machine\\SECURITY", L"\\??\\C:\\Windows\\System32\\config\\SECURITY" },
    { L"\\Registry\\User\\.DEFAULT", L"\\??\\C:\\Windows\\System32\\config\\DEFAULT" },
};
constexpr ob::Name UserHive = L"\\NTUSER.DAT", UserClassesHive = L"\\AppData\\Local\\Microsoft\\Windows\\UsrClass.dat";
constexpr ob::Name ProfileList = L"\\Registry\\Machine\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion\\ProfileList";

Result<ob::String> Joined(ob::Name A, ob::Name B, ob::Name C = {})
{
    ob::String S = TRY(ob::String::Copy(A));
    TRY(S.Append(B));
    TRY(S.Append(C));
    return S;
}

// One hive over the keys that are there. SameSeed: what the description made and the file does not have, somebody has deleted.
ke::Task<> LoadOver(ke::Caller& Caller, ob::String Key, ob::String File, bool SameSeed)
{
    ob::Attributes Named;
    Named.Path = CO_TRY(ob::String::Copy(File.View()));
    Named.IsGiven = Named.HasName = true;
    Own<FileHive> Hive;
    CO_TRY(co_await OpenHive(Caller, Named, true, Hive));
    Ref<Node> Top = CO_TRY(OpenNode(Key.View(), true));
    if (FileHive::OfTop(*Top))
        co_return STATUS_ALREADY_COMMITTED;
    Top->Fixed = true;
    bool New = Hive->IsNew();
    CO_TRY(Hive->Attach(*Top));
    FileHive& Kept = *Hive.Leak();      // for ever
    if (SameSeed && !New)
        CO_TRY(Kept.DropSeeded());
    // Where it is, for whoever looks (hivelist, as on Windows).
    Ref<Node> List = CO_TRY(OpenNode(L"\\Registry\\Machine\\SYSTEM\\CurrentControlSet\\Control\\hivelist", true));
    List->Volatile = true;
    UpperName Upper;
    Vector<u8> Data;
    CO_TRY(Upper.Set(Key.View()));
    CO_TRY(Data.Resize((File.View().Length + 1) * 2));
    memcpy(Data.Data(), File.View().Data, File.View().Length * 2);
    co_return List->SetValue(Key.View(), Upper, REG_SZ, std::move(Data));
}

ke::Task<> LoadOne(ke::Caller& Caller, ob::Name Key, ob::Name File, bool SameSeed)
{
    auto KeyCopy = ob::String::Copy(Key), FileCopy = ob::String::Copy(File);
    Status S = KeyCopy.Ok() && FileCopy.Ok() ? Status(STATUS_SUCCESS) : Status(STATUS_INSUFFICIENT_RESOURCES);
    if (S.Ok())
        S = co_await LoadOver(Caller, KeyCopy.Take(), FileCopy.Take(), SameSeed);
    // The others are still better than none. What is in the file stays as it is.
    if (!S.Ok())
        ex::Log("registry hive %S: cannot be loaded (0x%x); what changes there is lost\n", File, u32(S.Code()));
    co_return STATUS_SUCCESS;
}

u64 SavedSeed()
{
    auto Setup = OpenNode(SetupKey, false);
    UpperName Upper;
    MUST(Upper.Set(SeedValue));         // short enough to need no memory
    const Value* V = Setup.Ok() ? Setup.Value()->FindValue(Upper) : nullptr;
    u64 Number = 0;
    if (V && V->Type == REG_QWORD && V->Data.Size() == 8)
        memcpy(&Number, V->Data.Data(), 8);
    return Number;
}

// The user's profile folder, as the registry names it; empty if it does not.
Result<ob::String> ProfileFolder()
{
    ob::String Path = TRY(Joined(ProfileList, L"\\", TRY(UserSidText()).View()));
    auto Key = OpenNode(Path.View(), false);
    UpperName Upper;
    TRY(Upper.Set(L"ProfileImagePath"));
    const Value* V = Key.Ok() ? Key.Value()->FindValue(Upper) : nullptr;
    usize Length = V ? V->Data.Size() / 2 : 0;
    while (Length && !reinterpret_cast<const wchar_t*>(V->Data.Data())[Length - 1])
        --Length;
    return Length ? Joined(L"\\??\\", { reinterpret_cast<const wchar_t*>(V->Data.Data()), Length }) : Result<ob::String>(ob::String());
}

ke::Task<> LoadUser(ke::Caller& Caller, bool SameSeed)
{
    ob::String Folder = CO_TRY(ProfileFolder());
    if (Folder.View().IsEmpty())
        co_return STATUS_SUCCESS;
    ob::String Key = CO_TRY(Joined(L"\\Registry\\User\\", CO_TRY(UserSidText()).View()));
    {
        ob::String File = CO_TRY(Joined(Folder.View(), UserHive));
        CO_TRY(co_await LoadOne(Caller, Key.View(), File.View(), SameSeed));
    }
    CO_TRY(Key.Append(L"_Classes"));
    ob::String File = CO_TRY(Joined(Folder.View(), UserClassesHive));
    co_return co_await LoadOne(Caller, Key.View(), File.View(), SameSeed);
}

ke::Task<> LoadAll(ke::Caller& Caller)
{
    CO_TRY(co_await LoadOne(Caller, SystemHives[0].Key, SystemHives[0].File, false));
    if (!FileHive::OfTop(*CO_TRY(OpenNode(SystemHives[0].Key, false))))
        co_return STATUS_REGISTRY_IO_FAILED;
    bool SameSeed = SavedSeed() == SeedNumber();
    if (SameSeed)
        CO_TRY(FileHive::OfTop(*CO_TRY(OpenNode(SystemHives[0].Key, false)))->DropSeeded());
    for (usize I = 1; I < sizeof(SystemHives) / sizeof(SystemHives[0]); ++I)
        CO_TRY(co_await LoadOne(Caller, SystemHives[I].Key, SystemHives[I].File, SameSeed));
    CO_TRY(co_await LoadUser(Caller, SameSeed));
    if (SameSeed)
        co_return STATUS_SUCCESS;
    // All hives have what the description says before SYSTEM says that they do.
    CO_TRY(co_await FlushHives());
    Ref<Node> Setup = CO_TRY(OpenNode(SetupKey, true));
    UpperName Upper;
    Vector<u8> Data;
    CO_TRY(Upper.Set(SeedValue));
    CO_TRY(Data.Resize(8));
    u64 Number = SeedNumber();
    memcpy(Data.Data(), &Number, 8);
    co_return Setup->SetValue(SeedValue, Upper, REG_QWORD, std::move(Data));
}

}

}

using namespace cm;

ke::Task<> NtInitializeRegistry(ke::Caller& Caller, svc::InitializeRegistry& Call)
{
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), TcbPrivilege))
        return ex::Done(STATUS_PRIVILEGE_NOT_HELD);
    if (Call.BootCondition > 1)
        return ex::Done(STATUS_NOT_IMPLEMENTED);        // whether the boot was good: there is one control set
    if (std::exchange(Initialized, true))
        return ex::Done(STATUS_ACCESS_DENIED);
    return LoadAll(Caller);
}
