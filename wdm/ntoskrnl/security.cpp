// Security for drivers: subject contexts, access checks, tokens. A token is a proxy for a handle. A null token in a subject context, as those of
// IRP_MJ_CREATE have it, means the client whose request the thread works on, so that opens cost nothing for drivers that do not ask. A client
// that impersonates is seen as its process.
#include "wdm/ntoskrnl/fsd.hpp"
#include "wdm/ntoskrnl/object.hpp"

#include <utility>

extern "C" {
NTSTATUS NTAPI NtOpenProcess(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, CLIENT_ID*);
NTSTATUS NTAPI NtOpenProcessToken(HANDLE, ACCESS_MASK, PHANDLE);
NTSTATUS NTAPI NtDuplicateToken(HANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES, BOOLEAN, TOKEN_TYPE, PHANDLE);
NTSTATUS NTAPI NtQueryInformationToken(HANDLE, TOKEN_INFORMATION_CLASS, PVOID, ULONG, PULONG);
NTSTATUS NTAPI NtFilterToken(HANDLE, ULONG, PTOKEN_GROUPS, PTOKEN_PRIVILEGES, PTOKEN_GROUPS, PHANDLE);
NTSTATUS NTAPI NtPrivilegeCheck(HANDLE, PPRIVILEGE_SET, PBOOLEAN);
NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR, HANDLE, ACCESS_MASK, PGENERIC_MAPPING, PPRIVILEGE_SET, PULONG, PACCESS_MASK, PNTSTATUS);
NTSTATUS NTAPI NtSetInformationThread(HANDLE, THREADINFOCLASS, PVOID, ULONG);
NTSTATUS NTAPI RtlNewSecurityObject(PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR*, BOOLEAN, HANDLE, PGENERIC_MAPPING);
NTSTATUS NTAPI RtlSetSecurityObject(SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR*, PGENERIC_MAPPING, HANDLE);
NTSTATUS NTAPI RtlQuerySecurityObject(PSECURITY_DESCRIPTOR, SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, ULONG, PULONG);
NTSTATUS NTAPI RtlDeleteSecurityObject(PSECURITY_DESCRIPTOR*);
NTSTATUS NTAPI RtlMakeSelfRelativeSD(PSECURITY_DESCRIPTOR, PSECURITY_DESCRIPTOR, PULONG);
}

