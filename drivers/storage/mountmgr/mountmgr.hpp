// mountmgr.sys: names of volumes. \Device\MountPointManager answers which drive letters and \??\Volume{GUID} names there are, makes and removes them.
//
// It is told of every volume by the interface MOUNTDEV_MOUNTED_DEVICE_GUID and asks it for its device's name and unique id (IOCTL_MOUNTDEV_*). The names a unique id has
// had are kept in HKLM\SYSTEM\MountedDevices, as on Windows: "\DosDevices\D:" and "\??\Volume{GUID}" with the id as the data, "#{GUID}" for a volume that is to have no letter.
// A volume's GUID is its own (IOCTL_MOUNTDEV_QUERY_STABLE_GUID) or made. Letters: those of the registry, one that exists already and leads to the volume (the system's C:
// and X:), the volume's suggestion, then the first that is free from C: on, unless NoAutoMount of the service's key or the partition's attributes say otherwise. A letter
// that leads anywhere, or is kept for another volume, is not free.
// Everything but the change notifications is done under one lock, at PASSIVE_LEVEL.
// Differs from Windows: there are no mount points in folders (IOCTL_MOUNTMGR_VOLUME_MOUNT_POINT_CREATED and _DELETED answer STATUS_INVALID_DEVICE_REQUEST).
#pragma once
#include "wdm/ntoskrnl/ddk.hpp"
extern "C" {
#include <mountdev.h>
#include <ntddvol.h>
}

namespace mountmgr {

constexpr ULONG Tag = 'tnuM';
constexpr ULONG MaximumName = 512, MaximumId = 512;     // bytes

// Text with room for its own.
struct Name {
    USHORT Bytes = 0;
    WCHAR Text[MaximumName / sizeof(WCHAR) + 1];
    Name() { Text[0] = 0; }
    UNICODE_STRING String() const { return { Bytes, USHORT(Bytes + sizeof(WCHAR)), const_cast<WCHAR*>(Text) }; }
    bool Set(const void* From, ULONG FromBytes);        // false: too long, or half a character
    bool Set(const WCHAR* From);
    bool Add(const WCHAR* More);
    bool Equals(const Name& Other) const;               // whatever the case
    bool StartsWith(const WCHAR* Text) const;
};

struct Id {
    USHORT Bytes = 0;
    UCHAR Data[MaximumId];
    bool Equals(const Id& Other) const { return Bytes == Other.Bytes && memcmp(Data, Other.Data, Bytes) == 0; }
};

// A name of a volume. Ours: this driver has made the symbolic link.
struct Link {
    Link* Next;
    Name Of;
    bool Ours;
};

struct Volume {
    Volume* Next;
    Name Interface, Device;
    Id Unique;
    GUID Stable;
    bool HasStable, NoLetter, Removable;
    Link* Links;
};

extern PDEVICE_OBJECT Self;
extern Volume* Volumes;
extern bool Automatic;                  // new volumes get letters

// The lock around all of it.
void Enter();
void Leave();

bool IsLetter(const Name& N);           // \DosDevices\X:
bool IsVolumeName(const Name& N);       // \??\Volume{...}
void LetterName(WCHAR Letter, Name& To);

// --- volumes.cpp; with the lock
bool Arrive(const UNICODE_STRING& Interface);      // false: it does not answer as a volume
void Depart(const UNICODE_STRING& Interface);
Volume* Find(const Name& Device);       // by its device's name or a name it has; null
Link* FindLink(const Volume& V, bool (*Is)(const Name&));
// The link, in the namespace and the volume's list. STATUS_OBJECT_NAME_COLLISION: there is one that leads elsewhere.
NTSTATUS MakeLink(Volume& V, const Name& N);
void DropLink(Volume& V, Link& L);
// The next free letter for one that has none. False: it keeps none.
bool GiveLetter(Volume& V);
// Whether it is to get one by itself; kept.
void LettersFor(Volume& V, bool Wanted);
// Tells those that wait for a change.
void Changed();

// --- database.cpp: HKLM\SYSTEM\MountedDevices
void Keep(const Name& N, const Id& Unique);
bool Forget(const Name& N);             // false: there is none, or it stays
// Calls for each entry until it says false.
void ForEachKept(bool (*Each)(void* Context, const Name& N, const Id& Unique), void* Context);
bool ReadAutomatic();
NTSTATUS WriteAutomatic(bool On);
extern UNICODE_STRING ServiceKey;

// --- points.cpp: the control codes
NTSTATUS Control(PIRP Irp, ULONG_PTR& Information);

}
