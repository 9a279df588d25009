// The C functions that ntdll.dll exports, on 16-bit wchar_t and 32-bit long whatever the compiler's data model.
//
// On the host the C library has these names already, so there each is called crt_<name>: write CRT(name) to call one.
// errno does not exist here: a _s function returns its error code, everything else follows ntdll (no locale: ASCII
// classes and case for bytes, the NLS tables for wide characters only where Windows' ntdll does so).
#pragma once
#include <stdarg.h>

#include "abi/nt/basic.hpp"

#if __STDC_HOSTED__
#define CRT(Name) crt_##Name
#else
#define CRT(Name) Name
#endif

namespace crt {
inline constexpr int Invalid = 22, Range = 34, Truncated = 80;      // EINVAL, ERANGE, STRUNCATE
inline constexpr usize Truncate = ~usize(0);    // _TRUNCATE
}

extern "C" {

// memory.cpp
void* CRT(memcpy)(void* To, const void* From, usize Size);
void* CRT(memmove)(void* To, const void* From, usize Size);
void* CRT(memset)(void* To, int Value, usize Size);
int CRT(memcmp)(const void* A, const void* B, usize Size);
void* CRT(memchr)(const void* In, int Value, usize Size);
void* CRT(_memccpy)(void* To, const void* From, int Stop, usize Size);
int CRT(_memicmp)(const void* A, const void* B, usize Size);
int CRT(memcpy_s)(void* To, usize Room, const void* From, usize Size);
int CRT(memmove_s)(void* To, usize Room, const void* From, usize Size);

// string.cpp
usize CRT(strlen)(const char* S);
usize CRT(strnlen)(const char* S, usize Limit);
char* CRT(strcpy)(char* To, const char* From);
char* CRT(strncpy)(char* To, const char* From, usize Count);
char* CRT(strcat)(char* To, const char* From);
char* CRT(strncat)(char* To, const char* From, usize Count);
int CRT(strcmp)(const char* A, const char* B);
int CRT(strncmp)(const char* A, const char* B, usize Count);
int CRT(_stricmp)(const char* A, const char* B);
int CRT(_strcmpi)(const char* A, const char* B);
int CRT(_strnicmp)(const char* A, const char* B, usize Count);
char* CRT(strchr)(const char* S, int C);
char* CRT(strrchr)(const char* S, int C);
char* CRT(strstr)(const char* S, const char* What);
char* CRT(strpbrk)(const char* S, const char* Set);
usize CRT(strspn)(const char* S, const char* Set);
usize CRT(strcspn)(const char* S, const char* Set);
char* CRT(strtok_s)(char* S, const char* Delimiters, char** Next);
char* CRT(_strlwr)(char* S);
char* CRT(_strupr)(char* S);
int CRT(_strlwr_s)(char* S, usize Room);
int CRT(_strupr_s)(char* S, usize Room);
int CRT(strcpy_s)(char* To, usize Room, const char* From);
int CRT(strncpy_s)(char* To, usize Room, const char* From, usize Count);
int CRT(strcat_s)(char* To, usize Room, const char* From);
int CRT(strncat_s)(char* To, usize Room, const char* From, usize Count);

// wide.cpp
usize CRT(wcslen)(const wchar_t* S);
usize CRT(wcsnlen)(const wchar_t* S, usize Limit);
wchar_t* CRT(wcscpy)(wchar_t* To, const wchar_t* From);
wchar_t* CRT(wcsncpy)(wchar_t* To, const wchar_t* From, usize Count);
wchar_t* CRT(wcscat)(wchar_t* To, const wchar_t* From);
wchar_t* CRT(wcsncat)(wchar_t* To, const wchar_t* From, usize Count);
int CRT(wcscmp)(const wchar_t* A, const wchar_t* B);
int CRT(wcsncmp)(const wchar_t* A, const wchar_t* B, usize Count);
int CRT(_wcsicmp)(const wchar_t* A, const wchar_t* B);
int CRT(_wcsnicmp)(const wchar_t* A, const wchar_t* B, usize Count);
wchar_t* CRT(wcschr)(const wchar_t* S, wchar_t C);
wchar_t* CRT(wcsrchr)(const wchar_t* S, wchar_t C);
wchar_t* CRT(wcsstr)(const wchar_t* S, const wchar_t* What);
wchar_t* CRT(wcspbrk)(const wchar_t* S, const wchar_t* Set);
usize CRT(wcsspn)(const wchar_t* S, const wchar_t* Set);
usize CRT(wcscspn)(const wchar_t* S, const wchar_t* Set);
wchar_t* CRT(wcstok)(wchar_t* S, const wchar_t* Delimiters);
wchar_t* CRT(wcstok_s)(wchar_t* S, const wchar_t* Delimiters, wchar_t** Next);
wchar_t* CRT(_wcslwr)(wchar_t* S);
wchar_t* CRT(_wcsupr)(wchar_t* S);
int CRT(_wcslwr_s)(wchar_t* S, usize Room);
int CRT(_wcsupr_s)(wchar_t* S, usize Room);
int CRT(wcscpy_s)(wchar_t* To, usize Room, const wchar_t* From);
int CRT(wcsncpy_s)(wchar_t* To, usize Room, const wchar_t* From, usize Count);
int CRT(wcscat_s)(wchar_t* To, usize Room, const wchar_t* From);
int CRT(wcsncat_s)(wchar_t* To, usize Room, const wchar_t* From, usize Count);
usize CRT(mbstowcs)(wchar_t* To, const char* From, usize Count);
usize CRT(wcstombs)(char* To, const wchar_t* From, usize Count);

// ctype.cpp
int CRT(isalnum)(int C);
int CRT(isalpha)(int C);
int CRT(iscntrl)(int C);
int CRT(isdigit)(int C);
int CRT(isgraph)(int C);
int CRT(islower)(int C);
int CRT(isprint)(int C);
int CRT(ispunct)(int C);
int CRT(isspace)(int C);
int CRT(isupper)(int C);
int CRT(isxdigit)(int C);
int CRT(__isascii)(int C);
int CRT(__toascii)(int C);
int CRT(__iscsym)(int C);
int CRT(__iscsymf)(int C);
int CRT(tolower)(int C);
int CRT(toupper)(int C);
int CRT(_tolower)(int C);
int CRT(_toupper)(int C);
int CRT(iswctype)(wchar_t C, u16 Mask);
int CRT(iswalnum)(wchar_t C);
int CRT(iswalpha)(wchar_t C);
int CRT(iswascii)(wchar_t C);
int CRT(iswdigit)(wchar_t C);
int CRT(iswgraph)(wchar_t C);
int CRT(iswlower)(wchar_t C);
int CRT(iswprint)(wchar_t C);
int CRT(iswspace)(wchar_t C);
int CRT(iswxdigit)(wchar_t C);
wchar_t CRT(towlower)(wchar_t C);
wchar_t CRT(towupper)(wchar_t C);

// number.cpp
int CRT(abs)(int Value);
i32 CRT(labs)(i32 Value);
int CRT(atoi)(const char* S);
i32 CRT(atol)(const char* S);
i64 CRT(_atoi64)(const char* S);
int CRT(_wtoi)(const wchar_t* S);
i32 CRT(_wtol)(const wchar_t* S);
i64 CRT(_wtoi64)(const wchar_t* S);
i32 CRT(strtol)(const char* S, char** End, int Base);
u32 CRT(strtoul)(const char* S, char** End, int Base);
i64 CRT(_strtoi64)(const char* S, char** End, int Base);
u64 CRT(_strtoui64)(const char* S, char** End, int Base);
i32 CRT(wcstol)(const wchar_t* S, wchar_t** End, int Base);
u32 CRT(wcstoul)(const wchar_t* S, wchar_t** End, int Base);
i64 CRT(_wcstoi64)(const wchar_t* S, wchar_t** End, int Base);
u64 CRT(_wcstoui64)(const wchar_t* S, wchar_t** End, int Base);
char* CRT(_itoa)(int Value, char* To, int Base);
char* CRT(_ltoa)(i32 Value, char* To, int Base);
char* CRT(_ultoa)(u32 Value, char* To, int Base);
char* CRT(_i64toa)(i64 Value, char* To, int Base);
char* CRT(_ui64toa)(u64 Value, char* To, int Base);
wchar_t* CRT(_itow)(int Value, wchar_t* To, int Base);
wchar_t* CRT(_ltow)(i32 Value, wchar_t* To, int Base);
wchar_t* CRT(_ultow)(u32 Value, wchar_t* To, int Base);
wchar_t* CRT(_i64tow)(i64 Value, wchar_t* To, int Base);
wchar_t* CRT(_ui64tow)(u64 Value, wchar_t* To, int Base);
int CRT(_itoa_s)(int Value, char* To, usize Room, int Base);
int CRT(_ltoa_s)(i32 Value, char* To, usize Room, int Base);
int CRT(_ultoa_s)(u32 Value, char* To, usize Room, int Base);
int CRT(_i64toa_s)(i64 Value, char* To, usize Room, int Base);
int CRT(_ui64toa_s)(u64 Value, char* To, usize Room, int Base);
int CRT(_itow_s)(int Value, wchar_t* To, usize Room, int Base);
int CRT(_ltow_s)(i32 Value, wchar_t* To, usize Room, int Base);
int CRT(_ultow_s)(u32 Value, wchar_t* To, usize Room, int Base);
int CRT(_i64tow_s)(i64 Value, wchar_t* To, usize Room, int Base);
int CRT(_ui64tow_s)(u64 Value, wchar_t* To, usize Room, int Base);

// printf.cpp. A _vsn function that runs out of room fills it, does not terminate, and returns -1.
int CRT(_vsnprintf)(char* To, usize Room, const char* Format, va_list Args);
int CRT(_vsnwprintf)(wchar_t* To, usize Room, const wchar_t* Format, va_list Args);
int CRT(_vscprintf)(const char* Format, va_list Args);
int CRT(_vscwprintf)(const wchar_t* Format, va_list Args);
int CRT(_vsnprintf_s)(char* To, usize Room, usize Count, const char* Format, va_list Args);
int CRT(_vsnwprintf_s)(wchar_t* To, usize Room, usize Count, const wchar_t* Format, va_list Args);
int CRT(vsprintf)(char* To, const char* Format, va_list Args);
int CRT(vsprintf_s)(char* To, usize Room, const char* Format, va_list Args);
int CRT(_vswprintf)(wchar_t* To, const wchar_t* Format, va_list Args);
int CRT(vswprintf_s)(wchar_t* To, usize Room, const wchar_t* Format, va_list Args);
int CRT(_snprintf)(char* To, usize Room, const char* Format, ...);
int CRT(_snprintf_s)(char* To, usize Room, usize Count, const char* Format, ...);
int CRT(_snwprintf)(wchar_t* To, usize Room, const wchar_t* Format, ...);
int CRT(_snwprintf_s)(wchar_t* To, usize Room, usize Count, const wchar_t* Format, ...);
int CRT(sprintf)(char* To, const char* Format, ...);
int CRT(sprintf_s)(char* To, usize Room, const char* Format, ...);
int CRT(swprintf)(wchar_t* To, const wchar_t* Format, ...);
int CRT(_swprintf)(wchar_t* To, const wchar_t* Format, ...);
int CRT(swprintf_s)(wchar_t* To, usize Room, const wchar_t* Format, ...);

// scan.cpp
int CRT(sscanf)(const char* S, const char* Format, ...);

// sort.cpp
void CRT(qsort)(void* Base, usize Count, usize Size, int (*Compare)(const void*, const void*));
void CRT(qsort_s)(void* Base, usize Count, usize Size, int (*Compare)(void*, const void*, const void*), void* Context);
void* CRT(bsearch)(const void* Key, const void* Base, usize Count, usize Size, int (*Compare)(const void*, const void*));
void* CRT(bsearch_s)(const void* Key, const void* Base, usize Count, usize Size, int (*Compare)(void*, const void*, const void*), void* Context);
void* CRT(_lfind)(const void* Key, const void* Base, u32* Count, u32 Size, int (*Compare)(const void*, const void*));

// splitpath.cpp
void CRT(_splitpath)(const char* Path, char* Drive, char* Folder, char* Name, char* Extension);
int CRT(_splitpath_s)(const char* Path, char* Drive, usize DriveRoom, char* Folder, usize FolderRoom, char* Name, usize NameRoom, char* Extension, usize ExtensionRoom);
int CRT(_wsplitpath_s)(const wchar_t* Path, wchar_t* Drive, usize DriveRoom, wchar_t* Folder, usize FolderRoom, wchar_t* Name, usize NameRoom, wchar_t* Extension, usize ExtensionRoom);
int CRT(_makepath_s)(char* To, usize Room, const char* Drive, const char* Folder, const char* Name, const char* Extension);
int CRT(_wmakepath_s)(wchar_t* To, usize Room, const wchar_t* Drive, const wchar_t* Folder, const wchar_t* Name, const wchar_t* Extension);

}
