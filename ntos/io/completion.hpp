// Completion ports: queues of packets that threads take in order.
// Differs from Windows: any number of threads runs at a time, whatever concurrency the port was made with.
#pragma once
#include "ntos/io/io.hpp"

namespace io {

class CompletionPort final : public ob::Object {
public:
    static const ob::TypeInfo Type;
    CompletionPort() : Object(Type) { }
    ~CompletionPort() override;
    ke::Waitable* AsWaitable() override { return &Signal_; }
    // Gives the packet to a waiting thread or queues it.
    void Queue(Packet& P);
    // Takes a packet of somebody else's back. False: it is not queued.
    bool Remove(Packet& P);
    u32 Depth() const { return Depth_; }

    // A thread that waits for packets; on its frame. A packet it was given but did not take goes back to the front.
    class Waiter {
    public:
        explicit Waiter(CompletionPort& Of) : Port_(Of) { }
        ~Waiter();
        void Enter() { Port_.Waiters_.PushFront(*this); }     // the last to come is the first to be served
        ke::Waitable& Given() { return Given_; }
        Packet* Take() { return std::exchange(Packet_, nullptr); }

    private:
        friend class CompletionPort;
        CompletionPort& Port_;
        Packet* Packet_ = nullptr;
        core::ListNode<Waiter> Link_;
        ke::Event Given_;
    };
    Packet* Pop();                      // the first one queued, or null

private:
    void PushFront(Packet& P);
    core::List<Packet, &Packet::Link> Packets_;
    core::List<Waiter, &Waiter::Link_> Waiters_;
    u32 Depth_ = 0;
    struct Signal final : ke::Waitable {
        bool IsSignaled(const ke::Caller*) const override { return Set; }
        NTSTATUS Satisfy(ke::Caller*) override { return STATUS_SUCCESS; }
        bool Set = false;
    } Signal_;
};

Status SetCompletion(File& F, RefPtr<CompletionPort> Port, u64 Key);
Status SetNotificationFlags(File& F, u32 Flags);

}
