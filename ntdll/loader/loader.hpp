// The loader: modules, their imports, their initialisation.
//
// A load works in phases, so that import cycles and deep chains need no recursion: (1) map the wanted image and, breadth first,
// everything it imports; (2) bind the imports of every new image (a forwarder may add more images, which are then treated the same
// way); (3) give TLS indices and blocks; (4) send notifications; (5) call the entry points, dependencies first. A failure in 1 to 4
// takes all new images out again.
//
// A module stays while it is reachable from a module with Roots > 0 or Pinned (what an explicit load or the program holds): an unload
// lowers Roots and then sweeps what is no longer reachable, which also frees cycles. Entry points are called in the reverse of the
// order in which they were called for attach.
//
// Everything here runs with the loader lock held except where a comment says otherwise. Images are data from outside: every RVA goes
// through Image, which checks it.
#pragma once
#include "ntdll/heap/heap.hpp"
#include "ntdll/ntdll.hpp"
#include "ntdll/sync/sync.hpp"

namespace ldr {

// A status where its type alone would be ambiguous.
inline core::Status NtStatus(NTSTATUS Code) { return core::Status(Code); }

// A mapped image and checked access to it.
class Image {
public:
    explicit Image(PVOID Base = nullptr) : Base_(Base) { }
    // Headers are in the mapping, 64-bit, for this machine, and say a sensible size.
    static Result<Image> Check(PVOID Base, u64 MappedSize);
    PVOID Base() const { return Base_; }
    IMAGE_NT_HEADERS64* Headers() const { return At<IMAGE_NT_HEADERS64>(Base_, static_cast<IMAGE_DOS_HEADER*>(Base_)->e_lfanew); }
    u32 Size() const { return Headers()->OptionalHeader.SizeOfImage; }
    bool Has(u64 Rva, u64 Bytes) const { return Rva < Size() && Bytes <= Size() - Rva; }
    template <typename T> T* Get(u64 Rva, u64 Count = 1) const { return Count < 0x10000000 && Has(Rva, sizeof(T) * Count) ? At<T>(Base_, Rva) : nullptr; }
    // A NUL-terminated string that ends inside the image.
    const char* String(u64 Rva) const;
    // The directory if present and inside; Bytes is its size.
    template <typename T = u8> T* Directory(u32 Index, u32& Bytes) const { return reinterpret_cast<T*>(RawDirectory(Index, Bytes, sizeof(T))); }
    bool Holds(const void* Address) const { return u64(Address) >= u64(Base_) && u64(Address) - u64(Base_) < Size(); }
    // From an absolute address inside the image (TLS directory, load configuration).
    template <typename T> T* FromAddress(u64 Address, u64 Count = 1) const { return Get<T>(Address - u64(Base_), Count); }

private:
    u8* RawDirectory(u32 Index, u32& Bytes, u32 Least) const;
    PVOID Base_;
};

struct Name {
    const WCHAR* Text = nullptr;
    u32 Length = 0;
};

// Mapped: in the list. Linked: its imports are mapped. Bound: they are bound. Attaching: its entry point runs. Ready. Leaving: its
// entry point has been called, or will be, for detach.
enum class State : u8 { Mapped, Linked, Bound, Attaching, Ready, Leaving };

// LDR_DDAG_NODE, of which programs read LoadCount and Modules.
struct DdagRecord {
    LIST_ENTRY Modules;
    PVOID ServiceTagList;
    LONG LoadCount;
    u32 LoadWhileUnloadingCount;
    u32 LowestLink;
    PVOID Dependencies;
    PVOID IncomingDependencies;
    u32 DdagState;
    SINGLE_LIST_ENTRY CondenseLink;
    u32 PreorderNumber;
};

struct Module : LDR_DATA_TABLE_ENTRY {
    State Phase;
    bool Pinned;
    bool Marked;                // scratch of sweeps and orderings
    bool NoResolve;             // DONT_RESOLVE_DLL_REFERENCES: no imports, no entry point
    bool TlsDone;
    bool Announced;             // to the notification callbacks
    bool Attached;              // its entry point returned success for attach
    u32 Batch;                  // the load that brought it: what a failure takes back
    u32 Roots;
    Module** Needs;             // modules it imports or forwards to, without repeats
    u32 NeedCount, NeedRoom;
    DdagRecord Node;

