// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/async_generator.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/default_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Trace = std::vector<std::string>;

// Says when it is destroyed.
class Local {
 public:
  Local(Trace& trace, std::string name)
      : trace_(trace), name_(std::move(name)) {}
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() { trace_.push_back("~" + name_); }

 private:
  Trace& trace_;
  const std::string name_;
};

AsyncGenerator<int> Count(int last) {
  for (int i = 1; i <= last; ++i) co_yield i;
  co_return absl::OkStatus();
}

Coro<int64_t> Sum(AsyncGenerator<int> numbers) {
  int64_t sum = 0;
  while (std::optional<int> n = co_await OrReturn(numbers.Next())) sum += *n;
  co_return sum;
}

TEST(AsyncGeneratorTest, GivesItsValuesOneByOneAndThenNone) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Sum(Count(4))), 10);
  EXPECT_EQ(*RunUntilComplete(test.loop(), Sum(Count(0))), 0);
}

Coro<void> NextTwiceAtTheEnd(AsyncGenerator<int> numbers) {
  EXPECT_FALSE(numbers.finished());
  absl::StatusOr<std::optional<int>> item = co_await numbers.Next();
  EXPECT_EQ(item.value(), std::optional<int>(1));
  EXPECT_FALSE(numbers.finished());
  for (int i = 0; i < 2; ++i) {
    item = co_await numbers.Next();
    EXPECT_EQ(item.value(), std::nullopt);
    EXPECT_TRUE(numbers.finished());
  }
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, NextAfterTheEndGivesNothingAgain) {
  TestLoop test;
  EXPECT_TRUE(RunUntilComplete(test.loop(), NextTwiceAtTheEnd(Count(1))).ok());
}

TEST(AsyncGeneratorTest, AMillionValuesTakeNoTurnAndNoStack) {
  TestLoop test;
  bool turned = false;
  test->CallSoon(
      [&] { test->CallSoon([&] { test->CallSoon([&] { turned = true; }); }); });
  const Task<int64_t> sum = CreateTask(test.loop(), Sum(Count(1'000'000)));
  test->Stop();
  ASSERT_TRUE(test->RunForever().ok());
  ASSERT_TRUE(sum.done());
  EXPECT_EQ(*sum.Result(), int64_t{500'000'500'000});
  EXPECT_FALSE(turned);
}

AsyncGenerator<std::unique_ptr<std::string>> Words() {
  for (const char* const word : {"one", "a word that is not a short string"}) {
    auto owned = std::make_unique<std::string>(word);
    co_yield std::move(owned);
  }
  co_yield std::make_unique<std::string>("last");
  co_return absl::OkStatus();
}

Coro<void> Collect(AsyncGenerator<std::unique_ptr<std::string>> words,
                   Trace& trace) {
  while (auto word = co_await OrReturn(words.Next())) trace.push_back(**word);
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, ValuesMayBeMoveOnly) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), Collect(Words(), trace)).ok());
  EXPECT_THAT(trace,
              ElementsAre("one", "a word that is not a short string", "last"));
}

AsyncGenerator<int> Slow(Trace& trace) {
  const Local local(trace, "local");
  for (int i = 1;; ++i) {
    co_await OrReturn(Sleep(absl::Seconds(1)));
    trace.push_back("made " + std::to_string(i));
    co_yield i;
  }
}

Coro<void> TakeTwo(Trace& trace) {
  AsyncGenerator<int> numbers = Slow(trace);
  for (int i = 0; i < 2; ++i) {
    const std::optional<int> n = co_await OrReturn(numbers.Next());
    trace.push_back("got " + std::to_string(*n));
  }
  trace.push_back("enough");
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, MayAwaitAndRunsOnlyWhenAsked) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), TakeTwo(trace)).ok());
  EXPECT_THAT(trace, ElementsAre("made 1", "got 1", "made 2", "got 2", "enough",
                                 "~local"));
  EXPECT_EQ(test.elapsed(), absl::Seconds(2));
}

AsyncGenerator<int> Failing(Trace& trace, absl::Status status) {
  const Local local(trace, "local");
  co_yield 1;
  co_await OrReturn(status);
  co_return status;
}

