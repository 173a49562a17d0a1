// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Runs a scenario once for every order in which its actions can happen, each
// action in the same turn of the loop as the one before it or in a later one.
// Races of one thread are found by trying all of them.
//
//   TEST(LockTest, NobodyIsStranded) {
//     ForEveryInterleaving([](Interleaving& run) {
//       Lock lock;
//       TestLoop test;
//       ...                                    // tasks a and b, waiting
//       run.Add("release", [&] { lock.Release().IgnoreError(); });
//       run.Add("cancel a", [&] { a.Cancel(); });
//       run.Play(test);
//       EXPECT_TRUE(b.done());
//     });
//   }
//
// The order that a check failed in is printed with the failure: `release,
// cancel a` are two actions in one turn, in `release | cancel a` a turn lies
// between them, in which what the first one woke has gone on. No other order is
// tried after one that failed.

#ifndef EVKIT_LOOP_TESTING_INTERLEAVINGS_H_
#define EVKIT_LOOP_TESTING_INTERLEAVINGS_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "evkit/loop/testing/test_loop.h"
#include "gtest/gtest.h"

namespace evkit {

// One order. Belongs to `ForEveryInterleaving()`.
class Interleaving {
 public:
  Interleaving(const Interleaving&) = delete;
  Interleaving& operator=(const Interleaving&) = delete;

  // Adds an action. Every run must add the same ones; at most 8.
  void Add(std::string name, std::function<void()> action);

  // Leaves out the orders in which `second` happens before `first`. Both have
  // been added.
  void AddOrder(const std::string& first, const std::string& second);

  // Runs what is ready, so that everybody waits who is to wait; then performs
  // the actions in callbacks of the loop, and runs until only time could bring
  // more. Once, after the last `Add()`.
  void Play(TestLoop& test);

  // `release, cancel a | acquire c`. Known after `Play()` has begun.
  std::string DebugString() const;

 private:
  friend int ForEveryInterleaving(
      absl::FunctionRef<void(Interleaving&)> scenario);

  class Action {
   public:
    Action(std::string name_in, std::function<void()> perform_in)
        : name(std::move(name_in)), perform(std::move(perform_in)) {}

    std::string name;
    std::function<void()> perform;
  };

  Interleaving() = default;

  size_t IndexOf(const std::string& name) const;
  bool RespectsOrders() const;
  // The next permutation; false if this was the last.
  bool NextPermutation();
  // The next order; false if this was the last.
  bool Next();
  void BeginRun();
  void PerformFrom(TestLoop& test, size_t position);
  bool TurnBefore(size_t position) const {
    return position > 0 && ((turns_ >> (position - 1)) & 1u) != 0;
  }

  std::vector<Action> actions_;
  std::vector<std::pair<size_t, size_t>> orders_;
  std::vector<size_t> permutation_;  // Of indices of `actions_`.
  unsigned turns_ = 0;  // Bit i: a turn between positions i and i + 1.
  bool played_ = false;
  std::optional<::testing::ScopedTrace> trace_;
};

// Calls `scenario` for every order, each with objects of its own, and returns
// how many orders there were: N! * 2^(N-1) of N actions, less what
// `Interleaving::AddOrder()` excludes.
int ForEveryInterleaving(absl::FunctionRef<void(Interleaving&)> scenario);

}  // namespace evkit

#endif  // EVKIT_LOOP_TESTING_INTERLEAVINGS_H_
