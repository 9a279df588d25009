// A growable array whose growth can fail. Elements are moved when it grows.
#pragma once
#include <span>

#include "lib/core/result.hpp"

namespace core {

template <typename T> class Vector {
public:
    Vector() = default;
    Vector(const Vector&) = delete;
    Vector& operator=(const Vector&) = delete;
    Vector(Vector&& Other)
        : Data_(std::exchange(Other.Data_, nullptr)), Size_(std::exchange(Other.Size_, 0)), Room_(std::exchange(Other.Room_, 0))
    {
    }
    Vector& operator=(Vector&& Other)
    {
        std::swap(Data_, Other.Data_);
        std::swap(Size_, Other.Size_);
        std::swap(Room_, Other.Room_);
        return *this;
    }
    ~Vector()
    {
        Clear();
        ::operator delete(Data_, std::align_val_t(alignof(T)));
    }
    usize Size() const { return Size_; }
    bool IsEmpty() const { return Size_ == 0; }
    T* Data() { return Data_; }
    const T* Data() const { return Data_; }
    T& operator[](usize I) { return Data_[I]; }
    const T& operator[](usize I) const { return Data_[I]; }
    T& Last() { return Data_[Size_ - 1]; }
    T* begin() { return Data_; }
    T* end() { return Data_ + Size_; }
    const T* begin() const { return Data_; }
    const T* end() const { return Data_ + Size_; }
    std::span<T> Span() { return { Data_, Size_ }; }
    std::span<const T> Span() const { return { Data_, Size_ }; }

    Status Reserve(usize Room)
    {
        if (Room <= Room_)
            return nt::STATUS_SUCCESS;
        if (Room > (usize(1) << 40) / sizeof(T))
            return nt::STATUS_NO_MEMORY;
        T* Data = static_cast<T*>(::operator new(Room * sizeof(T), std::align_val_t(alignof(T)), std::nothrow));
        if (!Data)
            return nt::STATUS_NO_MEMORY;
        if constexpr (std::is_trivially_copyable_v<T>) {
            if (Size_)
                __builtin_memcpy(static_cast<void*>(Data), Data_, Size_ * sizeof(T));
        } else {
            for (usize I = 0; I < Size_; ++I) {
                new (&Data[I]) T(std::move(Data_[I]));
                Data_[I].~T();
            }
        }
        ::operator delete(Data_, std::align_val_t(alignof(T)));
        Data_ = Data;
        Room_ = Room;
        return nt::STATUS_SUCCESS;
    }
    template <typename... A> Status Push(A&&... Args)
    {
        if (Size_ == Room_)
            if (Status S = Reserve(Room_ ? Room_ * 2 : 8); !S.Ok())
                return S;
        new (&Data_[Size_]) T(std::forward<A>(Args)...);
        ++Size_;
        return nt::STATUS_SUCCESS;
    }
    // New elements are value-initialised.
    Status Resize(usize Size)
    {
        if (Size > Room_)
            if (Status S = Reserve(Size); !S.Ok())
                return S;
        while (Size_ > Size)
            Data_[--Size_].~T();
        if constexpr (std::is_trivially_default_constructible_v<T> && std::is_trivially_copyable_v<T> && std::is_scalar_v<T>) {
            if (Size > Size_)
                __builtin_memset(Data_ + Size_, 0, (Size - Size_) * sizeof(T));
            Size_ = Size;
        }
        while (Size_ < Size)
            new (&Data_[Size_++]) T();
        return nt::STATUS_SUCCESS;
    }
    void Pop() { Data_[--Size_].~T(); }
    void RemoveAt(usize At)
    {
        for (usize I = At; I + 1 < Size_; ++I)
            Data_[I] = std::move(Data_[I + 1]);
        Pop();
    }
    void Clear()
    {
        while (Size_)
            Pop();
    }

private:
    T* Data_ = nullptr;
    usize Size_ = 0, Room_ = 0;
};

}

using core::Vector;
