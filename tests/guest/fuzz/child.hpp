// Private to the hostile caller (fuzzchild.exe).
#pragma once
#include "tests/guest/fuzz/fuzz.hpp"

namespace fuzz {

// --- the table of services, from abi/services.def
enum class Passing : u8 { In, Pointer, Out, InOut, Buffer };
struct Parameter {
    Passing How;
    const char* Type;
    const char* Name;
};
struct Service {
    const char* Name;
    const Parameter* Parameters;
    u8 Count;
};
const Service* TheServices();
bool IsDeadly(u32 Number);              // ends, cripples or stops the caller when it succeeds: called less often
inline constexpr u32 ServiceCount = u32(abi::Service::Count);

bool Contains(const char* Text, const char* Part);
bool Equal(const char* A, const char* B);

// --- the handles that calls use
enum class Kind : u8 {
    Event, Mutant, Semaphore, Timer, KeyedEvent, Section, ImageSection, File, Folder, PipeServer, PipeClient, Mailslot, Key, Token, Process, Thread, Job,
    Completion, WaitPacket, Port, Link, Directory, HostLink, Count
};
inline constexpr u32 KindCount = u32(Kind::Count), SlotsPerKind = 3;
extern HANDLE Pool[KindCount][SlotsPerKind];
// Makes a new object of the kind in a slot (what was there is closed).
void Refresh(Random& R, Kind K, u32 Slot);
HANDLE AnyHandle(Random& R, const char* ParameterName);

// --- the memory that calls use
struct Region {
    u8* Good;                           // GoodBytes, shared by all threads, rewritten all the time
    u8* BeforeNothing;                  // one page; the next is not there
    u8* ReadOnly;
    u8* NoAccess;
    u8* Guard;
    u8* Reserved;                       // reserved only
    u8* Code;                           // writable and executable
    u8* Playground;                     // PlaygroundBytes of address space that calls may do anything with
};
inline constexpr u32 GoodBytes = 0x20000, PlaygroundBytes = 0x1000000;
extern Region Memory;
bool MakeMemory();
// An address, mostly good for Bytes; Bad says how often it should not be, in percent.
u64 AnyAddress(Random& R, u32 Bytes, u32 Bad = 12);
// A number that breaks things.
u64 AnyNumber(Random& R);

// --- arguments
// One value for a parameter. Structures are built in good memory with, often, something wrong in them.
u64 AnyArgument(Random& R, const Service& S, u32 Number);
u64 BuildContext(Random& R);
u64 BuildText(Random& R, u32 Bad);      // a UNICODE_STRING
u64 BuildObjectAttributes(Random& R);
u64 BuildSecurity(Random& R);

// --- below the stubs (raw.cpp)
struct Message {
    u64 Number, Capability, Tag, Words[4];
};
u64 RawCall(const Message& M);
void Hostility(Random& R);

// Where exceptions send a thread: back to its loop.
struct Anchor {
    CONTEXT At;
    volatile u32 Landings;              // exceptions since the last call that had none
    volatile bool Set;
};
extern Anchor Anchors[HostileThreads];
u32 SelfIndex();

}
