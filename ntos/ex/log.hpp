// The system's own log: lines on the debug port (COM1). Never mixed with a program's output.
#pragma once
#include "lib/core/types.hpp"
#include "ntos/ob/ob.hpp"

namespace ex {

// One argument of Log().
struct LogArgument {
    enum Kinds : u8 { Number, Text, Wide } Kind;
    union {
        u64 Value;
        const char* String;
    };
    ob::Name Name;
    template <typename T>
        requires(std::is_integral_v<T> || std::is_enum_v<T>)
    LogArgument(T V) : Kind(Number), Value(u64(V)) { }
    LogArgument(const void* P) : Kind(Number), Value(reinterpret_cast<u64>(P)) { }
    LogArgument(const char* S) : Kind(Text), String(S) { }
    LogArgument(ob::Name N) : Kind(Wide), Value(0), Name(N) { }
};
// %u decimal, %d signed, %x hexadecimal, %p 16 digits, %s char*, %S ob::Name (as UTF-8). A format that does not fit its arguments prints '?'.
void LogList(const char* Format, const LogArgument* Arguments, usize Count);
template <typename... A> void Log(const char* Format, const A&... Arguments)
{
    if constexpr (sizeof...(A) == 0) {
        LogList(Format, nullptr, 0);
    } else {
        const LogArgument List[] = { LogArgument(Arguments)... };
        LogList(Format, List, sizeof...(A));
    }
}

}
