// The object manager: reference-counted objects with a type, handles with access rights, a namespace.
//
// An object is a C++ object derived from ob::Object; it lives as long as references (Ref<T>) or handles do. Permanent
// objects and named ones with handles are also kept by their directory. A type describes itself in one TypeInfo; there is
// no central enumeration. ob::Reference<T>(Caller, Handle, Access) is the only way from a handle to an object: type, rights
// and reference in one call. Handles are multiples of 4, small and dense, per process; the pseudo handles of the current
// process (-1) and thread (-2) are understood by Reference<ps::Process>/<ps::Thread>.
// Names: directories, symbolic links (\??, \DosDevices, \KnownDlls, \BaseNamedObjects ...), and objects that parse the rest of
// a name themselves (devices, the registry root) through Object::Parse. Lookup is case-insensitive with OBJ_CASE_INSENSITIVE.
// Differs from Windows: no object headers in the caller's reach, no quota charges, no auditing.
#pragma once
#include "abi/nt/ob.hpp"
#include "lib/core/vector.hpp"
#include "ntos/ke/services.hpp"

namespace se {
class SecurityDescriptor;           // ntos/se/se.hpp
}

namespace ob {

class Directory;
class Object;

// A counted UTF-16 string in Executive memory (not terminated).
struct Name {
    const wchar_t* Data = nullptr;
    usize Length = 0;               // characters
    constexpr Name() = default;
    constexpr Name(const wchar_t* D, usize L) : Data(D), Length(L) { }
    template <usize N> constexpr Name(const wchar_t (&Literal)[N]) : Data(Literal), Length(N - 1) { }
    bool IsEmpty() const { return Length == 0; }
    Name From(usize At) const { return { Data + At, Length - At }; }
    Name Up(usize To) const { return { Data, To }; }
};
bool Equal(Name A, Name B, bool IgnoreCase);
int Compare(Name A, Name B, bool IgnoreCase);      // an ordering: <0, 0, >0
wchar_t UpCase(wchar_t C);                          // Unicode simple upper case (BMP), as NTFS' and the registry's

// An owned copy of a Name.
class String {
public:
    String() = default;
    static Result<String> Copy(Name From);
    Name View() const { return { Text_.Data(), Text_.Size() }; }
    operator Name() const { return View(); }
    bool IsEmpty() const { return Text_.IsEmpty(); }
    Vector<wchar_t>& Characters() { return Text_; }
    Status Append(Name More);

private:
    Vector<wchar_t> Text_;
};

struct TypeInfo {
    const wchar_t* Name;
    ACCESS_MASK ValidAccess;        // specific and standard rights that make sense
    GENERIC_MAPPING Mapping;
    u32 PoolType = 0;               // for queries
    struct {
        ACCESS_MASK Having = 0, Also = 0;
    } Implies[2] {};                // a handle with one of these rights has those others too
    bool CountsPerProcess = false;  // HandleClosed wants InProcess counted (a search of the handle table at each close)
    // Live objects and handles, counted by the object manager, and the most there ever were.
    mutable u32 Objects = 0, Handles = 0, PeakObjects = 0, PeakHandles = 0;
    mutable u8 Index = 0;           // given at the first object
};

// What an open asks for, captured from OBJECT_ATTRIBUTES.
struct Attributes {
    RefPtr<Object> Root;            // from RootDirectory
    String Path;                    // as given: absolute, or relative to Root
    bool IsGiven = false;           // OBJECT_ATTRIBUTES was not null
    bool HasName = false;           // ObjectName was not null (the name itself may be empty)
    Status RootStatus;              // why Root could not be referenced; matters only if the (empty) name is looked up
    u32 Flags = 0;                  // OBJ_*
    Own<se::SecurityDescriptor> Security;      // captured and checked, or null
    u32 ImpersonationLevel = 2;     // what a server may do as the caller (SecurityQualityOfService): SecurityImpersonation if nothing is said
    bool EffectiveOnly = false;
    bool IgnoreCase() const { return Flags & OBJ_CASE_INSENSITIVE; }
    Attributes();                   // out of line: se::SecurityDescriptor is incomplete here
    Attributes(Attributes&&);
    ~Attributes();
};
// Null pointer: empty attributes. STATUS_INVALID_PARAMETER, STATUS_ACCESS_VIOLATION, STATUS_OBJECT_NAME_INVALID, STATUS_INVALID_HANDLE ...
Result<Attributes> Capture(ke::Caller& Caller, ke::UserPtr<OBJECT_ATTRIBUTES> From);
Result<String> CaptureString(ke::Caller& Caller, ke::UserPtr<UNICODE_STRING> From);

// Context of a name lookup, given to Parse.
struct OpenRequest {
    ke::Caller& Caller;
    Attributes& Wanted;
    ACCESS_MASK Access;
    void* Extra = nullptr;          // what the service that opens passes to its own Parse (io: create parameters)
    const TypeInfo* Type = nullptr; // the type wanted, null = any
};

// The outcome of parsing: an object to open, or (Reparse) a new absolute name to start again with.
struct ParseResult {
    RefPtr<Object> Found;
    String Reparse;
};

class Object {
public:
    void AddRef() { ++References_; }
    void Release()
    {
        ASSERT(References_ > 0);
        if (--References_ == 0)
            Destroy();
    }
    const TypeInfo& GetType() const { return Type_; }
    u32 References() const { return References_; }
    u32 Handles() const { return Handles_; }
    virtual ke::Waitable* AsWaitable() { return nullptr; }
    // The rest of a name below this object, without the leading backslash. Rest.Data is null if the name ended at this object ("\Device\X");
    // "\Device\X\" gives an empty Rest with Data. The default answers the object itself in the first case and STATUS_OBJECT_TYPE_MISMATCH
    // in the second. May not wait; devices that must (io) hand a request back through OpenRequest::Extra.
    virtual Result<ParseResult> Parse(OpenRequest& Request, Name Rest);
    // A handle to this object was closed by Process; HandlesLeft in all, InProcess of that process (counted only for types with
    // CountsPerProcess, and 0 for every handle a process closes by ending).
    virtual void HandleClosed(ps::Process& Process, u32 HandlesLeft, u32 InProcess) { }
    // NtQueryObject(ObjectNameInformation): the default is the path through directories.
    virtual Result<String> QueryName();
    // The same for objects whose name someone else has to be asked for (a driver); To is empty before. May suspend the caller.
    virtual ke::Task<> AskName(ke::Caller& Caller, String& To);
    // Null: there is no descriptor, everyone may (types NT does not protect, objects without a name). Objects that stand for something
    // with a descriptor of its own (an open file or key) say where it is.
    virtual const se::SecurityDescriptor* Security() const { return Security_; }
    virtual Status HasSecurity() const { return STATUS_SUCCESS; }       // or why it has none to query or set now
    virtual void SetSecurity(Own<se::SecurityDescriptor> Descriptor);
    Directory* Parent() const { return Parent_; }
    Name LastName() const { return Name_.View(); }
    bool IsPermanent() const { return Permanent_; }