namespace host {

namespace {

constexpr ACCESS_MASK QueryProcess = 0x0400;
constexpr ULONG GroupEnabled = 4;

// Of a process; a proxy with one reference, or null.
PACCESS_TOKEN TokenOf(u64 Process)
{
    HANDLE Opened = nullptr, Token = nullptr;
    if (Process && Process != OwnProcessId()) {
        OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, nullptr };
        CLIENT_ID Id { reinterpret_cast<HANDLE>(Process), nullptr };
        if (NtOpenProcess(&Opened, QueryProcess, &Attributes, &Id) < 0)
            return nullptr;
    }
    NTSTATUS Status = NtOpenProcessToken(Opened ? Opened : NtCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_IMPERSONATE, &Token);
    if (Opened)
        NtClose(Opened);
    return Status < 0 ? nullptr : NewProxy(Token, 0);
}

// The token a null pointer means, for as long as it is looked at.
class Looked {
public:
    explicit Looked(PACCESS_TOKEN Given) : Token_(Given), Own_(!Given)
    {
        if (Own_)
            Token_ = TokenOf(Current()->Client);
    }
    ~Looked()
    {
        if (Own_ && Token_)
            ObfDereferenceObject(Token_);
    }
    Looked(const Looked&) = delete;
    HANDLE Handle() const { return Token_ ? ProxyHandle(Token_) : nullptr; }

private:
    PACCESS_TOKEN Token_;
    bool Own_;
};

PACCESS_TOKEN Effective(PSECURITY_SUBJECT_CONTEXT C) { return !C ? nullptr : C->ClientToken ? C->ClientToken : C->PrimaryToken; }

// What NtAccessCheck and impersonation want. Null: not to be had.
HANDLE Impersonation(HANDLE Token, SECURITY_IMPERSONATION_LEVEL Level)
{
    SECURITY_QUALITY_OF_SERVICE Quality { sizeof(Quality), Level, SECURITY_STATIC_TRACKING, FALSE };
    OBJECT_ATTRIBUTES Attributes { sizeof(OBJECT_ATTRIBUTES), nullptr, nullptr, 0, nullptr, &Quality };
    HANDLE New;
    return Token && NtDuplicateToken(Token, TOKEN_QUERY | TOKEN_IMPERSONATE | TOKEN_DUPLICATE, &Attributes, FALSE, TokenImpersonation, &New) >= 0 ? New : nullptr;
}

NTSTATUS Query(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS Class, void* To, ULONG Room)
{
    Looked T(Token);
    ULONG Bytes;
    return T.Handle() ? NtQueryInformationToken(T.Handle(), Class, To, Room, &Bytes) : STATUS_NO_TOKEN;
}

struct Sid {
    UCHAR Revision, Count;
    UCHAR Authority[6];
    ULONG Sub[2];
};
constexpr Sid Well(UCHAR Authority, ULONG First) { return { 1, 1, { 0, 0, 0, 0, 0, Authority }, { First, 0 } }; }
constexpr Sid Alias(ULONG Which) { return { 1, 2, { 0, 0, 0, 0, 0, 5 }, { 32, Which } }; }
Sid Null = Well(0, 0), World = Well(1, 0), Local = Well(2, 0), CreatorOwner = Well(3, 0), CreatorGroup = Well(3, 1), OwnerRights = Well(3, 4),
    Authority { 1, 0, { 0, 0, 0, 0, 0, 5 }, {} }, Dialup = Well(5, 1), Network = Well(5, 2), Batch = Well(5, 3), Interactive = Well(5, 4), Anonymous = Well(5, 7),
    Authenticated = Well(5, 11), Restricted = Well(5, 12), IUser = Well(5, 17), System = Well(5, 18), LocalService = Well(5, 19), NetworkService = Well(5, 20),
    Admins = Alias(544), Users = Alias(545), Guests = Alias(546), PowerUsers = Alias(547), AccountOps = Alias(548), SystemOps = Alias(549), PrintOps = Alias(550),
    BackupOps = Alias(551), Untrusted = Well(16, 0), Low = Well(16, 0x1000), Medium = Well(16, 0x2000), High = Well(16, 0x3000), SystemLevel = Well(16, 0x4000);

SE_EXPORTS Exports {
    { 2, 0 }, { 3, 0 }, { 4, 0 }, { 5, 0 }, { 0, 0 }, { 7, 0 }, { 8, 0 }, { 9, 0 }, { 10, 0 }, { 15, 0 }, { 14, 0 }, { 11, 0 }, { 12, 0 }, { 13, 0 }, { 16, 0 }, { 17, 0 },
    { 18, 0 }, { 19, 0 }, { 20, 0 }, { 21, 0 }, { 22, 0 }, { 23, 0 }, { 24, 0 },
    &Null, &World, &Local, &CreatorOwner, &CreatorGroup, &Authority, &Dialup, &Network, &Batch, &Interactive, &System, &Admins, &Users, &Guests, &PowerUsers, &AccountOps,
    &SystemOps, &PrintOps, &BackupOps, &Authenticated, &Restricted, &Anonymous, { 25, 0 }, { 26, 0 }, { 27, 0 }, &LocalService, &NetworkService, { 28, 0 }, { 29, 0 }, { 30, 0 },
    { 31, 0 }, { 32, 0 }, { 33, 0 }, { 34, 0 }, { 35, 0 }, &IUser, &Untrusted, &Low, &Medium, &High, &SystemLevel, &OwnerRights
};

}

}

using namespace host;

