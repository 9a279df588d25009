#pragma once
#include <string>
#include <vector>

#include "lib/core/types.hpp"

inline std::vector<u8> FromHex(const std::string& Text)
{
    std::vector<u8> Out;
    std::string Pair;
    for (char C : Text) {
        if (C == ' ') {
            continue;
        }
        Pair += C;
        if (Pair.size() == 2) {
            Out.push_back(u8(std::stoul(Pair, nullptr, 16)));
            Pair.clear();
        }
    }
    return Out;
}
inline std::string ToHex(const u8* Data, usize Size)
{
    std::string Out;
    for (usize i = 0; i < Size; ++i) {
        Out += "0123456789abcdef"[Data[i] >> 4];
        Out += "0123456789abcdef"[Data[i] & 15];
    }
    return Out;
}
