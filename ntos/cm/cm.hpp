// The configuration manager: the registry.
//
// A Node (node.hpp) is a key: name, class, values, subkeys, security, in memory. A Key (key.hpp) is one open of it, the object behind a
// handle; \Registry is such an object in the namespace and parses the names below it. Symbolic links are keys whose SymbolicLinkValue
// names another; they are followed by giving ob a new name to look up.
// All changes go through the few functions of Node that also tell those who watch (notify.hpp); a hive kept in a file takes part there: it makes Nodes of
// its cells when it is mounted, and writes a cell back some seconds after Node::Changed told it (Hive; hive/hive.hpp, lib/regf/regf.hpp).
// The system's own hives are loaded when C: is a disk (NtInitializeRegistry, hive/boot.cpp): what they hold wins over the readable description that was read before; what the
// description has made and they do not have was deleted by somebody, and goes too, unless the description is another one than when they were last loaded.
// Differs from Windows: there is one registry view (no WOW64), no transactions and no virtualization. A new key that would get its parent's descriptor shares it.
#pragma once
#include "ntos/ke/task.hpp"

namespace cm {

// The roots, \Registry in the namespace, and the links every system has.
Status Initialize();
// HARDWARE\DESCRIPTION: what the processor says of itself, and its speed (Hz).
Status DescribeProcessor(u64 TscFrequency);

// Where a description of the registry is wrong.
struct SeedError {
    u32 Line = 0;                       // counted from 1
    const char* What = nullptr;
};
// Fills the registry from a readable description, UTF-8 text in the form of a .reg file:
//   [HKEY_LOCAL_MACHINE\Path]          a key, made with its parents; also HKEY_USERS, HKEY_CURRENT_USER (the user's), HKEY_CLASSES_ROOT,
//                                      HKEY_CURRENT_CONFIG and \Registry\...
//   "name"="text"  @="text"            REG_SZ with \\ and \" inside; @ is the value without a name
//   "name"=expand:"text"  multi:"a","b"   REG_EXPAND_SZ, REG_MULTI_SZ
//   "name"=dword:2a  qword:2a          numbers, hexadecimal
//   "name"=hex:01,02  hex(7):00,00     REG_BINARY, or the type in the parentheses (hexadecimal); a backslash at the end goes on in the next line
//   "name"=-                           the value is taken away
// Empty lines and lines that begin with ; are skipped, and a first line that says REGEDIT4 or "Windows Registry Editor ...".
// STATUS_INVALID_PARAMETER: *Error (if there) tells; the log too. What comes before the error has been done.
Status LoadSeed(const char* Text, usize Size, SeedError* Error = nullptr);
// A number made of all descriptions that were loaded.
u64 SeedNumber();

// Everything that changed in hives with files goes into the files: returns when it is there.
ke::Task<> FlushHives();

}