extern "C" {

PSE_EXPORTS SeExportsValue = &Exports;
POBJECT_TYPE SeTokenObjectTypeValue = reinterpret_cast<POBJECT_TYPE>(&Exports);

// --- subject contexts

void NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT C)
{
    *C = {};
    C->PrimaryToken = TokenOf(Current()->Client);
    C->ProcessAuditId = reinterpret_cast<PVOID>(Current()->Client ? Current()->Client : OwnProcessId());
}
void NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT C)
{
    if (C->PrimaryToken)
        ObfDereferenceObject(std::exchange(C->PrimaryToken, nullptr));
}
void NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT) { }      // what was captured does not change
void NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT) { }

// --- checks

BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR Descriptor, PSECURITY_SUBJECT_CONTEXT Context, BOOLEAN, ACCESS_MASK Desired, ACCESS_MASK Before, PPRIVILEGE_SET* Privileges,
                            PGENERIC_MAPPING Mapping, KPROCESSOR_MODE Mode, PACCESS_MASK Granted, PNTSTATUS Status)
{
    if (Privileges)
        *Privileges = nullptr;
    if (Mode == KernelMode) {
        *Granted = Before | (Desired & MAXIMUM_ALLOWED ? Mapping->GenericAll | (Desired & ~MAXIMUM_ALLOWED) : Desired);
        *Status = STATUS_SUCCESS;
        return TRUE;
    }
    *Granted = 0;
    *Status = STATUS_ACCESS_DENIED;
    if (!Descriptor)
        return FALSE;
    if (!Desired) {
        *Granted = Before;
        *Status = Before ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
        return Before != 0;
    }
    Looked Token(Effective(Context));
    HANDLE Client = Impersonation(Token.Handle(), SecurityIdentification);
    if (!Client)
        return FALSE;
    struct {
        PRIVILEGE_SET Set;
        LUID_AND_ATTRIBUTES More[7];
    } Used {};
    ULONG Bytes = sizeof(Used);
    NTSTATUS Asked = NtAccessCheck(Descriptor, Client, Desired, Mapping, &Used.Set, &Bytes, Granted, Status);
    NtClose(Client);
    if (Asked < 0)
        *Status = Asked;
    if (*Status < 0) {
        *Granted = 0;
        return FALSE;
    }
    *Granted |= Before;
    return TRUE;
}
BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET Required, PSECURITY_SUBJECT_CONTEXT Context, KPROCESSOR_MODE Mode)
{
    if (Mode == KernelMode)
        return TRUE;
    Looked Token(Effective(Context));
    HANDLE Client = Impersonation(Token.Handle(), SecurityIdentification);
    BOOLEAN Held = FALSE;
    if (Client) {
        if (NtPrivilegeCheck(Client, Required, &Held) < 0)
            Held = FALSE;
        NtClose(Client);
    }
    return Held;
}
BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID Privilege, KPROCESSOR_MODE Mode)
{
    PRIVILEGE_SET One { 1, PRIVILEGE_SET_ALL_NECESSARY, { { Privilege, 0 } } };
    return SePrivilegeCheck(&One, nullptr, Mode);
}
NTSTATUS NTAPI SeAppendPrivileges(PACCESS_STATE, PPRIVILEGE_SET) { return STATUS_SUCCESS; }     // only audits would tell of them
void NTAPI SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    if (Privileges)
        ExFreePool(Privileges);
}
// Nothing is audited.
void NTAPI SeOpenObjectAuditAlarm(PUNICODE_STRING, PVOID, PUNICODE_STRING, PSECURITY_DESCRIPTOR, PACCESS_STATE, BOOLEAN, BOOLEAN, KPROCESSOR_MODE, PBOOLEAN GenerateOnClose)
{
    *GenerateOnClose = FALSE;
}
void NTAPI SeOpenObjectForDeleteAuditAlarm(PUNICODE_STRING, PVOID, PUNICODE_STRING, PSECURITY_DESCRIPTOR, PACCESS_STATE, BOOLEAN, BOOLEAN, KPROCESSOR_MODE, PBOOLEAN GenerateOnClose)
{
    *GenerateOnClose = FALSE;
}
void NTAPI SeDeleteObjectAuditAlarm(PVOID, HANDLE) { }
BOOLEAN NTAPI SeAuditingFileEvents(BOOLEAN, PSECURITY_DESCRIPTOR) { return FALSE; }
BOOLEAN NTAPI SeAuditingFileOrGlobalEvents(BOOLEAN, PSECURITY_DESCRIPTOR, PSECURITY_SUBJECT_CONTEXT) { return FALSE; }
BOOLEAN NTAPI SeAuditingHardLinkEvents(BOOLEAN, PSECURITY_DESCRIPTOR) { return FALSE; }
NTSTATUS NTAPI ObQueryObjectAuditingByHandle(HANDLE, PBOOLEAN GenerateOnClose)
{
    *GenerateOnClose = FALSE;
    return STATUS_SUCCESS;
}