Coro<void> ReadFailing(Trace& trace, absl::Status error) {
  AsyncGenerator<int> numbers = Failing(trace, error);
  co_await OrReturn(numbers.Next());
  const absl::StatusOr<std::optional<int>> failed = co_await numbers.Next();
  EXPECT_EQ(failed.status(), error);
  EXPECT_THAT(trace, ElementsAre("~local"));
  const absl::StatusOr<std::optional<int>> after = co_await numbers.Next();
  EXPECT_EQ(after.value(), std::nullopt);
  co_return absl::OkStatus();
}

AsyncGenerator<int> FailingByReturn() {
  co_yield 1;
  co_return absl::DataLossError("torn");
}

TEST(AsyncGeneratorTest, AnErrorEndsItAndGoesToTheNextThatWaits) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(),
                               ReadFailing(trace, absl::AbortedError("no")))
                  .ok());
  EXPECT_EQ(RunUntilComplete(test.loop(), Sum(FailingByReturn())).status(),
            absl::DataLossError("torn"));
}

AsyncGenerator<int> Doubled(AsyncGenerator<int> numbers) {
  while (std::optional<int> n = co_await OrReturn(numbers.Next())) {
    co_yield 2 * *n;
  }
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, GeneratorsMayReadGenerators) {
  TestLoop test;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Sum(Doubled(Doubled(Count(3))))),
            24);
  EXPECT_EQ(
      RunUntilComplete(test.loop(), Sum(Doubled(FailingByReturn()))).status(),
      absl::DataLossError("torn"));
}

// --- Cancelling ----

Coro<void> TakeAll(AsyncGenerator<int> numbers, Trace& trace) {
  for (;;) {
    const absl::StatusOr<std::optional<int>> n = co_await numbers.Next();
    if (!n.ok()) {
      trace.push_back(n.status().ToString());
      co_return n.status();
    }
  }
}

TEST(AsyncGeneratorTest, CancellingTheConsumerCancelsWhatItWaitsFor) {
  TestLoop test;
  Trace trace;
  const Task<void> task = CreateTask(test.loop(), TakeAll(Slow(trace), trace));
  ASSERT_TRUE(test.FastForwardBy(absl::Milliseconds(1500)).ok());
  task.Cancel("enough");
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_THAT(trace, ElementsAre("made 1", "~local", "CANCELLED: enough"));
}

AsyncGenerator<int> Stubborn(Trace& trace) {
  const absl::Status status = co_await Sleep(absl::Hours(1));
  trace.push_back(status.ToString());
  co_yield 1;
  co_yield 2;
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, MaySwallowACancellationAndGoOn) {
  TestLoop test;
  Trace trace;
  const Task<int64_t> task = CreateTask(test.loop(), Sum(Stubborn(trace)));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  task.Cancel();
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*task.Result(), 3);
  EXPECT_THAT(trace, ElementsAre("CANCELLED: "));
}

// --- Closing ----

AsyncGenerator<int> Traced(Trace& trace) {
  const Local first(trace, "first");
  const Local second(trace, "second");
  for (int i = 1;; ++i) {
    co_yield i;
    trace.push_back("went on");
  }
}

Coro<void> CloseEarly(Trace& trace) {
  const AsyncGenerator<int> numbers = Traced(trace);
  co_await OrReturn(numbers.Next());
  co_await OrReturn(numbers.Next());
  co_await OrReturn(numbers.Close());
  trace.push_back("closed");
  EXPECT_TRUE(numbers.finished());
  const std::optional<int> more = co_await OrReturn(numbers.Next());
  EXPECT_EQ(more, std::nullopt);
  co_await OrReturn(numbers.Close());
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, CloseEndsItAtItsYieldAndDestroysItsLocals) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), CloseEarly(trace)).ok());
  EXPECT_THAT(trace, ElementsAre("went on", "~second", "~first", "closed"));
}

Coro<void> CloseUnbegun(Trace& trace) {
  const AsyncGenerator<int> numbers = Traced(trace);
  co_await OrReturn(numbers.Close());
  EXPECT_TRUE(numbers.finished());
  const std::optional<int> none = co_await OrReturn(numbers.Next());
  EXPECT_EQ(none, std::nullopt);
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, OneThatIsClosedBeforeItBeganNeverBegins) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), CloseUnbegun(trace)).ok());
  EXPECT_THAT(trace, IsEmpty());
}

