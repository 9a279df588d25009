// What the tests of consoles share.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "lib/console/painter.hpp"

namespace console_test {

using namespace console;

struct Nothing final : Buffer::Host {
    std::wstring Answers;
    int Bells = 0;
    void Bell() override { ++Bells; }
    void Answer(std::span<const wchar_t> Text) override { Answers.append(Text.data(), Text.size()); }
};

inline std::span<const wchar_t> Span(const std::wstring& S) { return { S.data(), S.size() }; }
inline void Write(Buffer& B, const std::wstring& Text, u32 Mode = Processed | WrapAtEnd)
{
    Nothing To;
    B.Write(To, Span(Text), Mode);
}
inline constexpr u32 Vt = Processed | WrapAtEnd | Sequences;

// A row without the blanks at its end.
inline std::string Row(Buffer& B, i32 Y)
{
    std::string Text;
    for (i32 X = 0; X < B.Width(); ++X)
        Text += char(B.Row(Y)[X].Char);
    return Text.substr(0, Text.find_last_not_of(' ') + 1);
}

}
