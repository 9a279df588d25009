#include "tests/host/mm/system.hpp"

#include "kernel/kernel.hpp"
#include "ntos/io/section_file.hpp"
#include "ntos/ps/debug.hpp"

// --- what mm's neighbours are here

namespace se {

class Token { };
static Token TheToken;

Result<ACCESS_MASK> AccessCheck(const SecurityDescriptor*, const Token&, ACCESS_MASK Desired, const GENERIC_MAPPING& Mapping)
{
    if (Desired & MAXIMUM_ALLOWED)
        Desired |= Mapping.GenericAll;
    return Desired & ~MAXIMUM_ALLOWED;
}
Result<Own<SecurityDescriptor>> MakeDescriptor(std::span<const Allowed>, u8) { return Own<SecurityDescriptor>(new SecurityDescriptor); }
Result<Own<SecurityDescriptor>> AssignSecurity(const SecurityDescriptor*, const SecurityDescriptor*, const Token&, const GENERIC_MAPPING&, bool)
{
    return Own<SecurityDescriptor>(new SecurityDescriptor);
}
bool HasPrivilege(const Token&, u32) { return true; }
Result<Own<SecurityDescriptor>> SecurityDescriptor::Capture(ke::Caller&, u64) { return Own<SecurityDescriptor>(new SecurityDescriptor); }
Result<Own<SecurityDescriptor>> SecurityDescriptor::Clone() const { return Own<SecurityDescriptor>(new SecurityDescriptor); }

}

namespace ps {

const ob::TypeInfo Process::Type { .Name = L"Process", .ValidAccess = PROCESS_ALL_ACCESS, .Mapping = {} };
const ob::TypeInfo Thread::Type { .Name = L"Thread", .ValidAccess = 0x1FFFFF, .Mapping = {} };
se::Token& Thread::EffectiveToken() const { return se::TheToken; }
void Debugger::ImageMapped(Thread&, u64, ob::Name) { }
void Debugger::ImageUnmapped(Thread&, u64) { }

}

ps::Thread& ke::Caller::Thread() { return static_cast<ps::Thread&>(*this); }
ke::Caller* ke::RunningCaller() { return Activity::Current() ? Activity::Current()->AsCaller() : nullptr; }

namespace test {

const ob::TypeInfo File::Type { .Name = L"File", .ValidAccess = 0x1FFFFF, .Mapping = {} };

Ref<File> MakeFile(const std::vector<u8>& Bytes)
{
    Begin();
    Ref<File> F = MUST(ob::Make<File>(MUST(mm::PageStore::Create())));
    EXPECT_TRUE(F->Data->Write(0, Bytes.data(), Bytes.size()).Ok());
    F->Size = Bytes.size();
    return F;
}

}

namespace io {

Result<Ref<ob::Object>> FileForSection(ke::Caller& Caller, HANDLE Handle, u32, u32)
{
    return Ref<ob::Object>(TRY(ob::Reference<test::File>(Caller, Handle, 1)));
}

bool SectionWaits(ob::Object& File) { return static_cast<test::File&>(File).Waits; }
ke::Task<> PrepareForSection(Ref<ob::Object>) { return ke::Task<>(Status(STATUS_SUCCESS)); }

Result<SectionFile> DescribeForSection(Ref<ob::Object> Of)
{
    auto& F = static_cast<test::File&>(*Of);
    return SectionFile { .File = std::move(Of), .Data = F.Data, .Size = F.Size, .Path = TRY(ob::String::Copy(L"\\Test\\File")) };
}

ke::Task<> ExtendForSection(Ref<ob::Object> File, u64 Size)
{
    static_cast<test::File&>(*File).Size = Size;
    return ke::Task<>(Status(STATUS_SUCCESS));
}

u64 SizeForSection(ob::Object& File) { return static_cast<test::File&>(File).Size; }

}

