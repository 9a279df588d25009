/*
 * Wine's driver tests (dlls/ntoskrnl.exe/tests/ntoskrnl.c, unmodified) in this machine. There is no service manager, so the functions of one that the tests
 * call are here, made of what a service manager makes them of: keys below Services, NtLoadDriver and NtUnloadDriver, and the directory \Driver for what
 * runs. Nothing asks for a signature, so none is made. Each of Wine's drivers has a test of its own; driver_pnp's device is declared in the registry and
 * made known with NtPlugPlayControl, as what installs an INF file does at its end. What needs a network (driver_netio) is left out.
 */
#define WIN32_NO_STATUS
#include "windows.h"
#include "winsvc.h"
#undef WIN32_NO_STATUS

static SC_HANDLE WINAPI OpenManager(const char *Machine, const char *Database, DWORD Access);
static SC_HANDLE WINAPI OpenDriverA(SC_HANDLE Manager, const char *Name, DWORD Access);
static SC_HANDLE WINAPI OpenDriver(SC_HANDLE Manager, const WCHAR *Name, DWORD Access);
static SC_HANDLE WINAPI CreateDriver(SC_HANDLE Manager, const WCHAR *Name, const WCHAR *Shown, DWORD Access, DWORD Type, DWORD Start, DWORD Severity,
                                     const WCHAR *Path, const WCHAR *Group, DWORD *Tag, const WCHAR *Needs, const WCHAR *User, const WCHAR *Password);
static BOOL WINAPI StartDriver(SC_HANDLE Service, DWORD Count, const char **Words);
static BOOL WINAPI ControlDriver(SC_HANDLE Service, DWORD Control, SERVICE_STATUS *Status);
static BOOL WINAPI QueryDriver(SC_HANDLE Service, SERVICE_STATUS *Status);
static BOOL WINAPI DeleteDriver(SC_HANDLE Service);
static BOOL WINAPI CloseDriver(SC_HANDLE Service);

#define OpenSCManagerA OpenManager
#define OpenServiceA OpenDriverA
#define OpenServiceW OpenDriver
#define CreateServiceW CreateDriver
#define StartServiceA StartDriver
#define ControlService ControlDriver
#define QueryServiceStatus QueryDriver
#define DeleteService DeleteDriver
#define CloseServiceHandle CloseDriver
#include WINE_NTOSKRNL_C

#define SERVICES L"System\\CurrentControlSet\\Services\\"
#define LOAD_DRIVER_PRIVILEGE 10
#define DIRECTORY_QUERY 1

NTSYSAPI NTSTATUS WINAPI NtLoadDriver(const UNICODE_STRING *);
NTSYSAPI NTSTATUS WINAPI NtUnloadDriver(const UNICODE_STRING *);
NTSYSAPI NTSTATUS WINAPI RtlAdjustPrivilege(ULONG, BOOLEAN, BOOLEAN, BOOLEAN *);

struct Driver
{
    WCHAR Name[64];
};

static struct Driver Manager_;

static SC_HANDLE WINAPI OpenManager(const char *Machine, const char *Database, DWORD Access)
{
    BOOLEAN Before;
    if (RtlAdjustPrivilege(LOAD_DRIVER_PRIVILEGE, TRUE, FALSE, &Before))
    {
        SetLastError(ERROR_ACCESS_DENIED);
        return NULL;
    }
    return (SC_HANDLE)&Manager_;
}

static SC_HANDLE Handle(const WCHAR *Name)
{
    struct Driver *Made = calloc(1, sizeof(*Made));
    wcscpy(Made->Name, Name);
    return (SC_HANDLE)Made;
}

static LSTATUS KeyOf(const WCHAR *Name, REGSAM Access, HKEY *Key)
{
    WCHAR Path[128];
    swprintf(Path, ARRAY_SIZE(Path), SERVICES L"%s", Name);
    return RegOpenKeyExW(HKEY_LOCAL_MACHINE, Path, 0, Access, Key);
}

