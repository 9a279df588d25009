// Nodes: the registry's keys as they are in memory, whoever has them open.
//
// A node is kept by its parent (and by open Keys), so it has a valid Parent until it is deleted; only nodes without children are deleted, so
// nothing here recurses. Subkeys are sorted by upper-case name, values stay in the order they came.
#pragma once
#include "abi/nt/cm.hpp"
#include "lib/core/list.hpp"
#include "ntos/ke/task.hpp"
#include "ntos/ob/ob.hpp"
#include "ntos/se/se.hpp"

namespace cm {
using namespace nt;

inline constexpr usize MaximumName = 256, MaximumValueName = 16383, MaximumDepth = 512;
inline constexpr usize MaximumData = 64 * MiB;

class Node;
struct Watch;

inline constexpr u32 NoCell = ~0u;

// A file that keeps a tree of nodes (hive/hive.hpp).
class Hive {
public:
    virtual void Changed(Node& N) = 0;          // name, values, class, subkeys or security of N are not what they were
    virtual Status Flush() = 0;                 // what has changed is on its way to the file
    virtual ke::Task<> Drain() = 0;             // until it is there

protected:
    ~Hive() = default;
};

struct Value {
    ob::String Name;
    u32 Type = 0;
    Vector<u8> Data;
    mutable u32 Cell = NoCell;          // where its hive has it, as it is now
    bool Seeded = false;                // as the readable description made it
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// A name with its upper-case form and a number made of that, for looking it up. Short ones need no allocation.
class UpperName {
public:
    Status Set(ob::Name From);
    ob::Name View() const { return { Data_, Length_ }; }
    u32 Hash() const { return Hash_; }

private:
    static constexpr usize Few = 64;
    wchar_t Inline_[Few];
    Vector<wchar_t> Many_;
    const wchar_t* Data_ = Inline_;
    usize Length_ = 0;
    u32 Hash_ = 0;
};

class Node : public RefCounted<Node> {
public:
    // A child of Parent, linked in. STATUS_INVALID_PARAMETER (name or depth), STATUS_CHILD_MUST_BE_VOLATILE, STATUS_OBJECT_NAME_COLLISION.
    static Result<Ref<Node>> Create(Node& Parent, ob::Name Name, ob::Name Class, bool Volatile);
    static Result<Ref<Node>> CreateRoot(ob::Name Name);
    ~Node();

    ob::Name Name() const { return { Text_.Data(), Text_.Size() / 2 }; }
    ob::Name Upper() const { return { Text_.Data() + Text_.Size() / 2, Text_.Size() / 2 }; }
    Node* Parent() const { return Parent_; }
    bool IsDeleted() const { return Deleted_; }
    Result<ob::String> Path() const;            // \REGISTRY\...
    Node* Find(const UpperName& Name) const;
    usize ChildCount() const { return Children_.Size(); }
    Node* Child(usize I) const { return Children_[I]; }
    usize ValueCount() const { return Values_.Size(); }
    const Value& ValueAt(usize I) const { return *Values_[I].V; }
    const Value* FindValue(const UpperName& Name) const;
    const Value* FindValue(ob::Name Name) const;        // null, too, when there is no memory for the name in upper case
    u32 Number(ob::Name Name, u32 Otherwise) const;     // a REG_DWORD; Otherwise: there is none
    // The descriptor that counts: its own, or the nearest ancestor's.
    const se::SecurityDescriptor* Security() const;
    // What a key with this link value points at, or null if it is no link or has none.
    const Value* LinkTarget() const;

    // --- changes: each sets the write time and tells watchers
    Status SetValue(ob::Name Name, const UpperName& Upper, u32 Type, Vector<u8>&& Data);
    Status SetValue(ob::Name Name, u32 Type, const void* From, usize Bytes);
    Status DeleteValue(const UpperName& Name);  // STATUS_OBJECT_NAME_NOT_FOUND
    Status Delete();                            // STATUS_CANNOT_DELETE, STATUS_KEY_DELETED
    Status Rename(ob::Name Name);               // STATUS_CANNOT_DELETE if there is one of that name, as NT says it
    Status SetSecurity(Own<se::SecurityDescriptor> New);
    void Changed(u32 What);                     // REG_NOTIFY_*
    // A descriptor for a node just made; null: as its parent's.
    void SetFirstSecurity(Own<se::SecurityDescriptor> New) { Security_ = std::move(New); }

    u64 LastWrite;
    ob::String Class;
    bool Volatile = false, IsLink = false, Fixed = false;       // Fixed: may not be deleted or renamed
    Hive* Keeper = nullptr;
    u32 Cell = NoCell;                  // where the hive has it
    bool Unsaved = false;               // the hive's: changed since it was written
    bool Seeded = false;                // made by the readable description
    static bool Seeding;                // what is made now is

private:
    friend class RefCounted<Node>;
    friend struct Watch;
    struct Slot {
        u32 Hash;
        Value* V;
    };
    Node();
    static Result<Ref<Node>> Make(ob::Name Name);
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
    usize Place(ob::Name Upper, bool& Found) const;
    usize ValueIndex(const UpperName& Name) const;
    Status Insert(Node& Child);
    void Unlink(Node& Child);
    Vector<wchar_t> Text_;              // the name, then the same in upper case
    Node* Parent_ = nullptr;
    u32 Depth_ = 0;
    bool Deleted_ = false;
    Vector<Node*> Children_;            // each holds a reference
    Vector<Slot> Values_;
    Own<se::SecurityDescriptor> Security_;
};

}