    Image View() const { return Image(DllBase); }
    bool IsDll() const { return Flags & LDRP_IMAGE_DLL; }
};

// --- unloads.cpp
void RecordUnload(const LDR_DATA_TABLE_ENTRY& Module);      // its image is still there
// --- the lists (modules.cpp)
RTL_CRITICAL_SECTION& Lock();
Module* FirstModule();
Module* NextModule(Module* M);
Module* FindByAddress(const void* Address);     // an address inside; takes no lock, safe with the lock held
Module* FindByHandle(PVOID Base);
Module* FindByBaseName(const WCHAR* Name, u32 Length);
Module* FindByFullName(const WCHAR* Name, u32 Length);
// FullName is copied.
Result<Module*> AddModule(PVOID Base, const WCHAR* FullName, u32 Length, LDR_DLL_LOAD_REASON Reason);
void RemoveModule(Module* M);                   // out of the lists, unmapped, freed
bool AddNeed(Module* M, Module* Other);
u32 HashName(const WCHAR* Name, u32 Length);
bool SameName(const WCHAR* A, u32 LengthA, const WCHAR* B, u32 LengthB);

// --- mapping (map.cpp)
Status Relocate(const Image& I);
// Flags: LOAD_LIBRARY_; Path: directories to search or null for the default.
struct Request {
    const WCHAR* Name;
    u32 Length;                 // characters
    const WCHAR* Path = nullptr;
    ULONG Flags = 0;
    Module* Importer = nullptr;
};
// A loaded module of that name, or nullptr.
Module* FindLoaded(const Request& R);
// Finds or maps; new modules are in State::Mapped and in the list.
Result<Module*> FindOrMap(const Request& R, LDR_DLL_LOAD_REASON Reason);

// --- names of API sets (apiset.cpp)
void InitializeApiSets();
bool IsApiSet(const WCHAR* Name, u32 Length);
// The host's name (not terminated) for this importer, or no length.
Name ResolveApiSet(const WCHAR* Set, u32 Length, const WCHAR* Importer, u32 ImporterLength);

// --- binding (imports.cpp)
Status MapImports(Module* M);                   // phase 1 for one module
Status BindImports(Module* M);                  // phase 2 for one module
// Phases 1 to 5 for everything new.
Status Complete(Module* Wanted, bool CallEntries);
// An export by name or (Name null) ordinal. User is who asks: a forwarder's target becomes its need.
Result<PVOID> FindExport(Module* M, const char* Name, u32 Ordinal, u32 Hint, Module* User);

// --- what system DLLs lack (absent.cpp)
bool IsSystemModule(Module* M);
// Whether M lacks this function and winsup.dll has it (supplement.cpp).
bool IsSupplied(Module* M, const char* Name);
// Whether M's own function of this name only fails, and winsup.dll has a real one.
bool IsReplaced(Module* M, const char* Name);
// A function that raises STATUS_ENTRYPOINT_NOT_FOUND when called; null: no memory.
PVOID AbsentStub(Module* From, const char* Symbol, u32 Ordinal);

// --- TLS (tls.cpp)
Status AddTls(Module* M);
void RemoveTls(Module* M);
Status AttachThreadTls();                       // the calling thread's blocks
void DetachThreadTls();
void CallTlsCallbacks(Module* M, u32 Reason);

// --- entry points (initialize.cpp)
Status AttachAll(Module* Wanted);               // in dependency order
void Sweep();                                   // detaches and removes what is no longer reachable
void BeginBatch();
u32 BatchNow();
bool CallEntry(Module* M, u32 Reason, PVOID Reserved);

// A wide string on the heap that grows. After a failed allocation it stays empty and Ok() is false.
class Text {
public:
    Text() = default;
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;
    ~Text() { Free(Buffer_); }
    bool Ok() const { return !Failed_; }
    Text& Add(const WCHAR* Source, u32 Length);
    Text& Add(Name N) { return Add(N.Text, N.Length); }
    Text& AddAscii(const char* Source);
    void Clear() { Length_ = 0; }
    const WCHAR* Chars() const { return Buffer_ ? Buffer_ : L""; }
    u32 Length() const { return Length_; }
    WCHAR* Leak() { return std::exchange(Buffer_, nullptr); }

private:
    WCHAR* Buffer_ = nullptr;
    u32 Length_ = 0, Room_ = 0;
    bool Failed_ = false;
};

// --- security cookie, CFG pointers (guard.cpp)
void PrepareLoadConfig(Module* M);
bool ProtectRange(PVOID Base, u64 Size, ULONG Protection, ULONG& Old);

// --- paths (search.cpp)
// Directories separated by semicolons for this request.
bool SearchPath(const Request& R, Text& Out);
u32 LengthOf(const WCHAR* S);
bool HasPath(const WCHAR* Name, u32 Length);
Name DirectoryOf(const UNICODE_STRING& FullName);
void NotifyLoaded(Module* M, bool Loaded);
// One line on the debug port and a hard error: who wants what.
void ReportMissing(NTSTATUS Status, const char* What, Module* Who);
void ReportMissingModule(const WCHAR* Name, u32 Length, Module* Who);

inline constexpr u32 DLL_PROCESS_DETACH = 0, DLL_PROCESS_ATTACH = 1, DLL_THREAD_ATTACH = 2, DLL_THREAD_DETACH = 3;
inline constexpr ULONG DONT_RESOLVE_DLL_REFERENCES = 0x1, LOAD_LIBRARY_AS_DATAFILE = 0x2, LOAD_WITH_ALTERED_SEARCH_PATH = 0x8,
                       LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR = 0x100, LOAD_LIBRARY_SEARCH_APPLICATION_DIR = 0x200, LOAD_LIBRARY_SEARCH_USER_DIRS = 0x400,
                       LOAD_LIBRARY_SEARCH_SYSTEM32 = 0x800, LOAD_LIBRARY_SEARCH_DEFAULT_DIRS = 0x1000, SearchFlags = 0x1F00;

// What process initialisation found.
struct Process {
    Module* Ntdll;
    Module* Program;
    Module* Kernel32;
    PVOID BaseThreadInitThunk;
    bool Initialized;           // after the program's static modules are attached
    bool ShuttingDown;
};
extern Process TheProcess;

}

void LdrpLinkInitialized(ldr::Module* M);
void LdrpLinkFirst();
