// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/testing/interleavings.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "evkit/base/check.h"

namespace evkit {

void Interleaving::Add(std::string name, std::function<void()> action) {
  EVKIT_CHECK(!played_, "an action was added after Play()");
  EVKIT_CHECK(actions_.size() < 8, "more orders than can be tried");
  actions_.emplace_back(std::move(name), std::move(action));
}

void Interleaving::AddOrder(const std::string& first,
                            const std::string& second) {
  orders_.emplace_back(IndexOf(first), IndexOf(second));
}

void Interleaving::Play(TestLoop& test) {
  EVKIT_CHECK(!played_, "Play() was called twice");
  played_ = true;
  if (permutation_.empty()) {
    permutation_.resize(actions_.size());
    std::iota(permutation_.begin(), permutation_.end(), size_t{0});
    while (!RespectsOrders()) {
      EVKIT_CHECK(NextPermutation(), "the orders contradict each other");
    }
  }
  EVKIT_CHECK(permutation_.size() == actions_.size(),
              "not the same actions in every run");
  trace_.emplace(__FILE__, __LINE__, DebugString());
  EXPECT_TRUE(test.RunUntilIdle().ok());
  if (!actions_.empty()) {
    test->CallSoon([this, &test] { PerformFrom(test, 0); });
  }
  EXPECT_TRUE(test.RunUntilIdle().ok());
}

std::string Interleaving::DebugString() const {
  std::string text;
  for (size_t i = 0; i < permutation_.size(); ++i) {
    if (i > 0) text += TurnBefore(i) ? " | " : ", ";
    text += actions_[permutation_[i]].name;
  }
  return text;
}

size_t Interleaving::IndexOf(const std::string& name) const {
  const auto found =
      std::find_if(actions_.begin(), actions_.end(),
                   [&](const Action& action) { return action.name == name; });
  EVKIT_CHECK(found != actions_.end(), "no action has this name");
  return static_cast<size_t>(found - actions_.begin());
}

bool Interleaving::RespectsOrders() const {
  const auto position = [this](size_t action) {
    return std::find(permutation_.begin(), permutation_.end(), action);
  };
  return std::all_of(orders_.begin(), orders_.end(), [&](const auto& order) {
    return position(order.first) < position(order.second);
  });
}

bool Interleaving::NextPermutation() {
  return std::next_permutation(permutation_.begin(), permutation_.end());
}

bool Interleaving::Next() {
  if (++turns_ >> (actions_.empty() ? 0 : actions_.size() - 1) == 0) {
    return true;
  }
  turns_ = 0;
  while (NextPermutation()) {
    if (RespectsOrders()) return true;
  }
  return false;
}

void Interleaving::BeginRun() {
  actions_.clear();
  orders_.clear();
  played_ = false;
}

void Interleaving::PerformFrom(TestLoop& test, size_t position) {
  do {
    actions_[permutation_[position]].perform();
    ++position;
  } while (position < actions_.size() && !TurnBefore(position));
  if (position < actions_.size()) {
    test->CallSoon([this, &test, position] { PerformFrom(test, position); });
  }
}

int ForEveryInterleaving(absl::FunctionRef<void(Interleaving&)> scenario) {
  Interleaving run;
  int count = 0;
  do {
    run.BeginRun();
    scenario(run);
    run.trace_.reset();
    EVKIT_CHECK(run.played_, "the scenario did not call Play()");
    ++count;
  } while (!::testing::Test::HasFailure() && run.Next());
  return count;
}

}  // namespace evkit
