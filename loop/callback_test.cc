// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/callback.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

// What happened to callables of one kind.
struct Counts {
  int constructed = 0;
  int moved = 0;
  int destroyed = 0;
  int called = 0;
  const void* address = nullptr;  // Of the one that was called.
};

// Of `kSize` bytes; if not `kNothrow`, its move constructor may throw.
template <size_t kSize, bool kNothrow = true, size_t kAlignment = 8>
class alignas(kAlignment) Counting {
 public:
  explicit Counting(Counts& counts) : counts_(&counts) {
    ++counts_->constructed;
  }
  Counting(Counting&& other) noexcept(kNothrow) : counts_(other.counts_) {
    ++counts_->constructed;
    ++counts_->moved;
  }
  ~Counting() { ++counts_->destroyed; }
  void operator()() {
    ++counts_->called;
    counts_->address = this;
  }

 private:
  Counts* counts_;
  [[maybe_unused]] std::array<char, kSize - sizeof(Counts*)> filling_ = {};
};

bool IsInside(const void* address, const Callback& callback) {
  const auto begin = reinterpret_cast<uintptr_t>(&callback);
  const auto at = reinterpret_cast<uintptr_t>(address);
  return at >= begin && at < begin + sizeof(callback);
}

TEST(CallbackTest, IsEmptyUntilSomethingIsPutIn) {
  Callback callback;
  EXPECT_FALSE(callback);
  callback = [] {};
  EXPECT_TRUE(callback);
  callback.Reset();
  EXPECT_FALSE(callback);
  callback.Reset();
}

// FDW-10
TEST(CallbackTest, CallsAsOftenAsAskedAndDropsTheResult) {
  int calls = 0;
  Callback callback([&calls] { return ++calls; });
  callback();
  callback();
  EXPECT_EQ(calls, 2);
}

int function_calls = 0;
void Function() { ++function_calls; }

TEST(CallbackTest, TakesWhateverCanBeCalled) {
  Callback function(Function);
  Callback pointer(&Function);
  Callback std_function(std::function<void()>{Function});
  Callback any_invocable(absl::AnyInvocable<void()>{Function});
  Callback bound(std::bind(Function));
  for (Callback* callback :
       {&function, &pointer, &std_function, &any_invocable, &bound}) {
    (*callback)();
  }
  EXPECT_EQ(function_calls, 5);
  auto text = std::make_unique<std::string>("moved");
  std::string seen;
  Callback move_only(
      [text = std::move(text), &seen]() mutable { seen = *std::move(text); });
  move_only();
  EXPECT_EQ(seen, "moved");
}

// Neither null nor convertible to bool, though a null pointer could make one.
struct FromPointer {
  // NOLINTNEXTLINE(google-explicit-constructor)
  FromPointer(int* its_target) : target(its_target) {}
  void operator()() { ++*target; }
  int* target;
};

TEST(CallbackTest, TakesACallableThatCouldBeMadeFromANullPointer) {
  int calls = 0;
  Callback callback{FromPointer(&calls)};
  callback();
  EXPECT_EQ(calls, 1);
}

// DBG-04
TEST(CallbackDeathTest, RefusesNull) {
  static_assert(!std::is_constructible_v<Callback, int>);
  static_assert(!std::is_constructible_v<Callback, void (*)(int)>);
  EXPECT_DEATH(Callback(static_cast<void (*)()>(nullptr)), "null");
  EXPECT_DEATH(Callback(std::function<void()>()), "null");
  EXPECT_DEATH(Callback(absl::AnyInvocable<void()>()), "null");
}

TEST(CallbackTest, HoldsSixPointersInPlace) {
  Counts counts;
  Callback callback{Counting<Callback::kInlineSize>(counts)};
  callback();
  EXPECT_TRUE(IsInside(counts.address, callback));
  EXPECT_TRUE(callback.runs_code_when_moved());
  const Callback trivial([&counts] { ++counts.called; });
  EXPECT_FALSE(trivial.runs_code_when_moved());
}

TEST(CallbackTest, AllocatesWhatIsTooLargeOrCouldThrowWhenMoved) {
  Counts counts;
  Callback large{Counting<Callback::kInlineSize + 8>(counts)};
  large();
  EXPECT_FALSE(IsInside(counts.address, large));
  Callback throwing{Counting<16, /*kNothrow=*/false>(counts)};
  throwing();
  EXPECT_FALSE(IsInside(counts.address, throwing));
  EXPECT_FALSE(large.runs_code_when_moved());
  EXPECT_FALSE(throwing.runs_code_when_moved());
}

TEST(CallbackTest, AllocatesWhatNeedsMoreThanAPointersAlignment) {
  Counts counts;
  Callback callback{Counting<64, true, 64>(counts)};
  callback();
  EXPECT_FALSE(IsInside(counts.address, callback));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(counts.address) % 64, 0);
  Callback moved(std::move(callback));
  moved();
  EXPECT_EQ(reinterpret_cast<uintptr_t>(counts.address) % 64, 0);
}

TEST(CallbackTest, MovesWhatItHoldsInPlaceOnceForEachMove) {
  Counts counts;
  Callback first{Counting<16>(counts)};
  EXPECT_EQ(counts.moved, 1);
  Callback second(std::move(first));
  EXPECT_EQ(counts.moved, 2);
  EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move)
  first = std::move(second);
  EXPECT_EQ(counts.moved, 3);
  first();
  EXPECT_EQ(counts.called, 1);
  EXPECT_EQ(counts.destroyed, counts.constructed - 1);
}

TEST(CallbackTest, MovesWhatItAllocatedByMovingThePointer) {
  Counts counts;
  Callback first{Counting<100>(counts)};
  EXPECT_EQ(counts.moved, 1);
  Callback second(std::move(first));
  second();
  EXPECT_EQ(counts.moved, 1);
}

template <typename Callable>
void ExpectDestroyedOnce() {
  Counts counts;
  {
    Callback callback{Callable(counts)};
    Callback other(std::move(callback));
    std::vector<Callback> callbacks;
    callbacks.push_back(std::move(other));
    for (int i = 0; i < 10; ++i) callbacks.emplace_back(Callable(counts));
    callbacks.front()();
    Callback& itself = callbacks.back();
    Callback& same = itself;  // Not seen through by the compiler.
    itself = std::move(same);
    EXPECT_TRUE(itself);
    callbacks.front() = Callback();
    callbacks[1].Reset();
  }
  EXPECT_EQ(counts.destroyed, counts.constructed);
  EXPECT_EQ(counts.called, 1);
}

TEST(CallbackTest, DestroysWhatItHoldsExactlyOnce) {
  ExpectDestroyedOnce<Counting<16>>();
  ExpectDestroyedOnce<Counting<100>>();
  ExpectDestroyedOnce<Counting<16, /*kNothrow=*/false>>();
  ExpectDestroyedOnce<Counting<64, true, 64>>();
}

TEST(CallbackTest, IsEmptyWhileItDestroysWhatItHeld) {
  Callback callback;
  bool was_empty = false;
  std::shared_ptr<int> guard(new int, [&](int* number) {
    delete number;
    was_empty = !callback;
    callback.Reset();
  });
  callback = [guard = std::move(guard)] {};
  callback.Reset();
  EXPECT_TRUE(was_empty);
}

}  // namespace
}  // namespace evkit
