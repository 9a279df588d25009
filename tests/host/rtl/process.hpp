// A process for lib/rtl to live in: PEB, parameters, a few files that are there. See process.cpp.
#pragma once
#include <map>
#include <string>

#include "lib/rtl/crt/crt.hpp"
#include "lib/rtl/platform.hpp"
#include "lib/rtl/rtl.hpp"
#include "tests/host/support/gtest.hpp"

namespace test {

using Text = std::u16string;

struct Process {
    nt::PEB Peb = {};
    nt::TEB Teb = {};
    nt::RTL_USER_PROCESS_PARAMETERS Parameters = {};
    std::map<Text, nt::ULONG> Files;    // NT paths and their attributes
    wchar_t CurrentDirectory[260];
    long Blocks = 0;                    // allocated and not freed
    int LockDepth = 0, OpenDirectories = 0;

    Process();
};
Process& The();                         // the present one
void Fresh();                           // a new one; the environment of the old is freed

inline Text Of(const wchar_t* S) { return reinterpret_cast<const char16_t*>(S); }
inline Text Of(const nt::UNICODE_STRING& S) { return Text(reinterpret_cast<const char16_t*>(S.Buffer), S.Length / 2); }
inline nt::UNICODE_STRING Counted(const wchar_t* S)
{
    nt::UNICODE_STRING U;
    RtlInitUnicodeString(&U, S);
    return U;
}
inline std::string Narrow(const Text& T) { return std::string(T.begin(), T.end()); }

}
