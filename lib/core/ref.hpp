// Intrusive references. Ref<T> is never null, RefPtr<T> may be. T provides AddRef() and Release().
#pragma once
#include "lib/core/result.hpp"

namespace core {

template <typename T> class Ref;

template <typename T> class RefPtr {
public:
    constexpr RefPtr() = default;
    constexpr RefPtr(decltype(nullptr)) { }
    explicit RefPtr(T* Object) : Object_(Object)
    {
        if (Object_)
            Object_->AddRef();
    }
    // Takes over a reference that the caller already holds.
    static RefPtr Adopt(T* Object)
    {
        RefPtr P;
        P.Object_ = Object;
        return P;
    }
    RefPtr(const RefPtr& Other) : RefPtr(Other.Object_) { }
    RefPtr(RefPtr&& Other) : Object_(std::exchange(Other.Object_, nullptr)) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    RefPtr(const RefPtr<U>& Other) : RefPtr(static_cast<T*>(Other.Get())) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    RefPtr(RefPtr<U>&& Other) : Object_(Other.Leak()) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    RefPtr(const Ref<U>& Other) : RefPtr(static_cast<T*>(Other.Get())) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    RefPtr(Ref<U>&& Other) : Object_(Other.Leak()) { }
    RefPtr& operator=(RefPtr Other)
    {
        std::swap(Object_, Other.Object_);
        return *this;
    }
    ~RefPtr() { Reset(); }
    void Reset()
    {
        if (T* Old = std::exchange(Object_, nullptr))
            Old->Release();
    }
    T* Get() const { return Object_; }
    T* Leak() { return std::exchange(Object_, nullptr); }
    T* operator->() const { return Object_; }
    T& operator*() const { return *Object_; }
    explicit operator bool() const { return Object_ != nullptr; }
    friend bool operator==(const RefPtr& A, const RefPtr& B) { return A.Object_ == B.Object_; }
    friend bool operator==(const RefPtr& A, const T* B) { return A.Object_ == B; }

private:
    T* Object_ = nullptr;
};

template <typename T> class Ref {
public:
    explicit Ref(T& Object) : Object_(&Object) { Object_->AddRef(); }
    static Ref Adopt(T& Object) { return Ref(Object, 0); }
    Ref(const Ref& Other) : Ref(*Other.Object_) { }
    Ref(Ref&& Other) : Object_(Other.Leak()) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    Ref(const Ref<U>& Other) : Ref(static_cast<T&>(*Other.Get())) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    Ref(Ref<U>&& Other) : Object_(Other.Leak()) { }
    Ref& operator=(Ref Other)
    {
        std::swap(Object_, Other.Object_);
        return *this;
    }
    ~Ref()
    {
        if (Object_)                    // null only after a move
            Object_->Release();
    }
    T* Get() const { return Object_; }
    T* Leak() { return std::exchange(Object_, nullptr); }
    T* operator->() const { return Object_; }
    T& operator*() const { return *Object_; }
    operator T&() const { return *Object_; }

private:
    Ref(T& Object, int) : Object_(&Object) { }
    T* Object_;
};

// The count itself, for things that are not ob::Object. Destroy by `delete`.
template <typename T> class RefCounted {
public:
    void AddRef() { ++References_; }
    void Release()
    {
        ASSERT(References_ > 0);
        if (--References_ == 0)
            delete static_cast<T*>(this);
    }
    u32 References() const { return References_; }

private:
    u32 References_ = 1;
};

// Unique ownership by `delete`.
template <typename T> class Own {
public:
    Own() = default;
    explicit Own(T* Object) : Object_(Object) { }
    Own(Own&& Other) : Object_(Other.Leak()) { }
    template <typename U>
        requires std::is_convertible_v<U*, T*>
    Own(Own<U>&& Other) : Object_(Other.Leak()) { }
    Own& operator=(Own&& Other)
    {
        Own Moved(std::move(Other));
        std::swap(Object_, Moved.Object_);
        return *this;
    }
    ~Own() { delete Object_; }
    T* Get() const { return Object_; }
    T* Leak() { return std::exchange(Object_, nullptr); }
    T* operator->() const { return Object_; }
    T& operator*() const { return *Object_; }
    explicit operator bool() const { return Object_ != nullptr; }

private:
    T* Object_ = nullptr;
};

}

using core::Own;
using core::Ref;
using core::RefCounted;
using core::RefPtr;