// Cleans up, which takes `takes`, and ends with `result`.
AsyncGenerator<int> Careful(Trace& trace, absl::Duration takes,
                            absl::Status result) {
  const Local local(trace, "local");
  for (int i = 1;; ++i) {
    if (co_yield NoticeClose(i)) {
      trace.push_back("closing");
      const absl::Status slept = co_await Sleep(takes);
      trace.push_back("clean: " + slept.ToString());
      co_return slept.ok() ? result : slept;
    }
    trace.push_back("went on");
  }
}

Coro<void> CloseCareful(Trace& trace, absl::Status result) {
  const AsyncGenerator<int> numbers = Careful(trace, absl::Seconds(5), result);
  co_await OrReturn(numbers.Next());
  co_await OrReturn(numbers.Next());
  const absl::Status closed = co_await numbers.Close();
  EXPECT_TRUE(numbers.finished());
  co_return closed;
}

TEST(AsyncGeneratorTest, NoticeCloseLetsItAwaitItsCleanUp) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), CloseCareful(trace, absl::OkStatus()))
          .ok());
  EXPECT_THAT(trace, ElementsAre("went on", "closing", "clean: OK", "~local"));
  EXPECT_EQ(test.elapsed(), absl::Seconds(5));
}

TEST(AsyncGeneratorTest, CloseGivesTheErrorOfTheCleanUp) {
  TestLoop test;
  Trace trace;
  EXPECT_EQ(RunUntilComplete(test.loop(),
                             CloseCareful(trace, absl::DataLossError("torn"))),
            absl::DataLossError("torn"));
}

AsyncGenerator<int> Ignoring(Trace& trace, bool notices) {
  const Local local(trace, "local");
  if (co_yield NoticeClose(1)) trace.push_back("ignored");
  if (notices) {
    co_yield NoticeClose(2);
  } else {
    co_yield 2;
  }
  trace.push_back("not reached");
  co_return absl::OkStatus();
}

Coro<void> CloseIgnoring(Trace& trace, bool notices) {
  const AsyncGenerator<int> numbers = Ignoring(trace, notices);
  co_await OrReturn(numbers.Next());
  const absl::Status closed = co_await numbers.Close();
  EXPECT_EQ(closed.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(closed.message()), HasSubstr("ignored close"));
  EXPECT_TRUE(numbers.finished());
  co_return co_await numbers.Close();
}

TEST(AsyncGeneratorTest, YieldingWhileClosingIsAnErrorAndEndsIt) {
  for (const bool notices : {false, true}) {
    TestLoop test;
    Trace trace;
    EXPECT_TRUE(
        RunUntilComplete(test.loop(), CloseIgnoring(trace, notices)).ok());
    EXPECT_THAT(trace, ElementsAre("ignored", "~local"));
  }
}

// --- Misuse ----

Coro<absl::StatusCode> CodeOfNext(const AsyncGenerator<int>& numbers) {
  const absl::StatusOr<std::optional<int>> n = co_await numbers.Next();
  co_return n.status().code();
}
Coro<absl::StatusCode> CodeOfClose(const AsyncGenerator<int>& numbers) {
  const absl::Status status = co_await numbers.Close();
  co_return status.code();
}

