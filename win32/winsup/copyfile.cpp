// CopyFile2 (winbase.h; Win32 documentation, "CopyFile2 function"): CopyFileExW, and a copy of its own for who wants to be told how it goes.
#define _WIN32_WINNT 0x0A00
#include "win32/common/win.hpp"

namespace {

constexpr DWORD Piece = 64 * 1024;
#ifndef ERROR_REQUEST_PAUSED
constexpr DWORD ERROR_REQUEST_PAUSED = 3050;      // winerror.h
#endif

class File {
public:
    explicit File(HANDLE H) : H_(H) { }
    File(const File&) = delete;
    ~File()
    {
        if (Ok()) {
            CloseHandle(H_);
        }
    }
    bool Ok() const { return H_ != INVALID_HANDLE_VALUE; }
    operator HANDLE() const { return H_; }
    void Close()
    {
        CloseHandle(H_);
        H_ = INVALID_HANDLE_VALUE;
    }

private:
    HANDLE H_;
};

HRESULT LastError() { return HRESULT_FROM_WIN32(GetLastError()); }

// One copy with its listener.
class Told {
public:
    Told(HANDLE From, HANDLE To, u64 Size, const COPYFILE2_EXTENDED_PARAMETERS& How) : From_(From), To_(To), Size_(Size), How_(How) { }

    HRESULT Copy()
    {
        win::Buffer<u8> Bytes(Piece);
        if (!Bytes) {
            return E_OUTOFMEMORY;
        }
        COPYFILE2_MESSAGE M {};
        M.Type = COPYFILE2_CALLBACK_STREAM_STARTED;
        M.Info.StreamStarted = { 1, 0, From_, To_, Large(Size_), Large(Size_) };
        if (HRESULT Answer = Tell(M); Answer != S_OK) {
            return Answer;
        }
        u64 Done = 0;
        for (u64 Number = 0;; ++Number) {
            u64 Now = Size_ - Done < Piece ? Size_ - Done : Piece;
            M = {};
            M.Type = COPYFILE2_CALLBACK_CHUNK_STARTED;
            M.Info.ChunkStarted = { 1, 0, From_, To_, Large(Number), Large(Now), Large(Size_), Large(Size_) };
            if (HRESULT Answer = Tell(M); Answer != S_OK) {
                return Answer;
            }
            DWORD Read = 0, Written = 0;
            if (!ReadFile(From_, Bytes, Piece, &Read, nullptr) || (Read && (!WriteFile(To_, Bytes, Read, &Written, nullptr) || Written != Read))) {
                return LastError();
            }
            Done += Read;
            if (Done > Size_) {
                Size_ = Done;           // it grows meanwhile
            }
            M = {};
            M.Type = COPYFILE2_CALLBACK_CHUNK_FINISHED;
            M.Info.ChunkFinished = { 1, 0, From_, To_, Large(Number), Large(Read), Large(Size_), Large(Done), Large(Size_), Large(Done) };
            if (HRESULT Answer = Tell(M); Answer != S_OK) {
                return Answer;
            }
            if (Read < Piece) {
                break;
            }
        }
        M = {};
        M.Type = COPYFILE2_CALLBACK_STREAM_FINISHED;
        M.Info.StreamFinished = { 1, 0, From_, To_, Large(Size_), Large(Done), Large(Size_), Large(Done) };
        return Tell(M);
    }

private:
    static ULARGE_INTEGER Large(u64 Value)
    {
        ULARGE_INTEGER L;
        L.QuadPart = Value;
        return L;
    }
    // S_OK: go on.
    HRESULT Tell(const COPYFILE2_MESSAGE& M)
    {
        if (How_.pfCancel && *static_cast<volatile BOOL*>(How_.pfCancel)) {
            return HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED);
        }
        if (Quiet_) {
            return S_OK;
        }
        switch (How_.pProgressRoutine(&M, How_.pvCallbackContext)) {
        case COPYFILE2_PROGRESS_CONTINUE: return S_OK;
        case COPYFILE2_PROGRESS_QUIET: Quiet_ = true; return S_OK;
        case COPYFILE2_PROGRESS_PAUSE: return HRESULT_FROM_WIN32(ERROR_REQUEST_PAUSED);
        default: return HRESULT_FROM_WIN32(ERROR_REQUEST_ABORTED);
        }
    }

    HANDLE From_, To_;
    u64 Size_;
    const COPYFILE2_EXTENDED_PARAMETERS& How_;
    bool Quiet_ = false;
};

HRESULT CopyAndTell(PCWSTR Existing, PCWSTR New, const COPYFILE2_EXTENDED_PARAMETERS& How)
{
    DWORD Access = GENERIC_READ | (How.dwCopyFlags & COPY_FILE_OPEN_SOURCE_FOR_WRITE ? GENERIC_WRITE : 0);
    File From(CreateFileW(Existing, Access, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, nullptr));
    BY_HANDLE_FILE_INFORMATION Info;
    if (!From.Ok() || !GetFileInformationByHandle(From, &Info)) {
        return LastError();
    }
    DWORD Disposition = How.dwCopyFlags & COPY_FILE_FAIL_IF_EXISTS ? CREATE_NEW : CREATE_ALWAYS;
    File To(CreateFileW(New, GENERIC_WRITE | DELETE, FILE_SHARE_READ, nullptr, Disposition, Info.dwFileAttributes & ~DWORD(FILE_ATTRIBUTE_READONLY), nullptr));
    if (!To.Ok()) {
        return LastError();
    }
    HRESULT Answer = Told(From, To, u64(Info.nFileSizeHigh) << 32 | Info.nFileSizeLow, How).Copy();
    if (Answer == S_OK) {
        // The times come with the bytes; the attribute that forbids writing comes last.
        SetFileTime(To, nullptr, nullptr, &Info.ftLastWriteTime);
        To.Close();
        if (Info.dwFileAttributes & FILE_ATTRIBUTE_READONLY) {
            SetFileAttributesW(New, Info.dwFileAttributes);
        }
    } else if (Answer != HRESULT_FROM_WIN32(ERROR_REQUEST_PAUSED)) {
        FILE_DISPOSITION_INFO Gone { TRUE };
        SetFileInformationByHandle(To, FileDispositionInfo, &Gone, sizeof(Gone));
    }
    return Answer;
}

}

EXPORT HRESULT WINAPI CopyFile2(PCWSTR Existing, PCWSTR New, COPYFILE2_EXTENDED_PARAMETERS* How)
{
    if (!Existing || !New || (How && How->dwSize < sizeof(*How))) {
        return E_INVALIDARG;
    }
    if (How && How->pProgressRoutine) {
        return CopyAndTell(Existing, New, *How);
    }
    // The flags that both functions have.
    constexpr DWORD Common = COPY_FILE_FAIL_IF_EXISTS | COPY_FILE_RESTARTABLE | COPY_FILE_OPEN_SOURCE_FOR_WRITE | COPY_FILE_ALLOW_DECRYPTED_DESTINATION |
                             COPY_FILE_COPY_SYMLINK | COPY_FILE_NO_BUFFERING;
    return CopyFileExW(Existing, New, nullptr, nullptr, How ? How->pfCancel : nullptr, How ? How->dwCopyFlags & Common : 0) ? S_OK : LastError();
}