    // Allocation failure of an object is a Result: use ob::Make<T>(...).
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }

protected:
    explicit Object(const TypeInfo& Type);
    virtual ~Object();

private:
    friend class Directory;
    friend class HandleTable;
    friend void MakePermanent(Object&, bool);
    void Destroy() { delete this; }
    const TypeInfo& Type_;
    u32 References_ = 1;
    u32 Handles_ = 0;
    bool Permanent_ = false;
    Directory* Parent_ = nullptr;   // holds a reference while the object is in it
    String Name_;
    core::ListNode<Object> NameLink_;
    const se::SecurityDescriptor* Security_ = nullptr;
};

template <typename T, typename... A> Result<Ref<T>> Make(A&&... Args)
{
    T* O = new T(std::forward<A>(Args)...);
    if (!O)
        return nt::STATUS_INSUFFICIENT_RESOURCES;
    return Ref<T>::Adopt(*O);
}

// --- handles

struct HandleEntry {
    Object* Target = nullptr;       // holds a reference
    ACCESS_MASK Access = 0;
    u32 Flags = 0;                  // OBJ_INHERIT, 1 = protect from close
};

class HandleTable {
public:
    static constexpr u32 Inherit = OBJ_INHERIT, ProtectFromClose = 1, MaximumHandles = 16711680;
    explicit HandleTable(ps::Process& Owner) : Owner_(Owner) { }
    ~HandleTable();                 // closes all
    Result<HANDLE> Add(Ref<Object> Target, ACCESS_MASK Granted, u32 Flags);
    Status Close(HANDLE Handle);
    void CloseAll();
    HandleEntry* Find(HANDLE Handle);           // null if there is none; valid until the next change
    // Copies the inheritable handles to a child, which has none yet, at the same values.
    Status InheritTo(HandleTable& Child, const std::span<const HANDLE>* Only = nullptr);   // Only: just those of this list
    u32 Count() const { return Count_; }
    u32 CountOf(const Object& Target) const;
    // For enumeration: the handle after Previous (null = first).
    HANDLE Next(HANDLE Previous);

private:
    ps::Process& Owner_;
    static constexpr u32 PerBlock = 128;
    // Handle = index * 4; index 0 is never used. A free entry has no Target, and the next free index in Access (0 ends the list).
    Vector<HandleEntry*> Blocks_;
    u32 Count_ = 0, FirstFree_ = 0;
    HandleEntry& At(u32 Index) { return Blocks_[Index / PerBlock][Index % PerBlock]; }
    u32 Room() const { return u32(Blocks_.Size()) * PerBlock; }
    Status Grow();
    void Remove(u32 Index, bool Ending);
    static void Take(Object& Target);
};

