// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/loop/coro/call_graph.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/sleep.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/coro/waiter.h"
#include "evkit/loop/testing/test_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

// The lines of the awaits below.
int inner_line = 0;
int middle_line = 0;
int outer_line = 0;

Coro<int> Inner(Future<int> gate) {
  inner_line = __LINE__ + 1;
  const absl::StatusOr<int> n = co_await gate;
  co_return n;
}

Coro<int> Middle(Future<int> gate) {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  middle_line = __LINE__ + 1;
  const int n = co_await OrReturn(Inner(gate));
  co_return n;
}

Coro<int> Outer(Future<int> gate) {
  outer_line = __LINE__ + 1;
  const absl::StatusOr<int> n = co_await Middle(gate);
  co_return n;
}

Coro<void> AwaitTask(Task<int> task) {
  co_await OrReturn(task);
  co_return absl::OkStatus();
}

Task<int> Named(EventLoop& loop, Coro<int> coro, std::string name) {
  TaskOptions options;
  options.name = std::move(name);
  return CreateTask(loop, std::move(coro), options);
}
Task<void> Named(EventLoop& loop, Coro<void> coro, std::string name) {
  TaskOptions options;
  options.name = std::move(name);
  return CreateTask(loop, std::move(coro), options);
}

// "Inner:12", with the file left out.
std::vector<std::string> Functions(
    const std::vector<SourceLocation>& call_stack) {
  std::vector<std::string> functions;
  for (const SourceLocation where : call_stack) {
    EXPECT_THAT(where.file(), HasSubstr("call_graph_test.cc"));
    functions.push_back(absl::StrCat(where.function(), ":", where.line()));
  }
  return functions;
}

// The text without what differs from run to run.
std::string Normal(absl::string_view text) {
  std::string normal;
  while (!text.empty()) {
    const size_t id = text.find("0x");
    if (id == absl::string_view::npos) {
      absl::StrAppend(&normal, text);
      break;
    }
    absl::StrAppend(&normal, text.substr(0, id), "ID");
    text.remove_prefix(text.find_first_not_of("0123456789abcdef", id + 2));
  }
  return absl::StrReplaceAll(normal, {{__FILE__, "test.cc"}});
}

// INT-03
TEST(CallGraphTest, TheCallStackIsTheAwaitsThatATaskIsIn) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> task = CreateTask(test.loop(), Outer(gate));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const FutureCallGraph graph = CaptureCallGraph(task);
  ASSERT_THAT(graph, SizeIs(1));
  EXPECT_EQ(graph[0].future, task);
  EXPECT_EQ(graph[0].level, 0);
  EXPECT_THAT(Functions(graph[0].call_stack),
              ElementsAre(absl::StrCat("Inner:", inner_line),
                          absl::StrCat("Middle:", middle_line),
                          absl::StrCat("Outer:", outer_line)));
}

class Server {
 public:
  template <typename T>
  Coro<void> Serve(T seconds) {
    for (;;) {
      line_ = __LINE__ + 1;
      co_await OrReturn(Sleep(absl::Seconds(seconds)));
    }
  }
  int line() const { return line_; }

 private:
  int line_ = 0;
};

TEST(CallGraphTest, MembersTemplatesAndLambdasHaveTheirNames) {
  TestLoop test;
  Server server;
  const Task<void> member = CreateTask(test.loop(), server.Serve(1));
  const auto sleeper = []() -> Coro<void> {
    const absl::Status slept = co_await Sleep(absl::InfiniteDuration());
    co_return slept;
  };
  const Task<void> lambda = CreateTask(test.loop(), sleeper());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(Functions(CaptureCallGraph(member)[0].call_stack),
              ElementsAre(absl::StrCat("Serve:", server.line())));
  EXPECT_THAT(CaptureCallGraph(lambda)[0].call_stack[0].function(),
              HasSubstr("operator()"));
}

// INT-03
TEST(CallGraphTest, APositiveLimitKeepsTheInnermostEntries) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> task = CreateTask(test.loop(), Outer(gate));
  const Task<void> waiting = CreateTask(test.loop(), AwaitTask(task));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const auto functions = [&](int limit) {
    CallGraphOptions options;
    options.limit = limit;
    const FutureCallGraph graph = CaptureCallGraph(task, options);
    std::vector<std::string> names;
    for (const SourceLocation where : graph[0].call_stack) {
      names.push_back(where.function());
    }
    return names;
  };
  EXPECT_THAT(functions(1), ElementsAre("Inner"));
  EXPECT_THAT(functions(2), ElementsAre("Inner", "Middle"));
  EXPECT_THAT(functions(9), SizeIs(3));
  EXPECT_THAT(functions(-1), ElementsAre("Outer"));
  EXPECT_THAT(functions(-2), ElementsAre("Middle", "Outer"));
  EXPECT_THAT(functions(-9), SizeIs(3));
  EXPECT_THAT(functions(0), IsEmpty());
  CallGraphOptions none;
  none.limit = 0;
  EXPECT_THAT(CaptureCallGraph(task, none), SizeIs(2));
}

