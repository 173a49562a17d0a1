// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Whatever happens in whatever turn, nothing stays open.

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/connections/create_connection.h"
#include "evkit/net/connections/local_port.h"
#include "evkit/net/connections/traced_protocol.h"
#include "evkit/net/dns/fake_resolver.h"
#include "evkit/net/dns/loop_resolver.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// How many sockets this process has open.
int OpenSockets() {
  int count = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(entry.path(), error);
    if (target.string().substr(0, 7) == "socket:") ++count;
  }
  return count;
}

// A connection that takes all the steps there are, to be disturbed after any
// number of turns.
class Scenario {
 public:
  explicit Scenario(int turns) {
    listening_.Listen();
    names_->Answer("there.test", {refusing_.address(), listening_.address()});
    names_->Answer("here.test", {SocketAddress::LoopbackIPv4(0)});
    SetResolver(test_.loop(), names_);
    ConnectionOptions options;
    options.local_address.emplace("here.test", 0);
    task_ =
        CreateTask(test_.loop(),
                   CreateConnection(Traced(trace_), "there.test", 0, options));
    for (int i = 0; i < turns; ++i) {
      test_->Stop();
      EXPECT_TRUE(test_->RunForever().ok());
    }
  }

  // What it was doing.
  std::string Phase() {
    if (task_.done()) return "done";
    if (!trace_.empty()) return "making " + std::to_string(trace_.size());
    if (faults_.Count("connect") > 0) {
      return "connecting " + std::to_string(sockets());
    }
    return names_->pending() > 0 ? "resolving" : "between";
  }

  FaultInjection& faults() { return faults_; }
  // Those that it has open.
  int sockets() const { return OpenSockets() - before_; }
  TestLoop& test() { return test_; }
  FakeResolver& names() { return *names_; }
  const Task<Connection>& task() { return task_; }
  const std::vector<std::string>& trace() { return trace_; }

 private:
  LocalPort refusing_, listening_;
  const int before_ = OpenSockets();
  FaultInjection faults_;
  std::vector<std::string> trace_;
  TestLoop test_;
  std::shared_ptr<FakeResolver> names_ =
      std::make_shared<FakeResolver>(test_.loop());
  Task<Connection> task_;
};

constexpr int kEnoughTurns = 30;

// CONN-17, CONN-18, DNS-06
TEST(CreateConnectionCancelTest, InEveryTurnNothingStaysOpen) {
  std::set<std::string> phases;
  for (int turns = 0; turns < kEnoughTurns; ++turns) {
    // Before the turn, or at its end, when what the task waits for has come
    // and the task has not gone on yet.
    for (const bool at_the_end : {false, true}) {
      Scenario scenario(turns);
      const std::string phase = scenario.Phase();
      SCOPED_TRACE(std::to_string(turns) + " turns: " + phase +
                   (at_the_end ? ", at the end of the next" : ""));
      phases.insert(phase);
      bool cancelled = false;
      const auto cancel = [&] { cancelled = scenario.task().Cancel("enough"); };
      if (at_the_end) {
        scenario.test()->CallSoon(cancel);
      } else {
        cancel();
      }
      ASSERT_TRUE(scenario.test().RunUntilIdle().ok());
      ASSERT_TRUE(scenario.task().done());
      EXPECT_FALSE(cancelled && phase == "done");
      if (!cancelled) {
        EXPECT_TRUE(scenario.task().Error().ok());
        continue;
      }
      EXPECT_TRUE(scenario.task().cancelled());
      EXPECT_EQ(scenario.task().Error(), absl::CancelledError("enough"));
      EXPECT_EQ(scenario.names().pending(), 0);
      EXPECT_EQ(scenario.sockets(), 0);
      EXPECT_EQ(scenario.test().selector().size(), 1u) << "the loop's own";
      if (!scenario.trace().empty()) {
        EXPECT_THAT(scenario.trace(),
                    ElementsAre("factory", "made", "lost:OK"));
      }
      if (phase.substr(0, 6) == "making") {
        EXPECT_FALSE(scenario.trace().empty());
      } else if (!at_the_end) {
        EXPECT_THAT(scenario.trace(), IsEmpty());
      }
    }
  }
  for (const char* const phase :
       {"resolving", "connecting 1", "making 1", "making 2", "done"}) {
    EXPECT_EQ(phases.count(phase), 1u) << phase;
  }
}

TEST(CreateConnectionCancelTest, TheLoopMayCloseInEveryTurn) {
  for (int turns = 0; turns < kEnoughTurns; ++turns) {
    Scenario scenario(turns);
    SCOPED_TRACE(std::to_string(turns) + " turns: " + scenario.Phase());
    const size_t told = scenario.trace().size();
    FakeResolver& names = scenario.names();
    EXPECT_TRUE(scenario.test()->Close().ok());
    EXPECT_EQ(scenario.sockets(), 0);
    EXPECT_EQ(names.pending(), 0);
    EXPECT_EQ(scenario.trace().size(), told);
    EXPECT_TRUE(scenario.task().done());
  }
}