// --- tokens

BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    PVOID Buffer;
    if (SeQueryInformationToken(Token, TokenGroups, &Buffer) < 0)
        return FALSE;
    auto* Groups = static_cast<TOKEN_GROUPS*>(Buffer);
    BOOLEAN Is = FALSE;
    for (ULONG I = 0; I < Groups->GroupCount && !Is; ++I)
        Is = RtlEqualSid(Groups->Groups[I].Sid, &Admins) && Groups->Groups[I].Attributes & GroupEnabled;
    ExFreePool(Buffer);
    return Is;
}
BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token)
{
    PVOID Buffer;
    if (SeQueryInformationToken(Token, TokenRestrictedSids, &Buffer) < 0)
        return FALSE;
    BOOLEAN Is = static_cast<TOKEN_GROUPS*>(Buffer)->GroupCount != 0;
    ExFreePool(Buffer);
    return Is;
}
BOOLEAN NTAPI SeTokenIsWriteRestricted(PACCESS_TOKEN) { return FALSE; }
TOKEN_TYPE NTAPI SeTokenTypeExport(PACCESS_TOKEN Token)
{
    TOKEN_TYPE Type = TokenPrimary;
    Query(Token, ::TokenType, &Type, sizeof(Type));
    return Type;
}
SECURITY_IMPERSONATION_LEVEL NTAPI SeTokenImpersonationLevelExport(PACCESS_TOKEN Token)
{
    SECURITY_IMPERSONATION_LEVEL Level = SecurityAnonymous;
    Query(Token, ::TokenImpersonationLevel, &Level, sizeof(Level));
    return Level;
}
// Small answers come in the pointer itself, the others in pool.
NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS Class, PVOID* Out)
{
    if (Class == TokenImpersonationLevel || Class == TokenSessionId || Class == TokenType)
        return Query(Token, Class, Out, sizeof(ULONG));
    Looked T(Token);
    if (!T.Handle())
        return STATUS_NO_TOKEN;
    ULONG Bytes = 0;
    NTSTATUS Status = NtQueryInformationToken(T.Handle(), Class, nullptr, 0, &Bytes);
    if (Status != STATUS_BUFFER_TOO_SMALL && Status != STATUS_INFO_LENGTH_MISMATCH)
        return Status < 0 ? Status : STATUS_INVALID_INFO_CLASS;
    PVOID Buffer = ExAllocatePoolWithTag(PagedPool, Bytes, 'koTS');
    if (!Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    Status = NtQueryInformationToken(T.Handle(), Class, Buffer, Bytes, &Bytes);
    if (Status < 0)
        ExFreePool(Buffer);
    else
        *Out = Buffer;
    return Status;
}
NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID Id)
{
    TOKEN_STATISTICS About {};
    NTSTATUS Status = Query(Token, TokenStatistics, &About, sizeof(About));
    *Id = About.AuthenticationId;
    return Status;
}
NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN Token, PULONG Id) { return Query(Token, TokenSessionId, Id, sizeof(*Id)); }
PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process) { return TokenOf(ClientId(Process)); }
void NTAPI PsDereferencePrimaryTokenExport(PACCESS_TOKEN Token) { ObfDereferenceObject(Token); }
PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD, PBOOLEAN CopyOnOpen, PBOOLEAN EffectiveOnly, PSECURITY_IMPERSONATION_LEVEL Level)
{
    *CopyOnOpen = *EffectiveOnly = FALSE;
    *Level = SecurityAnonymous;
    return nullptr;
}
void NTAPI PsDereferenceImpersonationTokenExport(PACCESS_TOKEN Token)
{
    if (Token)
        ObfDereferenceObject(Token);
}