inline HandleEntry* HandleTable::Find(HANDLE Handle)
{
    u64 Index = reinterpret_cast<u64>(Handle) >> 2;     // the low two bits are the caller's
    if (Index >= Room()) [[unlikely]]
        return nullptr;
    HandleEntry& E = At(u32(Index));
    return E.Target ? &E : nullptr;
}

// The object behind a handle, of any type. Access 0 asks for no right. STATUS_INVALID_HANDLE, STATUS_ACCESS_DENIED.
struct AnyReference {
    Ref<Object> Target;
    ACCESS_MASK Granted;
};
Result<AnyReference> ReferenceAny(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access);
// The same for one type: STATUS_OBJECT_TYPE_MISMATCH otherwise.
template <typename T> Result<Ref<T>> Reference(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access);
Result<AnyReference> ReferenceType(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access, const TypeInfo& Type);
template <typename T> Result<Ref<T>> Reference(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    AnyReference R = TRY(ReferenceType(Caller, Handle, Access, T::Type));
    return Ref<T>::Adopt(static_cast<T&>(*R.Target.Leak()));
}
template <typename T> Result<RefPtr<T>> ReferenceIf(ke::Caller& Caller, HANDLE Handle, ACCESS_MASK Access)
{
    if (!Handle)
        return RefPtr<T>();
    return RefPtr<T>(TRY(Reference<T>(Caller, Handle, Access)));
}

// What the last close of a handle started and NtClose waits for: the event, which Keep holds. The object sets it in HandleClosed.
struct CloseWait {
    RefPtr<Object> Keep;
    ke::Event* Until = nullptr;
};
void WaitAfterClose(Object& Keep, ke::Event& Until);
CloseWait TakeCloseWait();

// --- creating and opening