static SC_HANDLE WINAPI OpenDriver(SC_HANDLE Manager, const WCHAR *Name, DWORD Access)
{
    HKEY Key;
    LSTATUS Error = KeyOf(Name, KEY_READ, &Key);
    if (Error)
    {
        SetLastError(ERROR_SERVICE_DOES_NOT_EXIST);
        return NULL;
    }
    RegCloseKey(Key);
    return Handle(Name);
}

static SC_HANDLE WINAPI OpenDriverA(SC_HANDLE Manager, const char *Name, DWORD Access)
{
    WCHAR Wide[64];
    MultiByteToWideChar(CP_ACP, 0, Name, -1, Wide, ARRAY_SIZE(Wide));
    return OpenDriver(Manager, Wide, Access);
}

static SC_HANDLE WINAPI CreateDriver(SC_HANDLE Manager, const WCHAR *Name, const WCHAR *Shown, DWORD Access, DWORD Type, DWORD Start, DWORD Severity,
                                     const WCHAR *Path, const WCHAR *Group, DWORD *Tag, const WCHAR *Needs, const WCHAR *User, const WCHAR *Password)
{
    WCHAR Place[128], Image[MAX_PATH + 8];
    HKEY Key;
    LSTATUS Error;
    swprintf(Place, ARRAY_SIZE(Place), SERVICES L"%s", Name);
    swprintf(Image, ARRAY_SIZE(Image), L"\\??\\%s", Path);
    if ((Error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, Place, 0, NULL, REG_OPTION_VOLATILE, KEY_ALL_ACCESS, NULL, &Key, NULL)))
    {
        SetLastError(Error);
        return NULL;
    }
    RegSetValueExW(Key, L"Type", 0, REG_DWORD, (const BYTE *)&Type, sizeof(Type));
    RegSetValueExW(Key, L"Start", 0, REG_DWORD, (const BYTE *)&Start, sizeof(Start));
    RegSetValueExW(Key, L"ErrorControl", 0, REG_DWORD, (const BYTE *)&Severity, sizeof(Severity));
    RegSetValueExW(Key, L"ImagePath", 0, REG_EXPAND_SZ, (const BYTE *)Image, (wcslen(Image) + 1) * sizeof(WCHAR));
    RegCloseKey(Key);
    return Handle(Name);
}

/* The state in which a load or unload leaves the last error. */
static BOOL Load(SC_HANDLE Service, NTSTATUS (WINAPI *Call)(const UNICODE_STRING *))
{
    WCHAR Path[160];
    UNICODE_STRING Text;
    NTSTATUS Status;
    swprintf(Path, ARRAY_SIZE(Path), L"\\Registry\\Machine\\" SERVICES L"%s", ((struct Driver *)Service)->Name);
    RtlInitUnicodeString(&Text, Path);
    Status = Call(&Text);
    if (!NT_SUCCESS(Status))
        SetLastError(RtlNtStatusToDosError(Status));
    return NT_SUCCESS(Status);
}

static BOOL WINAPI StartDriver(SC_HANDLE Service, DWORD Count, const char **Words)
{
    return Load(Service, NtLoadDriver);
}

static BOOL Runs(const WCHAR *Name)
{
    char Buffer[1024];
    DIRECTORY_BASIC_INFORMATION *Entry = (void *)Buffer;
    UNICODE_STRING Text;
    OBJECT_ATTRIBUTES Attributes;
    HANDLE Directory;
    ULONG Context = 0, Length;
    BOOL Found = FALSE;
    RtlInitUnicodeString(&Text, L"\\Driver");
    InitializeObjectAttributes(&Attributes, &Text, OBJ_CASE_INSENSITIVE, NULL, NULL);
    if (NtOpenDirectoryObject(&Directory, DIRECTORY_QUERY, &Attributes))
        return FALSE;
    while (!Found && !NtQueryDirectoryObject(Directory, Entry, sizeof(Buffer), TRUE, FALSE, &Context, &Length))
        Found = Entry->ObjectName.Length == wcslen(Name) * sizeof(WCHAR) && !wcsnicmp(Entry->ObjectName.Buffer, Name, wcslen(Name));
    NtClose(Directory);
    return Found;
}

