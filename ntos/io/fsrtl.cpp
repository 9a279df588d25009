#include "ntos/io/fsrtl.hpp"

#include <string.h>

namespace io {

// --- share modes

Status ShareCounts::Check(const Mode& M) const
{
    if (!M.Counts())
        return STATUS_SUCCESS;
    bool Refused = (M.Read && SharedRead < Openers) || (M.Write && SharedWrite < Openers) || (M.Delete && SharedDelete < Openers) || (Read && !M.ShareRead) ||
                   (Write && !M.ShareWrite) || (Delete && !M.ShareDelete);
    return Refused ? STATUS_SHARING_VIOLATION : STATUS_SUCCESS;
}

void ShareCounts::Count(const Mode& M, u32 By)
{
    if (!M.Counts())
        return;
    Openers += By;
    Read += M.Read ? By : 0;
    Write += M.Write ? By : 0;
    Delete += M.Delete ? By : 0;
    SharedRead += M.ShareRead ? By : 0;
    SharedWrite += M.ShareWrite ? By : 0;
    SharedDelete += M.ShareDelete ? By : 0;
}

// --- patterns

static constexpr wchar_t DosStar = L'<', DosQm = L'>', DosDot = L'"';

static bool IsWild(wchar_t C)
{
    return C == L'*' || C == L'?' || C == DosStar || C == DosQm || C == DosDot;
}

Status Pattern::Set(ob::Name From)
{
    if (From.Length > MaximumLength)
        return STATUS_OBJECT_NAME_INVALID;
    ob::String Text = TRY(ob::String::Copy(From));
    auto& C = Text.Characters();
    bool Wild = false, Dos = false;
    for (wchar_t& W : C) {
        W = ob::UpCase(W);
        Wild |= IsWild(W);
        Dos |= W == DosStar || W == DosQm || W == DosDot;
    }
    Literal_ = !Wild && !C.IsEmpty();
    if (Wild && !Dos) {
        if (C.Size() == 3 && C[0] == L'*' && C[1] == L'.' && C[2] == L'*') {
            C.Pop();
            C.Pop();
        } else {
            if (C.Size() >= 2 && C[C.Size() - 1] == L'.' && C[C.Size() - 2] == L'*') {
                C.Pop();
                C.Last() = DosStar;
            }
            for (usize I = 0; I < C.Size(); ++I) {
                if (C[I] == L'?')
                    C[I] = DosQm;
                else if (C[I] == L'.' && I + 1 < C.Size() && (C[I + 1] == L'*' || C[I + 1] == L'?'))
                    C[I] = DosDot;
            }
        }
    }
    All_ = C.IsEmpty() || (C.Size() == 1 && C[0] == L'*');
    Text_ = std::move(Text);
    return STATUS_SUCCESS;
}

bool Pattern::Matches(ob::Name Upper) const
{
    if (All_)
        return true;
    ob::Name P = Text_.View();
    if (Literal_)
        return ob::Equal(P, Upper, false);
    usize LastDot = Upper.Length;
    for (usize I = 0; I < Upper.Length; ++I)
        if (Upper.Data[I] == L'.')
            LastDot = I;
    // The set of positions in the pattern that the name so far may have led to.
    constexpr usize Words = (MaximumLength + 1) / 64 + 1;
    u64 Now[Words] = { 1 }, Next[Words];
    usize Used = P.Length / 64 + 1;
    for (usize At = 0;; ++At) {
        bool End = At == Upper.Length;
        wchar_t C = End ? 0 : Upper.Data[At];
        memset(Next, 0, sizeof(Next));
        bool Any = false;
        // Upwards, so that what a position reaches without a character is seen in the same pass.
        for (usize W = 0; W < Used; ++W) {
            for (usize I = W * 64; Now[W] >> (I & 63) && I < (W + 1) * 64 && I <= P.Length; ++I) {
                if (!(Now[W] >> (I & 63) & 1))
                    continue;
                if (I == P.Length) {
                    if (End)
                        return true;
                    break;
                }
                wchar_t M = P.Data[I];
                bool Skip = M == L'*' || M == DosStar || (M == DosQm && (End || C == L'.')) || (M == DosDot && End);
                if (Skip)
                    Now[(I + 1) / 64] |= u64(1) << ((I + 1) & 63);
                if (End)
                    continue;
                bool Stay = M == L'*' || (M == DosStar && At != LastDot);
                bool Step = M == L'?' || (M == DosQm && C != L'.') || (M == DosDot && C == L'.') || M == C;
                if (M == L'*' || M == DosStar)
                    Step = false;
                if (Stay)
                    Next[I / 64] |= u64(1) << (I & 63);
                if (Step)
                    Next[(I + 1) / 64] |= u64(1) << ((I + 1) & 63);
                Any |= Stay || Step;
            }
        }
        if (End || !Any)
            return false;
        memcpy(Now, Next, sizeof(Now));
    }
}

// --- byte-range locks

static bool Overlap(u64 A, u64 ALength, u64 B, u64 BLength)
{
    // A lock of no bytes conflicts with what it lies strictly inside of.
    if (!ALength && !BLength)
        return false;
    if (!ALength)
        return A > B && A < B + BLength;
    if (!BLength)
        return B > A && B < A + ALength;
    return A <= B + (BLength - 1) && B <= A + (ALength - 1);
}

Status FileLocks::CheckSlow(const File& By, const ps::Process* Of, u64 Offset, u64 Length, u32 Key, bool Write) const
{
    if (!Length)
        return STATUS_SUCCESS;
    for (const Range& L : Locks_) {
        if (!Overlap(L.Offset, L.Length, Offset, Length))
            continue;
        if (L.Exclusive ? !L.IsOf(&By, Of, Key) : Write)
            return STATUS_FILE_LOCK_CONFLICT;
    }
    return STATUS_SUCCESS;
}

bool FileLocks::Grant(Request& R, Status& Outcome)
{
    for (const Range& L : Locks_) {
        if (!Overlap(L.Offset, L.Length, R.Data.Offset, R.LockLength))
            continue;
        // A shared lock may lie over an exclusive one of the same file object, which is how one becomes the other (LockFileEx, remarks).
        if ((R.Code & 1) || (L.Exclusive && !L.IsOf(R.Target.Get(), R.Process.Get(), R.Data.Key)))
            return false;
    }
    Outcome = Locks_.Push(Range { R.Target.Get(), R.Process.Get(), R.Data.Offset, R.LockLength, R.Data.Key, (R.Code & 1) != 0 });
    return true;
}

Status FileLocks::Lock(Request& R)
{
    if (R.LockLength && R.Data.Offset + (R.LockLength - 1) < R.Data.Offset)
        return STATUS_INVALID_LOCK_RANGE;
    Status Outcome;
    if (Grant(R, Outcome))
        return Outcome;
    if (R.Code & 2)
        return STATUS_LOCK_NOT_GRANTED;
    Waiting_.PushBack(R);
    return STATUS_PENDING;
}

void FileLocks::Retry()
{
    for (bool Again = true; Again;) {
        Again = false;
        for (Request& R : Waiting_) {
            Status Outcome;
            if (Grant(R, Outcome)) {
                R.Complete(Outcome, 0);
                Again = true;
                break;
            }
        }
    }
}

Status FileLocks::Unlock(const File& By, const ps::Process& Of, u64 Offset, u64 Length, u32 Key)
{
    // Of an exclusive and a shared lock of the same range the exclusive one goes first.
    usize Found = Locks_.Size();
    for (usize I = Locks_.Size(); I-- > 0;) {
        const Range& L = Locks_[I];
        if (L.IsOf(&By, &Of, Key) && L.Offset == Offset && L.Length == Length && (Found == Locks_.Size() || L.Exclusive))
            Found = I;
    }
    if (Found == Locks_.Size())
        return STATUS_RANGE_NOT_LOCKED;
    Locks_.RemoveAt(Found);
    Retry();
    return STATUS_SUCCESS;
}

void FileLocks::UnlockAll(const File& By)
{
    if (Locks_.IsEmpty())
        return;
    for (usize I = Locks_.Size(); I-- > 0;)
        if (Locks_[I].Owner == &By)
            Locks_.RemoveAt(I);
    Retry();
}

// --- change notification

Status Watch::Request(io::Request& R)
{
    if (!Filter) {
        Filter = R.Code;
        Tree = R.WatchTree;
        Room_ = R.Data.Length < 65536 ? R.Data.Length : 65536;
    }
    if (Any_ || Overflow_)
        return Deliver(R);
    Waiting_.PushBack(R);
    return STATUS_PENDING;
}

// STATUS_NOTIFY_ENUM_DIR: there was more than fits; the caller lists the folder again.
Status Watch::Deliver(io::Request& R)
{
    bool Fits = !Overflow_ && Buffer_.Size() <= R.Data.Length;
    R.Data.Done = 0;
    Status Outcome = STATUS_NOTIFY_ENUM_DIR;
    if (Fits) {
        R.Reply = std::move(Buffer_);
        R.Data.Done = R.Reply.Size();
        Outcome = STATUS_SUCCESS;
    }
    Buffer_.Clear();
    Overflow_ = Any_ = false;
    return Outcome;
}

bool Watch::Append(ob::Name Path, u32 Action)
{
    usize Start = Any_ ? AlignUp(Buffer_.Size(), 4) : 0;
    usize Size = offsetof(FILE_NOTIFY_INFORMATION, FileName) + Path.Length * 2;
    if (Start + Size > Room_ || !Buffer_.Resize(Start + Size).Ok())
        return false;
    FILE_NOTIFY_INFORMATION Head { 0, Action, ULONG(Path.Length * 2), {} };
    memcpy(&Buffer_[Start], &Head, offsetof(FILE_NOTIFY_INFORMATION, FileName));
    memcpy(&Buffer_[Start] + offsetof(FILE_NOTIFY_INFORMATION, FileName), Path.Data, Path.Length * 2);
    if (Any_) {
        u32 Next = u32(Start - Last_);
        memcpy(&Buffer_[Last_], &Next, 4);
    }
    Last_ = Start;
    Any_ = true;
    return true;
}

void Watch::Report(ob::Name Path, u32 Action)
{
    if (!Overflow_ && !Append(Path, Action)) {
        Overflow_ = true;
        Buffer_.Clear();
        Any_ = false;
    }
    // The two halves of a rename belong together.
    if (Action != FILE_ACTION_RENAMED_OLD_NAME)
        Flush();
}

void Watch::Flush()
{
    if (io::Request* R = Waiting_.First()) {
        Status Outcome = Deliver(*R);
        R->Complete(Outcome, R->Data.Done);
    }
}

void Watch::Cleanup()
{
    while (io::Request* R = Waiting_.First())
        R->Complete(STATUS_NOTIFY_CLEANUP, 0);
    Link.Unlink();
    Filter = 0;
}

void Watch::FolderDeleted()
{
    while (io::Request* R = Waiting_.First())
        R->Complete(STATUS_DELETE_PENDING, 0);
}

}