// --- acting as a client

// Of: null, the token the thread acts with.
static NTSTATUS ClientSecurity(PACCESS_TOKEN Of, PSECURITY_QUALITY_OF_SERVICE Quality, BOOLEAN Remote, PSECURITY_CLIENT_CONTEXT C)
{
    Looked Token(Of);
    HANDLE New = Impersonation(Token.Handle(), Quality->ImpersonationLevel);
    if (!New)
        return STATUS_NO_TOKEN;
    *C = {};
    C->SecurityQos = *Quality;
    C->ServerIsRemote = Remote;
    C->ClientToken = NewProxy(New, 0);
    return C->ClientToken ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}
NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD, PSECURITY_QUALITY_OF_SERVICE Quality, BOOLEAN Remote, PSECURITY_CLIENT_CONTEXT C)
{
    return ClientSecurity(nullptr, Quality, Remote, C);
}
NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT Subject, PSECURITY_QUALITY_OF_SERVICE Quality, BOOLEAN Remote, PSECURITY_CLIENT_CONTEXT C)
{
    return ClientSecurity(Effective(Subject), Quality, Remote, C);
}
void NTAPI SeDeleteClientSecurityExport(PSECURITY_CLIENT_CONTEXT C)
{
    if (C->ClientToken)
        ObfDereferenceObject(std::exchange(C->ClientToken, nullptr));
}
NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT C, PETHREAD Thread)
{
    HANDLE Token = C->ClientToken ? ProxyHandle(C->ClientToken) : nullptr;
    auto* T = reinterpret_cast<host::Thread*>(Thread);
    return NtSetInformationThread(T && T != Current() ? T->Handle : NtCurrentThread(), ThreadImpersonationToken, &Token, sizeof(Token));
}
void NTAPI SeImpersonateClient(PSECURITY_CLIENT_CONTEXT C, PETHREAD Thread) { SeImpersonateClientEx(C, Thread); }
void NTAPI PsRevertToSelf()
{
    HANDLE None = nullptr;
    NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &None, sizeof(None));
}
BOOLEAN NTAPI PsIsThreadImpersonating(PETHREAD) { return FALSE; }

// --- descriptors of objects a driver keeps itself

