// The RAM volume: a file system with NTFS' semantics whose files live in page stores.
//
// A Node is a file or folder; an Entry is one of its names in a folder (hard links: several). Folders keep their entries sorted by upper-case
// name; lookup is a binary search. A folder owns its entries, an entry its node, so a linked entry's parents are alive; open files hold
// node and entry, and a deleted file lives on until its last handle goes.
// Differs from NTFS: no short names, no named streams, no journal, no quotas; last access times change only when set; nothing survives a restart.
#pragma once
#include "ntos/io/create.hpp"
#include "ntos/io/fsrtl.hpp"
#include "ntos/mm/store.hpp"
#include "ntos/se/se.hpp"

namespace io::ramfs {

inline constexpr usize MaximumName = 255, MaximumPath = 32760;
inline constexpr u64 MaximumSize = (u64(1) << 44) - 65536;
inline constexpr u32 MaximumReparse = 16 * 1024;

class Node;

class Entry : public RefCounted<Entry> {
public:
    static Result<Ref<Entry>> Create(ob::Name Name, Ref<Node> Target);
    ob::Name Name() const { return { Text_, Length_ }; }
    ob::Name Upper() const { return { Text_ + Length_, Length_ }; }
    Status Rename(ob::Name To);         // only while it is in no folder
    Ref<Node> const Target;
    Node* Folder = nullptr;             // null: not in the tree (any more), or the root
    u32 Opens = 0;
    bool DeletePending = false;
    core::ListNode<Entry> TargetLink;   // of the node's names

private:
    friend class RefCounted<Entry>;
    Entry(Ref<Node> Target, wchar_t* Text, usize Length) : Target(std::move(Target)), Text_(Text), Length_(Length) { }
    ~Entry();
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    wchar_t* Text_;                     // the name, then the same in upper case
    usize Length_;
};

// The rarely used parts of a node.
struct Extras {
    Vector<u8> Ea;                      // FILE_FULL_EA_INFORMATION list
    Vector<u8> Reparse;                 // the whole REPARSE_DATA_BUFFER
    u8 ObjectId[16];
    bool HasObjectId = false;
};

class Node : public RefCounted<Node> {
public:
    static Result<Ref<Node>> Create(bool Folder, u32 Attributes, u64 Id);
    const bool IsFolder;
    const u64 Id;
    u32 Attributes;                     // without DIRECTORY and NORMAL
    u64 Created = 0, Accessed = 0, Written = 0, Changed = 0;
    u64 Size = 0, Allocation = 0;
    RefPtr<mm::PageStore> Data;         // from the first write or section on
    ShareCounts Share;
    FileLocks Locks;
    Own<se::SecurityDescriptor> Security;       // null: DefaultSecurity
    const se::SecurityDescriptor* SecurityInForce() const { return Security ? Security.Get() : DefaultSecurity; }
    // Of all files that have none of their own: the system and its administrators may do everything, everyone may read and execute.
    static const se::SecurityDescriptor* DefaultSecurity;
    Own<Extras> Rare;
    core::List<Entry, &Entry::TargetLink> Names;
    core::List<Watch, &Watch::Link> Watches;

    u32 Reported() const;               // attributes as they are told
    u32 ReparseTag() const;
    u32 LinkCount() const;              // names that are not being deleted
    u64 AllocatedBytes() const;
    Result<Extras*> NeedExtras();
    Result<mm::PageStore*> NeedData();
    Status SetSize(u64 NewSize);        // STATUS_USER_MAPPED_FILE, STATUS_DISK_FULL
    bool IsImageMapped() const { return Data && Data->ImageMappings; }
    bool IsMapped() const { return Data && (Data->Sections || Data->Mappings || Data->ImageMappings); }
    void Touch();                       // written and changed now

