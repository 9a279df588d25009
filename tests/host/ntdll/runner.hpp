// A stand-in for the Executive that runs ntdll.dll and Windows programs on it as a Linux process: enough of the services for the
// loader, exceptions, heap, threads, locks and files. ntdll itself is the real one; only its one `syscall` instruction is replaced
// by an invalid one, which arrives here as a signal with all registers.
//
// It exists to test ntdll without a kernel, so it is simple, not safe: one address space, no access checks, a file tree for C:.
#pragma once
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/nt/mm.hpp"
#include "abi/nt/ps.hpp"
#include "abi/nt/status.hpp"
#include "abi/nt/image.hpp"
#include "abi/process.hpp"
#include "abi/services.hpp"

namespace runner {

using namespace nt;

struct Object {
    enum class Kind { File, Directory, Section, Event, Semaphore, Mutant, Thread, Process, Port } Type;
    int Fd = -1;
    std::string Path;                   // host path
    std::string NtPath;
    bool Image = false;
    uint64_t Offset = 0;
    bool Signalled = false, Manual = false;
    int Count = 0, Maximum = 0;
    uint32_t Owner = 0;
    struct Thread* TheThread = nullptr;
    uint64_t Size = 0;
    std::vector<std::string> Listing;
    size_t ListAt = 0;
    virtual ~Object();
};
using ObjectRef = std::shared_ptr<Object>;

struct Thread {
    TEB* TheTeb = nullptr;
    uint32_t Id = 0;
    int Suspended = 0;
    bool Alerted = false;
    uint64_t Start = 0, Argument = 0;
    CONTEXT* Context = nullptr;
    int ExitStatus = 0x103;
};

struct Mapping {
    uint64_t Base, Size;
    bool Image;
    std::string Path;
    std::vector<ULONG> Pages;           // protection of each page; 0: reserved
};

struct State {
    std::string Root;                   // host folder of C:
    std::string NtdllPath;
    bool Trace = false;
    PEB* ThePeb = nullptr;
    uint64_t NtdllBase = 0;
    std::map<std::string, uint64_t> Exports;        // of ntdll
    std::map<uint64_t, ObjectRef> Handles;
    uint64_t NextHandle = 4;
    std::map<uint64_t, Mapping> Mappings;
    std::map<uint32_t, Thread*> Threads;
    uint32_t NextThread = 8;
};
extern State The;

extern thread_local Thread* Current;

// image.cpp. STATUS_SUCCESS or STATUS_IMAGE_NOT_AT_BASE.
NTSTATUS MapImage(const std::string& Path, uint64_t& Base, uint64_t& Size);
uint64_t FindExport(uint64_t Base, const char* Name);

// memory.cpp
uint64_t Reserve(uint64_t Base, uint64_t Size);
int HostProtection(ULONG Protection);
Mapping* FindMapping(uint64_t Address);

// files.cpp
std::string HostPath(const OBJECT_ATTRIBUTES* Attributes, std::string* NtName = nullptr);
std::string Narrow(const UNICODE_STRING& S);

// services
using Arguments = const uint64_t*;
using Handler = NTSTATUS (*)(Arguments);
void AddMemoryServices(std::map<std::string, Handler>& Table);
void AddFileServices(std::map<std::string, Handler>& Table);
void AddObjectServices(std::map<std::string, Handler>& Table);
uint64_t NewHandle(ObjectRef Object);
ObjectRef Find(uint64_t Handle);
void Lock();
void Unlock();
void WaitChange(const struct timespec* Until);
void SignalChange();

// main.cpp
Thread* NewThread(uint64_t Start, uint64_t Argument, uint64_t StackSize);
void RunThread(Thread* T);
[[noreturn]] void EndThread(int Status);
void RaiseFrom(ucontext_t* Context, const EXCEPTION_RECORD& Record);
void Load(ucontext_t* Context, const CONTEXT& From);
void Save(CONTEXT& To, const ucontext_t* From);
extern thread_local ucontext_t* Trapped;        // registers at the service call

}
