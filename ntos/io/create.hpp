// Private to io: opening by name.
#pragma once
#include "ntos/io/io.hpp"

namespace io {

inline constexpr u32 MaximumEaBytes = 0xFFFF;

ACCESS_MASK MapFileAccess(ACCESS_MASK Desired);
// What the caller gets on the device as a whole.
Result<ACCESS_MASK> CheckDeviceAccess(ob::OpenRequest& Request, Device& D, ACCESS_MASK Desired);

// Where a rename or a link goes: the folder of Path and the last name in it.
struct TargetFolder {
    Ref<File> Folder;
    ob::String Last;
};
Result<TargetFolder> OpenTargetFolder(ke::Caller& Caller, HANDLE Root, ob::Name Path);
// STATUS_EA_LIST_INCONSISTENT.
Status CheckEaList(std::span<const u8> List);

}