static BOOL WINAPI QueryDriver(SC_HANDLE Service, SERVICE_STATUS *Status)
{
    memset(Status, 0, sizeof(*Status));
    Status->dwServiceType = SERVICE_KERNEL_DRIVER;
    Status->dwCurrentState = Runs(((struct Driver *)Service)->Name) ? SERVICE_RUNNING : SERVICE_STOPPED;
    return TRUE;
}

static BOOL WINAPI ControlDriver(SC_HANDLE Service, DWORD Control, SERVICE_STATUS *Status)
{
    BOOL Done = Control == SERVICE_CONTROL_STOP && Load(Service, NtUnloadDriver);
    QueryDriver(Service, Status);
    return Done;
}

static BOOL WINAPI DeleteDriver(SC_HANDLE Service)
{
    WCHAR Path[128];
    swprintf(Path, ARRAY_SIZE(Path), SERVICES L"%s", ((struct Driver *)Service)->Name);
    LSTATUS Error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, Path);
    if (Error)
        SetLastError(Error);
    return !Error;
}

static BOOL WINAPI CloseDriver(SC_HANDLE Service)
{
    if (Service != (SC_HANDLE)&Manager_)
        free(Service);
    return TRUE;
}

static HRESULT WINAPI SignNothing(SIGNER_SUBJECT_INFO *Subject, SIGNER_CERT *Certificate, SIGNER_SIGNATURE_INFO *Signature, SIGNER_PROVIDER_INFO *Provider,
                                  const WCHAR *Stamp, CRYPT_ATTRIBUTES *Attributes, void *Data)
{
    return S_OK;
}

static HANDLE Section_;

/* What the tests share with their drivers. */
static BOOL Prepare(void)
{
    HMODULE Kernel32 = GetModuleHandleA("kernel32.dll");
    pCancelIoEx = (void *)GetProcAddress(Kernel32, "CancelIoEx");
    pSetFileCompletionNotificationModes = (void *)GetProcAddress(Kernel32, "SetFileCompletionNotificationModes");
    pSignerSign = SignNothing;
    Section_ = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof(*test_data), "Global\\winetest_ntoskrnl_section");
    ok(!!Section_, "got error %lu\n", GetLastError());
    test_data = MapViewOfFile(Section_, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, sizeof(*test_data));
    ok(!!test_data, "got error %lu\n", GetLastError());
    okfile = CreateFileA("C:\\windows\\winetest_ntoskrnl_okfile", GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, CREATE_ALWAYS, 0, NULL);
    ok(okfile != INVALID_HANDLE_VALUE, "failed to create file, error %lu\n", GetLastError());
    if (!test_data || okfile == INVALID_HANDLE_VALUE)
        return FALSE;
    test_data->running_under_wine = !strcmp(winetest_platform, "wine");
    test_data->winetest_report_success = winetest_report_success;
    test_data->winetest_debug = winetest_debug;
    return TRUE;
}

static void End(void)
{
    cat_okfile();
    UnmapViewOfFile(test_data);
    CloseHandle(Section_);
    CloseHandle(okfile);
    DeleteFileA("C:\\windows\\winetest_ntoskrnl_okfile");
}

START_TEST(driver)
{
    struct testsign_context Signing = {0};
    WCHAR File[MAX_PATH], File2[MAX_PATH];
    SC_HANDLE Service, Service2;
    DWORD Written;
    BOOL Done;

    if (!Prepare())
        return;
    Service = load_driver(&Signing, File, L"driver.dll", L"WineTestDriver");
    if (!Service || !start_driver(Service, FALSE))
        return;
    Service2 = load_driver(&Signing, File2, L"driver2.dll", L"WineTestDriver2");
    device = CreateFileA("\\\\.\\WineTestDriver", 0, 0, NULL, OPEN_EXISTING, 0, NULL);
    ok(device != INVALID_HANDLE_VALUE, "failed to open device: %lu\n", GetLastError());
    test_basic_ioctl();
    main_test();
    ok(modified_value == 0xdeadbeeffeedcafe, "Got unexpected value %#I64x.\n", modified_value);
    test_overlapped();
    test_load_driver(Service2);
    test_file_handles();
    test_return_status();
    test_object_info();
    test_blocking_irp();
    Done = DeviceIoControl(device, IOCTL_WINETEST_DETACH, NULL, 0, NULL, 0, &Written, NULL);
    ok(Done, "DeviceIoControl failed: %lu\n", GetLastError());
    CloseHandle(device);
    unload_driver(Service2);
    unload_driver(Service);
    Done = DeleteFileW(File);
    ok(Done, "DeleteFile failed: %lu\n", GetLastError());
    Done = DeleteFileW(File2);
    ok(Done, "DeleteFile failed: %lu\n", GetLastError());
    End();
}

