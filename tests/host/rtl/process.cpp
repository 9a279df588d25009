#include "tests/host/rtl/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <vector>

namespace test {

namespace {
std::unique_ptr<Process> Present;
}

Process::Process()
{
    static constexpr wchar_t Start[] = L"C:\\windows\\";
    __builtin_memcpy(CurrentDirectory, Start, sizeof(Start));
    Parameters.CurrentDirectory.DosPath = { sizeof(Start) - 2, sizeof(CurrentDirectory), CurrentDirectory };
    Peb.ProcessParameters = &Parameters;
    Peb.OSMajorVersion = 10;
    Peb.OSBuildNumber = 19045;
    Teb.ProcessEnvironmentBlock = &Peb;
    for (const char16_t* Folder : { u"\\??\\C:\\", u"\\??\\C:\\windows", u"\\??\\C:\\windows\\", u"\\??\\C:\\windows\\system32" })
        Files[Folder] = 0x10;
    Files[u"\\??\\C:\\windows\\win.ini"] = 0x20;
    Files[u"\\??\\C:\\windows\\system32\\cmd.exe"] = 0x20;
}

Process& The()
{
    if (!Present)
        Present = std::make_unique<Process>();
    return *Present;
}

void Fresh()
{
    if (Present && Present->Parameters.Environment)
        RtlSetCurrentEnvironment(nullptr, nullptr);
    Present = std::make_unique<Process>();
}

}

using test::The;

namespace rtl::platform {

void* Allocate(usize Size)
{
    ++The().Blocks;
    return malloc(Size ? Size : 1);
}
void* Reallocate(void* At, usize Size) { return realloc(At, Size); }
void Free(void* At)
{
    if (At)
        --The().Blocks;
    free(At);
}
usize SizeOf(const void* At) { return malloc_usable_size(const_cast<void*>(At)); }

nt::PEB* Peb() { return &The().Peb; }
nt::TEB* Teb() { return &The().Teb; }
void LockPeb() { ++The().LockDepth; }
void UnlockPeb() { --The().LockDepth; }
u32 ProcessCookie() { return 0x12345677; }
u64 EntropyBits() { return 4; }
void Raise(nt::NTSTATUS) { abort(); }

nt::NTSTATUS OpenDirectory(nt::UNICODE_STRING* NtPath, nt::HANDLE* Directory)
{
    nt::ULONG Attributes;
    if (nt::NTSTATUS Status = FileAttributes(NtPath, &Attributes); Status < 0)
        return Status;
    if (!(Attributes & 0x10))
        return nt::STATUS_NOT_A_DIRECTORY;
    ++The().OpenDirectories;
    *Directory = reinterpret_cast<nt::HANDLE>(0x40);
    return nt::STATUS_SUCCESS;
}
nt::NTSTATUS FileAttributes(nt::UNICODE_STRING* NtPath, nt::ULONG* Attributes)
{
    auto Found = The().Files.find(test::Of(*NtPath));
    if (Found == The().Files.end())
        return nt::STATUS_OBJECT_NAME_NOT_FOUND;
    *Attributes = Found->second;
    return nt::STATUS_SUCCESS;
}
void Close(nt::HANDLE) { --The().OpenDirectories; }

// The packaged .nls files, where NEPTUNE_NLS says or where they have been fetched to.
nt::NTSTATUS NlsSection(nt::ULONG Type, nt::ULONG Id, void** At, nt::ULONG* Size)
{
    static std::map<std::string, std::vector<char>> Loaded;
    std::string Name;
    if (Type == NLS_SECTION_CASEMAP)
        Name = "l_intl.nls";
    else if (Type == NLS_SECTION_CODEPAGE)
        Name = "c_" + std::to_string(Id) + ".nls";
    else if (Type == NLS_SECTION_NORMALIZE)
        Name = Id == 1 ? "normnfc.nls" : Id == 2 ? "normnfd.nls" : Id == 5 ? "normnfkc.nls" : Id == 6 ? "normnfkd.nls" : Id == 13 ? "normidna.nls" : "none";
    else
        Name = "locale.nls";
    std::vector<char>& Data = Loaded[Name];
    if (Data.empty()) {
        std::vector<std::string> Folders;
        if (const char* Given = getenv("NEPTUNE_NLS"))
            Folders.push_back(Given);
        glob_t Found = {};
        for (const char* Pattern : { "build/cache/unpacked/*/usr/share/wine/nls", "../../build/cache/unpacked/*/usr/share/wine/nls", "/usr/share/wine/nls", "../../../../../cache/unpacked/*/usr/share/wine/nls" })
            if (glob(Pattern, 0, nullptr, &Found) == 0) {
                for (size_t I = 0; I < Found.gl_pathc; ++I)
                    Folders.push_back(Found.gl_pathv[I]);
                globfree(&Found);
            }
        for (const std::string& Folder : Folders) {
            int File = open((Folder + "/" + Name).c_str(), O_RDONLY);
            if (File < 0)
                continue;
            struct stat Info;
            fstat(File, &Info);
            Data.resize(size_t(Info.st_size));
            if (read(File, Data.data(), Data.size()) != ssize_t(Data.size()))
                Data.clear();
            close(File);
            break;
        }
    }
    if (Data.empty())
        return nt::STATUS_OBJECT_NAME_NOT_FOUND;
    *At = Data.data();
    *Size = nt::ULONG(Data.size());
    return nt::STATUS_SUCCESS;
}
nt::ULONG DefaultLocale(bool) { return 0x409; }

}
