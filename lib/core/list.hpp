// Intrusive doubly linked lists. A node unlinks itself when it dies, so a list never holds a dead element.
//
//   struct Waiter { core::ListNode<Waiter> Link; };
//   core::List<Waiter, &Waiter::Link> Waiters;
#pragma once
#include "lib/core/result.hpp"

namespace core {

template <typename T> class ListNode {
public:
    ListNode() = default;
    ListNode(const ListNode&) = delete;
    ListNode& operator=(const ListNode&) = delete;
    ~ListNode() { Unlink(); }
    bool IsLinked() const { return Next_ != this; }
    void Unlink()
    {
        Next_->Previous_ = Previous_;
        Previous_->Next_ = Next_;
        Next_ = Previous_ = this;
        Owner_ = nullptr;
    }

private:
    template <typename U, ListNode<U> U::*> friend class List;
    ListNode* Next_ = this;
    ListNode* Previous_ = this;
    T* Owner_ = nullptr;
};

template <typename T, ListNode<T> T::*Link> class List {
    using Node = ListNode<T>;

public:
    List() = default;
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() { Clear(); }
    bool IsEmpty() const { return Head_.Next_ == &Head_; }
    void PushBack(T& Element) { Insert(*Head_.Previous_, Element); }
    void PushFront(T& Element) { Insert(Head_, Element); }
    void InsertBefore(T& Position, T& Element) { Insert(*(Position.*Link).Previous_, Element); }
    T* First() const { return Head_.Next_->Owner_; }
    T* Last() const { return Head_.Previous_->Owner_; }
    T* Next(const T& Element) const { return (Element.*Link).Next_->Owner_; }
    T* PopFront()
    {
        T* Element = First();
        if (Element)
            (Element->*Link).Unlink();
        return Element;
    }
    void Clear()
    {
        while (PopFront()) { }
    }
    usize Count() const
    {
        usize N = 0;
        for (const Node* I = Head_.Next_; I != &Head_; I = I->Next_)
            ++N;
        return N;
    }

    // The element under the iterator may be removed while iterating; its successor may not.
    class Iterator {
    public:
        T& operator*() const { return *At_->Owner_; }
        Iterator& operator++()
        {
            At_ = Next_;
            Next_ = At_->Next_;
            return *this;
        }
        bool operator!=(const Iterator& Other) const { return At_ != Other.At_; }

    private:
        friend class List;
        explicit Iterator(Node* At) : At_(At), Next_(At->Next_) { }
        Node* At_;
        Node* Next_;
    };
    Iterator begin() { return Iterator(Head_.Next_); }
    Iterator end() { return Iterator(&Head_); }

private:
    void Insert(Node& After, T& Element)
    {
        Node& N = Element.*Link;
        ASSERT(!N.IsLinked());
        N.Owner_ = &Element;
        N.Previous_ = &After;
        N.Next_ = After.Next_;
        After.Next_->Previous_ = &N;
        After.Next_ = &N;
    }
    Node Head_;     // its Owner_ stays null, so First(), Last() and Next() end in nullptr
};

}