    // --- folders
    Entry* Find(ob::Name Upper) const;
    usize Position(ob::Name Upper) const;       // where it is, or would be inserted
    Status MakeRoom();                  // the next Insert cannot fail
    Status Insert(Ref<Entry> New);
    void Remove(Entry& Old);            // the caller holds a reference
    Entry* At(usize I) const { return I < Children_.Size() ? Children_[I].Get() : nullptr; }
    usize Count() const { return Children_.Size(); }
    u32 Generation() const { return Generation_; }
    Entry* FirstName() const { return Names.First(); }

private:
    friend class RefCounted<Node>;
    Node(bool Folder, u32 Attributes, u64 Id) : IsFolder(Folder), Id(Id), Attributes(Attributes) { }
    ~Node() = default;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    Vector<RefPtr<Entry>> Children_;
    u32 Generation_ = 0;
};

// A walk down a path: the last entry, or the folder it would be in.
struct Path {
    Entry* Found = nullptr;
    Node* Folder = nullptr;             // of the last component; null for the root itself
    ob::Name Last;                      // as written
    bool TrailingBackslash = false;
    wchar_t Upper[MaximumName];
    ob::Name UpperName() const { return { Upper, Last.Length }; }
    // A link on the way: everything from there on is for another name.
    Entry* Link = nullptr;
    ob::Name BehindLink;
};

class Volume final : public Device {
public:
    static Result<Ref<Volume>> Create(ob::Name DosName, u32 Serial);
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, CreateParameters& How, File* Start, ob::Name Rest, bool AtRoot) override;
    Status Mount(const u8* Archive, u64 Size, mm::Pfn FirstFrame);
    Result<Ref<File>> OpenKernel(ob::Name Path);
    Node& Root() { return *Root_->Target; }
    Entry& RootEntry() { return *Root_; }
    ob::Name DosName() const { return DosName_.View(); }
    u64 NextId() { return ++Ids_ << 16 | 5; }
    Entry* ById(u64 Id);
    // STATUS_NAME_TOO_LONG: the path of a name of Length in Folder.
    Status CheckDepth(const Node& Folder, usize Length) const;
    Result<ob::String> PathOf(const Entry& E);  // with the leading backslash; the root: a backslash
    // A change to tell those who watch: of E in its folder.
    void Report(const Entry& E, u32 Filter, u32 Action) { if (Watches) ReportSlow(E.Folder, E.Name(), Filter, Action); }
    void Report(Node* Folder, ob::Name Name, u32 Filter, u32 Action) { if (Watches) ReportSlow(Folder, Name, Filter, Action); }
    void Unlink(Entry& E);              // takes it out of its folder, tells watchers

    u32 Serial = 0, Watches = 0;
    ob::String Label;
    u64 Mounted = 0;

private:
    template <typename T, typename... A> friend Result<Ref<T>> ob::Make(A&&...);
    Volume() : Device(FILE_DEVICE_DISK, FILE_DEVICE_IS_MOUNTED) { }
    Result<ob::ParseResult> OpenExisting(ob::OpenRequest& Request, CreateParameters& How, Entry& E, bool TrailingBackslash);
    Result<ob::ParseResult> CreateNew(ob::OpenRequest& Request, CreateParameters& How, const Path& Where);
    Status Overwrite(CreateParameters& How, Entry& E);
    void ReportSlow(Node* Folder, ob::Name Name, u32 Filter, u32 Action);
    RefPtr<Entry> Root_;
    ob::String DosName_;
    u64 Ids_ = 4;
};

// STATUS_OBJECT_NAME_INVALID, STATUS_OBJECT_PATH_NOT_FOUND; Found is null if only the last component is missing.
Status Resolve(Node& From, Entry* FromEntry, ob::Name Text, Path& Out);
// The absolute name that a reparse point turns the rest of a name into.
Result<ob::String> FollowReparse(Volume& V, const Entry& Link, ob::Name Rest);

class OpenNode;

// Any open of a volume.
class RamFile : public File {
public:
    virtual OpenNode* AsNode() { return nullptr; }

protected:
    using File::File;
};

