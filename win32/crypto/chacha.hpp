// ChaCha20 (RFC 8439): the block function, and a generator of random bytes built on it that forgets its key after
// every request ("fast key erasure"), so that what was handed out cannot be computed from a later state.
#pragma once
#include "lib/core/types.hpp"

namespace crypto {

// Key 32 bytes, Nonce 12 bytes, Out 64 bytes.
void ChaChaBlock(const u8* Key, u32 Counter, const u8* Nonce, u8* Out);

class Generator {
public:
    // Mixes 64 bytes (a digest of whatever entropy there is) into the key.
    void Reseed(const u8* Digest);
    void Fill(u8* Out, usize Size);
    u64 Given() const { return Given_; } // bytes since the last Reseed

private:
    u8 Key_[32] = {};
    u64 Given_ = 0;
};

}