// INT-03
TEST(CallGraphTest, WithoutALoopOrATaskThereIsNothingToCapture) {
  EXPECT_EQ(CaptureCallGraph().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FormatCallGraph().status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(PrintCallGraph().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(CaptureCallGraph(AnyFuture()), IsEmpty());
  TestLoop test;
  bool called = false;
  test->CallSoon([&] {
    called = true;
    EXPECT_THAT(*CaptureCallGraph(), IsEmpty());
    EXPECT_EQ(*FormatCallGraph(), "");
  });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(called);
}

// INT-01
TEST(CallGraphTest, TheCurrentTaskAndAllTasksAreKnownToTheLoop) {
  TestLoop test;
  EXPECT_FALSE(CurrentTask().valid());
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> task = CreateTask(test.loop(), Outer(gate));
  EXPECT_THAT(AllTasks(test.loop()), ElementsAre(task.any()));
}

FutureCallGraph captured;
std::string formatted;
int capture_line = 0;
int caller_line = 0;

Coro<void> CapturesItself(CallGraphOptions options) {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  capture_line = __LINE__ + 1;
  captured = *CaptureCallGraph(options);
  formatted = *FormatCallGraph(options);
  co_return absl::OkStatus();
}
Coro<void> CallsIt(CallGraphOptions options) {
  caller_line = __LINE__ + 1;
  co_await OrReturn(CapturesItself(options));
  co_return absl::OkStatus();
}

// INT-03
TEST(CallGraphTest, OfTheCurrentTaskTheStackBeginsAtTheCall) {
  TestLoop test;
  ASSERT_TRUE(RunUntilComplete(test.loop(), CallsIt(CallGraphOptions())).ok());
  EXPECT_THAT(Functions(captured[0].call_stack),
              ElementsAre(absl::StrCat("CapturesItself:", capture_line),
                          absl::StrCat("CallsIt:", caller_line)));
  EXPECT_THAT(formatted, HasSubstr(absl::StrCat("line ", capture_line + 1,
                                                ", in CapturesItself()")));
  CallGraphOptions options;
  options.depth = 2;
  ASSERT_TRUE(RunUntilComplete(test.loop(), CallsIt(options)).ok());
  EXPECT_THAT(Functions(captured[0].call_stack),
              ElementsAre(absl::StrCat("CallsIt:", caller_line)));
  options.depth = 9;
  ASSERT_TRUE(RunUntilComplete(test.loop(), CallsIt(options)).ok());
  EXPECT_THAT(captured[0].call_stack, IsEmpty());
}

TEST(CallGraphTest, ATaskThatHasNotBegunOrHasEndedHasNoCallStack) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> task = CreateTask(test.loop(), Outer(gate));
  EXPECT_THAT(CaptureCallGraph(task)[0].call_stack, IsEmpty());
  ASSERT_TRUE(gate.SetResult(1).ok());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(task.done());
  EXPECT_THAT(CaptureCallGraph(task)[0].call_stack, IsEmpty());
}

// INT-02
TEST(CallGraphTest, AFutureKnowsWhoAwaitsItWhileTheyDo) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> first = CreateTask(test.loop(), Inner(gate));
  const Task<int> second = CreateTask(test.loop(), Inner(gate));
  const Task<void> third = CreateTask(test.loop(), AwaitTask(second));
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const FutureCallGraph graph = CaptureCallGraph(gate);
  ASSERT_THAT(graph, SizeIs(4));
  EXPECT_EQ(graph[0].future, gate);
  EXPECT_EQ(graph[1].future, first);
  EXPECT_EQ(graph[1].level, 1);
  EXPECT_EQ(graph[2].future, second);
  EXPECT_EQ(graph[2].level, 1);
  EXPECT_EQ(graph[3].future, third);
  EXPECT_EQ(graph[3].level, 2);
  EXPECT_TRUE(third.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(CaptureCallGraph(gate), SizeIs(1));
  EXPECT_TRUE(first.cancelled());
}

// INT-04
TEST(CallGraphTest, TheTextIsAsynciosAndIsPrinted) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> fetch = Named(test.loop(), Outer(gate), "fetch");
  const Task<void> main = Named(test.loop(), AwaitTask(fetch), "main");
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const std::string text = FormatCallGraph(fetch);
  EXPECT_THAT(
      Normal(text),
      MatchesRegex("\\* Task\\(name='fetch', id=ID\\)\n"
                   "  \\+ Call stack:\n"
                   "  \\|   File 'test.cc', line [0-9]+, in Inner\\(\\)\n"
                   "  \\|   File 'test.cc', line [0-9]+, in Middle\\(\\)\n"
                   "  \\|   File 'test.cc', line [0-9]+, in Outer\\(\\)\n"
                   "  \\+ Awaited by:\n"
                   "    \\* Task\\(name='main', id=ID\\)\n"
                   "      \\+ Call stack:\n"
                   "      \\|   File 'test.cc', line [0-9]+, in "
                   "AwaitTask\\(\\)"));
  EXPECT_THAT(Normal(FormatCallGraph(gate)),
              HasSubstr("* Future(id=ID)\n"
                        "  + Awaited by:\n"
                        "    * Task(name='fetch', id=ID)\n"));

  std::FILE* const file = std::tmpfile();
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(PrintCallGraph(fetch, CallGraphOptions(), file).ok());
  std::rewind(file);
  std::string printed(text.size() + 2, '\0');
  printed.resize(std::fread(printed.data(), 1, printed.size(), file));
  std::fclose(file);
  EXPECT_EQ(printed, text + "\n");
}

