// Threads and processes.
#include "bench/native/bench.hpp"

namespace bench {

static ULONG NTAPI Nothing(PVOID) { return 0; }

static NTSTATUS ThreadJoin(u32 Count)
{
    for (u32 I = 0; I < Count; ++I) {
        HANDLE Thread;
        BENCH_TRY(RtlCreateUserThread(ThisProcess(), nullptr, 0, 0, 0, 0, reinterpret_cast<PVOID>(Nothing), nullptr, &Thread, nullptr));
        BENCH_TRY(NtWaitForSingleObject(Thread, 0, nullptr));
        BENCH_TRY(NtClose(Thread));
    }
    return 0;
}

static NTSTATUS ProcessExit(u32 Count)
{
    UNICODE_STRING Image, NtImage;
    RtlInitUnicodeString(&Image, L"C:\\work\\benchchild.exe");
    RtlInitUnicodeString(&NtImage, L"\\??\\C:\\work\\benchchild.exe");
    for (u32 I = 0; I < Count; ++I) {
        RTL_USER_PROCESS_PARAMETERS* Parameters;
        BENCH_TRY(RtlCreateProcessParametersEx(&Parameters, &Image, nullptr, nullptr, &Image, nullptr, nullptr, nullptr, nullptr, nullptr, RTL_USER_PROC_PARAMS_NORMALIZED));
        struct {
            SIZE_T Total;
            PS_ATTRIBUTE Attributes[1];
        } List { sizeof(List), { { PS_ATTRIBUTE_IMAGE_NAME, NtImage.Length, { u64(NtImage.Buffer) }, nullptr } } };
        PS_CREATE_INFO Info {};
        Info.Size = sizeof(Info);
        HANDLE Process, Thread;
        NTSTATUS Status = NtCreateUserProcess(&Process, &Thread, PROCESS_ALL_ACCESS, THREAD_ALL_ACCESS, nullptr, nullptr, 0, 0, Parameters, &Info,
                                              reinterpret_cast<PS_ATTRIBUTE_LIST*>(&List));
        RtlDestroyProcessParameters(Parameters);
        BENCH_TRY(Status);
        BENCH_TRY(NtWaitForSingleObject(Process, 0, nullptr));
        NtClose(Thread);
        NtClose(Process);
    }
    return 0;
}

extern const Row ProcessRows[] = {
    { "thread_create_join", 100, nullptr, ThreadJoin, nullptr, "RtlCreateUserThread of a function that returns, NtWaitForSingleObject, NtClose" },
    { "process_create_exit", 20, nullptr, ProcessExit, nullptr,
      "process parameters, NtCreateUserProcess of a native program that only ends itself (ntdll is its one DLL), NtWaitForSingleObject, two NtClose" },
    {},
};

}
