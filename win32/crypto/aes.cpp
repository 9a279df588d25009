#include "win32/crypto/aes.hpp"

#include "win32/crypto/bytes.hpp"

namespace crypto {
namespace {

constexpr u8 Double(u8 X) { return u8(X << 1 ^ ((X >> 7) * 0x1B)); }
constexpr u8 Times(u8 A, u8 B)
{
    u8 Product = 0;
    for (; B; B >>= 1, A = Double(A)) {
        Product = u8(Product ^ ((B & 1) ? A : 0));
    }
    return Product;
}

struct Boxes {
    u8 Forward[256], Back[256];
    constexpr Boxes() : Forward(), Back()
    {
        for (int i = 0; i < 256; ++i) {
            // The inverse is the 254th power.
            u8 Inverse = 1, Power = u8(i);
            for (int Bit = 1; Bit < 8; ++Bit) {
                Power = Times(Power, Power);
                Inverse = Times(Inverse, Power);
            }
            u8 Value = i ? Inverse : u8(0);
            u8 Out = 0x63;
            for (unsigned Turn = 0; Turn < 5; ++Turn) {
                Out = u8(Out ^ RotateLeft(Value, Turn));
            }
            Forward[i] = Out;
            Back[Out] = u8(i);
        }
    }
};
constexpr Boxes Box;

void AddKey(u8* S, const u8* Key)
{
    for (int i = 0; i < 16; ++i) {
        S[i] = u8(S[i] ^ Key[i]);
    }
}

}

bool Aes::SetKey(const u8* Key, usize Size)
{
    if (Size != 16 && Size != 24 && Size != 32) {
        return false;
    }
    usize Words = Size / 4;
    Rounds_ = int(Words) + 6;
    u8* All = Round_[0];
    for (usize i = 0; i < Size; ++i) {
        All[i] = Key[i];
    }
    u8 Constant = 1;
    for (usize i = Words; i < usize(Rounds_ + 1) * 4; ++i) {
        u8 T[4];
        for (int b = 0; b < 4; ++b) {
            T[b] = All[4 * (i - 1) + usize(b)];
        }
        if (i % Words == 0) {
            u8 First = T[0];
            T[0] = u8(Box.Forward[T[1]] ^ Constant);
            T[1] = Box.Forward[T[2]];
            T[2] = Box.Forward[T[3]];
            T[3] = Box.Forward[First];
            Constant = Double(Constant);
        } else if (Words > 6 && i % Words == 4) {
            for (u8& Byte : T) {
                Byte = Box.Forward[Byte];
            }
        }
        for (usize b = 0; b < 4; ++b) {
            All[4 * i + b] = u8(All[4 * (i - Words) + b] ^ T[b]);
        }
    }
    return true;
}

void Aes::Encrypt(const u8* In, u8* Out) const
{
    u8 S[16], T[16];
    for (int i = 0; i < 16; ++i) {
        S[i] = u8(In[i] ^ Round_[0][i]);
    }
    for (int Round = 1; Round <= Rounds_; ++Round) {
        for (int i = 0; i < 16; ++i) {
            T[i] = Box.Forward[S[(i + 4 * (i % 4)) % 16]]; // bytes and rows at once
        }
        for (int c = 0; c < 16; c += 4) {
            u8 All = u8(T[c] ^ T[c + 1] ^ T[c + 2] ^ T[c + 3]);
            for (int r = 0; r < 4; ++r) {
                S[c + r] = Round == Rounds_ ? T[c + r] : u8(T[c + r] ^ All ^ Double(u8(T[c + r] ^ T[c + (r + 1) % 4])));
            }
        }
        AddKey(S, Round_[Round]);
    }
    for (int i = 0; i < 16; ++i) {
        Out[i] = S[i];
    }
}

void Aes::Decrypt(const u8* In, u8* Out) const
{
    u8 S[16], T[16];
    for (int i = 0; i < 16; ++i) {
        S[i] = u8(In[i] ^ Round_[Rounds_][i]);
    }
    for (int Round = Rounds_ - 1; Round >= 0; --Round) {
        for (int i = 0; i < 16; ++i) {
            T[(i + 4 * (i % 4)) % 16] = Box.Back[S[i]];
        }
        AddKey(T, Round_[Round]);
        for (int c = 0; c < 16; c += 4) {
            if (Round == 0) {
                for (int r = 0; r < 4; ++r) {
                    S[c + r] = T[c + r];
                }
                continue;
            }
            // The inverse mix is the forward mix after adding 4·(row ^ row+2).
            u8 Even = Double(Double(u8(T[c] ^ T[c + 2]))), Odd = Double(Double(u8(T[c + 1] ^ T[c + 3])));
            u8 M[4] = { u8(T[c] ^ Even), u8(T[c + 1] ^ Odd), u8(T[c + 2] ^ Even), u8(T[c + 3] ^ Odd) };
            u8 All = u8(M[0] ^ M[1] ^ M[2] ^ M[3]);
            for (int r = 0; r < 4; ++r) {
                S[c + r] = u8(M[r] ^ All ^ Double(u8(M[r] ^ M[(r + 1) % 4])));
            }
        }
    }
    for (int i = 0; i < 16; ++i) {
        Out[i] = S[i];
    }
}

void CbcEncrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size)
{
    for (; Size >= 16; Size -= 16, In += 16, Out += 16) {
        for (int i = 0; i < 16; ++i) {
            Iv[i] = u8(Iv[i] ^ In[i]);
        }
        Cipher.Encrypt(Iv, Iv);
        for (int i = 0; i < 16; ++i) {
            Out[i] = Iv[i];
        }
    }
}
void CbcDecrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size)
{
    u8 Plain[16];
    for (; Size >= 16; Size -= 16, In += 16, Out += 16) {
        Cipher.Decrypt(In, Plain);
        for (int i = 0; i < 16; ++i) {
            u8 Byte = In[i];
            Out[i] = u8(Plain[i] ^ Iv[i]);
            Iv[i] = Byte;
        }
    }
    Wipe(Plain, sizeof(Plain));
}