// INT-04
TEST(CallGraphTest, AFileThatCannotBeWrittenIsAnError) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  std::FILE* const file = std::fopen("/dev/null", "r");
  ASSERT_NE(file, nullptr);
  EXPECT_FALSE(PrintCallGraph(gate, CallGraphOptions(), file).ok());
  std::fclose(file);
}

// Waits for the task that `other` refers to by then.
Coro<int> AwaitOther(std::shared_ptr<Task<int>> other) {
  const Task<int> task = *other;
  co_return co_await task;
}

TEST(CallGraphTest, TasksThatAwaitEachOtherAreShownOnce) {
  TestLoop test;
  const auto of_a = std::make_shared<Task<int>>();
  const auto of_b = std::make_shared<Task<int>>();
  *of_a = Named(test.loop(), AwaitOther(of_b), "a");
  *of_b = Named(test.loop(), AwaitOther(of_a), "b");
  const Task<int> a = *of_a;
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const FutureCallGraph graph = CaptureCallGraph(a);
  ASSERT_THAT(graph, SizeIs(3));
  EXPECT_FALSE(graph[1].repeated);
  EXPECT_EQ(graph[2].future, a);
  EXPECT_TRUE(graph[2].repeated);
  EXPECT_THAT(
      Normal(FormatCallGraph(a)),
      MatchesRegex("\\* Task\\(name='a', id=ID\\)\n(.|\n)*"
                   "    \\* Task\\(name='b', id=ID\\)\n(.|\n)*"
                   "        \\* Task\\(name='a', id=ID\\) \\(see above\\)"));
  EXPECT_THAT(
      Normal(FormatTasks(test.loop())),
      MatchesRegex("\\* Task\\(name='a', id=ID\\)\n"
                   "  \\+ Waiting for: task b\n(.|\n)*"
                   "    \\* Task\\(name='b', id=ID\\)\n"
                   "      \\+ Waiting for: task a\n(.|\n)*"
                   "        \\* Task\\(name='a', id=ID\\) \\(see above\\)"));
  EXPECT_THAT(a.DebugString(), HasSubstr("waiting for task b at"));
}

// Waits for the task before it.
Coro<int> AwaitPrevious(Task<int> previous) { co_return co_await previous; }