// An open file or folder.
class OpenNode final : public RamFile {
public:
    OpenNode(Volume& On, const CreateParameters& How, Ref<Node> N, Ref<Entry> E);
    ~OpenNode() override { CleanupOnce(); }
    OpenNode* AsNode() override { return this; }
    Node& GetNode() const { return *Node_; }
    Entry& GetEntry() const { return *Entry_; }
    Volume& On() const { return static_cast<Volume&>(GetDevice()); }
    void Counted(const ShareCounts::Mode& M) { Mode_ = M; }
    void DeleteOnClose() { DeleteOnClose_ = true; }

    Status TryRead(Transfer& T) override;
    Status TryWrite(Transfer& T) override;
    Status Start(Request& R) override;
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
    Status SetInformation(ke::Caller& Caller, ACCESS_MASK Granted, FILE_INFORMATION_CLASS Class, std::span<const u8> From) override;
    Status QueryVolume(FSINFOCLASS Class, InfoBuffer& To) override;
    Status SetVolume(FSINFOCLASS Class, std::span<const u8> From) override;
    Status List(ListRequest& L) override;
    Status Unlock(ps::Process& By, u64 Offset, u64 Length, u32 Key) override { return Node_->Locks.Unlock(*this, By, Offset, Length, Key); }
    Status QueryEa(ke::Caller& Caller, InfoBuffer& To, bool Single, std::span<const u8> Names, u32* Index, bool Restart) override;
    Status SetEa(std::span<const u8> List) override;
    Result<ob::String> RelativeName() override { return On().PathOf(*Entry_); }
    Result<ob::String> QueryName() override;
    const se::SecurityDescriptor* Security() const override { return Node_->SecurityInForce(); }
    void SetSecurity(Own<se::SecurityDescriptor> Descriptor) override;
    RefPtr<mm::PageStore> DataStore() override;
    u64 DataSize() override { return Node_->Size; }
    Status ExtendData(u64 Size) override { return Size > Node_->Size ? Node_->SetSize(Size) : Status(STATUS_SUCCESS); }
    void Cleanup() override;

private:
    Status SetBasic(std::span<const u8> From);
    Status SetDisposition(u32 Flags);
    Status Rename(ke::Caller& Caller, std::span<const u8> From, bool Extended, bool Link);
    Status Control(Request& R);
    Status SetReparse(Request& R);
    Status ZeroRange(u64 From, u64 To);
    Status CheckDelete(bool IgnoreReadOnly) const;
    Ref<Node> Node_;
    Ref<Entry> Entry_;
    ShareCounts::Mode Mode_ {};
    bool DeleteOnClose_ = false, PosixDelete_ = false, Watching_ = false;
    bool KeepWritten_ = false, KeepChanged_ = false;    // times set to -1 through this handle
    // Listing.
    Pattern Pattern_;
    bool Listing_ = false;
    u32 ListStep_ = 0;                  // 0 ".", 1 "..", 2 the entries
    usize ListAt_ = 0;
    u32 ListGeneration_ = 0;
    RefPtr<Entry> ListLast_;
    usize EaAt_ = 0;
    Watch Watch_;
};

// The volume itself, opened without a path.
class OpenVolume final : public RamFile {
public:
    OpenVolume(Volume& On, const CreateParameters& How) : RamFile(On, How) { }
    ~OpenVolume() override { CleanupOnce(); }
    Status Start(Request& R) override;
    Status QueryVolume(FSINFOCLASS Class, InfoBuffer& To) override;
    Status QueryInformation(FILE_INFORMATION_CLASS Class, InfoBuffer& To) override;
};

Status QueryVolumeInformation(Volume& V, FSINFOCLASS Class, InfoBuffer& To);
Status VolumeControl(Volume& V, Request& R);
Status MountDeviceControl(Volume& V, Request& R);     // IOCTL_MOUNTDEV_*
Result<ACCESS_MASK> CheckNodeAccess(ke::Caller& Caller, Node& N, Node* Folder, ACCESS_MASK Desired);
inline Status DiskFull(Status S)
{
    return S == STATUS_NO_MEMORY || S == STATUS_COMMITMENT_LIMIT || S == STATUS_INSUFFICIENT_RESOURCES ? Status(STATUS_DISK_FULL) : S;
}

}
