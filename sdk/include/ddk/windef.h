// The types of windef.h that kernel headers use. (The whole of mingw-w64's windef.h brings winnt.h, which clashes with wdm.h.)
#ifndef NEPTUNE_WINDEF_H
#define NEPTUNE_WINDEF_H
#ifndef _WINNT_
#include <wdm.h>
typedef unsigned long DWORD, *PDWORD, *LPDWORD;
typedef unsigned char BYTE, *PBYTE, *LPBYTE;
typedef unsigned short WORD, *PWORD, *LPWORD;
typedef int BOOL, *PBOOL, *LPBOOL;
typedef int INT, *PINT, *LPINT;
typedef unsigned int UINT, *PUINT;
typedef float FLOAT, *PFLOAT;
typedef void *LPVOID;
typedef const void *LPCVOID;
typedef long *LPLONG;
typedef DWORD COLORREF;
typedef ULONG_PTR DWORD_PTR, *PDWORD_PTR, WPARAM;
typedef LONG_PTR LPARAM, LRESULT;
typedef WCHAR TCHAR, *PTCHAR, TBYTE;
typedef struct tagRECT {
    LONG left, top, right, bottom;
} RECT, *PRECT, *LPRECT;
typedef struct tagPOINT {
    LONG x, y;
} POINT, *PPOINT, *LPPOINT;
typedef struct tagSIZE {
    LONG cx, cy;
} SIZE, *PSIZE, *LPSIZE;
typedef HANDLE HWND, HMODULE, HINSTANCE;
#ifndef WINAPI
#define WINAPI __stdcall
#define CALLBACK __stdcall
#define APIENTRY WINAPI
#endif
#ifndef MAX_PATH
#define MAX_PATH 260
#endif
#ifndef max
#ifndef __cplusplus
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#endif
#define MAKEWORD(a, b) ((WORD)(((BYTE)((DWORD_PTR)(a) & 0xff)) | ((WORD)((BYTE)((DWORD_PTR)(b) & 0xff))) << 8))
#define MAKELONG(a, b) ((LONG)(((WORD)((DWORD_PTR)(a) & 0xffff)) | ((DWORD)((WORD)((DWORD_PTR)(b) & 0xffff))) << 16))
#define LOWORD(l) ((WORD)((DWORD_PTR)(l) & 0xffff))
#define HIWORD(l) ((WORD)((DWORD_PTR)(l) >> 16))
#define LOBYTE(w) ((BYTE)((DWORD_PTR)(w) & 0xff))
#define HIBYTE(w) ((BYTE)((DWORD_PTR)(w) >> 8))
#else
#include_next <windef.h>
#endif
#endif
