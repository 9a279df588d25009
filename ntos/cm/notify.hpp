// Watching keys: who waits for changes.
#pragma once
#include "ntos/cm/node.hpp"
#include "ntos/ps/thread.hpp"

namespace cm {

class Key;

// One outstanding NtNotifyChangeKey. Deletes itself when it is over if it is asynchronous; a waiting service owns its own.
struct Post final : ps::ThreadRundown {
    core::ListNode<Post> InWatch;
    RefPtr<ps::Process> Process;        // null: synchronous, Changed tells
    RefPtr<ps::Thread> Thread;
    RefPtr<ob::Object> Event;
    ke::Event Changed { ke::Event::Notification, false };
    u64 StatusBlock = 0, ApcRoutine = 0, ApcContext = 0;
    bool LeaveBlock = false;            // it is not written
    NTSTATUS Outcome = STATUS_PENDING;
    void Complete(NTSTATUS Status);
    void ThreadEnds(ps::Thread&) override;
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

// What an open key watches for, from its first notification request on. A change while nobody waits answers the next request at once.
struct Watch {
    Node& On;
    u32 Filter;
    bool Tree, Pending = false;
    core::ListNode<Watch> All;
    core::List<Post, &Post::InWatch> Posts;
    Watch(Node& On, u32 Filter, bool Tree);
    ~Watch();                           // requests end with STATUS_NOTIFY_CLEANUP
    void CompleteAll(NTSTATUS Status);
    // N has changed in the way What says.
    static void Tell(Node& N, u32 What);
    // N has been deleted: who watched it learns that, once.
    static void Gone(Node& N);
    static void* operator new(usize Bytes) noexcept { return ::operator new(Bytes, std::nothrow); }
    static void operator delete(void* At) { ::operator delete(At); }
};

}
