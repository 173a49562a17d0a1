// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What is passed to those that wait for several things at once, as a future:
// coroutines become tasks.

#ifndef EVKIT_LOOP_CORO_INTERNAL_ENSURE_FUTURE_H_
#define EVKIT_LOOP_CORO_INTERNAL_ENSURE_FUTURE_H_

#include <utility>
#include <vector>

#include "evkit/base/source_location.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/task.h"

namespace evkit::loop_internal {

template <typename T>
Future<T> EnsureFuture(Future<T> future, SourceLocation) {
  return future;
}
template <typename T>
Future<T> EnsureFuture(Task<T> task, SourceLocation) {
  return task;
}
template <typename T>
Future<T> EnsureFuture(Coro<T> coro, SourceLocation where) {
  return CreateTask(std::move(coro), where);
}
template <CoroFunction F>
Future<CoroFunctionValue<F>> EnsureFuture(F function, SourceLocation where) {
  return CreateTask(std::move(function), TaskOptions(), where);
}

template <typename A>
concept FutureOrCoro = requires(A argument) {
  EnsureFuture(std::move(argument), SourceLocation());
};

template <typename F>
struct FutureValue;
template <typename T>
struct FutureValue<Future<T>> {
  using Type = T;
};
// T of what becomes a Future<T>.
template <FutureOrCoro A>
using EnsuredValue = typename FutureValue<decltype(EnsureFuture(
    std::declval<A>(), SourceLocation()))>::Type;

// In the order of the vector.
template <FutureOrCoro A>
std::vector<Future<EnsuredValue<A>>> EnsureFutures(std::vector<A> arguments,
                                                   SourceLocation where) {
  std::vector<Future<EnsuredValue<A>>> futures;
  futures.reserve(arguments.size());
  for (A& argument : arguments) {
    futures.push_back(EnsureFuture(std::move(argument), where));
  }
  return futures;
}

}  // namespace evkit::loop_internal

#endif  // EVKIT_LOOP_CORO_INTERNAL_ENSURE_FUTURE_H_
