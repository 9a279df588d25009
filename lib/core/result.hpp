// Status and Result<T>: the one way a failure travels.
//
// Status wraps an NTSTATUS. Result<T> is a value, or a failing Status. NT also has successes that carry information
// (STATUS_TIMEOUT, STATUS_PENDING, STATUS_BUFFER_OVERFLOW ...): a Result<T> may hold both a value and such a status
// (Result<T>::With). TRY(x) returns the failure of x from the function around it and is x's value otherwise; CO_TRY does
// the same in a coroutine. MUST(x) stops the system: each use says in a comment why x cannot fail.
#pragma once
#include <new>
#include <type_traits>
#include <utility>

#include "abi/nt/status.hpp"
#include "lib/core/types.hpp"

namespace core {

using nt::NTSTATUS;

class [[nodiscard]] Status {
public:
    constexpr Status(NTSTATUS Code = 0) : Code_(Code) { }
    // NT_SUCCESS: success and informational codes.
    constexpr bool Ok() const { return Code_ >= 0; }
    constexpr NTSTATUS Code() const { return Code_; }
    friend constexpr bool operator==(Status A, Status B) { return A.Code_ == B.Code_; }
    friend constexpr bool operator==(Status A, NTSTATUS B) { return A.Code_ == B; }
    constexpr Status GetStatus() const { return *this; }
    constexpr void Take() const { }
    constexpr void Ignore() const { }     // a failure here changes nothing; say why where it is called

private:
    NTSTATUS Code_;
};

template <typename T = void> class [[nodiscard]] Result;

template <> class [[nodiscard]] Result<void> : public Status {
public:
    using Status::Status;
    constexpr Result(Status Code) : Status(Code) { }
};

template <typename T> class [[nodiscard]] Result {
public:
    // A failing status. (A success without a value is a mistake; it becomes STATUS_INTERNAL_ERROR.)
    constexpr Result(Status Code) : Code_(Code.Ok() ? Status(nt::STATUS_INTERNAL_ERROR) : Code), Has_(false) { }
    constexpr Result(NTSTATUS Code) requires(!std::is_integral_v<T>) : Result(Status(Code)) { }
    // For numbers an int is ambiguous: a negative one is a failing status (as every STATUS_ failure is), any other the value.
    constexpr Result(NTSTATUS Code) requires(std::is_integral_v<T> && !std::is_same_v<T, NTSTATUS>) : Code_(Code < 0 ? Code : 0), Has_(Code >= 0)
    {
        if (Has_)
            new (&Room_) T(static_cast<T>(Code));
    }
    template <typename U = T>
        requires(std::is_constructible_v<T, U&&> && !std::is_same_v<std::remove_cvref_t<U>, Status> &&
                 !std::is_same_v<std::remove_cvref_t<U>, Result> && !(std::is_same_v<std::remove_cvref_t<U>, NTSTATUS> && !std::is_same_v<T, NTSTATUS>))
    constexpr Result(U&& Value) : Code_(0), Has_(true) { new (&Room_) T(std::forward<U>(Value)); }
    static constexpr Result With(Status Info, T Value)
    {
        Result R(std::move(Value));
        R.Code_ = Info;
        return R;
    }
    constexpr Result(Result&& Other) : Code_(Other.Code_), Has_(Other.Has_)
    {
        if (Has_)
            new (&Room_) T(std::move(Other.Value()));
    }
    constexpr Result& operator=(Result&& Other)
    {
        if (this != &Other) {
            this->~Result();
            new (this) Result(std::move(Other));
        }
        return *this;
    }
    constexpr ~Result()
    {
        if (Has_)
            Value().~T();
    }
    constexpr bool Ok() const { return Has_; }
    constexpr Status GetStatus() const { return Code_; }
    constexpr NTSTATUS Code() const { return Code_.Code(); }
    constexpr T& Value() { return *std::launder(reinterpret_cast<T*>(&Room_)); }
    constexpr const T& Value() const { return *std::launder(reinterpret_cast<const T*>(&Room_)); }
    constexpr T Take() { return std::move(Value()); }
    constexpr T* operator->() { return &Value(); }

private:
    Status Code_;
    bool Has_;
    alignas(T) char Room_[sizeof(T)];
};

// References travel as pointers inside.
template <typename T> class [[nodiscard]] Result<T&> {
public:
    constexpr Result(Status Code) : Code_(Code), Value_(nullptr) { }
    constexpr Result(NTSTATUS Code) : Code_(Code), Value_(nullptr) { }
    constexpr Result(T& Value) : Value_(&Value) { }
    constexpr bool Ok() const { return Value_ != nullptr; }
    constexpr Status GetStatus() const { return Code_; }
    constexpr NTSTATUS Code() const { return Code_.Code(); }
    constexpr T& Value() const { return *Value_; }
    constexpr T& Take() const { return *Value_; }
    constexpr T* operator->() const { return Value_; }

private:
    Status Code_;
    T* Value_;
};

// Ends the world with a message; every world has one definition.
[[noreturn]] void Panic(const char* What, const char* File, int Line);

}

using core::Result;
using core::Status;

#define TRY(...)                                        \
    ({                                                  \
        auto&& TryResult_ = (__VA_ARGS__);              \
        if (!TryResult_.Ok()) [[unlikely]]              \
            return TryResult_.GetStatus();              \
        TryResult_.Take();                              \
    })
#define CO_TRY(...)                                     \
    ({                                                  \
        auto&& TryResult_ = (__VA_ARGS__);              \
        if (!TryResult_.Ok()) [[unlikely]]              \
            co_return TryResult_.GetStatus();           \
        TryResult_.Take();                              \
    })
#define MUST(...)                                       \
    ({                                                  \
        auto&& MustResult_ = (__VA_ARGS__);             \
        if (!MustResult_.Ok()) [[unlikely]]             \
            core::Panic(#__VA_ARGS__, __FILE__, __LINE__); \
        MustResult_.Take();                             \
    })
#define ASSERT(...)                                     \
    do {                                                \
        if (!(__VA_ARGS__)) [[unlikely]]                \
            core::Panic(#__VA_ARGS__, __FILE__, __LINE__); \
    } while (0)