namespace test {

static const kernel::BootInfo* Boot;

const kernel::BootInfo& Begin()
{
    if (!Boot) {
        // The window crosses the reach of a table of every level in the midst of memory.
        fake::Reset({ .MemoryBytes = 48 * MiB, .ImageAddress = 0x2080'0000'0000 - 16 * MiB });
        Boot = &kernel::Start(nullptr);
        MUST(mm::Initialize(*Boot));
    }
    return *Boot;
}

mm::Pfn ImageFrame(u64 Page) { return mm::Pfn((Begin().ImagePhysical >> PageShift) + Page); }

Balance::Balance()
{
    Begin();
    Before_ = mm::QueryMemory();
    Stray_ = fake::StrayMappings();
}

void Balance::Check() const
{
    mm::MemoryInfo Now = mm::QueryMemory();
    EXPECT_EQ(Now.CommittedPages, Before_.CommittedPages);
    u64 Objects = Now.KernelObjectPages - Before_.KernelObjectPages;
    u64 Frames = Now.FramePages - Before_.FramePages;
    EXPECT_LE(Frames, 64u);             // slot lists
    u64 Never = Before_.TotalPages - Now.TotalPages;        // found to be of no use when they were cut
    EXPECT_EQ(Now.FreePages + Objects + Frames + Never, Before_.FreePages);
    EXPECT_EQ(fake::StrayMappings(), Stray_);
}

Client::Client()
{
    Begin();
    P_ = RefPtr<ps::Process>(MUST(ps::Process::Create()));
    T_ = RefPtr<ps::Thread>(MUST(ob::Make<ps::Thread>(*P_)));
    mm::Vad* V = MUST(Space().Insert(Arguments, PageSize, mm::Vad::Private));
    MUST(Space().Commit(*V, Arguments, Arguments + PageSize, mm::Protection::ReadWrite, false));
}

Client::~Client()
{
    P_->Handles().CloseAll();
    T_.Reset();
    P_->Memory().Clear();
}

u64 Client::Put(u32 Index, u64 Value)
{
    u64 At = Arguments + Index * 8;
    EXPECT_TRUE(mm::CopyToUser(*P_, At, &Value, 8).Ok());
    return At;
}

u64 Client::Get(u32 Index)
{
    u64 Value = 0;
    EXPECT_TRUE(mm::CopyFromUser(*P_, &Value, Arguments + Index * 8, 8).Ok());
    return Value;
}

HANDLE Client::Open(Ref<ob::Object> Target, ACCESS_MASK Granted) { return MUST(P_->Handles().Add(std::move(Target), Granted, 0)); }

template <typename F> static NTSTATUS Try(mm::AddressSpace& Space, F&& Access)
{
    for (u32 Round = 0; Round < 64; ++Round) {
        fake::Fault Met = Access();
        if (!Met)
            return STATUS_SUCCESS;
        Status S = Space.Fault(Met.Address, Met.ErrorCode & 2 ? mm::AddressSpace::Access::Write : mm::AddressSpace::Access::Read);
        if (S.Code() != STATUS_SUCCESS)
            return S.Code();
    }
    ADD_FAILURE() << "a fault is resolved again and again";
    return STATUS_INTERNAL_ERROR;
}

NTSTATUS Client::Read(u64 Address, void* To, usize Bytes)
{
    return Try(Space(), [&] { return fake::ReadClient(Space().Pml4(), Address, To, Bytes); });
}

NTSTATUS Client::Write(u64 Address, const void* From, usize Bytes)
{
    return Try(Space(), [&] { return fake::WriteClient(Space().Pml4(), Address, From, Bytes); });
}

NTSTATUS Client::Allocate(u64& Base, u64& Size, u32 Type, u32 Protect, u64 ZeroBits)
{
    u64 At = Put(0, Base), Length = Put(1, Size);
    NTSTATUS S = Now(NtAllocateVirtualMemory, Self, At, ZeroBits, Length, Type, Protect);
    Base = Get(0);
    Size = Get(1);
    return S;
}

NTSTATUS Client::Free(u64& Base, u64& Size, u32 Type)
{
    u64 At = Put(0, Base), Length = Put(1, Size);
    NTSTATUS S = Now(NtFreeVirtualMemory, Self, At, Length, Type);
    Base = Get(0);
    Size = Get(1);
    return S;
}

NTSTATUS Client::Protect(u64& Base, u64& Size, u32 Protect, u32& Old)
{
    u64 At = Put(0, Base), Length = Put(1, Size), Before = Put(2, 0);
    NTSTATUS S = Now(NtProtectVirtualMemory, Self, At, Length, Protect, Before);
    Base = Get(0);
    Size = Get(1);
    Old = u32(Get(2));
    return S;
}

MEMORY_BASIC_INFORMATION Client::Query(u64 Address)
{
    MEMORY_BASIC_INFORMATION Info {};
    EXPECT_EQ(Now(NtQueryVirtualMemory, Self, Address, MemoryBasicInformation, Arguments + 2048, sizeof(Info), 0), STATUS_SUCCESS);
    EXPECT_TRUE(mm::CopyFromUser(*P_, &Info, Arguments + 2048, sizeof(Info)).Ok());
    return Info;
}

}
