// What programs say to the system's log, and hard errors.
#include <string.h>

#include "ntos/ex/ex.hpp"
#include "ntos/ex/log.hpp"
#include "ntos/hal/hal.hpp"
#include "ntos/ps/thread.hpp"
#include "ntos/se/se.hpp"

using namespace ob;

namespace ex {

void (*OnHardError)(NTSTATUS Error, Name Text) = nullptr;

}

static constexpr usize LongestLine = 1024;

Status NtDisplayString(ke::Caller& Caller, svc::DisplayString& Call)
{
    String Text = TRY(CaptureString(Caller, Call.String));
    Name Shown = Text.View();
    if (Shown.Length > LongestLine)
        Shown = Shown.Up(LongestLine);
    while (Shown.Length && (Shown.Data[Shown.Length - 1] == L'\n' || Shown.Data[Shown.Length - 1] == L'\r'))
        Shown = Shown.Up(Shown.Length - 1);
    ex::Log("[%u] %S\n", Caller.Process().Id(), Shown);
    return STATUS_SUCCESS;
}

// --- the filters of DbgPrintEx: a mask per component, as in the registry key Debug Print Filter; 0 for all shows errors only

static constexpr u32 Components = 160;
static u32 FilterMasks[Components];

static u32 LevelBit(ULONG Level)
{
    return Level < 32 ? u32(1) << Level : Level;
}

Status NtQueryDebugFilterState(ke::Caller&, svc::QueryDebugFilterState& Call)
{
    u32 Mask = Call.ComponentId < Components ? FilterMasks[Call.ComponentId] : 0;
    return (Mask | 1) & LevelBit(Call.Level) ? NTSTATUS(1) : STATUS_SUCCESS;
}

Status NtSetDebugFilterState(ke::Caller& Caller, svc::SetDebugFilterState& Call)
{
    static constexpr u32 DebugPrivilege = 20;
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), DebugPrivilege))
        return STATUS_ACCESS_DENIED;
    if (Call.ComponentId >= Components)
        return STATUS_INVALID_PARAMETER_1;
    if (Call.State)
        FilterMasks[Call.ComponentId] |= LevelBit(Call.Level);
    else
        FilterMasks[Call.ComponentId] &= ~LevelBit(Call.Level);
    return STATUS_SUCCESS;
}

Status NtSystemDebugControl(ke::Caller& Caller, svc::SystemDebugControl& Call)
{
    static constexpr u32 DebugPrivilege = 20;
    if (!se::HasPrivilege(Caller.Thread().EffectiveToken(), DebugPrivilege))
        return STATUS_ACCESS_DENIED;
    return STATUS_DEBUGGER_INACTIVE;    // there is no kernel debugger to talk to
}

// --- hard errors

namespace {

constexpr u32 MaximumParameters = 5;

// The texts of the errors programs raise, with %1 to %5 for the parameters.
struct ErrorText {
    NTSTATUS Error;
    const wchar_t* Text;
};
constexpr ErrorText Texts[] = {
    { STATUS_DLL_NOT_FOUND, L"%1 was not found, and the program cannot start without it" },
    { STATUS_ENTRYPOINT_NOT_FOUND, L"the entry point %1 was not found in %2" },
    { STATUS_ORDINAL_NOT_FOUND, L"the ordinal %1 was not found in %2" },
    { STATUS_INVALID_IMAGE_FORMAT, L"%1 is not a program or library for this system, or is damaged" },
    { STATUS_DLL_INIT_FAILED, L"the initialisation of %1 failed" },
    { STATUS_APP_INIT_FAILURE, L"the program could not start (%1)" },
    { STATUS_UNHANDLED_EXCEPTION, L"unhandled exception %1 at %2" },
    { STATUS_NO_MEMORY, L"not enough memory" },
    { STATUS_COMMITMENT_LIMIT, L"the system is out of memory" },
    { STATUS_IMAGE_MACHINE_TYPE_MISMATCH, L"%1 is for another kind of processor" },
    { STATUS_SERVICE_NOTIFICATION, L"%2: %1" },
};

Status AppendNumber(String& To, u64 Value, u32 Base)
{
    wchar_t Digits[20];
    u32 N = 20;
    do
        Digits[--N] = L"0123456789abcdef"[Value % Base];
    while (Value /= Base);
    if (Base == 16)
        TRY(To.Append(L"0x"));
    return To.Append({ Digits + N, 20 - N });
}

struct HardError {
    NTSTATUS Error;
    u32 Count = 0;
    u64 Values[MaximumParameters] = {};
    String Strings[MaximumParameters];
    u32 StringMask = 0;

    Status AppendParameter(String& To, u32 I) const
    {
        if (I >= Count)
            return To.Append(L"?");
        if (StringMask >> I & 1)
            return To.Append(Strings[I].View());
        return AppendNumber(To, Values[I], Error == STATUS_ORDINAL_NOT_FOUND ? 10 : 16);
    }

