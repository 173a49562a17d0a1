// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/runner.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "evkit/loop/context.h"
#include "evkit/loop/coro/async_generator.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/to_thread.h"
#include "evkit/loop/current.h"
#include "evkit/loop/event_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "evkit/timers/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Trace = std::vector<std::string>;

// Options whose loop lives in virtual time: where nothing is to do, the clock
// jumps. What the loops report is kept here.
class VirtualTime {
 public:
  VirtualTime() {}

  RunOptions Options() {
    RunOptions options;
    options.loop_factory = [this] { return MakeLoop(); };
    return options;
  }
  absl::StatusOr<std::unique_ptr<AbstractEventLoop>> MakeLoop() {
    auto selector = std::make_unique<FakeSelector>();
    selector->SetPollRealDescriptors(true);
    selector->SetSleepHook([this](absl::Duration d) {
      // Threads and signals come from outside, and cannot be waited for here.
      if (d < absl::InfiniteDuration()) clock_.AdvanceBy(d);
    });
    EventLoopOptions options;
    options.selector = std::move(selector);
    options.clock = &clock_;
    options.log = [this](absl::string_view text) { log_.emplace_back(text); };
    auto loop = EventLoop::Create(std::move(options));
    if (!loop.ok()) return loop.status();
    ++loops_made_;
    return std::unique_ptr<AbstractEventLoop>(*std::move(loop));
  }

  absl::Duration elapsed() { return clock_.Now() - start_; }
  const Trace& log() const { return log_; }
  int loops_made() const { return loops_made_; }

 private:
  FakeClock clock_;
  const MonotonicTime start_ = clock_.Now();
  Trace log_;
  int loops_made_ = 0;
};

Coro<int> Give(int value) {
  co_await OrReturn(Sleep(absl::Milliseconds(1)));
  co_return value;
}

Coro<void> Fail(absl::Status error) { co_return error; }

Coro<bool> LoopIsCurrent() {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return GetEventLoop().value() == GetRunningLoopOrNull();
}

// RNR-01
TEST(RunTest, RunsMainOnANewLoopAndGivesItsResult) {
  EXPECT_EQ(*evkit::Run(Give(5)), 5);
  EXPECT_EQ(evkit::Run(Fail(absl::NotFoundError("none"))),
            absl::NotFoundError("none"));
  EXPECT_TRUE(*evkit::Run(LoopIsCurrent()));
  EXPECT_EQ(GetRunningLoopOrNull(), nullptr);
  EXPECT_FALSE(GetEventLoop().ok());
}

// What GetEventLoop() says in the main of a run with a factory.
Coro<absl::StatusCode> CurrentLoopCode(AbstractEventLoop** running) {
  *running = GetRunningLoopOrNull();
  co_return absl::StatusCode::kOk;
}

// RNR-09
TEST(RunTest, ALoopFactoryIsUsedAndItsLoopIsNotMadeCurrent) {
  VirtualTime time;
  AbstractEventLoop* running = nullptr;
  SetEventLoop(nullptr);
  Runner runner(time.Options());
  EXPECT_EQ(*runner.Run(CurrentLoopCode(&running)), absl::StatusCode::kOk);
  EXPECT_EQ(running, runner.loop().value());
  EXPECT_EQ(time.loops_made(), 1);
  EXPECT_FALSE(GetEventLoop().ok());
  EXPECT_TRUE(runner.Close().ok());
}

Coro<bool> DebugMode() { co_return GetRunningLoop().value()->GetDebug(); }

// RNR-09
TEST(RunTest, DebugSetsTheLoopsDebugModeOrLeavesIt) {
  const bool by_default = *evkit::Run(DebugMode());
  for (const bool debug : {false, true}) {
    VirtualTime time;
    RunOptions options = time.Options();
    options.debug = debug;
    EXPECT_EQ(*evkit::Run(DebugMode(), std::move(options)), debug);
  }
  EXPECT_EQ(*evkit::Run(DebugMode()), by_default);
}

TEST(RunTest, AFactoryThatFailsIsTheResult) {
  RunOptions options;
  options.loop_factory =
      []() -> absl::StatusOr<std::unique_ptr<AbstractEventLoop>> {
    return absl::ResourceExhaustedError("no descriptors");
  };
  EXPECT_EQ(evkit::Run(Give(1), std::move(options)).status(),
            absl::ResourceExhaustedError("no descriptors"));
}

