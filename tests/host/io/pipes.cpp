// Pipes, mailslots and completion ports.
#include "ntos/io/completion.hpp"
#include "tests/host/io/io_test.hpp"

using namespace io_test;

namespace {

struct Pipes : Test {
    fake::Client B { A };               // another thread of the process
    u64 BlockB = B.Room(16);
    IO_STATUS_BLOCK& IosbB() { return B.At<IO_STATUS_BLOCK>(BlockB); }

    NTSTATUS CreatePipe(const wchar_t* Name, ACCESS_MASK Access, u32 Share, u32 Type = 0, u32 Mode = 0, u32 Quota = 4096, u32 Options = Sync, u32 Disposition = FILE_CREATE,
                        u32 Instances = 1, HANDLE Root = nullptr, u32 Completion = 0)
    {
        u64 Timeout = A.Put(i64(-500000)), O = A.PutAttributes(Name, OBJ_CASE_INSENSITIVE, Root);
        NTSTATUS S = A.Start(NtCreateNamedPipeFile, Out, Access | SYNCHRONIZE, O, Block, Share, Disposition, Options, Type, Mode, Completion, Instances, Quota, Quota, Timeout);
        Made = A.At<HANDLE>(Out);
        return S;
    }
    HANDLE Server(const wchar_t* Name, u32 Type = 0, u32 Mode = 0, u32 Quota = 4096, u32 Options = Sync)
    {
        EXPECT_STATUS(CreatePipe(Name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, Type, Mode, Quota, Options), STATUS_SUCCESS);
        return Made;
    }
    NTSTATUS StartRead(fake::Client& By, HANDLE H, u64 Buffer, u32 Bytes, u64 Into, u64 Event = 0, u64 Context = 0)
    {
        return By.Start(NtReadFile, H, Event, 0, Context, Into, Buffer, Bytes, 0, 0);
    }
    NTSTATUS StartWrite(fake::Client& By, HANDLE H, const std::string& Data, u64 Into)
    {
        u64 Buffer = A.Room(Data.size() + 1);
        memcpy(A.Bytes(Buffer), Data.data(), Data.size());
        return By.Start(NtWriteFile, H, 0, 0, 0, Into, Buffer, Data.size(), 0, 0);
    }
    NTSTATUS Control(fake::Client& By, HANDLE H, u32 Code, u64 In = 0, u32 InBytes = 0, u64 To = 0, u32 OutBytes = 0, u64 Into = 0)
    {
        return By.Start(NtFsControlFile, H, 0, 0, 0, Into ? Into : Block, Code, In, InBytes, To, OutBytes);
    }
};

TEST_F(Pipes, AnonymousAsTheWin32LibraryMakesThem)
{
    EXPECT_STATUS(CreatePipe(L"\\??\\pipe\\Win32.Pipes.1.1", GENERIC_READ | FILE_WRITE_ATTRIBUTES, FILE_SHARE_WRITE, 0, 0, 4096, Sync, FILE_OVERWRITE_IF), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, FILE_CREATED);
    HANDLE R = Made;
    u64 O = A.PutAttributes(L"\\??\\PIPE\\win32.pipes.1.1", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtOpenFile, Out, GENERIC_WRITE | FILE_READ_ATTRIBUTES | SYNCHRONIZE, O, Block, 0, Sync | FILE_NON_DIRECTORY_FILE), STATUS_SUCCESS);
    HANDLE W = A.At<HANDLE>(Out);
    EXPECT_STATUS(Write(W, "through"), STATUS_SUCCESS);
    EXPECT_STATUS(Write(W, " the pipe"), STATUS_SUCCESS);
    EXPECT_STATUS(Read(R, 100), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "through the pipe");
    // A second client: there is one instance.
    EXPECT_STATUS(A.Start(NtOpenFile, Out, GENERIC_WRITE | SYNCHRONIZE, O, Block, 0, Sync), STATUS_PIPE_NOT_AVAILABLE);
    u64 Buffer = A.Room(100);
    EXPECT_STATUS(StartRead(B, R, Buffer, 100, BlockB), STATUS_PENDING);
    EXPECT_TRUE(B.IsBlocked());
    EXPECT_STATUS(Write(W, "wake"), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(IosbB().Information, 4u);
    EXPECT_EQ(memcmp(A.Bytes(Buffer), "wake", 4), 0);
    // The reader waits; the writer goes: end of data.
    EXPECT_STATUS(Write(W, "last"), STATUS_SUCCESS);
    Close(W);
    EXPECT_STATUS(Read(R, 100), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "last");
    EXPECT_STATUS(Read(R, 100), STATUS_PIPE_BROKEN);
    Close(R);
    EXPECT_STATUS(A.Start(NtOpenFile, Out, GENERIC_WRITE | SYNCHRONIZE, O, Block, 0, Sync), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Pipes, RelativeNames)
{
    HANDLE Root = Open(L"\\Device\\NamedPipe\\");
    EXPECT_STATUS(CreatePipe(L"", GENERIC_READ, FILE_SHARE_WRITE, 0, 0, 4096, Sync, FILE_CREATE, 1, Root), STATUS_SUCCESS);
    HANDLE R = Made;
    EXPECT_STATUS(Create(L"", GENERIC_WRITE, FILE_OPEN, Sync, 0, 0, R), STATUS_SUCCESS);
    HANDLE W = Made;
    EXPECT_STATUS(Write(W, "x"), STATUS_SUCCESS);
    EXPECT_STATUS(Read(R, 5), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "x");
    Close(R);
    EXPECT_STATUS(Write(W, "x"), STATUS_PIPE_CLOSING);
    Close(W);
    EXPECT_EQ(A.Process().Handles().Count(), 1u);
    HANDLE S = Server(L"\\??\\PIPE\\named");
    auto Names = List(Root, nullptr, 4096, FileDirectoryInformation);
    EXPECT_EQ(Names, std::vector<std::u16string> { u"named" });
    Close(S);
    Close(Root);
}

TEST_F(Pipes, Directions)
{
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in", GENERIC_READ, FILE_SHARE_WRITE), STATUS_SUCCESS);
    HANDLE S = Made;
    EXPECT_STATUS(Create(L"\\??\\PIPE\\in", GENERIC_READ), STATUS_ACCESS_DENIED);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in", GENERIC_READ, FILE_SHARE_WRITE), STATUS_INSTANCE_NOT_AVAILABLE);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in", GENERIC_READ, FILE_SHARE_WRITE, 0, 0, 10, Sync, FILE_OPEN_IF), STATUS_INSTANCE_NOT_AVAILABLE);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in2", GENERIC_READ, 0), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in2", GENERIC_READ, FILE_SHARE_READ, 0, 1), STATUS_INVALID_PARAMETER);      // messages of a byte pipe
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\in2", GENERIC_READ, FILE_SHARE_READ, 0, 0, 4096, Sync, FILE_OPEN), STATUS_OBJECT_NAME_NOT_FOUND);
    FILE_PIPE_LOCAL_INFORMATION I;
    EXPECT_STATUS(Query(S, FilePipeLocalInformation, I), STATUS_SUCCESS);
    EXPECT_EQ(I.NamedPipeConfiguration, FILE_PIPE_INBOUND);
    EXPECT_EQ(I.NamedPipeState, FILE_PIPE_LISTENING_STATE);
    EXPECT_STATUS(Read(S, 1), STATUS_PIPE_LISTENING);
    Close(S);
}

