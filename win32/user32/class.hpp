#pragma once
#include "win32/user32/window.hpp"

namespace user32 {

inline bool IsAtom(const void* Name) { return ULONG_PTR(Name) < 0x10000; }

// A class name argument in UTF-16: atoms stay atoms.
class WideName {
public:
    explicit WideName(const char* Name)
        : Atom_(reinterpret_cast<const WCHAR*>(Name)), Text_(IsAtom(Name) ? win::Buffer<WCHAR>() : win::Wide(Name))
    {
    }
    operator const WCHAR*() const { return IsAtom(Atom_) ? Atom_ : Text_.Get(); }

private:
    const WCHAR* Atom_;
    win::Buffer<WCHAR> Text_;
};

extern Class* Classes;

// By name or atom, for a module or for all; Lock is held.
Class* FindClass(HINSTANCE Module, const WCHAR* Name);

}