namespace {

void Cfb8(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size, bool Encrypt)
{
    u8 Block[16];
    while (Size--) {
        Cipher.Encrypt(Iv, Block);
        u8 Byte = *In++, Other = u8(Byte ^ Block[0]);
        *Out++ = Other;
        for (int i = 0; i < 15; ++i) {
            Iv[i] = Iv[i + 1];
        }
        Iv[15] = Encrypt ? Other : Byte;
    }
    Wipe(Block, sizeof(Block));
}

}

void Cfb8Encrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size) { Cfb8(Cipher, Iv, In, Out, Size, true); }
void Cfb8Decrypt(const Aes& Cipher, u8* Iv, const u8* In, u8* Out, usize Size) { Cfb8(Cipher, Iv, In, Out, Size, false); }

// Value · Key_ in GF(2^128), bit by bit with masks instead of branches.
void Gcm::Multiply(u8* Value) const
{
    u64 High = 0, Low = 0, VHigh = LoadBig<u64>(Key_), VLow = LoadBig<u64>(Key_ + 8);
    for (unsigned i = 0; i < 128; ++i) {
        u64 Mask = 0 - u64((Value[i / 8] >> (7 - i % 8)) & 1);
        High ^= VHigh & Mask;
        Low ^= VLow & Mask;
        u64 Carry = 0 - (VLow & 1);
        VLow = VLow >> 1 | VHigh << 63;
        VHigh = (VHigh >> 1) ^ (Carry & 0xE100000000000000);
    }
    StoreBig(Value, High);
    StoreBig(Value + 8, Low);
}

void Gcm::Hash(const u8* Data, usize Size)
{
    while (Size--) {
        Sum_[PartialUsed_] = u8(Sum_[PartialUsed_] ^ *Data++);
        if (++PartialUsed_ == 16) {
            Multiply(Sum_);
            PartialUsed_ = 0;
        }
    }
}

void Gcm::Start(const Aes& Cipher, const u8* Nonce, usize NonceSize, const u8* Associated, usize AssociatedSize)
{
    Cipher_ = &Cipher;
    for (int i = 0; i < 16; ++i) {
        Key_[i] = Sum_[i] = Counter_[i] = 0;
    }
    PartialUsed_ = 0;
    PadUsed_ = 16;
    AssociatedBits_ = u64(AssociatedSize) * 8;
    DataBits_ = 0;
    Cipher.Encrypt(Key_, Key_);
    auto Fill = [&] {
        if (PartialUsed_) {
            Multiply(Sum_);
            PartialUsed_ = 0;
        }
    };
    if (NonceSize == 12) {
        for (int i = 0; i < 12; ++i) {
            Counter_[i] = Nonce[i];
        }
        Counter_[15] = 1;
    } else {
        u8 Length[16] = {};
        StoreBig(Length + 8, u64(NonceSize) * 8);
        Hash(Nonce, NonceSize);
        Fill();
        Hash(Length, 16);
        for (int i = 0; i < 16; ++i) {
            Counter_[i] = Sum_[i];
            Sum_[i] = 0;
        }
    }
    Cipher.Encrypt(Counter_, First_);
    Hash(Associated, AssociatedSize);
    Fill();
}

void Gcm::Stream(const u8* In, u8* Out, usize Size)
{
    while (Size--) {
        if (PadUsed_ == 16) {
            StoreBig(Counter_ + 12, LoadBig<u32>(Counter_ + 12) + 1);
            Cipher_->Encrypt(Counter_, Pad_);
            PadUsed_ = 0;
        }
        *Out++ = u8(*In++ ^ Pad_[PadUsed_++]);
    }
}

void Gcm::Encrypt(const u8* In, u8* Out, usize Size)
{
    DataBits_ += u64(Size) * 8;
    Stream(In, Out, Size);
    Hash(Out, Size);
}
void Gcm::Decrypt(const u8* In, u8* Out, usize Size)
{
    DataBits_ += u64(Size) * 8;
    Hash(In, Size);
    Stream(In, Out, Size);
}

void Gcm::Tag(u8* Out)
{
    if (PartialUsed_) {
        Multiply(Sum_);
        PartialUsed_ = 0;
    }
    u8 Length[16];
    StoreBig(Length, AssociatedBits_);
    StoreBig(Length + 8, DataBits_);
    Hash(Length, 16);
    for (int i = 0; i < 16; ++i) {
        Out[i] = u8(Sum_[i] ^ First_[i]);
    }
}

}
