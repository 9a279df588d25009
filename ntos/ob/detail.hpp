// What the files of the object manager share among themselves.
#pragma once
#include "ntos/ob/ob.hpp"

namespace ob {

// The directory of drive letters, where \?? leads; null before the namespace is there.
extern Directory* GlobalDos;
// Puts a type into \ObjectTypes once that exists.
void ShowType(const TypeInfo& Type);

// Generic rights replaced by the type's own; MAXIMUM_ALLOWED stays; rights the type does not know are dropped.
ACCESS_MASK MapAccess(const TypeInfo& Type, ACCESS_MASK Desired);
// Whether the rights asked for contain bits that mean nothing for the type.
inline bool HasInvalidRights(const TypeInfo& Type, ACCESS_MASK Mapped)
{
    return Mapped & ~(Type.ValidAccess | ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED);
}

}
