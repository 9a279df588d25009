// A driver in C++: classes, templates, operator new of its own, C linkage where the kernel calls.
extern "C" {
#include <ntddk.h>
#include <wdmsec.h>
#include <ntstrsafe.h>
}

void *operator new(size_t Size, POOL_FLAGS Flags) noexcept { return ExAllocatePool2(Flags, Size, '++pC'); }
void operator delete(void *Memory) noexcept { if (Memory) ExFreePool(Memory); }
void operator delete(void *Memory, size_t) noexcept { if (Memory) ExFreePool(Memory); }

template <typename T> class Locked {
public:
    Locked() : Value_() { KeInitializeSpinLock(&Lock_); }
    T Add(T Amount)
    {
        KIRQL Irql;
        KeAcquireSpinLock(&Lock_, &Irql);
        T Result = Value_ += Amount;
        KeReleaseSpinLock(&Lock_, Irql);
        return Result;
    }

private:
    KSPIN_LOCK Lock_;
    T Value_;
};

struct Base {
    virtual ~Base() {}
    virtual LONG Number() const = 0;
};
struct Derived : Base {
    explicit Derived(LONG Number) : Number_(Number) {}
    LONG Number() const override { return Number_; }
    LONG Number_;
};

static Locked<LONG> *Counter;
extern "C" DRIVER_INITIALIZE DriverEntry;
extern "C" DRIVER_UNLOAD Unload;

extern "C" void Unload(PDRIVER_OBJECT) { delete Counter; }

extern "C" NTSTATUS DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING)
{
    LONG Bits = 0;
    Counter = new (POOL_FLAG_NON_PAGED) Locked<LONG>;
    if (!Counter) return STATUS_INSUFFICIENT_RESOURCES;
    Base *Object = new (POOL_FLAG_PAGED) Derived(3);
    if (Object) Counter->Add(Object->Number());
    delete Object;
    InterlockedBitTestAndSet(&Bits, 3);
    static const auto Seven = [] { return 7; };
    Counter->Add(Seven() + Bits);
    __try {
        Counter->Add(1);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return GetExceptionCode();
    }
    Driver->DriverUnload = Unload;
    return STATUS_SUCCESS;
}
