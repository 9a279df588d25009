// What the first program is to be: C:\neptune.ini, key=value lines in UTF-8 (docs/boot.md).
#pragma once
#include "abi/nt/peb.hpp"

namespace smss {

using namespace nt;

struct Text {
    WCHAR* Data = nullptr;              // from the process heap, terminated
    USHORT Bytes = 0;
    UNICODE_STRING View() const { return { Bytes, USHORT(Bytes + 2), Data }; }
};
struct Config {
    Text Image, Command, Directory;
    WCHAR* Environment = nullptr;       // NAME=VALUE, each terminated, and one more zero
    SIZE_T EnvironmentBytes = 0;
};
// STATUS_OBJECT_NAME_NOT_FOUND, STATUS_INVALID_PARAMETER (no image named), ...
NTSTATUS ReadConfig(Config& To);

}
