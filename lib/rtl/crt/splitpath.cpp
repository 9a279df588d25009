// Taking paths apart and putting them together, without knowing what they name.
#include <initializer_list>

#include "lib/rtl/crt/text.hpp"

namespace {

template <typename C> struct Parts {
    const C *Drive, *Folder, *Name, *Extension, *End;

    explicit Parts(const C* Path)
    {
        Drive = Path;
        if (Path[0] && Path[1] == ':')
            Path += 2;
        Folder = Name = Path;
        Extension = nullptr;
        for (; *Path; ++Path) {
            if (*Path == '/' || *Path == '\\') {
                Name = Path + 1;
                Extension = nullptr;
            } else if (*Path == '.') {
                Extension = Path;
            }
        }
        End = Path;
        if (!Extension)
            Extension = End;
    }
};

template <typename C> bool Put(C* To, usize Room, const C* From, const C* End)
{
    if (!To)
        return true;
    usize Size = End - From;
    if (Room <= Size)
        return false;
    CRT(memcpy)(To, From, Size * sizeof(C));
    To[Size] = 0;
    return true;
}

template <typename C> int Split(const C* Path, C* Drive, usize DriveRoom, C* Folder, usize FolderRoom, C* Name, usize NameRoom, C* Extension, usize ExtensionRoom)
{
    if (!Path || !Drive != !DriveRoom || !Folder != !FolderRoom || !Name != !NameRoom || !Extension != !ExtensionRoom)
        return crt::Invalid;
    Parts<C> P(Path);
    if (Put(Drive, DriveRoom, P.Drive, P.Folder) && Put(Folder, FolderRoom, P.Folder, P.Name) &&
        Put(Name, NameRoom, P.Name, P.Extension) && Put(Extension, ExtensionRoom, P.Extension, P.End))
        return 0;
    for (C* Part : { Drive, Folder, Name, Extension })
        if (Part)
            *Part = 0;
    return crt::Range;
}

template <typename C> int Make(C* To, usize Room, const C* Drive, const C* Folder, const C* Name, const C* Extension)
{
    if (!To || !Room)
        return crt::Invalid;
    usize At = 0;
    auto Add = [&](C Ch) {
        if (At < Room)
            To[At] = Ch;
        ++At;
    };
    if (Drive && *Drive) {
        Add(*Drive);
        Add(':');
    }
    if (Folder && *Folder) {
        C Last = 0;
        for (; *Folder; ++Folder)
            Add(Last = *Folder);
        if (Last != '/' && Last != '\\')
            Add('\\');
    }
    if (Name)
        for (; *Name; ++Name)
            Add(*Name);
    if (Extension && *Extension) {
        if (*Extension != '.')
            Add('.');
        for (; *Extension; ++Extension)
            Add(*Extension);
    }
    if (At >= Room) {
        *To = 0;
        return crt::Range;
    }
    To[At] = 0;
    return 0;
}

}

extern "C" {

void CRT(_splitpath)(const char* Path, char* Drive, char* Folder, char* Name, char* Extension)
{
    constexpr usize Any = ~usize(0);
    Split(Path, Drive, Drive ? Any : 0, Folder, Folder ? Any : 0, Name, Name ? Any : 0, Extension, Extension ? Any : 0);
}
int CRT(_splitpath_s)(const char* Path, char* Drive, usize DriveRoom, char* Folder, usize FolderRoom, char* Name, usize NameRoom, char* Extension, usize ExtensionRoom)
{
    return Split(Path, Drive, DriveRoom, Folder, FolderRoom, Name, NameRoom, Extension, ExtensionRoom);
}
int CRT(_wsplitpath_s)(const wchar_t* Path, wchar_t* Drive, usize DriveRoom, wchar_t* Folder, usize FolderRoom, wchar_t* Name, usize NameRoom, wchar_t* Extension, usize ExtensionRoom)
{
    return Split(Path, Drive, DriveRoom, Folder, FolderRoom, Name, NameRoom, Extension, ExtensionRoom);
}
int CRT(_makepath_s)(char* To, usize Room, const char* Drive, const char* Folder, const char* Name, const char* Extension)
{
    return Make(To, Room, Drive, Folder, Name, Extension);
}
int CRT(_wmakepath_s)(wchar_t* To, usize Room, const wchar_t* Drive, const wchar_t* Folder, const wchar_t* Name, const wchar_t* Extension)
{
    return Make(To, Room, Drive, Folder, Name, Extension);
}

}