    Result<String> Sentence() const
    {
        String S;
        for (const ErrorText& T : Texts) {
            if (T.Error != Error)
                continue;
            for (const wchar_t* C = T.Text; *C; ++C) {
                if (C[0] == L'%' && C[1] >= L'1' && C[1] <= L'5')
                    TRY(AppendParameter(S, u32(*++C - L'1')));
                else
                    TRY(S.Append(Name(C, 1)));
            }
            return S;
        }
        TRY(S.Append(L"error "));
        TRY(AppendNumber(S, u32(Error), 16));
        for (u32 I = 0; I < Count; ++I) {
            TRY(S.Append(I ? Name(L", ") : Name(L": ")));
            TRY(AppendParameter(S, I));
        }
        return S;
    }
};

// HARDERROR_RESPONSE_OPTION and HARDERROR_RESPONSE. Nobody sits there to choose: the answer is the one that does least.
enum : ULONG { OptionAbortRetryIgnore, OptionOk, OptionOkCancel, OptionRetryCancel, OptionYesNo, OptionYesNoCancel, OptionShutdownSystem, OptionOkNoWait, OptionCancelTryContinue };
enum : ULONG { ResponseReturnToCaller, ResponseNotHandled, ResponseAbort, ResponseCancel, ResponseIgnore, ResponseNo, ResponseOk, ResponseRetry, ResponseYes };

constexpr u8 Responses[] = { ResponseAbort, ResponseOk, ResponseOk, ResponseCancel, ResponseNo, ResponseCancel, ResponseNotHandled, ResponseOk, ResponseCancel };

Status CaptureError(ke::Caller& Caller, svc::RaiseHardError& Call, HardError& E)
{
    constexpr u32 OverrideErrorMode = 0x10000000;
    E.Error = NTSTATUS(u32(Call.ErrorStatus.Get()) & ~OverrideErrorMode);
    if (Call.NumberOfParameters > MaximumParameters)
        return STATUS_INVALID_PARAMETER_2;
    if (Call.ValidResponseOptions > OptionCancelTryContinue)
        return STATUS_INVALID_PARAMETER_4;
    E.Count = Call.NumberOfParameters;
    E.StringMask = Call.UnicodeStringParameterMask;
    if (E.Count)
        TRY(mm::CopyFromUser(Caller.Process(), E.Values, Call.Parameters.Address(), E.Count * sizeof(u64)));
    for (u32 I = 0; I < E.Count; ++I)
        if (E.StringMask >> I & 1)
            E.Strings[I] = TRY(CaptureString(Caller, ke::UserPtr<UNICODE_STRING>::At(E.Values[I])));
    return STATUS_SUCCESS;
}

// STATUS_UNHANDLED_EXCEPTION tells the exception's code, address and first two informations, and with the fifth parameter where its CONTEXT is (ours).
void ReportException(ke::Caller& Caller, const HardError& E)
{
    CONTEXT At {};
    if (E.Count < MaximumParameters || E.StringMask || !mm::CopyFromUser(Caller.Process(), &At, E.Values[4], sizeof(At)).Ok())
        return;
    EXCEPTION_RECORD Record {};
    Record.ExceptionCode = NTSTATUS(u32(E.Values[0]));
    Record.ExceptionAddress = reinterpret_cast<PVOID>(E.Values[1]);
    Record.NumberParameters = 2;
    Record.ExceptionInformation[0] = E.Values[2];
    Record.ExceptionInformation[1] = E.Values[3];
    Caller.Thread().Report(Record, At);
}

}

ke::Task<> NtRaiseHardError(ke::Caller& Caller, svc::RaiseHardError& Call)
{
    static constexpr u32 ShutdownPrivilege = 19, FailCriticalErrors = 1;
    HardError E;
    if (Status S = CaptureError(Caller, Call, E); !S.Ok())
        return ex::Done(S);
    bool Stop = Call.ValidResponseOptions == OptionShutdownSystem;
    if (Stop && !se::HasPrivilege(Caller.Thread().EffectiveToken(), ShutdownPrivilege))
        return ex::Done(STATUS_PRIVILEGE_NOT_HELD);
    if (Status S = Call.Response.Write(Caller, Responses[Call.ValidResponseOptions]); !S.Ok())
        return ex::Done(S);
    Result<String> Text = E.Sentence();
    if (!Text.Ok())
        return ex::Done(Text.GetStatus());
    ex::Log("process %u (%S): hard error 0x%x: %S\n", Caller.Process().Id(), Caller.Process().ImagePath(), u32(E.Error), Text.Value().View());
    if (E.Error == STATUS_UNHANDLED_EXCEPTION)
        ReportException(Caller, E);
    bool Silent = E.Error == STATUS_UNHANDLED_EXCEPTION || Caller.Process().ErrorMode & FailCriticalErrors;
    if (ex::OnHardError && !Silent)
        ex::OnHardError(E.Error, Text.Value().View());
    if (Stop)
        hal::Shutdown(hal::PowerAction::PowerOff);
    return ex::Done(STATUS_SUCCESS);
}
