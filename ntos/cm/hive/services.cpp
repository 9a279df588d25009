// Loading, unloading, saving and restoring hives.
#include "ntos/cm/hive/hive.hpp"
#include "ntos/cm/key.hpp"
#include "ntos/ex/ex.hpp"
#include "ntos/ps/thread.hpp"

using namespace cm;

namespace {

constexpr u32 NoLazyFlush = 0x4, ForceRestore = 0x8, AppHive = 0x10;           // REG_*
constexpr u32 ForceUnload = 1;
constexpr u32 StandardFormat = 1, LatestFormat = 2, NoCompression = 4;         // NtSaveKeyEx

Status NeedPrivilege(ke::Caller& Caller, u32 Which)
{
    return se::HasPrivilege(Caller.Thread().EffectiveToken(), Which) ? STATUS_SUCCESS : STATUS_PRIVILEGE_NOT_HELD;
}

// The absolute name of the key that Attributes mean, which need not exist.
Result<ob::String> PathOf(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Attributes)
{
    if (!Attributes)
        return STATUS_ACCESS_VIOLATION;
    ob::Attributes Wanted = TRY(ob::Capture(Caller, Attributes));
    if (!Wanted.Root)
        return ob::String::Copy(Wanted.Path.View());
    if (&Wanted.Root->GetType() != &Key::Type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob::String Whole = TRY(static_cast<Key&>(*Wanted.Root).Of().Path());
    if (!Wanted.Path.View().IsEmpty()) {
        TRY(Whole.Append(L"\\"));
        TRY(Whole.Append(Wanted.Path.View()));
    }
    return Whole;
}

Result<Ref<io::File>> OpenHiveFile(ke::Caller& Caller, const ob::Attributes& Named, ob::Name Suffix)
{
    ob::Attributes Wanted;
    Wanted.Root = Named.Root;
    Wanted.Path = TRY(ob::String::Copy(Named.Path.View()));
    TRY(Wanted.Path.Append(Suffix));
    Wanted.IsGiven = Wanted.HasName = true;
    Wanted.Flags = OBJ_CASE_INSENSITIVE;
    io::CreateParameters How;
    How.Access = FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE;
    How.Disposition = FILE_OPEN_IF;
    How.Options = FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT;
    Ref<io::File> Opened = TRY(io::OpenFile(Caller, Wanted, How));
    if (!Opened->DataStore())
        return STATUS_INVALID_PARAMETER;
    return Opened;
}

Status Load(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Target, ke::UserPtr<OBJECT_ATTRIBUTES> Source, u32 Flags)
{
    if (Flags & ~NoLazyFlush)
        return Flags & AppHive ? STATUS_NOT_IMPLEMENTED : STATUS_INVALID_PARAMETER;
    TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    ob::String Path = TRY(PathOf(Caller, Target));
    if (!Source)
        return STATUS_ACCESS_VIOLATION;
    ob::Attributes File = TRY(ob::Capture(Caller, Source));
    usize Last = Path.View().Length;
    while (Last && Path.View().Data[Last - 1] != L'\\')
        --Last;
    if (!Last || Last == Path.View().Length)
        return STATUS_OBJECT_NAME_INVALID;
    Ref<Node> Above = TRY(OpenNode(Path.View().Up(Last - 1), false));
    if (Above->Parent() != Root)        // hives hang below \Registry\Machine and \Registry\User
        return STATUS_INVALID_PARAMETER;
    UpperName Upper;
    TRY(Upper.Set(Path.View().From(Last)));
    if (Above->Find(Upper))
        return STATUS_OBJECT_NAME_COLLISION;
    Ref<io::File> Primary = TRY(OpenHiveFile(Caller, File, {}));
    Ref<io::File> Log1 = TRY(OpenHiveFile(Caller, File, L".LOG1")), Log2 = TRY(OpenHiveFile(Caller, File, L".LOG2"));
    Own<FileHive> Hive = TRY(FileHive::Open(RefPtr<io::File>(std::move(Primary)), RefPtr<io::File>(std::move(Log1)), RefPtr<io::File>(std::move(Log2)), !(Flags & NoLazyFlush)));
    Ref<Node> Top = TRY(Node::Create(*Above, Path.View().From(Last), {}, false));
    if (Status S = Hive->Attach(*Top); !S.Ok()) {
        DeleteBelow(*Top);
        Top->Keeper = nullptr;
        Top->Delete().Ignore();         // nothing is below it any more
        return S;
    }
    Top->Fixed = true;
    Hive.Leak();                        // until it is unloaded
    return STATUS_SUCCESS;
}

Status Unload(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Target, u32 Flags)
{
    if (Flags & ~ForceUnload)
        return STATUS_INVALID_PARAMETER;
    TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    ob::String Path = TRY(PathOf(Caller, Target));
    FileHive* Hive;
    {
        Ref<Node> Top = TRY(OpenNode(Path.View(), false));
        Hive = FileHive::OfTop(*Top);
    }
    if (!Hive)
        return STATUS_INVALID_PARAMETER;
    TRY(Hive->Detach(Flags & ForceUnload));
    Own<FileHive> Gone(Hive);
    return STATUS_SUCCESS;
}

Result<RefPtr<io::File>> DataFile(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    Ref<io::File> File = TRY(ob::Reference<io::File>(Caller, Handle, Access));
    if (!File->DataStore())
        return STATUS_INVALID_PARAMETER;
    return RefPtr<io::File>(std::move(File));
}

Status Save(ke::Caller& Caller, HANDLE KeyHandle, HANDLE FileHandle)
{
    TRY(NeedPrivilege(Caller, SE_BACKUP_PRIVILEGE));
    Ref<Key> K = TRY(ReferenceKey(Caller, KeyHandle, 0));
    KernelFile To(TRY(DataFile(Caller, FileHandle, FILE_WRITE_DATA)));
    regf::Hive Copy(RegfEnvironment());
    TRY(Export(K->Of(), Copy));
    return regf::Store(Copy, To, nullptr, nullptr).Create();
}

Status Restore(ke::Caller& Caller, HANDLE KeyHandle, HANDLE FileHandle, u32 Flags)
{
    // Whole volatile hives and going back to what was flushed last are not to be had.
    if (Flags & ~(NoLazyFlush | ForceRestore))
        return Flags & ~0xFu ? STATUS_INVALID_PARAMETER : STATUS_NOT_IMPLEMENTED;
    TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    Ref<Key> K = TRY(ReferenceKey(Caller, KeyHandle, 0));
    KernelFile From(TRY(DataFile(Caller, FileHandle, FILE_READ_DATA)));
    regf::Hive Read(RegfEnvironment());
    TRY(regf::Store(Read, From, nullptr, nullptr, true).Open());
    Node& At = K->Of();
    if (At.IsLink || &At == Root || At.Parent() == Root)
        return STATUS_ACCESS_DENIED;
    if (At.Keeper)
        TRY(At.Keeper->Flush());        // which then holds no nodes
    if (!(Flags & ForceRestore) && TRY(IsInUse(At, false)))
        return STATUS_ACCESS_DENIED;
    DeleteBelow(At);
    while (At.ValueCount()) {
        UpperName Upper;
        TRY(Upper.Set(At.ValueAt(At.ValueCount() - 1).Name.View()));
        TRY(At.DeleteValue(Upper));
    }
    TRY(Populate(At, Read, Read.Root(), nullptr, nullptr));
    At.Changed(REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

}

ke::Task<> NtLoadKey(ke::Caller& Caller, svc::LoadKey& Call) { return ex::Done(Load(Caller, Call.TargetKey, Call.SourceFile, 0)); }

ke::Task<> NtLoadKey2(ke::Caller& Caller, svc::LoadKey2& Call) { return ex::Done(Load(Caller, Call.TargetKey, Call.SourceFile, Call.Flags)); }

ke::Task<> NtLoadKeyEx(ke::Caller& Caller, svc::LoadKeyEx& Call)
{
    if (Call.TrustClassKey || Call.Event)
        return ex::Done(STATUS_NOT_IMPLEMENTED);
    return ex::Done(Load(Caller, Call.TargetKey, Call.SourceFile, Call.Flags));
}

ke::Task<> NtUnloadKey(ke::Caller& Caller, svc::UnloadKey& Call) { return ex::Done(Unload(Caller, Call.TargetKey, 0)); }

ke::Task<> NtUnloadKey2(ke::Caller& Caller, svc::UnloadKey2& Call) { return ex::Done(Unload(Caller, Call.TargetKey, Call.Flags)); }

ke::Task<> NtSaveKey(ke::Caller& Caller, svc::SaveKey& Call) { return ex::Done(Save(Caller, Call.KeyHandle, Call.FileHandle)); }

ke::Task<> NtSaveKeyEx(ke::Caller& Caller, svc::SaveKeyEx& Call)
{
    if (Call.Format != StandardFormat && Call.Format != LatestFormat && Call.Format != NoCompression)
        return ex::Done(STATUS_INVALID_PARAMETER);
    return ex::Done(Save(Caller, Call.KeyHandle, Call.FileHandle));
}

ke::Task<> NtRestoreKey(ke::Caller& Caller, svc::RestoreKey& Call) { return ex::Done(Restore(Caller, Call.KeyHandle, Call.FileHandle, Call.Flags)); }