TEST(CallGraphTest, ManyLevelsAreCutOffAndTheTextStaysSmall) {
  constexpr int kTasks = 20'000;
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> first = CreateTask(test.loop(), Inner(gate));
  Task<int> last = first;
  for (int i = 1; i < kTasks; ++i) {
    last = CreateTask(test.loop(), AwaitPrevious(last));
  }
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const FutureCallGraph graph = CaptureCallGraph(first);
  ASSERT_THAT(graph, SizeIs(101));
  EXPECT_TRUE(graph.back().cut_off);
  EXPECT_THAT(FormatCallGraph(graph), HasSubstr("  + Awaited by: ..."));
  CallGraphOptions all;
  all.max_levels = kTasks;
  EXPECT_THAT(CaptureCallGraph(first, all), SizeIs(kTasks));
  // At most this for each task.
  EXPECT_LT(FormatTasks(test.loop()).size(), size_t{3'000} * kTasks);
  ASSERT_TRUE(last.Cancel());
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(first.cancelled());
}

Coro<void> WaitAtDoorbell(Waiter* waiter) {
  co_await OrReturn(*waiter);
  co_return absl::OkStatus();
}
Coro<void> FormatTasksInside(EventLoop& loop, std::string* text) {
  co_await OrReturn(Sleep(absl::ZeroDuration()));
  *text = FormatTasks(loop);
  co_return absl::OkStatus();
}

TEST(FormatTasksTest, ShowsWhatEachTaskWaitsForAndWhereItCameFrom) {
  TestLoop test;
  EXPECT_EQ(FormatTasks(test.loop()), "");
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> fetch = Named(test.loop(), Outer(gate), "fetch");
  const Task<void> main = Named(test.loop(), AwaitTask(fetch), "main");
  Server server;
  const Task<void> serve = Named(test.loop(), server.Serve(5), "serve");
  EXPECT_THAT(Normal(FormatTasks(test.loop())), HasSubstr("+ Not begun"));
  Waiter waiter("Doorbell.Wait");
  const Task<void> doorbell =
      Named(test.loop(), WaitAtDoorbell(&waiter), "doorbell");
  ASSERT_TRUE(test.RunUntilIdle().ok());
  std::string text;
  const Task<void> shows =
      Named(test.loop(), FormatTasksInside(test.loop(), &text), "shows");
  test->CallSoon([&] { waiter.Complete(); });
  ASSERT_TRUE(test.RunUntilIdle().ok());
  EXPECT_TRUE(shows.done());
  EXPECT_THAT(
      Normal(text),
      MatchesRegex(
          "\\* Task\\(name='main', id=ID\\)\n"
          "  \\+ Waiting for: task fetch\n"
          "  \\|   File 'test.cc', line [0-9]+, in AwaitTask\\(\\)\n"
          "  \\+ Created: File 'test.cc', line [0-9]+, in Named\\(\\)\n"
          "  \\+ Awaits:\n"
          "    \\* Task\\(name='fetch', id=ID\\)\n"
          "      \\+ Waiting for: <Future pending>\n"
          "      \\|   File 'test.cc', line [0-9]+, in Inner\\(\\)\n"
          "      \\|   File 'test.cc', line [0-9]+, in Middle\\(\\)\n"
          "      \\|   File 'test.cc', line [0-9]+, in Outer\\(\\)\n"
          "      \\+ Created: File 'test.cc', line [0-9]+, in Named\\(\\)\n"
          "\\* Task\\(name='serve', id=ID\\)\n"
          "  \\+ Waiting for: Sleep\\(5s\\)\n"
          "  \\|   File 'test.cc', line [0-9]+, in Serve\\(\\)\n"
          "  \\+ Created: File 'test.cc', line [0-9]+, in Named\\(\\)\n"
          "\\* Task\\(name='doorbell', id=ID\\)\n"
          "  \\+ Ready\n"
          "  \\|   File 'test.cc', line [0-9]+, in WaitAtDoorbell\\(\\)\n"
          "  \\+ Created: File 'test.cc', line [0-9]+, in Named\\(\\)\n"
          "\\* Task\\(name='shows', id=ID\\)\n"
          "  \\+ Running\n"
          "  \\+ Created: File 'test.cc', line [0-9]+, in Named\\(\\)"));
}

TEST(FormatTasksTest, ATaskThatTwoWaitForIsShownOnceInFull) {
  TestLoop test;
  const Future<int> gate = CreateFuture<int>(test.loop());
  const Task<int> fetch = Named(test.loop(), Inner(gate), "fetch");
  const Task<void> one = Named(test.loop(), AwaitTask(fetch), "one");
  const Task<void> two = Named(test.loop(), AwaitTask(fetch), "two");
  ASSERT_TRUE(test.RunUntilIdle().ok());
  const std::string text = Normal(FormatTasks(test.loop()));
  EXPECT_THAT(text,
              MatchesRegex("\\* Task\\(name='one', id=ID\\)\n(.|\n)*"
                           "    \\* Task\\(name='fetch', id=ID\\)\n(.|\n)*"
                           "\\* Task\\(name='two', id=ID\\)\n(.|\n)*"
                           "    \\* Task\\(name='fetch', id=ID\\) \\(see above"
                           "\\)"));
}

}  // namespace
}  // namespace evkit