TEST(AsyncGeneratorTest, TwoAtATimeAreRefusedAndTheFirstGoesOn) {
  TestLoop test;
  Trace trace;
  const AsyncGenerator<int> numbers = Slow(trace);
  const auto first = CreateTask(test.loop(), CodeOfNext(numbers));
  const auto second = CreateTask(test.loop(), CodeOfNext(numbers));
  const auto close = CreateTask(test.loop(), CodeOfClose(numbers));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_EQ(*second.Result(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*close.Result(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(first.done());
  ASSERT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(*first.Result(), absl::StatusCode::kOk);
  EXPECT_THAT(trace, ElementsAre("made 1"));
}

class Self {
 public:
  Self() {}
  std::unique_ptr<AsyncGenerator<int>> generator;
};

AsyncGenerator<int> AsksItself(Self& self, Trace& trace) {
  const absl::StatusOr<std::optional<int>> mine =
      co_await self.generator->Next();
  trace.push_back(std::string(mine.status().message()));
  co_yield 1;
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, OneThatAsksItselfIsRefused) {
  TestLoop test;
  Trace trace;
  Self self;
  self.generator =
      std::make_unique<AsyncGenerator<int>>(AsksItself(self, trace));
  EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(*self.generator)),
            absl::StatusCode::kOk);
  ASSERT_THAT(trace, SizeIs(1));
  EXPECT_THAT(trace[0], HasSubstr("already running"));
}

TEST(AsyncGeneratorTest, OneOfAnotherLoopIsRefused) {
  TestLoop one;
  TestLoop two;
  const AsyncGenerator<int> numbers = Count(2);
  EXPECT_EQ(*RunUntilComplete(one.loop(), CodeOfNext(numbers)),
            absl::StatusCode::kOk);
  EXPECT_EQ(*RunUntilComplete(two.loop(), CodeOfNext(numbers)),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(*RunUntilComplete(one.loop(), CodeOfNext(numbers)),
            absl::StatusCode::kOk);
}

TEST(AsyncGeneratorTest, AnAwaitThatIsNotAwaitedRunsNothing) {
  TestLoop test;
  Trace trace;
  const AsyncGenerator<int> numbers = Traced(trace);
  (void)numbers.Next();
  (void)numbers.Close();
  EXPECT_FALSE(numbers.finished());
  EXPECT_THAT(trace, IsEmpty());
}

// --- Lifetime ----

TEST(AsyncGeneratorTest, bug_J14_OneThatIsDroppedWhileItRunsFinishesItsStep) {
  TestLoop test;
  Trace trace;
  auto numbers = std::make_unique<AsyncGenerator<int>>(Slow(trace));
  const auto task = CreateTask(test.loop(), CodeOfNext(*numbers));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  numbers.reset();
  EXPECT_THAT(trace, IsEmpty());
  ASSERT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(*task.Result(), absl::StatusCode::kOk);
  EXPECT_THAT(trace, ElementsAre("made 1", "~local"));
}

AsyncGenerator<int> DropsItself(Self& self, Trace& trace) {
  const Local local(trace, "local");
  self.generator.reset();
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back("still there");
  co_yield 1;
  trace.push_back("not reached");
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, MayBeDestroyedFromInsideItself) {
  TestLoop test;
  Trace trace;
  Self self;
  self.generator =
      std::make_unique<AsyncGenerator<int>>(DropsItself(self, trace));
  EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(*self.generator)),
            absl::StatusCode::kOk);
  EXPECT_THAT(trace, ElementsAre("still there", "~local"));
}

AsyncGenerator<int> HoldsItself(std::shared_ptr<Self> self, Trace& trace) {
  const Local local(trace, "local");
  co_yield 1;
  self->generator.reset();
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, bug_L8_OneThatHoldsItselfGoesWithTheLoop) {
  Trace trace;
  {
    TestLoop test;
    auto self = std::make_shared<Self>();
    self->generator =
        std::make_unique<AsyncGenerator<int>>(HoldsItself(self, trace));
    EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(*self->generator)),
              absl::StatusCode::kOk);
    self.reset();
    EXPECT_THAT(trace, IsEmpty());
  }
  EXPECT_THAT(trace, ElementsAre("~local"));
}

TEST(AsyncGeneratorTest, bug_J1_TheLoopClosesWhileItIsSuspendedAnywhere) {
  for (const bool keep_handle : {false, true}) {
    Trace trace;
    std::optional<AsyncGenerator<int>> kept;
    {
      TestLoop test;
      if (keep_handle) {
        kept.emplace(Slow(trace));
        CreateTask(test.loop(), CodeOfNext(*kept));
      } else {
        CreateTask(test.loop(), TakeAll(Doubled(Slow(trace)), trace));
      }
      ASSERT_TRUE(test.RunUntilIdle().ok());
      EXPECT_THAT(trace, IsEmpty());
    }
    EXPECT_THAT(trace, ElementsAre("~local"));
    if (keep_handle) {
      EXPECT_TRUE(kept->finished());
    }
  }
}

// Remembers the thread on which it was destroyed.
class ThreadMark {
 public:
  explicit ThreadMark(std::thread::id& destroyed_on)
      : destroyed_on_(destroyed_on) {}
  ThreadMark(const ThreadMark&) = delete;
  ThreadMark& operator=(const ThreadMark&) = delete;
  ~ThreadMark() { destroyed_on_ = std::this_thread::get_id(); }

 private:
  std::thread::id& destroyed_on_;
};