START_TEST(driver3)
{
    struct testsign_context Signing = {0};
    if (!Prepare())
        return;
    test_driver3(&Signing);
    End();
}

#define PNP_INSTANCE L"ROOT\\WINETEST\\0"
#define ENUMERATE_DEVICE 0
#define QUERY_AND_REMOVE_DEVICE 6

struct PnpDevice
{
    UNICODE_STRING Instance;
    ULONG More[8];
};

static NTSTATUS PnpControl(ULONG Class)
{
    NTSTATUS (WINAPI *Control)(ULONG, void *, ULONG) = (void *)GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtPlugPlayControl");
    struct PnpDevice Device = {{0}};
    RtlInitUnicodeString(&Device.Instance, PNP_INSTANCE);
    return Control(Class, &Device, sizeof(Device));
}

static LSTATUS DeclareDevice(const WCHAR *Service)
{
    static const WCHAR Hardware[] = L"test_hardware_id\0", Class[] = L"System", Guid[] = L"{4d36e97d-e325-11ce-bfc1-08002be10318}";
    DWORD Flags = 0;
    HKEY Key;
    LSTATUS Error = RegCreateKeyExW(HKEY_LOCAL_MACHINE, L"System\\CurrentControlSet\\Enum\\" PNP_INSTANCE, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &Key, NULL);
    if (Error)
        return Error;
    RegSetValueExW(Key, L"HardwareID", 0, REG_MULTI_SZ, (const BYTE *)Hardware, sizeof(Hardware));
    RegSetValueExW(Key, L"Class", 0, REG_SZ, (const BYTE *)Class, sizeof(Class));
    RegSetValueExW(Key, L"ClassGUID", 0, REG_SZ, (const BYTE *)Guid, sizeof(Guid));
    RegSetValueExW(Key, L"ConfigFlags", 0, REG_DWORD, (const BYTE *)&Flags, sizeof(Flags));
    RegSetValueExW(Key, L"Service", 0, REG_SZ, (const BYTE *)Service, (wcslen(Service) + 1) * sizeof(WCHAR));
    RegCloseKey(Key);
    return 0;
}

START_TEST(driver_pnp)
{
    struct testsign_context Signing = {0};
    WCHAR File[MAX_PATH];
    SC_HANDLE Service;
    NTSTATUS Status;
    LSTATUS Error;
    HANDLE Gone;
    BOOL Done;

    if (!Prepare())
        return;
    Service = load_driver(&Signing, File, L"driver_pnp.dll", L"winetest");
    if (!Service)
        return;
    Error = DeclareDevice(L"winetest");
    ok(!Error, "got error %ld\n", Error);
    Status = PnpControl(ENUMERATE_DEVICE);
    ok(!Status, "got %#lx\n", Status);

    test_pnp_devices();

    Status = PnpControl(QUERY_AND_REMOVE_DEVICE);
    ok(!Status, "got %#lx\n", Status);
    Gone = CreateFileA("\\\\?\\root#winetest#0#{deadbeef-29ef-4538-a5fd-b69573a362c0}", 0, 0, NULL, OPEN_EXISTING, 0, NULL);
    ok(Gone == INVALID_HANDLE_VALUE, "expected failure\n");
    ok(GetLastError() == ERROR_FILE_NOT_FOUND, "got error %lu\n", GetLastError());
    Error = RegDeleteTreeW(HKEY_LOCAL_MACHINE, L"System\\CurrentControlSet\\Enum\\ROOT\\WINETEST");
    ok(!Error, "got error %ld\n", Error);
    unload_driver(Service);
    Done = DeleteFileW(File);
    ok(Done, "DeleteFile failed: %lu\n", GetLastError());
    End();
}
