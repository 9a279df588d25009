// Between the Executive and a driver process: the shared memory, the messages in its two rings, and the requests a driver makes
// by NtDriverControl. The host (wdm/ntoskrnl) and the Executive (ntos/io/driver) are built from the same header; Version tells them apart.
//
// The section (Layout): the indices of both rings, the rings, the frame numbers of the data area, the data area. Only the Executive gives out
// pages of the data area: a request's data stays where the request's message says until the driver has answered it. The driver reads and
// writes them; the Executive copies from and to the client's memory once.
// Numbers that the driver gives (cookies: the addresses of its DEVICE_OBJECTs and FILE_OBJECTs) only ever go back to the same process.
// Order is the wire number: append only.
#pragma once
#include <type_traits>

#include "lib/ring/ring.hpp"

namespace wire::driver {

inline constexpr u32 Version = 1;
inline constexpr u32 RequestSlots = 64, ReplySlots = 128, DataPages = 4096;

// What a request's data looks like to the driver.
enum class Transfer : u8 {
    None, Buffered, Direct, Neither,
    Srb,                    // a SCSI_REQUEST_BLOCK: the input is a wire Srb and comes back; the data is direct
    Pnp,                    // IRP_MJ_PNP: input and output as pnp:: below says by minor function
};
enum class Kind : u16 {
    Irp,                    // a new request
    Cancel,                 // of the request with this tag
    Unload,                 // call DriverUnload, then end
    AddDevice,              // make a physical device and call AddDevice: for the NewDevnode in the data area. Parameters[0] 1: there is no PCI function
    RemoteDone,             // an IRP the driver sent to another process is complete: Tag is the driver's own
    Interrupt,              // of the connected interrupt in Device
    // Plug and play
    AddAbove = 16,          // call AddDevice; the physical device is that of another process: Parameters[0] is its id. A NewDevnode is in the data area
    InterfaceChange = 17,   // of a registered notification: Device is its cookie, Parameters[0] 1 arrival, 0 removal; the link's name in the data area
    RemoveDevice = 18,      // forget the proxy with the id Parameters[0]
    ImageLoaded = 19,       // (Control::WatchImages) Parameters: the process (0: a driver's image), its base, its bytes; its name in the data area

    MountVolume = 32,       // the data is a wire Mount: the file system whose device is Device is asked whether the volume is its own. Done: File is the cookie of the volume's device, Information the volume's serial number
    ReleaseVolume = 33,     // the Executive forgets the volume with the VPB in Device: no file of it is open
    Watched = 64,           // a client's service that the driver watches (Control::Watch): a Watched in the data area, which comes back. Parameters[0]: 0 before
                            // it (Information of the answer is given with the second one), 1 after it; Parameters[1]: what the first answer's Information was
};

// Message::Minor of a Create that is IRP_MJ_CREATE_MAILSLOT in the driver. Parameters[1]: quota, then the greatest message in the high half; [3]: the timeout.
inline constexpr u8 CreateMailslot = 1;

// Message::Flags.
// Lent: the output (of a write: what is written) is not in the data area but in pages lent for the time of the request. Behind the input, 8-byte
// aligned, the data area has their frame numbers as u64; OutputOffset is the byte offset in the first page, OutputBytes the length.
inline constexpr u8 Lent = 1;
// LentReadOnly: the driver may not write to them.
inline constexpr u8 LentReadOnly = 2;
// Exact: for the device itself, not for what lies on it in the same process.
inline constexpr u8 Exact = 4;
// TellPending: a dispatch routine that returns and has not completed the request is told of (ReplyKind::Pending).
inline constexpr u8 TellPending = 8;
// TellReturn: a Done that comes before the dispatch routine has returned waits for that, and brings what it returned.
inline constexpr u8 TellReturn = 16;

struct Message {
    Kind What;
    u8 Major, Minor;        // Minor of a Create: CreateMailslot or 0
    Transfer Mode;
    u8 StackFlags;          // SL_*
    u8 RequestorMode;
    u8 Flags;
    u32 Tag;                // for the answer
    u32 Options;            // Create: disposition << 24 | options
    u64 Device;             // cookie
    u64 File;               // cookie; 0 in a Create
    u32 Data;               // first page in the data area
    u32 InputBytes;         // at its start
    u32 OutputOffset;       // bytes from there
    u32 OutputBytes;
    u64 Parameters[4];      // as IO_STACK_LOCATION.Parameters, by major function (wdm/ntoskrnl/irp.cpp)
    u64 Process, Thread;    // ids of the client
    u32 Access;             // Create: granted access
    u16 Share, Attributes;  // Create
    u64 Related;            // Create: cookie of the file it is relative to. RemoteDone: Status in the low half
    u64 Information;        // RemoteDone
    u32 IrpFlags;           // IRP_PAGING_IO ...
    u32 Unused2;
};
static_assert(sizeof(Message) == 128 && std::has_unique_object_representations_v<Message> && std::is_trivially_copyable_v<Message>);

enum class ReplyKind : u16 {
    Done,                   // the request Tag is complete
    Call,                   // a request of the driver's own to a device of another process: Information is the address of a RemoteCall
    CancelCall,             // take that back: Tag

