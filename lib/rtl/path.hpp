// Between the path files: what RtlGetFullPathName_U and the conversion to NT names both need.
#pragma once
#include "abi/nt/rtl.hpp"

namespace rtl {

inline constexpr usize MaxPathChars = 0x7FFF;

constexpr bool IsSeparator(nt::WCHAR C) { return C == '\\' || C == '/'; }

// A full path in the making, with room for its terminator.
class FullPath {
public:
    FullPath() = default;
    FullPath(const FullPath&) = delete;
    FullPath& operator=(const FullPath&) = delete;
    ~FullPath();

    // The full path of Name[0..Count). STATUS_OBJECT_NAME_INVALID for an empty name, STATUS_NAME_TOO_LONG, STATUS_NO_MEMORY.
    nt::NTSTATUS Make(const nt::WCHAR* Name, usize Count);

    nt::WCHAR* Text = nullptr;          // terminated
    usize Count = 0;                    // characters
    usize FilePart = 0;                 // where the last component starts; 0: the path has none
    bool Device = false;                // a DOS device such as NUL, now \\.\NUL
    nt::RTL_PATH_TYPE Type = nt::RtlPathTypeUnknown;

private:
    void Append(const nt::WCHAR* From, usize Length);
    void AppendCurrentDirectory(nt::WCHAR Drive);
    void AppendComponents(const nt::WCHAR* Rest, const nt::WCHAR* End);

    nt::WCHAR Small_[280];
    usize Mark_ = 0;                    // what ".." cannot remove
};

// The same for counted text as the exported functions' for terminated text.
nt::RTL_PATH_TYPE PathType(const nt::WCHAR* Path, usize Count);
// Start and length in characters of a DOS device's name; a length of 0 if the path names none.
struct DeviceName {
    usize Start = 0, Length = 0;
};
DeviceName FindDeviceName(const nt::WCHAR* Path, usize Count);

}