NTSTATUS NTAPI SeAssignSecurityEx(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Explicit, PSECURITY_DESCRIPTOR* New, GUID*, BOOLEAN IsFolder, ULONG,
                                  PSECURITY_SUBJECT_CONTEXT Context, PGENERIC_MAPPING Mapping, POOL_TYPE)
{
    Looked Token(Effective(Context));
    return RtlNewSecurityObject(Parent, Explicit, New, IsFolder, Token.Handle(), Mapping);
}
NTSTATUS NTAPI SeAssignSecurity(PSECURITY_DESCRIPTOR Parent, PSECURITY_DESCRIPTOR Explicit, PSECURITY_DESCRIPTOR* New, BOOLEAN IsFolder, PSECURITY_SUBJECT_CONTEXT Context,
                                PGENERIC_MAPPING Mapping, POOL_TYPE Type)
{
    return SeAssignSecurityEx(Parent, Explicit, New, nullptr, IsFolder, 0, Context, Mapping, Type);
}
NTSTATUS NTAPI SeDeassignSecurity(PSECURITY_DESCRIPTOR* Descriptor)
{
    if (*Descriptor)
        RtlDeleteSecurityObject(Descriptor);
    *Descriptor = nullptr;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI SeSetSecurityDescriptorInfo(PVOID, PSECURITY_INFORMATION What, PSECURITY_DESCRIPTOR From, PSECURITY_DESCRIPTOR* Of, POOL_TYPE, PGENERIC_MAPPING Mapping)
{
    if (!*Of)
        return STATUS_NO_SECURITY_ON_OBJECT;
    return RtlSetSecurityObject(*What, From, Of, Mapping, nullptr);
}
NTSTATUS NTAPI SeSetSecurityDescriptorInfoEx(PVOID, PSECURITY_INFORMATION What, PSECURITY_DESCRIPTOR From, PSECURITY_DESCRIPTOR* Of, ULONG, POOL_TYPE Type, PGENERIC_MAPPING Mapping)
{
    return SeSetSecurityDescriptorInfo(nullptr, What, From, Of, Type, Mapping);
}
NTSTATUS NTAPI SeQuerySecurityDescriptorInfo(PSECURITY_INFORMATION What, PSECURITY_DESCRIPTOR To, PULONG Length, PSECURITY_DESCRIPTOR* Of)
{
    if (!*Of)
        return STATUS_NO_SECURITY_ON_OBJECT;
    ULONG Room = *Length;
    return RtlQuerySecurityObject(*Of, *What, To, Room, Length);
}
// Descriptors that are counted: a copy each.
struct Counted {
    LONG References;
    ULONG Unused;
    PSECURITY_DESCRIPTOR Descriptor() { return this + 1; }
    static Counted* Of(PSECURITY_DESCRIPTOR D) { return static_cast<Counted*>(D) - 1; }
};
NTSTATUS NTAPI ObLogSecurityDescriptor(PSECURITY_DESCRIPTOR From, PSECURITY_DESCRIPTOR* Out, ULONG References)
{
    ULONG Bytes = RtlLengthSecurityDescriptor(From);
    auto* C = static_cast<Counted*>(Allocate(sizeof(Counted) + Bytes));
    if (!C)
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS Status = RtlMakeSelfRelativeSD(From, C->Descriptor(), &Bytes);
    if (Status == STATUS_BAD_DESCRIPTOR_FORMAT) {       // it is self-relative
        memcpy(C->Descriptor(), From, Bytes);
        Status = STATUS_SUCCESS;
    }
    if (Status < 0) {
        Free(C);
        return Status;
    }
    C->References = LONG(References);
    *Out = C->Descriptor();
    return STATUS_SUCCESS;
}
void NTAPI ObReferenceSecurityDescriptor(PSECURITY_DESCRIPTOR D, ULONG Count) { __atomic_add_fetch(&Counted::Of(D)->References, LONG(Count), __ATOMIC_RELAXED); }
void NTAPI ObDereferenceSecurityDescriptor(PSECURITY_DESCRIPTOR D, ULONG Count)
{
    if (__atomic_sub_fetch(&Counted::Of(D)->References, LONG(Count), __ATOMIC_ACQ_REL) <= 0)
        Free(Counted::Of(D));
}
BOOLEAN NTAPI SeValidSecurityDescriptor(ULONG Length, PSECURITY_DESCRIPTOR Descriptor) { return RtlValidRelativeSecurityDescriptor(Descriptor, Length, 0); }

NTSTATUS NTAPI SeFilterToken(PACCESS_TOKEN Token, ULONG Flags, PTOKEN_GROUPS Disable, PTOKEN_PRIVILEGES Delete, PTOKEN_GROUPS Restrict, PACCESS_TOKEN* Out)
{
    *Out = nullptr;
    Looked T(Token);
    if (!T.Handle())
        return STATUS_NO_TOKEN;
    HANDLE H;
    NTSTATUS Status = NtFilterToken(T.Handle(), Flags, Disable, Delete, Restrict, &H);
    if (Status < 0)
        return Status;
    *Out = NewProxy(H, 0);
    return *Out ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

}