AsyncGenerator<int> Marked(std::thread::id& destroyed_on) {
  const ThreadMark mark(destroyed_on);
  co_yield 1;
  co_yield 2;
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorTest, bug_L8_HalfConsumedOnesAreDestroyedOnTheLoopsThread) {
  std::thread::id destroyed_on;
  std::thread::id loop_thread;
  std::optional<AsyncGenerator<int>> numbers(Marked(destroyed_on));
  std::thread([&] {
    loop_thread = std::this_thread::get_id();
    const auto loop = NewDefaultEventLoop();
    EXPECT_EQ(*RunUntilComplete(**loop, CodeOfNext(*numbers)),
              absl::StatusCode::kOk);
    EXPECT_EQ(destroyed_on, std::thread::id());
    EXPECT_TRUE((*loop)->Close().ok());
  }).join();
  EXPECT_EQ(destroyed_on, loop_thread);
  EXPECT_TRUE(numbers->finished());
  numbers.reset();
}

// --- Shutting all down ----

Coro<void> BeginThem(const std::vector<AsyncGenerator<int>>& generators) {
  for (const AsyncGenerator<int>& generator : generators) {
    co_await OrReturn(generator.Next());
  }
  co_return absl::OkStatus();
}

std::vector<AsyncGenerator<int>> ThreeCareful(Trace& trace) {
  std::vector<AsyncGenerator<int>> generators;
  generators.push_back(Careful(trace, absl::Seconds(3), absl::OkStatus()));
  generators.push_back(
      Careful(trace, absl::Seconds(2), absl::DataLossError("torn")));
  generators.push_back(Traced(trace));
  return generators;
}

// RUN-31
TEST(ShutdownAsyncGeneratorsTest, ClosesAllAtOnceAndReportsWhatFails) {
  TestLoop test;
  Trace trace;
  const std::vector<AsyncGenerator<int>> generators = ThreeCareful(trace);
  ASSERT_TRUE(RunUntilComplete(test.loop(), BeginThem(generators)).ok());
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), ShutdownAsyncGenerators(test.loop())).ok());
  EXPECT_EQ(test.elapsed(), absl::Seconds(3));
  for (const AsyncGenerator<int>& generator : generators) {
    EXPECT_TRUE(generator.finished());
  }
  EXPECT_THAT(trace, ElementsAre("closing", "closing", "~second", "~first",
                                 "clean: OK", "~local", "clean: OK", "~local"));
  ASSERT_THAT(test.log(), SizeIs(1));
  EXPECT_THAT(test.log()[0],
              HasSubstr("an error occurred during closing of asynchronous "
                        "generator <AsyncGenerator suspended at "));
  EXPECT_THAT(test.log()[0], HasSubstr("in Careful"));
  EXPECT_THAT(test.log()[0], HasSubstr("torn"));
}

// RUN-31
TEST(ShutdownAsyncGeneratorsTest, OnesThatBeginAfterwardsAreReportedAndRun) {
  TestLoop test;
  ASSERT_TRUE(
      RunUntilComplete(test.loop(), ShutdownAsyncGenerators(test.loop())).ok());
  EXPECT_EQ(*RunUntilComplete(test.loop(), Sum(Count(3))), 6);
  ASSERT_THAT(test.log(), SizeIs(1));
  EXPECT_THAT(test.log()[0], HasSubstr("after ShutdownAsyncGenerators()"));
}

TEST(ShutdownAsyncGeneratorsTest, CancellingItCancelsTheCleanUps) {
  TestLoop test;
  Trace trace;
  std::vector<AsyncGenerator<int>> generators;
  for (int i = 0; i < 2; ++i) {
    generators.push_back(
        Careful(trace, absl::InfiniteDuration(), absl::OkStatus()));
  }
  ASSERT_TRUE(RunUntilComplete(test.loop(), BeginThem(generators)).ok());
  const auto task =
      CreateTask(test.loop(), ShutdownAsyncGenerators(test.loop()));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  task.Cancel("no time");
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_THAT(trace, ElementsAre("closing", "closing", "clean: CANCELLED: ",
                                 "~local", "clean: CANCELLED: ", "~local"));
  EXPECT_THAT(test.log(), IsEmpty());
}

TEST(ShutdownAsyncGeneratorsTest, FinishedAndDroppedOnesAreNotItsConcern) {
  TestLoop test;
  Trace trace;
  EXPECT_EQ(*RunUntilComplete(test.loop(), Sum(Count(3))), 6);
  {
    const AsyncGenerator<int> dropped = Traced(trace);
    EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(dropped)),
              absl::StatusCode::kOk);
  }
  EXPECT_THAT(trace, ElementsAre("~second", "~first"));
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), ShutdownAsyncGenerators(test.loop())).ok());
  EXPECT_THAT(test.log(), IsEmpty());
}

