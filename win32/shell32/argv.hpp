// CommandLineToArgvW's splitting. The first word is the program: quotes delimit it and backslashes are plain. In the others
// 2n backslashes before a quote are n backslashes, 2n+1 are n and a literal quote; inside quotes, a doubled quote is one
// quote, after which the quotes are closed (a third quote in a row opens them again).
#pragma once
#include "lib/core/types.hpp"

namespace shell32 {

// With Words null only counts. Otherwise writes the words, each terminated, to Text, and their starts to Words.
// Chars becomes the number of characters needed with the terminators.
template <typename Char> int SplitCommandLine(const Char* Line, Char** Words, Char* Text, usize& Chars)
{
    int Count = 0;
    Chars = 0;
    auto Put = [&](Char C) {
        if (Words) {
            Text[Chars] = C;
        }
        ++Chars;
    };
    auto Begin = [&] {
        if (Words) {
            Words[Count] = Text + Chars;
        }
        ++Count;
    };
    auto Space = [](Char C) { return C == ' ' || C == '\t'; };

    Begin();
    if (*Line == '"') {
        ++Line;
        while (*Line && *Line != '"') {
            Put(*Line++);
        }
        Line += *Line == '"';
    } else {
        while (*Line && !Space(*Line)) {
            Put(*Line++);
        }
    }
    Put(0);

    for (;;) {
        while (Space(*Line)) {
            ++Line;
        }
        if (!*Line) {
            break;
        }
        Begin();
        bool Quoted = false;
        while (*Line && (Quoted || !Space(*Line))) {
            usize Slashes = 0;
            while (*Line == '\\') {
                ++Slashes;
                ++Line;
            }
            if (*Line != '"') {
                while (Slashes--) {
                    Put('\\');
                }
                if (*Line && (Quoted || !Space(*Line))) {
                    Put(*Line++);
                }
                continue;
            }
            for (usize i = 0; i < Slashes / 2; ++i) {
                Put('\\');
            }
            if (Slashes % 2) {
                Put('"');
                ++Line;
                continue;
            }
            ++Line;
            if (Quoted && *Line == '"') {
                Put('"');
                ++Line;
                Quoted = false;
            } else {
                Quoted = !Quoted;
            }
        }
        Put(0);
    }
    return Count;
}

}
