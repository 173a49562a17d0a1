// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Several things at once, and the results of all.
//
//   std::vector<Coro<Page>> fetches;
//   for (std::string url : urls) fetches.push_back(Fetch(url));
//   std::vector<Page> pages =
//       co_await OrReturn(Gather(std::move(fetches)));   // as many, in order
//
//   std::tuple<User, Cart> both =                      // types may differ
//       co_await OrReturn(Gather(FindUser(id), FindCart(id)));
//
// The first failure is the result, at once, and what else was started runs on
// (GTH-02): for "all or nothing" take a TaskGroup (task_group.h). With
// `GatherOutcomes()` failures are results like others (GTH-03).
//
// Takes vectors of, or any number of, Coro, Future, Task, and function objects
// that return a Coro. Coroutines become tasks of the running loop, in the order
// of arguments, when this is called, not when it is awaited. The same future
// given twice counts once and is in the result twice (GTH-01).
//
// Cancelling the future, which cancelling a task that awaits it does, cancels
// all that have not ended; it is done when the first of them has ended, with
// `GatherOutcomes()` when all have; it has then failed with kCancelled, and
// `cancelled()` is false, as it is when a child was cancelled by others
// (GTH-04, GTH-05). Cancelling goes down the call stack by one level for each
// gather that waits for a gather. Not cancel-safe: the results of those that
// have ended are dropped.
//
// Where no loop is running, a gather of coroutines has failed with
// kFailedPrecondition. One of futures of different loops fails with
// kInvalidArgument. Belongs to the loop's thread.

#ifndef EVKIT_LOOP_CORO_GATHER_H_
#define EVKIT_LOOP_CORO_GATHER_H_

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/source_location.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/internal/ensure_future.h"
#include "evkit/loop/coro/internal/future_state.h"
#include "evkit/loop/coro/internal/gather_state.h"
#include "evkit/loop/coro/outcome.h"
#include "evkit/loop/coro/task.h"

