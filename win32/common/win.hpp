// What every DLL of this folder includes: the Windows headers and a few helpers. Memory comes from the process heap.
#pragma once
#define WIN32_NO_STATUS
#include <windows.h>
#include <winternl.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "lib/core/types.hpp"

// Exported functions: the .def file does the exporting, this only keeps the C name.
#define EXPORT extern "C"

namespace win {

inline void* Allocate(usize Size) { return HeapAlloc(GetProcessHeap(), HEAP_ZERO_MEMORY, Size); }
inline void Free(const void* Memory)
{
    if (Memory) {
        HeapFree(GetProcessHeap(), 0, const_cast<void*>(Memory));
    }
}

// Memory of the process heap that goes with its scope; null after failure.
template <typename T> class Buffer {
public:
    Buffer() = default;
    explicit Buffer(usize Count) : Data_(static_cast<T*>(Allocate(Count * sizeof(T)))) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& Other) : Data_(Other.Data_) { Other.Data_ = nullptr; }
    ~Buffer() { Free(Data_); }

    T* Get() const { return Data_; }
    operator T*() const { return Data_; }
    T* operator->() const { return Data_; }
    T* Release()
    {
        T* Data = Data_;
        Data_ = nullptr;
        return Data;
    }
    void Reset(T* Data)
    {
        Free(Data_);
        Data_ = Data;
    }

private:
    T* Data_ = nullptr;
};

inline usize Length(const WCHAR* Text)
{
    usize Count = 0;
    while (Text[Count]) {
        ++Count;
    }
    return Count;
}
inline usize Length(const char* Text)
{
    usize Count = 0;
    while (Text[Count]) {
        ++Count;
    }
    return Count;
}

// Text of one code page in the other encoding; null for null or without memory.
inline Buffer<WCHAR> Wide(const char* Text, UINT CodePage = CP_ACP)
{
    if (!Text) {
        return {};
    }
    int Count = MultiByteToWideChar(CodePage, 0, Text, -1, nullptr, 0);
    Buffer<WCHAR> Result(static_cast<usize>(Count));
    if (Result) {
        MultiByteToWideChar(CodePage, 0, Text, -1, Result, Count);
    }
    return Result;
}
inline Buffer<char> Narrow(const WCHAR* Text, UINT CodePage = CP_ACP)
{
    if (!Text) {
        return {};
    }
    int Count = WideCharToMultiByte(CodePage, 0, Text, -1, nullptr, 0, nullptr, nullptr);
    Buffer<char> Result(static_cast<usize>(Count));
    if (Result) {
        WideCharToMultiByte(CodePage, 0, Text, -1, Result, Count, nullptr, nullptr);
    }
    return Result;
}

inline BOOL Fail(DWORD Error)
{
    SetLastError(Error);
    return FALSE;
}

// A per-thread slot whose values Drop frees when their threads end. The DLL that makes one stays loaded for good, for the
// callback may come at any later time.
inline DWORD ThreadSlot(PFLS_CALLBACK_FUNCTION Drop)
{
    HMODULE Self;
    if (!GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, reinterpret_cast<LPCWSTR>(Drop), &Self)) {
        return FLS_OUT_OF_INDEXES;
    }
    return FlsAlloc(Drop);
}

// Slim lock for a scope.
class Guard {
public:
    explicit Guard(SRWLOCK& Lock) : Lock_(Lock) { AcquireSRWLockExclusive(&Lock_); }
    ~Guard() { ReleaseSRWLockExclusive(&Lock_); }
    Guard(const Guard&) = delete;

private:
    SRWLOCK& Lock_;
};

}

// Called by the common entry point; a DLL that needs it defines it, the default does nothing. FALSE refuses the load.
extern "C" BOOL NeptuneAttach(HINSTANCE Module);
extern "C" void NeptuneDetach();
