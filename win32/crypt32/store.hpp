// Certificates and the stores that hold them, in memory only: the system stores ("ROOT", "MY" …) exist and are empty.
#pragma once
#include "win32/common/win.hpp"

#include <wincrypt.h>

namespace crypt32 {

struct Property {
    Property* Next;
    DWORD Id, Size; // the value follows; a handle or pointer is stored as such
    u8* Value() { return reinterpret_cast<u8*>(this + 1); }
};

// What a CERT_CONTEXT pointer points into. A store keeps one reference of what it holds.
struct Certificate {
    CERT_CONTEXT Context; // first: the public pointer is this one
    volatile LONG References;
    Property* Properties;
    Certificate* Next; // in its store
    struct Store* Home;
    CERT_INFO Info;
};

struct Store {
    u32 Magic;
    volatile LONG References;
    Certificate* First;
};

inline constexpr u32 StoreMagic = 0x53544F52;
extern SRWLOCK Lock; // guards lists and properties

inline Certificate* From(PCCERT_CONTEXT Context) { return reinterpret_cast<Certificate*>(const_cast<CERT_CONTEXT*>(Context)); }
// A certificate of its own, one reference, not in a store; null with the error set if the encoding is wrong.
Certificate* NewCertificate(DWORD Encoding, const BYTE* Data, DWORD Size);
void Release(Certificate* C);
Store* FromStore(HCERTSTORE Handle);

// Whether it is signed with the name it carries itself.
bool SelfIssued(const Certificate& C);

}