TEST_F(Pipes, ListenConnectDisconnect)
{
    HANDLE S = Server(L"\\??\\PIPE\\lcd");
    EXPECT_STATUS(Control(B, S, FSCTL_PIPE_LISTEN, 0, 0, 0, 0, BlockB), STATUS_PENDING);
    HANDLE C = Open(L"\\??\\PIPE\\lcd", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_STATUS(Control(A, S, FSCTL_PIPE_LISTEN), STATUS_PIPE_CONNECTED);
    EXPECT_STATUS(Control(A, C, FSCTL_PIPE_LISTEN), STATUS_ILLEGAL_FUNCTION);
    EXPECT_STATUS(Write(S, "hi"), STATUS_SUCCESS);
    u64 P = A.Room(64);
    EXPECT_STATUS(Control(A, C, FSCTL_PIPE_PEEK, 0, 0, P, 17), STATUS_SUCCESS);
    EXPECT_EQ(A.At<FILE_PIPE_PEEK_BUFFER>(P).ReadDataAvailable, 2u);
    EXPECT_EQ(A.At<FILE_PIPE_PEEK_BUFFER>(P).NamedPipeState, FILE_PIPE_CONNECTED_STATE);
    EXPECT_EQ(A.At<FILE_PIPE_PEEK_BUFFER>(P).Data[0], 'h');
    EXPECT_EQ(Iosb().Information, 17u);
    u64 Name = A.Room(16);
    memcpy(A.Bytes(Name), "ClientProcessId", 16);
    EXPECT_STATUS(Control(A, S, FSCTL_PIPE_GET_CONNECTION_ATTRIBUTE, Name, 16, P, 4), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(P), A.Process().Id());
    EXPECT_STATUS(Control(A, S, FSCTL_PIPE_DISCONNECT), STATUS_SUCCESS);
    EXPECT_STATUS(Control(A, S, FSCTL_PIPE_DISCONNECT), STATUS_PIPE_DISCONNECTED);
    EXPECT_STATUS(Read(C, 5), STATUS_PIPE_DISCONNECTED);      // the data are gone
    EXPECT_STATUS(Write(S, "x"), STATUS_PIPE_DISCONNECTED);
    EXPECT_STATUS(Control(B, S, FSCTL_PIPE_LISTEN, 0, 0, 0, 0, BlockB), STATUS_PENDING);
    HANDLE C2 = Open(L"\\??\\PIPE\\lcd", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    Close(C);                           // the old client's end has nothing to do with the new one
    EXPECT_STATUS(Write(S, "new"), STATUS_SUCCESS);
    EXPECT_STATUS(Read(C2, 5), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "new");
    Close(C2);
    EXPECT_STATUS(Control(A, S, FSCTL_PIPE_LISTEN), STATUS_PIPE_CLOSING);
    Close(S);
}

TEST_F(Pipes, Messages)
{
    HANDLE S = Server(L"\\??\\PIPE\\msg", FILE_PIPE_MESSAGE_TYPE, FILE_PIPE_MESSAGE_MODE);
    HANDLE C = Open(L"\\??\\PIPE\\msg", GENERIC_READ | GENERIC_WRITE | FILE_WRITE_ATTRIBUTES);
    Write(C, "first");
    Write(C, "");
    Write(C, "third");
    EXPECT_STATUS(Read(S, 3), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(Got(), "fir");
    EXPECT_STATUS(Read(S, 3), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "st");
    EXPECT_STATUS(Read(S, 3), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "");
    EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "third");
    // A waiting reader with a small buffer.
    u64 Buffer = A.Room(16);
    EXPECT_STATUS(StartRead(B, S, Buffer, 2, BlockB), STATUS_PENDING);
    EXPECT_STATUS(Write(C, "abc"), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(IosbB().Information, 2u);
    EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "c");
    // The client reads bytes until it says otherwise: then messages run together.
    Write(S, "ab");
    Write(S, "cd");
    EXPECT_STATUS(Read(C, 3), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "abc");
    EXPECT_STATUS(Set(C, FilePipeInformation, FILE_PIPE_INFORMATION { FILE_PIPE_MESSAGE_MODE, 0 }), STATUS_SUCCESS);
    EXPECT_STATUS(Read(C, 3), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "d");
    // A transaction: question and answer in one.
    u64 In = A.Room(8), To = A.Room(16);
    memcpy(A.Bytes(In), "ask", 3);
    EXPECT_STATUS(Control(B, C, FSCTL_PIPE_TRANSCEIVE, In, 3, To, 16, BlockB), STATUS_PENDING);
    EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "ask");
    EXPECT_STATUS(Write(S, "answer"), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(IosbB().Information, 6u);
    EXPECT_EQ(memcmp(A.Bytes(To), "answer", 6), 0);
    Close(C);
    Close(S);
}

TEST_F(Pipes, QuotaMakesWritersWait)
{
    HANDLE S = Server(L"\\??\\PIPE\\quota", 0, 0, 10), C = Open(L"\\??\\PIPE\\quota", GENERIC_READ | GENERIC_WRITE | FILE_WRITE_ATTRIBUTES);
    EXPECT_STATUS(Write(C, "12345678"), STATUS_SUCCESS);
    EXPECT_STATUS(StartWrite(B, C, "abcdef", BlockB), STATUS_PENDING);
    EXPECT_STATUS(Read(S, 3), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_PENDING);
    EXPECT_STATUS(Read(S, 1), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);       // ten bytes are left: they fit
    EXPECT_EQ(IosbB().Information, 6u);
    EXPECT_STATUS(Read(S, 100), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "5678abcdef");
    // Without waiting: as much as fits.
    EXPECT_STATUS(Set(C, FilePipeInformation, FILE_PIPE_INFORMATION { 0, FILE_PIPE_COMPLETE_OPERATION }), STATUS_SUCCESS);
    EXPECT_STATUS(Write(C, "0123456789abc"), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 10u);
    EXPECT_STATUS(Write(C, "x"), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 0u);
    EXPECT_STATUS(Read(C, 1), STATUS_PIPE_EMPTY);
    EXPECT_STATUS(Read(S, 100), STATUS_SUCCESS);
    // A write larger than the quota is done when it is read but for what fits; a writer that ends takes its data with it.
    EXPECT_STATUS(Set(C, FilePipeInformation, FILE_PIPE_INFORMATION {}), STATUS_SUCCESS);
    {
        fake::Client D { A };
        u64 BlockD = D.Room(16);
        EXPECT_STATUS(StartWrite(D, C, std::string(50, 'z'), BlockD), STATUS_PENDING);
        EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
        EXPECT_STATUS(D.Reply(), STATUS_PENDING);
    }
    u64 Buffer = A.Room(100);
    IosbB().Status = 0x55;
    EXPECT_STATUS(StartRead(B, S, Buffer, 100, BlockB), STATUS_PENDING);
    Close(C);
    EXPECT_STATUS(B.Reply(), STATUS_PIPE_BROKEN);
    EXPECT_EQ(IosbB().Status, 0x55);            // of an error of a synchronous operation only the return value tells
    Close(S);
}

TEST_F(Pipes, LargeWritesGoStraightThrough)
{
    // More than a megabyte would do it on a real system; here quota and chunks.
    HANDLE S = Server(L"\\??\\PIPE\\large", 0, 0, 100), C = Open(L"\\??\\PIPE\\large", GENERIC_READ | GENERIC_WRITE);
    std::string Data;
    for (int I = 0; I < 20000; ++I)
        Data += char('a' + I % 23);
    EXPECT_STATUS(StartWrite(B, C, Data, BlockB), STATUS_PENDING);
    std::string All;
    while (All.size() < Data.size()) {
        ASSERT_EQ(Read(S, 3001), STATUS_SUCCESS);
        All += Got();
    }
    EXPECT_EQ(All, Data);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(IosbB().Information, 20000u);
    Close(S);
    Close(C);
}

TEST_F(Pipes, OneOperationAtATimeOnASynchronousHandle)
{
    HANDLE S = Server(L"\\??\\PIPE\\turn"), C = Open(L"\\??\\PIPE\\turn", GENERIC_READ | GENERIC_WRITE);
    u64 Buffer = A.Room(16), Buffer2 = A.Room(16);
    EXPECT_STATUS(StartRead(B, C, Buffer, 16, BlockB), STATUS_PENDING);
    fake::Client D { A };
    u64 BlockD = D.Room(16);
    EXPECT_STATUS(StartRead(D, C, Buffer2, 16, BlockD), STATUS_PENDING);
    fake::Client E { A };
    EXPECT_STATUS(StartWrite(E, C, "out", E.Room(16)), STATUS_PENDING);      // behind the reads
    EXPECT_STATUS(Write(S, "1"), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_STATUS(D.Reply(), STATUS_PENDING);
    EXPECT_STATUS(Write(S, "2"), STATUS_SUCCESS);
    EXPECT_STATUS(D.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(*A.Bytes(Buffer2), '2');
    EXPECT_STATUS(E.Reply(), STATUS_SUCCESS);
    // The one whose turn it is ends: the next goes on.
    {
        fake::Client F { A };
        EXPECT_STATUS(StartRead(F, C, Buffer, 16, F.Room(16)), STATUS_PENDING);
        EXPECT_STATUS(StartRead(D, C, Buffer2, 16, BlockD), STATUS_PENDING);
    }
    EXPECT_STATUS(Write(S, "3"), STATUS_SUCCESS);
    EXPECT_STATUS(D.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(*A.Bytes(Buffer2), '3');
    Close(S);
    Close(C);
}

TEST_F(Pipes, OverlappedWithEventAndCancel)
{
    HANDLE S = Server(L"\\??\\PIPE\\over", 0, 0, 4096, 0), C = Open(L"\\??\\PIPE\\over", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 0, 1), STATUS_SUCCESS);
    HANDLE Event = A.At<HANDLE>(Out);
    u64 Buffer = A.Room(16), Zero = A.Put(i64(0));
    Iosb() = {};
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block, u64(Event)), STATUS_PENDING);
    EXPECT_FALSE(A.IsBlocked());
    EXPECT_STATUS(A.Start(NtWaitForSingleObject, Event, 0, Zero), STATUS_TIMEOUT);
    u64 Other = A.Room(16), Data = A.Room(2);
    EXPECT_STATUS(A.Start(NtWriteFile, C, 0, 0, 0, Other, Data, 2, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Status, STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, 2u);
    EXPECT_STATUS(A.Start(NtWaitForSingleObject, Event, 0, Zero), STATUS_SUCCESS);
    // Cancelling one of two, then all of this thread.
    u64 Block2 = A.Room(16);
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block, u64(Event)), STATUS_PENDING);
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block2), STATUS_PENDING);
    EXPECT_STATUS(A.Start(NtCancelIoFileEx, S, Block, Other), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Status, STATUS_CANCELLED);
    EXPECT_STATUS(A.Start(NtCancelIoFileEx, S, Block, Other), STATUS_NOT_FOUND);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(Block2).Status, STATUS_SUCCESS);     // not touched yet
    EXPECT_STATUS(A.Start(NtCancelIoFile, S, Other), STATUS_SUCCESS);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(Block2).Status, STATUS_CANCELLED);
    // The file itself is signalled at the end of a request without event.
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block2), STATUS_PENDING);
    EXPECT_STATUS(A.Start(NtWaitForSingleObject, S, 0, Zero), STATUS_TIMEOUT);
    Close(C);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(Block2).Status, STATUS_PIPE_BROKEN);
    EXPECT_STATUS(A.Start(NtWaitForSingleObject, S, 0, Zero), STATUS_SUCCESS);
    // Thread exit cancels its requests.
    HANDLE S2 = Server(L"\\??\\PIPE\\over2", 0, 0, 4096, 0), C2 = Open(L"\\??\\PIPE\\over2", GENERIC_READ | GENERIC_WRITE);
    {
        fake::Client D { A };
        EXPECT_STATUS(StartRead(D, S2, Buffer, 16, Block2), STATUS_PENDING);
    }
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(Block2).Status, STATUS_CANCELLED);
    // And the last handle does.
    EXPECT_STATUS(A.Start(NtReadFile, S2, 0, 0x1234, 0x77, Block2, Buffer, 16, 0, 0), STATUS_PENDING);
    Close(S2);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(Block2).Status, STATUS_PIPE_BROKEN);
    EXPECT_EQ(A.Thread().Copied, (std::array<u64, 4> { 0x1234, 0x77, Block2, 0 }));
    Close(C2);
    Close(S);
    // Of a thread that waits.
    HANDLE S3 = Server(L"\\??\\PIPE\\over3"), C3 = Open(L"\\??\\PIPE\\over3", GENERIC_READ);
    EXPECT_STATUS(StartRead(B, C3, Buffer, 16, BlockB), STATUS_PENDING);
    HANDLE T = MUST(B.Process().Handles().Add(Ref<ob::Object>(B.Thread()), 0x1FFFFF, 0));
    EXPECT_STATUS(A.Start(NtCancelSynchronousIoFile, T, 0, Block), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_CANCELLED);
    EXPECT_STATUS(A.Start(NtCancelSynchronousIoFile, T, 0, Block), STATUS_NOT_FOUND);
    Close(T);
    Close(S3);
    Close(C3);
}

