// What of an application manifest this system uses: supported systems, execution level, settings.
#pragma once
#include "ntdll/ntdll.hpp"

struct Setting {
    Setting* Next;
    u32 NamespaceLength, NameLength, ValueLength;   // characters
    WCHAR *Namespace, *Name, *Value;
};

// Zero-initialised is empty.
struct Manifest {
    bool Present;
    u32 SystemCount;
    GUID Systems[16];           // supportedOS ids
    u32 RunLevel;               // 0 unspecified, 1 asInvoker, 2 highestAvailable, 3 requireAdministrator
    u32 UiAccess;
    Setting* Settings;

    // From the manifest resource with this id or name; Id 0: the first there is.
    NTSTATUS FromModule(PVOID Module, u64 Id);
    // From a file of XML, or (Id not 0, or the file is an image) the resource of an image file.
    NTSTATUS FromFile(const WCHAR* DosPath, u64 Id);
    NTSTATUS Parse(const u8* Text, u64 Size);
    const Setting* Find(const WCHAR* Namespace, const WCHAR* Name) const;
    void Clear();
};
