// The services on directories and symbolic links of the object namespace.
#include <string.h>

#include "ntos/ob/ob.hpp"

using namespace ob;

Status NtCreateDirectoryObject(ke::Caller& Caller, svc::CreateDirectoryObject& Call)
{
    TRY(ClearHandle(Caller, Call.DirectoryHandle));
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<Directory> New = TRY(Make<Directory>());
    return ReturnHandle(Caller, Call.DirectoryHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenDirectoryObject(ke::Caller& Caller, svc::OpenDirectoryObject& Call)
{
    TRY(ClearHandle(Caller, Call.DirectoryHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.DirectoryHandle, OpenByName(Caller, Directory::Type, Wanted, Call.DesiredAccess));
}

// A listing: as many headers as there are entries, an empty one, then the texts, each terminated. Built in Executive memory first.
namespace {

constexpr usize HeaderSize = sizeof(OBJECT_DIRECTORY_INFORMATION);

usize Terminated(const wchar_t* Text)
{
    usize N = 0;
    while (Text[N])
        ++N;
    return N;
}

usize EntrySize(const Object& Entry)
{
    return HeaderSize + (Entry.LastName().Length + 1 + Terminated(Entry.GetType().Name) + 1) * sizeof(wchar_t);
}

UNICODE_STRING PutText(u8* Into, usize& At, u64 Address, const wchar_t* Text, usize Length)
{
    USHORT Bytes = USHORT(Length * sizeof(wchar_t));
    memcpy(Into + At, Text, Bytes);
    UNICODE_STRING S { Bytes, USHORT(Bytes + sizeof(wchar_t)), reinterpret_cast<wchar_t*>(Address + At) };
    At += Bytes + sizeof(wchar_t);      // the block was cleared
    return S;
}

}

Status NtQueryDirectoryObject(ke::Caller& Caller, svc::QueryDirectoryObject& Call)
{
    Ref<Directory> Dir = TRY(Reference<Directory>(Caller, Call.DirectoryHandle, DIRECTORY_QUERY));
    ULONG Context = TRY(Call.Context.Read(Caller));
    usize Index = Call.RestartScan ? 0 : Context;
    bool Single = Call.ReturnSingleEntry;

    // Which entries fit, with the empty header that ends them.
    usize Count = 0, Needed = HeaderSize;
    Status Outcome = STATUS_SUCCESS;
    Object* First = Dir->At(Index);
    for (Object* Entry = First;; Entry = Dir->Next(*Entry), ++Count) {
        if (!Entry) {
            if (Count == 0)
                Outcome = STATUS_NO_MORE_ENTRIES;
            break;
        }
        if (Count == 1 && Single)
            break;
        if (Needed + EntrySize(*Entry) > Call.Length) {
            if (Single) {
                TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed + EntrySize(*Entry))));
                return STATUS_BUFFER_TOO_SMALL;
            }
            Outcome = STATUS_MORE_ENTRIES;
            break;
        }
        Needed += EntrySize(*Entry);
    }
    if (Outcome == STATUS_NO_MORE_ENTRIES) {
        TRY(Call.ReturnLength.WriteIfThere(Caller, HeaderSize));
        if (Call.Length >= HeaderSize)
            TRY(Call.Buffer.WriteAs(Caller, OBJECT_DIRECTORY_INFORMATION {}));
        return Outcome;
    }
    if (Call.Length >= HeaderSize) {
        Vector<u8> Block;
        TRY(Block.Resize(Needed));
        usize At = (Count + 1) * HeaderSize;
        Object* Next = First;
        for (usize I = 0; I < Count; ++I) {
            Object& Entry = *Next;
            Next = Dir->Next(Entry);
            OBJECT_DIRECTORY_INFORMATION Info;
            Info.Name = PutText(Block.Data(), At, Call.Buffer.Address(), Entry.LastName().Data, Entry.LastName().Length);
            Info.TypeName = PutText(Block.Data(), At, Call.Buffer.Address(), Entry.GetType().Name, Terminated(Entry.GetType().Name));
            memcpy(Block.Data() + I * HeaderSize, &Info, HeaderSize);
        }
        TRY(Call.Buffer.Write(Caller, Block.Data(), Needed));
    }
    TRY(Call.Context.Write(Caller, ULONG(Index + Count)));
    TRY(Call.ReturnLength.WriteIfThere(Caller, ULONG(Needed)));
    return Outcome;
}

Status NtCreateSymbolicLinkObject(ke::Caller& Caller, svc::CreateSymbolicLinkObject& Call)
{
    TRY(ClearHandle(Caller, Call.LinkHandle));
    UNICODE_STRING Raw = TRY(Call.LinkTarget.Read(Caller));
    if (Raw.MaximumLength == 0 || (Raw.MaximumLength & 1) || (Raw.Length & 1) || Raw.Length > Raw.MaximumLength)
        return STATUS_INVALID_PARAMETER;
    String Target = TRY(CaptureString(Caller, Call.LinkTarget));
    Attributes Where = TRY(Capture(Caller, Call.ObjectAttributes));
    Ref<SymbolicLink> New = TRY(Make<SymbolicLink>(std::move(Target)));
    return ReturnHandle(Caller, Call.LinkHandle, InsertAndOpen(Caller, std::move(New), Where, Call.DesiredAccess));
}

Status NtOpenSymbolicLinkObject(ke::Caller& Caller, svc::OpenSymbolicLinkObject& Call)
{
    TRY(ClearHandle(Caller, Call.LinkHandle));
    Attributes Wanted = TRY(Capture(Caller, Call.ObjectAttributes));
    return ReturnHandle(Caller, Call.LinkHandle, OpenByName(Caller, SymbolicLink::Type, Wanted, Call.DesiredAccess));
}

Status NtQuerySymbolicLinkObject(ke::Caller& Caller, svc::QuerySymbolicLinkObject& Call)
{
    UNICODE_STRING To = TRY(Call.LinkTarget.Read(Caller));
    Ref<SymbolicLink> Link = TRY(Reference<SymbolicLink>(Caller, Call.LinkHandle, SYMBOLIC_LINK_QUERY));
    Name Target = Link->Target();
    usize Text = Target.Length * sizeof(wchar_t), WithEnd = Text + sizeof(wchar_t);
    // Whoever asks for the length gets the terminator too and needs room for it.
    TRY(Call.ReturnedLength.WriteIfThere(Caller, ULONG(WithEnd)));
    bool End = Call.ReturnedLength || To.MaximumLength >= WithEnd;
    if (To.MaximumLength < (Call.ReturnedLength ? WithEnd : Text))
        return STATUS_BUFFER_TOO_SMALL;
    u64 Address = reinterpret_cast<u64>(To.Buffer);
    TRY(mm::CopyToUser(Caller.Process(), Address, Target.Data, Text));
    if (End)
        TRY(mm::CopyToUser(Caller.Process(), Address + Text, L"", sizeof(wchar_t)));
    To.Length = USHORT(Text);
    return Call.LinkTarget.Write(Caller, To);
}