TEST_F(Pipes, WaitingForAnInstance)
{
    HANDLE Root = Open(L"\\??\\PIPE\\");
    u64 In = A.Room(64);
    auto Ask = [&](fake::Client& By, const char16_t* Name, i64 Timeout, u64 Into) {
        usize N = std::char_traits<char16_t>::length(Name);
        FILE_PIPE_WAIT_FOR_BUFFER W {};
        W.Timeout.QuadPart = Timeout;
        W.TimeoutSpecified = Timeout != 0;
        W.NameLength = ULONG(N * 2);
        memcpy(A.Bytes(In), &W, 14);
        memcpy(A.Bytes(In) + 14, Name, N * 2);
        return Control(By, Root, FSCTL_PIPE_WAIT, In, u32(14 + N * 2), 0, 0, Into);
    };
    EXPECT_STATUS(Ask(A, u"nix", -100, Block), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\busy", GENERIC_READ | GENERIC_WRITE, 3, 0, 0, 100, Sync, FILE_CREATE, 2), STATUS_SUCCESS);
    HANDLE S = Made;
    EXPECT_STATUS(Ask(A, u"BUSY", -100, Block), STATUS_SUCCESS);
    HANDLE C = Open(L"\\??\\PIPE\\busy");
    EXPECT_STATUS(Ask(B, u"busy", -100, BlockB), STATUS_PENDING);
    fake::AdvanceClock(200);
    EXPECT_STATUS(B.Reply(), STATUS_IO_TIMEOUT);
    EXPECT_STATUS(Ask(B, u"busy", -100, BlockB), STATUS_PENDING);
    EXPECT_STATUS(CreatePipe(L"\\??\\PIPE\\busy", GENERIC_READ | GENERIC_WRITE, 3, 0, 0, 100, Sync, FILE_OPEN_IF, 2), STATUS_SUCCESS);
    EXPECT_EQ(Iosb().Information, FILE_OPENED);
    HANDLE S2 = Made;
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    // Ended while waiting.
    HANDLE C2 = Open(L"\\??\\PIPE\\busy");
    {
        fake::Client D { A };
        EXPECT_STATUS(Ask(D, u"busy", 0, D.Room(16)), STATUS_PENDING);
    }
    for (HANDLE H : { S, S2, C, C2, Root })
        Close(H);
}

TEST_F(Pipes, FlushWaitsForTheReader)
{
    HANDLE S = Server(L"\\??\\PIPE\\flush"), C = Open(L"\\??\\PIPE\\flush", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(B.Start(NtFlushBuffersFile, S, BlockB), STATUS_SUCCESS);
    Write(S, "data");
    EXPECT_STATUS(B.Start(NtFlushBuffersFile, S, BlockB), STATUS_PENDING);
    EXPECT_STATUS(Read(C, 10), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    Close(S);
    Close(C);
}

TEST_F(Pipes, Mailslots)
{
    u64 Timeout = A.Put(i64(-1000)), O = A.PutAttributes(L"\\??\\MAILSLOT\\slot", OBJ_CASE_INSENSITIVE);
    EXPECT_STATUS(A.Start(NtCreateMailslotFile, Out, GENERIC_READ | SYNCHRONIZE, O, Block, Sync, 0, 20, Timeout), STATUS_SUCCESS);
    HANDLE S = A.At<HANDLE>(Out);
    HANDLE W = Open(L"\\??\\MAILSLOT\\SLOT", GENERIC_WRITE), W2 = Open(L"\\??\\MAILSLOT\\SLOT", GENERIC_WRITE);
    EXPECT_STATUS(Write(W, "one"), STATUS_SUCCESS);
    EXPECT_STATUS(Write(W2, "two"), STATUS_SUCCESS);
    EXPECT_STATUS(Write(W2, std::string(21, 'x')), STATUS_INVALID_PARAMETER);
    EXPECT_STATUS(Read(S, 2), STATUS_BUFFER_TOO_SMALL);
    FILE_MAILSLOT_QUERY_INFORMATION I;
    EXPECT_STATUS(Query(S, FileMailslotQueryInformation, I), STATUS_SUCCESS);
    EXPECT_EQ(I.MessagesAvailable, 2u);
    EXPECT_EQ(I.NextMessageSize, 3u);
    EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "one");
    EXPECT_STATUS(Read(S, 10), STATUS_SUCCESS);
    EXPECT_EQ(Got(), "two");
    u64 Buffer = A.Room(16);
    EXPECT_STATUS(StartRead(B, S, Buffer, 10, BlockB), STATUS_PENDING);
    fake::AdvanceClock(2000);
    EXPECT_STATUS(B.Reply(), STATUS_IO_TIMEOUT);
    EXPECT_STATUS(StartRead(B, S, Buffer, 10, BlockB), STATUS_PENDING);
    EXPECT_STATUS(Write(W, "late"), STATUS_SUCCESS);
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    Close(S);
    EXPECT_STATUS(Write(W, "x"), STATUS_FILE_CLOSED);
    Close(W);
    Close(W2);
}

// --- completion ports

struct Ports : Pipes {
    HANDLE Port()
    {
        EXPECT_STATUS(A.Now(NtCreateIoCompletion, Out, IO_COMPLETION_ALL_ACCESS, 0, 0), STATUS_SUCCESS);
        return A.At<HANDLE>(Out);
    }
    u64 Key = A.Room(8), Context = A.Room(8), PortBlock = A.Room(16);
    NTSTATUS Remove(fake::Client& By, HANDLE P, i64 Timeout)
    {
        return By.Start(NtRemoveIoCompletion, P, Key, Context, PortBlock, Timeout == 1 ? 0 : A.Put(Timeout));
    }
};

TEST_F(Ports, PacketsInOrder)
{
    HANDLE P = Port();
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    EXPECT_STATUS(A.Now(NtSetIoCompletion, P, 1, 2, STATUS_SUCCESS, 3), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtSetIoCompletion, P, 4, 5, STATUS_CANCELLED, 6), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtQueryIoCompletion, P, 0, Key, 4, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(Key), 2u);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Key), 1u);
    EXPECT_EQ(A.At<u64>(Context), 2u);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(PortBlock).Information, 3u);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(PortBlock).Status, STATUS_CANCELLED);
    EXPECT_STATUS(Remove(B, P, 1), STATUS_PENDING);
    A.Now(NtSetIoCompletion, P, 7, 8, STATUS_SUCCESS, 9);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);      // it is given to the one who waits
    EXPECT_STATUS(B.Reply(), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Key), 7u);
    // A waiter that ends with its packet gives it back.
    {
        fake::Client D { A };
        EXPECT_STATUS(Remove(D, P, 1), STATUS_PENDING);
        A.Now(NtSetIoCompletion, P, 10, 8, STATUS_SUCCESS, 9);
    }
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Key), 10u);
    EXPECT_STATUS(Remove(B, P, -100), STATUS_PENDING);
    fake::AdvanceClock(200);
    EXPECT_STATUS(B.Reply(), STATUS_TIMEOUT);
    for (int I = 0; I < 3; ++I)
        A.Now(NtSetIoCompletion, P, I, 0, STATUS_SUCCESS, 0);
    u64 Many = A.Room(32 * 8), Count = A.Room(4);
    EXPECT_STATUS(A.Start(NtRemoveIoCompletionEx, P, Many, 2, Count, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(Count), 2u);
    EXPECT_STATUS(A.Start(NtRemoveIoCompletionEx, P, Many, 8, Count, 0, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u32>(Count), 1u);
    EXPECT_EQ(A.At<u64>(Many), 2u);
    Close(P);
}

TEST_F(Ports, FilesQueueTheirCompletions)
{
    HANDLE P = Port();
    HANDLE S = Server(L"\\??\\PIPE\\port", 0, 0, 4096, 0), C = Open(L"\\??\\PIPE\\port", GENERIC_READ | GENERIC_WRITE);
    EXPECT_STATUS(Set(C, FileCompletionInformation, FILE_COMPLETION_INFORMATION { P, nullptr }), STATUS_INVALID_PARAMETER);      // synchronous
    EXPECT_STATUS(Set(S, FileCompletionInformation, FILE_COMPLETION_INFORMATION { P, reinterpret_cast<PVOID>(0x42) }), STATUS_SUCCESS);
    EXPECT_STATUS(Set(S, FileCompletionInformation, FILE_COMPLETION_INFORMATION { P, nullptr }), STATUS_INVALID_PARAMETER);
    u64 Buffer = A.Room(16);
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block, 0, 0x99), STATUS_PENDING);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    EXPECT_STATUS(StartWrite(A, C, "abc", A.Room(16)), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Key), 0x42u);
    EXPECT_EQ(A.At<u64>(Context), 0x99u);
    EXPECT_EQ(A.At<IO_STATUS_BLOCK>(PortBlock).Information, 3u);
    // Done at once: a packet too, unless there is no context, or it was asked not to.
    EXPECT_STATUS(StartWrite(A, C, "abc", A.Room(16)), STATUS_SUCCESS);
    EXPECT_STATUS(StartRead(A, S, Buffer, 1, Block, 0, 0x98), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_STATUS(StartRead(A, S, Buffer, 1, Block, 0, 0), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    EXPECT_STATUS(Set(S, FileIoCompletionNotificationInformation, u32(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)), STATUS_SUCCESS);
    EXPECT_STATUS(StartRead(A, S, Buffer, 1, Block, 0, 0x98), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    // With a port, the end of the thread does not end its requests.
    {
        fake::Client D { A };
        EXPECT_STATUS(StartRead(D, S, Buffer, 16, Block, 0, 0x97), STATUS_PENDING);
    }
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    EXPECT_STATUS(StartWrite(A, C, "z", A.Room(16)), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Context), 0x97u);
    // The port outlives its handle while files use it.
    EXPECT_STATUS(StartRead(A, S, Buffer, 16, Block, 0, 0x96), STATUS_PENDING);
    Close(P);
    Close(C);
    Close(S);
}

TEST_F(Ports, WaitPackets)
{
    HANDLE P = Port();
    EXPECT_STATUS(A.Now(NtCreateEvent, Out, GENERIC_ALL, 0, 1, 0), STATUS_SUCCESS);
    HANDLE E = A.At<HANDLE>(Out);
    EXPECT_STATUS(A.Now(NtCreateWaitCompletionPacket, Out, GENERIC_ALL, 0), STATUS_SUCCESS);
    HANDLE W = A.At<HANDLE>(Out);
    u64 Already = A.Room(1);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u8>(Already), 0);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_INVALID_PARAMETER_1);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    A.Now(NtSetEvent, E, 0);
    ke::RunReadyActivities();
    EXPECT_STATUS(Remove(A, P, 0), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u64>(Key), 1u);
    A.Now(NtSetEvent, E, 0);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_SUCCESS);
    EXPECT_EQ(A.At<u8>(Already), 1);
    EXPECT_STATUS(A.Now(NtCancelWaitCompletionPacket, W, 0), STATUS_PENDING);
    EXPECT_STATUS(A.Now(NtCancelWaitCompletionPacket, W, 1), STATUS_SUCCESS);
    EXPECT_STATUS(Remove(A, P, 0), STATUS_TIMEOUT);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtCancelWaitCompletionPacket, W, 0), STATUS_SUCCESS);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_SUCCESS);
    Close(W);                           // the wait goes with it
    // A queued packet and its port do not keep each other.
    EXPECT_STATUS(A.Now(NtCreateWaitCompletionPacket, Out, GENERIC_ALL, 0), STATUS_SUCCESS);
    W = A.At<HANDLE>(Out);
    A.Now(NtSetEvent, E, 0);
    EXPECT_STATUS(A.Now(NtAssociateWaitCompletionPacket, W, P, E, 1, 2, 0, 3, Already), STATUS_SUCCESS);
    u32 Ports = io::CompletionPort::Type.Objects;
    Close(W);
    Close(E);
    Close(P);
    EXPECT_EQ(io::CompletionPort::Type.Objects, Ports - 1);
}

}