// Each system call that it makes fails once, in turn.
TEST(CreateConnectionCancelTest, bug_A5_WhateverFailsNothingStaysOpen) {
  for (const char* const call : {"socket", "bind", "connect", "getsockopt",
                                 "getsockname", "getpeername", "setsockopt"}) {
    for (int nth = 1; nth <= 4; ++nth) {
      SCOPED_TRACE(call + std::to_string(nth));
      Scenario scenario(0);
      scenario.faults().Fail(call, ENOBUFS, nth);
      ASSERT_TRUE(scenario.test().RunUntilIdle().ok());
      ASSERT_TRUE(scenario.task().done());
      const bool connected = scenario.task().Error().ok();
      EXPECT_EQ(scenario.sockets(), connected ? 1 : 0);
      EXPECT_EQ(scenario.trace().empty(), !connected);
    }
  }
}

// HAPPY-04, HAPPY-06
TEST(CreateConnectionCancelTest, ARaceThatIsCancelledClosesAllItsSockets) {
  LocalPort slow, slower;
  slow.ListenAndAnswerNobody();
  slower.ListenAndAnswerNobody();
  const int before = OpenSockets();
  TestLoop test;
  const auto names = std::make_shared<FakeResolver>(test.loop());
  names->Answer("a.test", {slow.address(), slower.address()});
  SetResolver(test.loop(), names);
  ConnectionOptions options;
  options.happy_eyeballs_delay = absl::Seconds(1);
  std::vector<std::string> trace;
  const auto task = CreateTask(
      test.loop(), CreateConnection(Traced(trace), "a.test", 0, options));
  ASSERT_TRUE(test.FastForwardBy(absl::Seconds(1)).ok());
  EXPECT_EQ(OpenSockets() - before, 2);
  task.Cancel();
  ASSERT_TRUE(test.RunUntilNothingIsLeft().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(OpenSockets() - before, 0);
  EXPECT_THAT(trace, IsEmpty());
}

// All that one to three addresses can do, with a delay and without: who wins
// is clear, and nothing else stays open.
TEST(CreateConnectionCancelTest, bug_H15_OneSocketIsLeftOfAnyRace) {
  enum Outcome { kAccepts, kRefuses, kHangs, kOutcomes };
  for (const bool racing : {false, true}) {
    for (int code = 0; code < kOutcomes * kOutcomes * kOutcomes; ++code) {
      LocalPort ports[3];
      std::vector<SocketAddress> addresses;
      int winner = -1;
      bool held_up = false;  // By one that hangs.
      int rest = code;
      for (int i = 0; i < 3; ++i, rest /= kOutcomes) {
        if (rest % kOutcomes == kHangs) ports[i].ListenAndAnswerNobody();
        if (rest % kOutcomes == kAccepts) ports[i].Listen();
        addresses.push_back(ports[i].address());
        if (winner >= 0 || (held_up && !racing)) continue;
        if (rest % kOutcomes == kAccepts) winner = i;
        if (rest % kOutcomes == kHangs) held_up = true;
      }
      SCOPED_TRACE(std::to_string(code) + (racing ? ", racing" : ""));
      const int before = OpenSockets();
      TestLoop test;
      const auto names = std::make_shared<FakeResolver>(test.loop());
      names->Answer("a.test", addresses);
      SetResolver(test.loop(), names);
      ConnectionOptions options;
      if (racing) options.happy_eyeballs_delay = absl::Seconds(1);
      std::vector<std::string> trace;
      const auto task = CreateTask(
          test.loop(), CreateConnection(Traced(trace), "a.test", 0, options));
      ASSERT_TRUE(test.FastForwardBy(absl::Minutes(1)).ok());
      if (winner >= 0) {
        ASSERT_TRUE(task.done() && task.Error().ok());
        EXPECT_EQ(*task.Result()->transport->GetExtraInfo(kPeername),
                  addresses[winner]);
        EXPECT_EQ(OpenSockets() - before, 1);
      } else if (held_up) {
        EXPECT_FALSE(task.done());
        EXPECT_GE(OpenSockets() - before, 1);
      } else {
        ASSERT_TRUE(task.done());
        EXPECT_EQ(task.Error().code(), absl::StatusCode::kUnavailable);
        EXPECT_EQ(OpenSockets() - before, 0);
      }
      EXPECT_TRUE(test->Close().ok());
      EXPECT_EQ(OpenSockets() - before, 0);
    }
  }
}

}  // namespace
}  // namespace evkit