    Pending = 48,           // the dispatch routine of the request Tag has returned: Status
    FileIs = 32,            // before the Done of a Create with this tag: Information is the file object's FsContext, File its SectionObjectPointer
};

// Reply::Minor of a Done. HasReturned (asked for with TellReturn): Options is what the dispatch routine returned. Pended: someone had marked the request
// pending; NotPended: nobody had.
inline constexpr u8 HasReturned = 1, NotPended = 2, Pended = 4;

struct Reply {
    ReplyKind What;
    u8 Major, Minor;
    u32 Tag;
    u32 Status;
    u32 Options;
    u64 Information;
    u64 File;               // Done of a Create: cookie of the FILE_OBJECT; of a Write: its CurrentByteOffset
};
static_assert(sizeof(Reply) == 32 && std::has_unique_object_representations_v<Reply> && std::is_trivially_copyable_v<Reply>);

// In the driver's own memory.
struct RemoteCall {
    u64 Device;             // id of the other process's device; 0: Handle says
    u64 Handle;             // of an open file of the other process's device
    u8 Major, Minor, StackFlags;
    u8 Flags;               // below
    u32 Tag;                // for RemoteDone
    Transfer Mode;
    u8 Unused[3];
    u32 Parent;             // tag of the request this one serves; ~0: of none
    u32 InputBytes, OutputBytes;
    u64 Input, Output;      // addresses
    u32 LentOffset;         // PagesOfParent: where the data begins, from the start of the parent's first page
    u32 IrpFlags;
    u64 Parameters[4];
    u64 Unused2;
};
static_assert(sizeof(RemoteCall) == 104 && std::has_unique_object_representations_v<RemoteCall>);
namespace call {
inline constexpr u8 OutputIn = 1,       // the output buffer's content goes to the other driver
    OutputBack = 2,                     // as much of it comes back as Information says
    OutputBackWhole = 4,                // all of it comes back, whatever the outcome
    InputBack = 8,                      // the input comes back, too
    PagesOfParent = 16,                 // the output is in pages lent with the parent request
    MayLend = 32;                       // Output is the driver's own memory, whose pages may be lent
}

// A SCSI request block as it travels: the structure with its pointers zero, then the sense data.
struct Srb {
    u8 Block[88];
    u8 HasSense, Unused[7];
    u8 Sense[256];
};
static_assert(sizeof(Srb) == 352);

struct Header {
    u32 Version, Unused[31];
    ring::Indices Requests, Replies;
};
static_assert(sizeof(Header) <= PageSize);

// Pages of the section.
namespace layout {
inline constexpr u32 Header = 0, Requests = 1, Replies = Requests + RequestSlots * sizeof(Message) / PageSize,
                     Frames = Replies + ReplySlots * sizeof(Reply) / PageSize, Data = Frames + DataPages * 8 / PageSize, Total = Data + DataPages;
static_assert(RequestSlots * sizeof(Message) % PageSize == 0 && ReplySlots * sizeof(Reply) % PageSize == 0);
}

// --- NtDriverControl

enum class Control : u32 {
    Attach,                 // -> Attached. First
    Started,                // Status: DriverEntry has returned
    CreateDevice,           // NewDevice, then the name -> DeviceId
    DeleteDevice,           // DeviceId
    CreateLink,             // Names: link, target
    DeleteLink,             // Names: link
    ReferenceHandle,        // HandleOf -> HandleGot
    Log,                    // text
    Stopping,               // Status: the driver is unloaded, the process ends on purpose
    InterruptThread,        // the calling thread becomes the one that waits for interrupts (on WaitSlot)
    ConnectInterrupt,       // InterruptLine -> InterruptLine.Bit: of the badge the interrupt thread gets. Only of a device the process has
    AckInterrupt,           // InterruptLine.Bit: the device is quiet, let the next interrupt come
    DisconnectInterrupt,    // InterruptLine.Bit
    MapDevice,              // PhysicalRange -> Address. Only of a device the process has
    Port,                   // PortAccess -> PortAccess. The same
    CommonBuffer,           // PhysicalRange.Bytes -> CommonBuffer: contiguous memory for DMA
    PciConfig,              // ConfigAccess, then data for a write -> data. The same
    DeviceOf,               // DeviceId.Id: a file's handle -> DeviceAbout
    FrameOf,                // Address -> u64: the number of the physical page of memory of the process's own, for DMA
    // Plug and play, device stacks
    MapLent = 32,           // LentPages -> Address: of the first page lent with the request; mapped until it is answered
    AttachDevice = 33,      // DevicePair: Upper on top of Lower's stack -> DeviceShape of what it lies on
    DetachDevice = 34,      // DeviceId: what lies on it no longer does
    ShapeDevice = 35,       // DeviceShape: attributes of a device of the process's own have changed
    DeviceShapeOf = 36,     // DeviceId -> DeviceShape
    InvalidateRelations = 37,       // DeviceId: of a physical device; Type in Code
    RegisterInterface = 38, // NewInterface, then the reference string -> the link's name
    SetInterface = 39,      // InterfaceState, then the link's name
    ListInterfaces = 40,    // InterfaceQuery -> names, each terminated, then an empty one
    NotifyInterfaces = 41,  // Notification
    EndNotify = 42,         // DeviceId.Id: the notification's cookie
    DeviceProperty = 43,    // PropertyOf -> Status, whose Code is the length of the data that follow
    // Storage
    LockClient = 112,       // ClientRange -> u64 each: the numbers of the pages there, in the memory of the client whose request has that tag. They stay until
                            // the request is answered
    ConnectMessage = 113,   // MessageInterrupt -> MessageInterrupt: the device's message is sent to a vector of its own. Only of a device the process has
    DisconnectMessages = 114,       // MessageInterrupt (Bus, Device, Function): all of a function
    // Devices at fixed places
    PortBuffer = 128,       // PortAccess: Value times the same port; what is written follows -> what was read
    // From the firmware's driver (ntos/io/driver/firmware.hpp)
    PciRoutes = 129,        // Routes, as many as the input has: instead of those told before
    PowerRegisters = 130,   // PowerRegisters
    // File systems
    RegisterFileSystem = 64,    // DeviceId: the device is asked to mount volumes from now on
    UnregisterFileSystem = 65,  // DeviceId
    // The cache (ntos/io/fs/stream.hpp): all have a Cache, whose Section says of which file
    CacheOpen = 66,         // File, Context (FsContext), Offset (allocation), Bytes (file size), Valid
    CacheClose = 67,        // cache::Truncate: to Bytes
    CacheCopy = 68,         // Offset, Bytes, Address; cache::Write, Through, NoWait -> u64 bytes
    CacheSizes = 69,        // as CacheOpen
    CacheFlush = 70,        // Offset, Bytes
    CachePurge = 71,        // Offset, Bytes; cache::Close
    CacheView = 72,         // Offset, Bytes; cache::Fresh -> Address
    CacheUnmap = 73,        // Address
    CacheDirty = 74,        // Offset, Bytes
    CacheZero = 75,         // Offset, Bytes
    CacheImage = 76,        // whether no image section is in the way
    CacheTruncate = 77,     // Bytes: whether no view is in the way
    CacheSettle = 78,       // waits until every IRP_MJ_CLOSE that is under way to the process is answered; a Cache without a section
    // Objects and the machine
    DeviceHandle = 144,     // HandleOf.Handle: the id of a device, Access -> HandleGot: a handle to the device object itself
    WatchImages = 146,      // Status.Code: 1 to be told of images from now on, 0 no more
    ImageLoaded = 147,      // LoadedImage, then its name: a driver's image is there. Returns when who watches has been told
    Watch = 148,            // Status.Code: what the driver watches from now on, watch:: ORed
    Beep = 145,             // Status.Code: the speaker sounds at so many Hz from now on; 0: it is quiet
    SignalFile = 160,       // FileSignal: from now on waits for the file end when the driver says so, not with its requests
};

struct Attached {
    u64 Section;            // address in the driver's process
    u32 Version, Unused;
};
struct Status {
    u32 Code, Unused;
};
struct NewDevice {
    u64 Cookie;
    u32 Type, Characteristics;
    u32 Exclusive, NameBytes;       // the name follows
};
struct DeviceId {
    u64 Id;
};
struct DeviceAbout {
    u64 Cookie;             // of a device of the process's own, or 0
    u32 Type, Characteristics;
    u64 Id;                 // of the top of its stack; the other fields, too
};
struct DeviceShape {
    u64 Id;                 // 0: there is none
    u64 Cookie;             // of a device of the process's own, or 0
    u32 Type, Characteristics, Flags, StackSize;
    u32 AlignmentRequirement, SectorSize;
};
struct DevicePair {
    u64 Upper, Lower;
};
struct LentPages {
    u32 Tag, Unused;
};
struct Guid {
    u8 Bytes[16];
};
struct NewInterface {
    u64 Device;             // id of the physical device
    Guid Class;
    u32 ReferenceBytes, Unused;
};
struct LoadedImage {
    u64 Base, Bytes;
    u32 NameBytes, Unused;
};
struct InterfaceState {
    u32 Enable, NameBytes;
};
struct InterfaceQuery {
    Guid Class;
    u64 Device;             // 0: of all
    u32 Disabled, Unused;   // also those that are not enabled
};
struct Notification {
    Guid Class;
    u64 Cookie;
    u32 Existing, Unused;   // tell of those that are there
};
struct PropertyOf {
    u64 Device;
    u32 Property, Unused;   // DEVICE_REGISTRY_PROPERTY; ~0: the key's path below Enum
};
struct FileSignal {
    u64 Device;             // id of the device that was opened
    u64 File;               // cookie
    u32 Set, Unused;
};
struct Names {
    u32 FirstBytes, SecondBytes;    // they follow
};
struct HandleOf {
    u64 Process, Handle;            // the client's process id
    u32 Access, Unused;
};
struct HandleGot {
    u64 Handle;
    u32 Granted, Type;              // 1 event, 2 semaphore, 3 mutant, 4 timer, 5 process, 6 thread, 7 file, 8 section, 9 key, 0 any other
};

// --- file systems

struct Cache {
    u64 Section;                    // address of the SECTION_OBJECT_POINTERS
    u64 File, Context;
    u64 Offset, Bytes, Valid, Address;
    u64 Shared;                     // CacheOpen: what SharedCacheMap becomes if caching begins with this file
    u32 Flags, Unused;
};
namespace cache {
inline constexpr u32 Write = 1, Through = 2, NoWait = 4, Truncate = 8, Close = 16, Fresh = 32;
}
struct Mount {
    u64 Device;                     // id of the volume's device, the top of its stack
    u32 Flags;                      // SL_ALLOW_RAW_MOUNT
    u32 Unused;
};

// --- services of clients that drivers watch

namespace watch {
inline constexpr u32 Processes = 1, Threads = 2,    // handles to them: opened, duplicated
    Keys = 4,
    Life = 8;                           // processes begin and end: Create before its first thread runs (Status comes back and may refuse it), 0 when it has ended
inline constexpr u32 Create = 1, Duplicate = 2;     // OB_OPERATION_HANDLE_
}
// Behind it: Name (UTF-16, of the open key; of an open or create the root's), then what the service names (a value, a key's new or complete name), a class, data.
struct Watched {
    u32 Sort;               // one of watch::
    u32 What;               // Create, Duplicate; of a key the REG_NOTIFY_CLASS of before
    u64 Object;             // id of the process or thread; a number of the open key
    u64 Source, Target;     // Duplicate: ids of processes. Life: of the parent, of the process that made it (whose thread is in Index); Name is the image's
    u32 Original, Wanted;   // access. Before: Wanted comes back, bits of Original
    u32 Granted;            // after
    u32 Options, Index, Type, Class, Length, Disposition;      // parameters of a key's services
    u32 Status;             // after: the outcome, comes back
    u32 NameBytes, SecondBytes, ClassBytes, DataBytes;
    u64 Made;               // after an open or create: the number of the open key; its name is the root's and the complete name
};
static_assert(sizeof(Watched) == 96 && std::has_unique_object_representations_v<Watched>);

// --- devices

struct Bar {
    u64 Base;
    u64 Bytes;              // 0: there is none
    u32 IsPort, Prefetchable;
};
struct PciDevice {
    u32 Bus, Device, Function, Pin;     // Pin: of the I/O APIC, ~0 if it has no interrupt
    Bar Bars[6];
    u8 Config[64];
};
// Of a device on no bus that the Executive enumerates: ports and memory by address, an interrupt by its pin of the I/O APIC.
struct Resource {
    u64 Start, Bytes;       // Bytes: 1 for an interrupt
    u32 Type;               // CmResourceTypePort (1), CmResourceTypeInterrupt (2), CmResourceTypeMemory (3)
    u8 Level, ActiveLow;    // of an interrupt
    u8 Shared;              // others may have it, too
    u8 Firmware;            // what nobody else has is reached by the firmware's driver: not a resource of its own
};
inline constexpr u32 MaximumResources = 12, MaximumHosted = 96;
// What AddDevice and AddAbove bring in the data area.
struct NewDevnode {
    PciDevice Pci;
    u32 Count, Unused;
    Resource Resources[MaximumResources];
    wchar_t Hosted[MaximumHosted];      // services whose drivers are added on top in the same process, each terminated, then an empty one
};
static_assert(std::has_unique_object_representations_v<NewDevnode>);
struct InterruptLine {
    u32 Pin, Bit, Level, ActiveLow;
};
struct PhysicalRange {
    u64 Physical, Bytes;
};
struct Address {
    u64 At;
};
struct CommonBuffer {
    u64 At, Physical;
};
struct ClientRange {
    u32 Tag, Write;         // Write: the pages are made writable first
    u64 Address;
    u32 Bytes, Unused;
};
struct MessageInterrupt {
    u32 Bus, Device, Function;
    u32 Message, Count;     // the one to be connected, of so many
    u32 Bit;                // answer: of the badge the interrupt thread gets
    u32 Data, Unused;       // answer: what the device writes
    u64 Address;            // and where
};
struct PortAccess {
    u16 Port;
    u8 Bytes, Write;
    u32 Value;
};
inline constexpr u32 MaximumPortBuffer = 512;       // bytes
// The interrupt pin (1 to 4) of a device is wired to this pin of the I/O APIC.
struct Route {
    u32 Bus, Device, Pin, Line;
    u8 Level, ActiveLow, Unused[2];
};
inline constexpr u32 MaximumRoutes = 1024;
struct PowerRegisters {
    u16 PortA, PortB;       // PM1a and PM1b control registers; 0: there is none
    u16 ValueA, ValueB;     // sleep type of S5 and enable bits, in place
    u16 ResetPort, ResetValue;      // 0: there is none
};
struct ConfigAccess {
    u32 Bus, Device, Function, Offset, Bytes, Write;
};

// Capability slots of a driver process's threads, beside abi::ServiceEndpoint and abi::FaultEndpoint.
inline constexpr u64 DoorbellSlot = 0, WaitSlot = 3;
// Badges of the notification a driver waits for.
inline constexpr u64 RingBadge = 1;

}