// RNR-02
TEST(RunTest, InsideARunningLoopItIsRefused) {
  VirtualTime time;
  Runner outer(time.Options());
  const auto main = [&]() -> Coro<int> {
    EXPECT_EQ(evkit::Run(Give(1)).status().code(),
              absl::StatusCode::kFailedPrecondition);
    Runner inner(time.Options());
    EXPECT_EQ(inner.Run(Give(1)).status().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(outer.Run(Give(1)).status().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(outer.Close().code(), absl::StatusCode::kFailedPrecondition);
    co_return 3;
  };
  EXPECT_EQ(*outer.Run(main), 3);
  EXPECT_EQ(*outer.Run(Give(4)), 4);
}

TEST(RunTest, bug_J20_ALambdaWithCapturesIsKeptAsLongAsItRuns) {
  VirtualTime time;
  Trace trace;
  const auto make = [&trace](std::string text) {
    return [&trace, text = std::move(text)]() -> Coro<int> {
      co_await OrReturn(Sleep(absl::Seconds(1)));
      trace.push_back(text);
      co_return 1;
    };
  };
  EXPECT_EQ(*evkit::Run(make("a text that does not fit into a string itself"),
                        time.Options()),
            1);
  Runner runner(time.Options());
  EXPECT_EQ(*runner.Run(make("another that is much too long for it")), 1);
  EXPECT_THAT(trace, SizeIs(2));
}

// --- The end of a run ----

// Says in `trace` what it was told, and takes `takes` to clean up.
Coro<void> Worker(Trace& trace, std::string name, absl::Duration takes,
                  absl::Status result) {
  const absl::Status told = co_await Sleep(absl::InfiniteDuration());
  trace.push_back(name + ": " +
                  std::string(absl::StatusCodeToString(told.code())));
  const absl::Status slept = co_await Sleep(takes);
  trace.push_back(name + " ends");
  co_return slept.ok() ? result : slept;
}

AsyncGenerator<int> Numbers(Trace& trace) {
  for (int i = 0;; ++i) {
    if (co_yield NoticeClose(i)) {
      trace.push_back("generator closed");
      co_return absl::OkStatus();
    }
  }
}

// Says when it is destroyed, with the loop.
class Attached {
 public:
  explicit Attached(Trace& trace) : trace_(trace) {}
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() {
    trace_.push_back(GetEventLoop().ok() ? "closed as current loop" : "closed");
  }

 private:
  Trace& trace_;
};

Coro<void> LeaveAllBehind(Trace& trace, AsyncGenerator<int>& numbers) {
  CreateTask(Worker(trace, "worker", absl::Milliseconds(1), absl::OkStatus()));
  co_await OrReturn(numbers.Next());
  const auto job = [&trace] { trace.push_back("job done"); };
  co_await OrReturn(ToThread(job));
  const std::shared_ptr<Attached> attached = std::make_shared<Attached>(trace);
  GetRunningLoop().value()->CallLater(absl::Hours(24), [attached] {});
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  trace.push_back("main ends");
  co_return absl::OkStatus();
}

// RNR-04
TEST(RunTest, CleansUpInOrder) {
  Trace trace;
  AsyncGenerator<int> numbers = Numbers(trace);
  EXPECT_TRUE(evkit::Run(LeaveAllBehind(trace, numbers)).ok());
  EXPECT_THAT(trace, ElementsAre("job done", "main ends", "worker: CANCELLED",
                                 "worker ends", "generator closed", "closed"));
}

Coro<void> UseExecutorWhileClosing(Trace& trace) {
  (void)co_await Sleep(absl::InfiniteDuration());
  const auto job = [&trace] { trace.push_back("job of the clean-up"); };
  const absl::Status status = co_await ToThread(job);
  co_return status;
}

// RNR-04: the executor is shut down after the tasks have ended.
TEST(RunTest, TasksThatCleanUpMayStillUseTheExecutor) {
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    CreateTask(UseExecutorWhileClosing(trace));
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(evkit::Run(main).ok());
  EXPECT_THAT(trace, ElementsAre("job of the clean-up"));
}

Coro<void> StartWorkers(Trace& trace) {
  CreateTask(Worker(trace, "good", absl::Seconds(1), absl::OkStatus()));
  TaskOptions named;
  named.name = "the bad one";
  CreateTask(
      Worker(trace, "bad", absl::Seconds(2), absl::DataLossError("torn")),
      named);
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  co_return absl::OkStatus();
}

// RNR-05
TEST(RunTest, AnErrorOfATaskThatIsLeftIsReported) {
  VirtualTime time;
  Trace trace;
  EXPECT_TRUE(evkit::Run(StartWorkers(trace), time.Options()).ok());
  ASSERT_THAT(time.log(), SizeIs(1));
  EXPECT_THAT(time.log()[0],
              HasSubstr("unhandled error during the shutdown of Run()"));
  EXPECT_THAT(time.log()[0], HasSubstr("torn"));
  EXPECT_THAT(time.log()[0], HasSubstr("the bad one"));
}

Coro<void> Stubborn(Trace& trace) {
  for (int i = 0; i < 3; ++i) {
    const absl::Status status = co_await Sleep(absl::Hours(1));
    trace.push_back(std::string(absl::StatusCodeToString(status.code())));
  }
  co_return absl::OkStatus();
}

// RNR-06
TEST(RunTest, TasksThatSwallowTheCancellationAreAwaited) {
  VirtualTime time;
  Trace trace;
  const auto main = [&]() -> Coro<void> {
    CreateTask(Stubborn(trace));
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(evkit::Run(main, time.Options()).ok());
  EXPECT_THAT(trace, ElementsAre("CANCELLED", "OK", "OK"));
  EXPECT_EQ(time.elapsed(), absl::Hours(2));
  EXPECT_THAT(time.log(), IsEmpty());
}

TEST(RunTest, ACallbackThatStopsTheLoopDoesNotKeepItFromClosing) {
  VirtualTime time;
  Trace trace;
  AsyncGenerator<int> numbers = Numbers(trace);
  const auto main = [&]() -> Coro<void> {
    CreateTask(Stubborn(trace));
    co_await OrReturn(numbers.Next());
    AbstractEventLoop* const loop = GetRunningLoop().value();
    loop->CallLater(absl::Minutes(30), [loop] { loop->Stop(); });
    co_return absl::OkStatus();
  };
  EXPECT_EQ(evkit::Run(main, time.Options()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(trace, ElementsAre("CANCELLED", "generator closed"));
  ASSERT_THAT(time.log(), SizeIs(1));
  EXPECT_THAT(time.log()[0], HasSubstr("destroyed but it is pending"));
}

// A job that ends when the test says so.
class Job {
 public:
  Job() = default;
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    started_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  void AwaitStart() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return started_; });
  }
  void Release() {
    const std::lock_guard<std::mutex> lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool released_ = false;
};

TEST(RunTest, bug_L3_AJobThatNeverEndsDelaysTheEndByTheTimeoutAndNoMore) {
  VirtualTime time;
  // Shared with the thread that is left behind.
  const auto job = std::make_shared<Job>();
  const auto main = [&]() -> Coro<int> {
    ToThread([job] { job->Run(); });
    job->AwaitStart();
    co_return 5;
  };
  EXPECT_EQ(*evkit::Run(main, time.Options()), 5);
  EXPECT_EQ(time.elapsed(), absl::Seconds(300));
  ASSERT_THAT(time.log(), SizeIs(1));
  EXPECT_THAT(time.log()[0], HasSubstr("left behind"));

  const auto other = std::make_shared<Job>();
  RunOptions options = time.Options();
  options.executor_timeout = absl::Seconds(1);
  const auto second = [&]() -> Coro<int> {
    ToThread([other] { other->Run(); });
    other->AwaitStart();
    co_return 6;
  };
  EXPECT_EQ(*evkit::Run(second, std::move(options)), 6);
  EXPECT_EQ(time.elapsed(), absl::Seconds(301));
  job->Release();
  other->Release();
}

TEST(RunTest, bug_L8_GeneratorsAreClosedAndMayAwaitBeforeTheLoopIs) {
  VirtualTime time;
  Trace trace;
  const auto slow = [](Trace& its_trace) -> AsyncGenerator<int> {
    if (co_yield NoticeClose(1)) {
      co_await OrReturn(Sleep(absl::Seconds(7)));
      its_trace.push_back("closed");
    }
    co_return absl::OkStatus();
  };
  AsyncGenerator<int> numbers = slow(trace);
  const auto main = [&]() -> Coro<void> {
    co_await OrReturn(numbers.Next());
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(evkit::Run(main, time.Options()).ok());
  EXPECT_THAT(trace, ElementsAre("closed"));
  EXPECT_EQ(time.elapsed(), absl::Seconds(7));
}

// --- Runners ----

const ContextVar<int>& Number() {
  static const ContextVar<int> number("number");
  return number;
}
Coro<int> ReadNumber() { co_return Number().Get().value_or(-1); }
Coro<void> SetNumber(int value) {
  Number().Set(value);
  co_return absl::OkStatus();
}

// RNR-07
TEST(RunnerTest, RunsShareOneLoopAndOneContext) {
  VirtualTime time;
  Runner runner(time.Options());
  AbstractEventLoop* first = nullptr;
  AbstractEventLoop* second = nullptr;
  ASSERT_TRUE(runner.Run(CurrentLoopCode(&first)).ok());
  ASSERT_TRUE(runner.Run(CurrentLoopCode(&second)).ok());
  EXPECT_EQ(first, second);
  EXPECT_EQ(time.loops_made(), 1);

  ASSERT_TRUE(runner.Run(SetNumber(7)).ok());
  EXPECT_EQ(*runner.Run(ReadNumber()), 7);
  EXPECT_EQ(Number().Get(), std::nullopt);
  const Context other;
  EXPECT_EQ(*runner.Run(ReadNumber(), other), -1);
  ASSERT_TRUE(runner.Run(SetNumber(8), other).ok());
  EXPECT_EQ(*runner.Run(ReadNumber(), other), 8);
  EXPECT_EQ(*runner.Run(ReadNumber()), 7);
}

// RNR-07
TEST(RunnerTest, TasksThatAreLeftGoOnInTheNextRun) {
  VirtualTime time;
  Trace trace;
  Runner runner(time.Options());
  const auto leave = [&]() -> Coro<void> {
    CreateTask(Stubborn(trace));
    co_return absl::OkStatus();
  };
  ASSERT_TRUE(runner.Run(leave).ok());
  const auto wait = []() -> Coro<void> {
    co_await OrReturn(Sleep(absl::Hours(2)));
    co_return absl::OkStatus();
  };
  ASSERT_TRUE(runner.Run(wait).ok());
  EXPECT_THAT(trace, ElementsAre("OK", "OK"));
}

// RNR-08
TEST(RunnerTest, MakesItsLoopWhenItIsNeededAndIsClosedForGood) {
  VirtualTime time;
  Runner runner(time.Options());
  EXPECT_EQ(time.loops_made(), 0);
  EXPECT_TRUE(runner.Close().ok());  // Nothing to close yet.
  AbstractEventLoop* const loop = runner.loop().value();
  EXPECT_EQ(time.loops_made(), 1);
  EXPECT_EQ(runner.loop().value(), loop);
  EXPECT_EQ(*runner.Run(Give(1)), 1);
  EXPECT_EQ(time.loops_made(), 1);
  EXPECT_TRUE(runner.Close().ok());
  EXPECT_TRUE(runner.Close().ok());
  EXPECT_EQ(runner.Run(Give(1)).status(),
            absl::FailedPreconditionError("Runner is closed"));
  EXPECT_EQ(runner.loop().status(),
            absl::FailedPreconditionError("Runner is closed"));
  EXPECT_EQ(time.loops_made(), 1);
}

TEST(RunnerTest, ItsDestructorCloses) {
  VirtualTime time;
  Trace trace;
  {
    Runner runner(time.Options());
    const auto main = [&]() -> Coro<void> {
      CreateTask(Worker(trace, "worker", absl::Seconds(1), absl::OkStatus()));
      co_await OrReturn(Sleep(absl::ZeroDuration()));
      co_return absl::OkStatus();
    };
    ASSERT_TRUE(runner.Run(main).ok());
    EXPECT_THAT(trace, IsEmpty());
  }
  EXPECT_THAT(trace, ElementsAre("worker: CANCELLED", "worker ends"));
}

TEST(RunnerTest, MainThatCancelsItselfIsCancelledAndNotInterrupted) {
  VirtualTime time;
  const auto main = []() -> Coro<void> {
    CurrentTask().Cancel("mine");
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return absl::OkStatus();
  };
  const absl::Status status = evkit::Run(main, time.Options());
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(IsInterrupted(status));
}

#if defined(__cpp_exceptions)

Coro<void> Throw(Trace& trace) {
  CreateTask(Worker(trace, "worker", absl::Seconds(1), absl::OkStatus()));
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  throw std::runtime_error("thrown");
}

// RNR-01
TEST(RunTest, AnExceptionOfMainIsRethrownAfterTheCleanUp) {
  VirtualTime time;
  Trace trace;
  EXPECT_THROW((void)evkit::Run(Throw(trace), time.Options()),
               std::runtime_error);
  EXPECT_THAT(trace, ElementsAre("worker: CANCELLED", "worker ends"));
  EXPECT_THAT(time.log(), IsEmpty());
}

class Fatal : public FatalException {};

TEST(RunnerTest, AFatalExceptionWhileClosingPassesAndTheLoopIsClosed) {
  VirtualTime time;
  Runner runner(time.Options());
  const auto throw_when_cancelled = []() -> Coro<void> {
    (void)co_await Sleep(absl::InfiniteDuration());
    GetRunningLoop().value()->CallSoon([] { throw Fatal(); });
    co_await OrReturn(Sleep(absl::Seconds(1)));
    co_return absl::OkStatus();
  };
  const auto main = [&]() -> Coro<void> {
    CreateTask(throw_when_cancelled);
    co_await OrReturn(Sleep(absl::ZeroDuration()));
    co_return absl::OkStatus();
  };
  EXPECT_TRUE(runner.Run(main).ok());
  EXPECT_THROW((void)runner.Close(), Fatal);
  EXPECT_TRUE(runner.Close().ok());
  EXPECT_EQ(runner.Run(main),
            absl::FailedPreconditionError("Runner is closed"));
}

#endif  // defined(__cpp_exceptions)

}  // namespace
}  // namespace evkit
