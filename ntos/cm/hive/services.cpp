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

ke::Task<> Load(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Target, ke::UserPtr<OBJECT_ATTRIBUTES> Source, u32 Flags)
{
    if (Flags & ~NoLazyFlush)
        co_return Flags & AppHive ? STATUS_NOT_IMPLEMENTED : STATUS_INVALID_PARAMETER;
    CO_TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    ob::String Path = CO_TRY(PathOf(Caller, Target));
    if (!Source)
        co_return STATUS_ACCESS_VIOLATION;
    ob::Attributes File = CO_TRY(ob::Capture(Caller, Source));
    usize Last = Path.View().Length;
    while (Last && Path.View().Data[Last - 1] != L'\\')
        --Last;
    if (!Last || Last == Path.View().Length)
        co_return STATUS_OBJECT_NAME_INVALID;
    auto Parent = [&]() -> Result<Ref<Node>> {
        Ref<Node> Above = TRY(OpenNode(Path.View().Up(Last - 1), false));
        if (Above->Parent() != Root)    // hives hang below \Registry\Machine and \Registry\User
            return STATUS_INVALID_PARAMETER;
        UpperName Upper;
        TRY(Upper.Set(Path.View().From(Last)));
        return Above->Find(Upper) ? Result<Ref<Node>>(STATUS_OBJECT_NAME_COLLISION) : Result<Ref<Node>>(std::move(Above));
    };
    (void)CO_TRY(Parent());
    Own<FileHive> Hive;
    CO_TRY(co_await OpenHive(Caller, File, !(Flags & NoLazyFlush), Hive));
    Ref<Node> Above = CO_TRY(Parent());         // much may have happened
    Ref<Node> Top = CO_TRY(Node::Create(*Above, Path.View().From(Last), {}, false));
    if (Status S = Hive->Attach(*Top); !S.Ok()) {
        DeleteBelow(*Top);
        Top->Keeper = nullptr;
        Top->Delete().Ignore();         // nothing is below it any more
        co_return S;
    }
    Top->Fixed = true;
    Hive.Leak();                        // until it is unloaded
    co_return STATUS_SUCCESS;
}

ke::Task<> Unload(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> Target, u32 Flags)
{
    if (Flags & ~ForceUnload)
        co_return STATUS_INVALID_PARAMETER;
    CO_TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    ob::String Path = CO_TRY(PathOf(Caller, Target));
    FileHive* Hive;
    {
        Ref<Node> Top = CO_TRY(OpenNode(Path.View(), false));
        Hive = FileHive::OfTop(*Top);
    }
    if (!Hive)
        co_return STATUS_INVALID_PARAMETER;
    CO_TRY(Hive->Detach(Flags & ForceUnload));
    Own<FileHive> Gone(Hive);
    co_return co_await Gone->Drain();
}

// A file that a key is written to or read from, with the queue of what is written.
struct Copy {
    KernelFile File;
    RefPtr<WriteQueue> Queue;
};

ke::Task<> OpenCopy(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access, Copy& To)
{
    Ref<io::File> File = CO_TRY(ob::Reference<io::File>(Caller, Handle, Access));
    Ref<WriteQueue> Queue = CO_TRY(WriteQueue::Create(Ref<ps::Process>(Caller.Process())));
    To.Queue = RefPtr<WriteQueue>(Queue);
    co_return co_await KernelFile::Open(To.File, File, Queue, Ref<ps::Process>(Caller.Process()));
}

ke::Task<> Save(ke::Caller& Caller, HANDLE KeyHandle, HANDLE FileHandle)
{
    CO_TRY(NeedPrivilege(Caller, SE_BACKUP_PRIVILEGE));
    Ref<Key> K = CO_TRY(ReferenceKey(Caller, KeyHandle, 0));
    Copy To;
    CO_TRY(co_await OpenCopy(Caller, FileHandle, FILE_WRITE_DATA, To));
    {
        regf::Hive Cells(RegfEnvironment());
        CO_TRY(Export(K->Of(), Cells));
        CO_TRY(regf::Store(Cells, To.File, nullptr, nullptr).Create());
    }
    co_return co_await WriteQueue::Drain(Ref<WriteQueue>(*To.Queue));
}

Status RestoreFrom(Node& At, KernelFile& From, u32 Flags)
{
    regf::Hive Read(RegfEnvironment());
    TRY(regf::Store(Read, From, nullptr, nullptr, true).Open());
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

ke::Task<> Restore(ke::Caller& Caller, HANDLE KeyHandle, HANDLE FileHandle, u32 Flags)
{
    // Whole volatile hives and going back to what was flushed last are not to be had.
    if (Flags & ~(NoLazyFlush | ForceRestore))
        co_return Flags & ~0xFu ? STATUS_INVALID_PARAMETER : STATUS_NOT_IMPLEMENTED;
    CO_TRY(NeedPrivilege(Caller, SE_RESTORE_PRIVILEGE));
    Ref<Key> K = CO_TRY(ReferenceKey(Caller, KeyHandle, 0));
    Copy From;
    CO_TRY(co_await OpenCopy(Caller, FileHandle, FILE_READ_DATA, From));
    if (K->Of().IsDeleted())
        co_return STATUS_KEY_DELETED;
    co_return RestoreFrom(K->Of(), From.File, Flags);
}

}

ke::Task<> NtLoadKey(ke::Caller& Caller, svc::LoadKey& Call) { return Load(Caller, Call.TargetKey, Call.SourceFile, 0); }

ke::Task<> NtLoadKey2(ke::Caller& Caller, svc::LoadKey2& Call) { return Load(Caller, Call.TargetKey, Call.SourceFile, Call.Flags); }

ke::Task<> NtLoadKeyEx(ke::Caller& Caller, svc::LoadKeyEx& Call)
{
    if (Call.TrustClassKey || Call.Event)
        return ex::Done(STATUS_NOT_IMPLEMENTED);
    return Load(Caller, Call.TargetKey, Call.SourceFile, Call.Flags);
}

ke::Task<> NtUnloadKey(ke::Caller& Caller, svc::UnloadKey& Call) { return Unload(Caller, Call.TargetKey, 0); }

ke::Task<> NtUnloadKey2(ke::Caller& Caller, svc::UnloadKey2& Call) { return Unload(Caller, Call.TargetKey, Call.Flags); }

ke::Task<> NtSaveKey(ke::Caller& Caller, svc::SaveKey& Call) { return Save(Caller, Call.KeyHandle, Call.FileHandle); }

ke::Task<> NtSaveKeyEx(ke::Caller& Caller, svc::SaveKeyEx& Call)
{
    if (Call.Format != StandardFormat && Call.Format != LatestFormat && Call.Format != NoCompression)
        return ex::Done(STATUS_INVALID_PARAMETER);
    return Save(Caller, Call.KeyHandle, Call.FileHandle);
}

ke::Task<> NtRestoreKey(ke::Caller& Caller, svc::RestoreKey& Call) { return Restore(Caller, Call.KeyHandle, Call.FileHandle, Call.Flags); }