// Maps generic rights, checks Access against the object's descriptor and the caller's token (se), returns what is granted
// (MAXIMUM_ALLOWED resolved).
Result<ACCESS_MASK> CheckAccess(ke::Caller& Caller, Object& Target, ACCESS_MASK Desired);
// Puts a new object under its name (if it has one) and makes a handle. With OBJ_OPENIF and an existing object of that name and type,
// the existing one is opened: the status is then STATUS_OBJECT_NAME_EXISTS; without: STATUS_OBJECT_NAME_COLLISION.
// With<status>(handle).
Result<HANDLE> InsertAndOpen(ke::Caller& Caller, Ref<Object> New, Attributes& Where, ACCESS_MASK Desired);
// Opens an existing object by name.
Result<HANDLE> OpenByName(ke::Caller& Caller, const TypeInfo& Type, Attributes& Wanted, ACCESS_MASK Desired);
// What NtClose answers for a handle that is none (set by ps: a debugger hears of it); null: STATUS_INVALID_HANDLE.
extern Status (*OnBadClose)(ke::Caller& By);
// A handle to an object one already has, with rights checked (or granted as they are). Flags: of OBJ_*, only OBJ_INHERIT matters.
Result<HANDLE> OpenByPointer(ke::Caller& Caller, Ref<Object> Target, ACCESS_MASK Desired, u32 Flags);
Result<HANDLE> GrantHandle(ke::Caller& Caller, Ref<Object> Target, ACCESS_MASK Granted, u32 Flags);
// The end of a service that makes a handle: writes it to the caller (closing it again if that fails); the status is Made's.
// What a service that makes a handle begins with: the place for it is writable, and holds null if the service fails.
inline Status ClearHandle(ke::Caller& Caller, ke::UserPtr<nt::HANDLE> To) { return To.Write(Caller, nullptr); }
Status ReturnHandle(ke::Caller& Caller, ke::UserPtr<HANDLE> To, Result<HANDLE> Made);
// The object a name leads to; walks directories, links (at most 32) and Parse.
Result<Ref<Object>> Lookup(OpenRequest& Request);
// For the Executive itself: an object by absolute name; inserting at an absolute path.
Result<Ref<Object>> LookupKernel(Name Path, bool TheLinkItself = false);
Status InsertKernel(Ref<Object> New, Name Path, bool Permanent);
// A permanent symbolic link of the system's own, which everybody may follow and query.
Status LinkKernel(Name Path, Name Target);
// Gives an object of the system's own its descriptor: everything for the system and the administrators, these rights for everybody else.
Status Protect(Object& Target, ACCESS_MASK Everyone);
// Turning it off takes an object without handles out of its directory.
void MakePermanent(Object& Target, bool Permanent);
// All types that have had an object, in order of their Index (from 1 on); null at the end.
const TypeInfo* TypeAt(u32 Index);

class Directory final : public Object {
public:
    static const TypeInfo Type;
    Directory() : Object(Type) { }
    ~Directory() override;              // empty: what is in it holds references to it
    RefPtr<Object> Find(Name Entry, bool IgnoreCase);
    Status Add(Object& Entry, Name EntryName);      // STATUS_OBJECT_NAME_COLLISION
    void Remove(Object& Entry);
    usize Count() const { return Count_; }
    Object* At(usize Index);                        // in no particular order, stable while nothing is added or removed
    Object* Next(Object& After);                    // in the same order

private:
    static constexpr u32 Buckets = 37;
    static u32 Hash(Name Entry);
    core::List<Object, &Object::NameLink_> Hash_[Buckets];
    usize Count_ = 0;
};

class SymbolicLink final : public Object {
public:
    static const TypeInfo Type;
    explicit SymbolicLink(String Target) : Object(Type), Target_(std::move(Target)) { }
    Name Target() const { return Target_.View(); }

private:
    String Target_;
};

// Creates the root and the standard directories and links: \??, \DosDevices, \Device, \Driver, \FileSystem, \ObjectTypes, \KnownDlls,
// \BaseNamedObjects, \Sessions\1\BaseNamedObjects, \Sessions\1\DosDevices, \Sessions\BNOLINKS, \Windows, \RPC Control, \Security, \NLS, \Callback, \GLOBAL??, \SystemRoot.
Status InitializeNamespace();
extern Directory* Root;

}
