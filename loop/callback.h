// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a loop calls: any callable without arguments or result, held in place.
//
// Like absl::AnyInvocable<void()>, with room for the captures of an ordinary
// lambda (six pointers) where AnyInvocable has room for two, so that scheduling
// one allocates nothing.

#ifndef EVKIT_LOOP_CALLBACK_H_
#define EVKIT_LOOP_CALLBACK_H_

#include <cstddef>
#include <cstring>
#include <functional>
#include <new>
#include <type_traits>
#include <utility>

#include "evkit/base/check.h"

namespace evkit {

// Move-only. A callback is empty when default-constructed, moved from or reset.
class Callback {
 public:
  // Callables up to this size, aligned to a pointer and movable without
  // throwing, are held in place; others are allocated.
  static constexpr size_t kInlineSize = 6 * sizeof(void*);

  Callback() = default;

  // Takes any callable that can be called as `callable()`; its result is
  // dropped. A null function pointer, or an empty std::function or
  // absl::AnyInvocable, is a bug in the caller (checked).
  template <typename F, typename = std::enable_if_t<
                            !std::is_same_v<std::decay_t<F>, Callback> &&
                            std::is_invocable_v<std::decay_t<F>&>>>
  // NOLINTNEXTLINE(google-explicit-constructor): a parameter type for lambdas.
  Callback(F&& callable) {
    using Callable = std::decay_t<F>;
    if constexpr (std::is_constructible_v<Callable, std::nullptr_t> &&
                  std::is_constructible_v<bool, Callable&> &&
                  !std::is_function_v<std::remove_reference_t<F>>) {
      EVKIT_CHECK(static_cast<bool>(callable), "a callback must not be null");
    }
    if constexpr (kHeldInPlace<Callable>) {
      ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
      operations_ = &kInPlaceOperations<Callable>;
    } else {
      Callable* const allocated = new Callable(std::forward<F>(callable));
      std::memcpy(storage_, &allocated, sizeof(allocated));
      operations_ = &kAllocatedOperations<Callable>;
    }
  }

  Callback(Callback&& other) noexcept { TakeFrom(other); }
  Callback& operator=(Callback&& other) noexcept {
    if (this != &other) {
      Reset();
      TakeFrom(other);
    }
    return *this;
  }
  ~Callback() { Reset(); }

  explicit operator bool() const { return operations_ != nullptr; }

  // Calls it. May be called any number of times. Requires that it is not empty.
  void operator()() { operations_->invoke(storage_); }

  // Whether moving it runs code of what it holds, which may be the user's: its
  // move constructor, and the destructor of what was moved from.
  bool runs_code_when_moved() const {
    return operations_ != nullptr && operations_->relocate != nullptr;
  }

  // Takes what `other` holds. Requires that this one is empty. Cheaper than to
  // assign, which must look whether it is.
  void TakeFrom(Callback& other) {
    operations_ = std::exchange(other.operations_, nullptr);
    if (operations_ == nullptr) return;
    if (operations_->relocate == nullptr) {
      std::memcpy(storage_, other.storage_, kInlineSize);
    } else {
      operations_->relocate(other.storage_, storage_);
    }
  }

  // Destroys what it holds, which may run user code; it is empty before that.
  void Reset() {
    if (operations_ == nullptr) return;
    const Operations* const operations = std::exchange(operations_, nullptr);
    if (operations->destroy != nullptr) operations->destroy(storage_);
  }

 private:
  struct Operations {
    void (*invoke)(void* storage);
    // Null: copying the bytes will do.
    void (*relocate)(void* from, void* to);
    // Null: nothing to do.
    void (*destroy)(void* storage);
  };

  template <typename Callable>
  static constexpr bool kHeldInPlace =
      sizeof(Callable) <= kInlineSize && alignof(Callable) <= alignof(void*) &&
      std::is_nothrow_move_constructible_v<Callable>;

  template <typename Callable>
  static Callable* InPlace(void* storage) {
    return std::launder(static_cast<Callable*>(storage));
  }
  template <typename Callable>
  static Callable* Allocated(void* storage) {
    Callable* callable;
    std::memcpy(&callable, storage, sizeof(callable));
    return callable;
  }

  template <typename Callable>
  static constexpr Operations kInPlaceOperations = {
      [](void* storage) { std::invoke(*InPlace<Callable>(storage)); },
      std::is_trivially_copyable_v<Callable>
          ? nullptr
          : +[](void* from, void* to) {
              Callable* const source = InPlace<Callable>(from);
              ::new (to) Callable(std::move(*source));
              source->~Callable();
            },
      std::is_trivially_destructible_v<Callable>
          ? nullptr
          : +[](void* storage) { InPlace<Callable>(storage)->~Callable(); }};

  template <typename Callable>
  static constexpr Operations kAllocatedOperations = {
      [](void* storage) { std::invoke(*Allocated<Callable>(storage)); },
      nullptr, [](void* storage) { delete Allocated<Callable>(storage); }};

  const Operations* operations_ = nullptr;
  alignas(void*) std::byte storage_[kInlineSize];
};

}  // namespace evkit

#endif  // EVKIT_LOOP_CALLBACK_H_