TEST(AsyncGeneratorTest, RunsInTheContextOfWhoeverAsks) {
  static ContextVar<int> variable("variable");
  TestLoop test;
  auto read = []() -> AsyncGenerator<int> {
    for (int i = 0; i < 2; ++i) co_yield variable.Get().value_or(-1);
    co_return absl::OkStatus();
  };
  auto next = [](const AsyncGenerator<int>& numbers) -> Coro<int> {
    const std::optional<int> n = co_await OrReturn(numbers.Next());
    co_return *n;
  };
  const AsyncGenerator<int> numbers = read();
  for (const int value : {7, 8}) {
    const auto token = variable.Set(value);
    EXPECT_EQ(*RunUntilComplete(test.loop(), next(numbers)), value);
    variable.Reset(token);
  }
}

#if defined(__cpp_exceptions)

AsyncGenerator<int> Throwing(Trace& trace, bool when_closed) {
  const Local local(trace, "local");
  const bool closing = co_yield NoticeClose(1);
  if (closing || !when_closed) throw std::runtime_error("thrown");
  co_return absl::OkStatus();
}

Coro<void> CatchFromNext(Trace& trace) {
  const AsyncGenerator<int> numbers = Throwing(trace, /*when_closed=*/false);
  co_await OrReturn(numbers.Next());
  bool caught = false;
  try {
    co_await OrReturn(numbers.Next());
  } catch (const std::runtime_error&) {
    caught = true;
  }
  EXPECT_TRUE(caught);
  EXPECT_TRUE(numbers.finished());
  EXPECT_THAT(trace, ElementsAre("~local"));
  const std::optional<int> none = co_await OrReturn(numbers.Next());
  EXPECT_EQ(none, std::nullopt);
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorExceptionsTest, bug_J16_AnExceptionGoesToTheNextThatWaits) {
  TestLoop test;
  Trace trace;
  EXPECT_TRUE(RunUntilComplete(test.loop(), CatchFromNext(trace)).ok());
}

TEST(AsyncGeneratorExceptionsTest, bug_J16_AnExceptionInClosingGoesToClose) {
  TestLoop test;
  Trace trace;
  const AsyncGenerator<int> numbers = Throwing(trace, /*when_closed=*/true);
  EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(numbers)),
            absl::StatusCode::kOk);
  EXPECT_THROW((void)RunUntilComplete(test.loop(), CodeOfClose(numbers)),
               std::runtime_error);
  EXPECT_TRUE(numbers.finished());
}

TEST(AsyncGeneratorExceptionsTest, AnExceptionInShuttingDownIsReported) {
  TestLoop test;
  Trace trace;
  const AsyncGenerator<int> numbers = Throwing(trace, /*when_closed=*/true);
  EXPECT_EQ(*RunUntilComplete(test.loop(), CodeOfNext(numbers)),
            absl::StatusCode::kOk);
  EXPECT_TRUE(
      RunUntilComplete(test.loop(), ShutdownAsyncGenerators(test.loop())).ok());
  ASSERT_THAT(test.log(), SizeIs(1));
  EXPECT_THAT(test.log()[0], HasSubstr("thrown"));
}

class ThrowsWhenCopied {
 public:
  ThrowsWhenCopied() = default;
  ThrowsWhenCopied(const ThrowsWhenCopied&) {
    throw std::runtime_error("copy");
  }
};

AsyncGenerator<int> WithParameter(ThrowsWhenCopied) {
  co_yield 1;
  co_return absl::OkStatus();
}

AsyncGenerator<ThrowsWhenCopied> YieldsThrowing() {
  ThrowsWhenCopied value;
  co_yield value;
  co_return absl::OkStatus();
}

Coro<void> ReadThrowing() {
  const AsyncGenerator<ThrowsWhenCopied> values = YieldsThrowing();
  co_await OrReturn(values.Next());
  co_return absl::OkStatus();
}

TEST(AsyncGeneratorExceptionsTest, bug_J16_ACopyThatThrowsLeavesNothingBehind) {
  EXPECT_THROW((void)WithParameter(ThrowsWhenCopied()), std::runtime_error);
  TestLoop test;
  EXPECT_THROW((void)RunUntilComplete(test.loop(), ReadThrowing()),
               std::runtime_error);
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
