// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a reference in a program names: a future, a task, the future of a gather
// or of a shield.

#ifndef EVKIT_LOOP_CONFORMANCE_INTERNAL_REF_H_
#define EVKIT_LOOP_CONFORMANCE_INTERNAL_REF_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/task.h"

namespace evkit::conformance {

// The results of a gather with return_exceptions.
using Outcomes = std::vector<absl::StatusOr<int>>;

class Ref {
 public:
  // By the type of the result: int, std::vector<int>, Outcomes.
  enum class Kind { kInt, kInts, kOutcomes };

  // NOLINTBEGIN(google-explicit-constructor): a Ref is any of these.
  Ref(Future<int> future) : kind_(Kind::kInt), any_(std::move(future)) {}
  Ref(Future<std::vector<int>> future)
      : kind_(Kind::kInts), any_(std::move(future)) {}
  Ref(Future<Outcomes> future)
      : kind_(Kind::kOutcomes), any_(std::move(future)) {}
  // NOLINTEND(google-explicit-constructor)
  Ref(Kind kind, AnyFuture future) : kind_(kind), any_(std::move(future)) {}

  Kind kind() const { return kind_; }
  const AnyFuture& any() const { return any_; }
  // The task that it is known to be.
  AnyTask task() const {
    return AnyTask(static_cast<loop_internal::TaskState*>(any_.state()));
  }

  bool is_int() const { return kind_ == Kind::kInt; }
  template <typename T>
  Future<T> As() const {
    return Future<T>(loop_internal::FutureRef(any_.state()));
  }
  // Calls `function` with the future as what it is.
  template <typename F>
  auto Visit(F function) const {
    switch (kind_) {
      case Kind::kInts:
        return function(As<std::vector<int>>());
      case Kind::kOutcomes:
        return function(As<Outcomes>());
      default:
        return function(As<int>());
    }
  }

 private:
  Kind kind_;
  AnyFuture any_;
};

}  // namespace evkit::conformance

#endif  // EVKIT_LOOP_CONFORMANCE_INTERNAL_REF_H_
