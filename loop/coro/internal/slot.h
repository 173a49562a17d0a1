// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Where a coroutine puts its result: outside of its frame, in the await of the
// one that called it, or in a future.

#ifndef EVKIT_LOOP_CORO_INTERNAL_SLOT_H_
#define EVKIT_LOOP_CORO_INTERNAL_SLOT_H_

#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/loop/coro/outcome.h"

namespace evkit::loop_internal {

// The failure of a coroutine that ended without `co_return`.
absl::Status NoResultError();

// One of: a value (in the derived class), a status that is not OK, an exception
// of the user's. At first none of them.
class SlotBase {
 public:
  absl::Status status;
  std::exception_ptr exception;

 protected:
  SlotBase() = default;
  ~SlotBase() = default;
};

template <typename T>
class Slot : public SlotBase {
 public:
  Slot() = default;

  bool has_value() const { return value.has_value(); }
  // Moves the result out; rethrows an exception.
  Outcome<T> Take() {
    if (exception != nullptr) std::rethrow_exception(std::move(exception));
    if (value.has_value()) return Outcome<T>(*std::move(value));
    if (status.ok()) return NoResultError();
    return std::move(status);
  }
  // The same, and leaves it there. Requires that T can be copied.
  Outcome<T> Get() const {
    if (exception != nullptr) std::rethrow_exception(exception);
    if (value.has_value()) return Outcome<T>(*value);
    if (status.ok()) return NoResultError();
    return status;
  }

  std::optional<T> value;
};

template <>
class Slot<void> : public SlotBase {
 public:
  Slot() = default;

  bool has_value() const { return value; }
  absl::Status Take() {
    if (exception != nullptr) std::rethrow_exception(std::move(exception));
    if (value) return absl::OkStatus();
    if (status.ok()) return NoResultError();
    return std::move(status);
  }
  absl::Status Get() const {
    if (exception != nullptr) std::rethrow_exception(exception);
    if (value) return absl::OkStatus();
    if (status.ok()) return NoResultError();
    return status;
  }

  bool value = false;
};

// Whether a T can be copied. A container says yes, whatever it holds, to
// std::is_copy_constructible; here it depends on what it holds.
template <typename T>
struct IsCopyable : std::is_copy_constructible<T> {};
template <typename T>
requires(!std::is_same_v<typename T::value_type, T>) struct IsCopyable<T>
    : std::bool_constant<std::is_copy_constructible_v<T> &&
                         IsCopyable<typename T::value_type>::value> {
};
template <typename T, typename U>
struct IsCopyable<std::pair<T, U>>
    : std::bool_constant<IsCopyable<T>::value && IsCopyable<U>::value> {};
template <typename... Ts>
struct IsCopyable<std::tuple<Ts...>>
    : std::bool_constant<(IsCopyable<Ts>::value && ...)> {};

// The result, which stays where it is if it can be copied; otherwise the first
// reader takes it.
template <typename T>
Outcome<T> ReadSlot(Slot<T>& slot) {
  if constexpr (std::is_void_v<T> || IsCopyable<T>::value) {
    return slot.Get();
  } else {
    if (slot.exception != nullptr) std::rethrow_exception(slot.exception);
    if (!slot.has_value()) {
      return slot.status.ok() ? NoResultError() : slot.status;
    }
    Outcome<T> result = *std::move(slot.value);
    slot.value.reset();
    slot.status = absl::FailedPreconditionError(
        "the value was taken by who awaited it first: it cannot be copied");
    return result;
  }
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_SLOT_H_