namespace evkit {

namespace loop_internal {

// std::vector<T>, or void if T is.
template <typename T>
struct VectorOf {
  using Type = std::vector<T>;
};
template <>
struct VectorOf<void> {
  using Type = void;
};

template <typename T>
using ValueOrMonostate =
    std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <typename T>
class GatheredValues final
    : public Typed<GatherState, typename VectorOf<T>::Type> {
 public:
  GatheredValues(TaskHub& hub, size_t count)
      : Typed<GatherState, typename VectorOf<T>::Type>(hub), count_(count) {}

 private:
  absl::Status Collect() override {
    if constexpr (std::is_void_v<T>) {
      this->typed_slot().value = true;
    } else {
      std::vector<T> values;
      values.reserve(count_);
      for (size_t i = 0; i < count_; ++i) {
        Outcome<T> outcome = this->template OutcomeOfChild<T>(i);
        if (!outcome.ok()) return std::move(outcome).status();
        values.push_back(*std::move(outcome));
      }
      this->typed_slot().value = std::move(values);
    }
    return absl::OkStatus();
  }

  const size_t count_;
};

template <typename T>
class GatheredOutcomes final
    : public Typed<GatherState, std::vector<Outcome<T>>> {
 public:
  GatheredOutcomes(TaskHub& hub, size_t count)
      : Typed<GatherState, std::vector<Outcome<T>>>(hub), count_(count) {}

 private:
  absl::Status Collect() override {
    std::vector<Outcome<T>> outcomes;
    outcomes.reserve(count_);
    for (size_t i = 0; i < count_; ++i) {
      outcomes.push_back(this->template OutcomeOfChild<T>(i));
    }
    this->typed_slot().value = std::move(outcomes);
    return absl::OkStatus();
  }

  const size_t count_;
};

template <typename... Ts>
class GatheredTuple final
    : public Typed<GatherState, std::tuple<ValueOrMonostate<Ts>...>> {
 public:
  using Typed<GatherState, std::tuple<ValueOrMonostate<Ts>...>>::Typed;

 private:
  absl::Status Collect() override {
    return CollectOf(std::index_sequence_for<Ts...>());
  }
  template <size_t... kIndices>
  absl::Status CollectOf(std::index_sequence<kIndices...>) {
    [[maybe_unused]] std::tuple<Outcome<Ts>...> outcomes{
        this->template OutcomeOfChild<Ts>(kIndices)...};
    absl::Status status;
    (KeepFirstError(std::get<kIndices>(outcomes), status), ...);
    if (!status.ok()) return status;
    this->typed_slot().value.emplace(
        Value(std::get<kIndices>(std::move(outcomes)))...);
    return status;
  }
  static void KeepFirstError(const absl::Status& error, absl::Status& status) {
    if (status.ok()) status = error;
  }
  template <typename T>
  static void KeepFirstError(const absl::StatusOr<T>& outcome,
                             absl::Status& status) {
    if (status.ok() && !outcome.ok()) status = outcome.status();
  }
  static std::monostate Value(absl::Status) { return std::monostate(); }
  template <typename T>
  static T Value(absl::StatusOr<T> outcome) {
    return *std::move(outcome);
  }
};

template <typename... Ts>
class GatheredTupleOfOutcomes final
    : public Typed<GatherState, std::tuple<Outcome<Ts>...>> {
 public:
  using Typed<GatherState, std::tuple<Outcome<Ts>...>>::Typed;

 private:
  absl::Status Collect() override {
    return CollectOf(std::index_sequence_for<Ts...>());
  }
  template <size_t... kIndices>
  absl::Status CollectOf(std::index_sequence<kIndices...>) {
    this->typed_slot().value.emplace(
        this->template OutcomeOfChild<Ts>(kIndices)...);
    return absl::OkStatus();
  }
};

template <typename State, typename... Args>
FutureRef BeginGather(const std::vector<FutureRef>& children, bool outcomes,
                      bool distinct, Args... args) {
  auto* const state = new State(*GatherState::HubOf(children), args...);
  FutureRef ref = FutureRef::Adopt(state);
  state->Begin(children, outcomes, distinct);
  return ref;
}

// Whether each A becomes a task of its own.
template <typename A>
inline constexpr bool kBecomesTask = !std::is_base_of_v<AnyFuture, A>;

// The children of a gather, in the order of the vector.
template <FutureOrCoro A>
std::vector<FutureRef> EnsureStates(std::vector<A> arguments,
                                    SourceLocation where) {
  std::vector<FutureRef> states;
  states.reserve(arguments.size());
  for (A& argument : arguments) {
    states.push_back(
        FutureRef(EnsureFuture(std::move(argument), where).state()));
  }
  return states;
}

// The same of arguments of different types.
template <typename... As>
std::vector<FutureRef> EnsureStatesOf([[maybe_unused]] SourceLocation where,
                                      As&&... arguments) {
  return std::vector<FutureRef>{
      FutureRef(EnsureFuture(std::forward<As>(arguments), where).state())...};
}

}  // namespace loop_internal

// The values, in the order of `arguments`; Future<void> if they are void. No
// arguments: done, and empty. All done already: done when this returns
// (GTH-06).
template <loop_internal::FutureOrCoro A>
auto Gather(std::vector<A> arguments,
            SourceLocation where = SourceLocation::Here()) {
  using T = loop_internal::EnsuredValue<A>;
  const auto children =
      loop_internal::EnsureStates(std::move(arguments), where);
  return Future<typename loop_internal::VectorOf<T>::Type>(
      loop_internal::BeginGather<loop_internal::GatheredValues<T>>(
          children, /*outcomes=*/false, loop_internal::kBecomesTask<A>,
          children.size()));
}

// The outcomes, errors included: never fails but by being cancelled. An
// exception of the user's is described as kUnknown.
template <loop_internal::FutureOrCoro A>
auto GatherOutcomes(std::vector<A> arguments,
                    SourceLocation where = SourceLocation::Here()) {
  using T = loop_internal::EnsuredValue<A>;
  const auto children =
      loop_internal::EnsureStates(std::move(arguments), where);
  return Future<std::vector<Outcome<T>>>(
      loop_internal::BeginGather<loop_internal::GatheredOutcomes<T>>(
          children, /*outcomes=*/true, loop_internal::kBecomesTask<A>,
          children.size()));
}

// The same for arguments of different types: a Future<std::tuple<...>>, with
// std::monostate, and absl::Status in `GatherOutcomes()`, where one is void.
template <loop_internal::FutureOrCoro... As>
auto Gather(As... arguments) {
  using State =
      loop_internal::GatheredTuple<loop_internal::EnsuredValue<As>...>;
  return Future<std::tuple<
      loop_internal::ValueOrMonostate<loop_internal::EnsuredValue<As>>...>>(
      loop_internal::BeginGather<State>(
          loop_internal::EnsureStatesOf(SourceLocation::Here(),
                                        std::move(arguments)...),
          /*outcomes=*/false, /*distinct=*/false));
}
template <loop_internal::FutureOrCoro... As>
auto GatherOutcomes(As... arguments) {
  using State = loop_internal::GatheredTupleOfOutcomes<
      loop_internal::EnsuredValue<As>...>;
  return Future<std::tuple<Outcome<loop_internal::EnsuredValue<As>>...>>(
      loop_internal::BeginGather<State>(
          loop_internal::EnsureStatesOf(SourceLocation::Here(),
                                        std::move(arguments)...),
          /*outcomes=*/true, /*distinct=*/false));
}

}  // namespace evkit

#endif  // EVKIT_LOOP_CORO_GATHER_H_
