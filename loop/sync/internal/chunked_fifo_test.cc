// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/sync/internal/chunked_fifo.h"

#include <array>
#include <deque>
#include <memory>
#include <random>
#include <utility>

#include "gtest/gtest.h"

namespace evkit::loop_internal {
namespace {

// Counts how many are alive.
class Counted {
 public:
  explicit Counted(int value) : value_(std::make_unique<int>(value)) {
    ++alive;
  }
  Counted(Counted&& other) noexcept : value_(std::move(other.value_)) {
    ++alive;
  }
  Counted& operator=(Counted&&) = delete;
  ~Counted() { --alive; }

  int value() const { return *value_; }

  static int alive;

 private:
  std::unique_ptr<int> value_;
};
int Counted::alive = 0;

TEST(ChunkedFifoTest, ItGivesBackWhatItWasGivenInOrder) {
  std::mt19937 random(1);
  std::deque<int> expected;
  {
    ChunkedFifo<Counted> fifo;
    int next = 0;
    for (int step = 0; step < 20000; ++step) {
      // Grows and shrinks in waves, through empty and through many chunks.
      const bool push = random() % 16 < (step / 1000 % 2 == 0 ? 11u : 5u);
      if (push) {
        fifo.Push(Counted(next));
        expected.push_back(next++);
      } else if (!expected.empty()) {
        EXPECT_EQ(fifo.Pop().value(), expected.front());
        expected.pop_front();
      }
      ASSERT_EQ(fifo.empty(), expected.empty());
      ASSERT_EQ(static_cast<size_t>(Counted::alive), expected.size());
    }
    for (int i = 0; i < 1000; ++i) fifo.Push(Counted(next++));
  }
  EXPECT_EQ(Counted::alive, 0);
}

TEST(ChunkedFifoTest, ValuesMayBeLargeAndStrictlyAligned) {
  class alignas(64) Large {
   public:
    std::array<int, 400> numbers = {};
  };
  ChunkedFifo<Large> fifo;
  for (int i = 0; i < 20; ++i) {
    Large large;
    large.numbers[399] = i;
    fifo.Push(large);
  }
  for (int i = 0; i < 20; ++i) EXPECT_EQ(fifo.Pop().numbers[399], i);
  EXPECT_TRUE(fifo.empty());
}

}  // namespace
}  // namespace evkit::loop_internal
