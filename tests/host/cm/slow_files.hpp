// A volume whose files answer later, as a file-system driver's do: each request waits until Pump() or fails as told. What has been flushed is what a power cut leaves.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "ntos/io/create.hpp"
#include "tests/host/system/system.hpp"

namespace test {

struct SlowContent {
    std::vector<u8> Now, Flushed;
};

class SlowVolume final : public io::Device {
public:
    SlowVolume() : io::Device(FILE_DEVICE_DISK_FILE_SYSTEM, 0) { }
    Result<ob::ParseResult> Open(ob::OpenRequest& Request, io::CreateParameters& How, io::File* Start, ob::Name Rest, bool AtRoot) override;
    std::map<std::u16string, SlowContent> Files;
    std::deque<Ref<io::Request>> Waiting;
    Status Failure;                     // what is asked for fails so, if it is a failure
    u32 Writes = 0, Flushes = 0;
    // Answers what waits, and what that brings.
    void Pump()
    {
        while (PumpOne()) { }
    }
    bool PumpOne()
    {
        if (Waiting.empty())
            return false;
        Ref<io::Request> R = Waiting.front();
        Waiting.pop_front();
        Answer(*R);
        Advance(0);                     // the dispatcher goes on with whom that was for
        return true;
    }

private:
    void Answer(io::Request& R);
};

class SlowFile final : public io::File {
public:
    SlowFile(SlowVolume& Of, const io::CreateParameters& How, std::u16string Name) : File(Of, How), Name(std::move(Name)) { }
    ~SlowFile() override { CleanupOnce(); }
    bool NeedsCreate() const override { return true; }
    bool TakesRequests() const override { return true; }
    Status Start(io::Request& R) override
    {
        static_cast<SlowVolume&>(GetDevice()).Waiting.push_back(Ref<io::Request>(R));
        return STATUS_PENDING;
    }
    void Withdraw(io::Request& R) override { R.CancelLater(); }
    const std::u16string Name;
};

inline Result<ob::ParseResult> SlowVolume::Open(ob::OpenRequest&, io::CreateParameters& How, io::File*, ob::Name Rest, bool)
{
    std::u16string Name;
    if (Rest.IsEmpty() || Rest.Data[0] != L'\\')
        Name = u"\\";
    for (usize I = 0; I < Rest.Length; ++I)
        Name += char16_t(ob::UpCase(Rest.Data[I]));
    How.Granted = How.Access;
    ob::ParseResult R;
    R.Found = TRY(ob::Make<SlowFile>(*this, How, Name));
    return R;
}

inline void SlowVolume::Answer(io::Request& R)
{
    auto& Of = static_cast<SlowFile&>(*R.Target);
    if (!Failure.Ok()) {
        R.Complete(Failure, 0);
        return;
    }
    auto& Content = Files[Of.Name];
    switch (R.What) {
    case io::Operation::Create: R.Complete(STATUS_SUCCESS, FILE_OPENED); return;
    case io::Operation::Read: {
        if (R.Data.Offset >= Content.Now.size()) {
            R.Complete(STATUS_END_OF_FILE, 0);
            return;
        }
        usize Bytes = std::min<usize>(R.Data.Length, Content.Now.size() - R.Data.Offset);
        ASSERT_TRUE(R.Reply.Resize(Bytes).Ok());
        memcpy(R.Reply.Data(), &Content.Now[R.Data.Offset], Bytes);
        R.Complete(STATUS_SUCCESS, Bytes);
        return;
    }
    case io::Operation::Write:
        ++Writes;
        ASSERT_EQ(R.Input.Size(), R.Data.Length);
        if (Content.Now.size() < R.Data.Offset + R.Data.Length)
            Content.Now.resize(R.Data.Offset + R.Data.Length);
        memcpy(&Content.Now[R.Data.Offset], R.Input.Data(), R.Input.Size());
        R.Complete(STATUS_SUCCESS, R.Data.Length);
        return;
    case io::Operation::Flush:
        ++Flushes;
        Content.Flushed = Content.Now;
        R.Complete(STATUS_SUCCESS, 0);
        return;
    default: R.Complete(STATUS_INVALID_DEVICE_REQUEST, 0);
    }
}

}
