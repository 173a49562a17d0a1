// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Bugs with descriptors that other event loops have had, each tried on this
// one: A to do with their lifetime and reuse, B with selectors.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/timers/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;

class DescriptorBugsTest : public ::testing::TestWithParam<SelectorKind> {
 protected:
  // How often the selector returns in a while in which one timer fires, and so
  // once is enough.
  int WakeupsInAWhile() {
    const int before = loop_.selector().select_count();
    loop_->CallLater(absl::Milliseconds(20), [this] { loop_->Stop(); });
    EXPECT_TRUE(loop_->RunForever().ok());
    return loop_.selector().select_count() - before;
  }

  CountedLoop loop_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(EverySelector, DescriptorBugsTest,
                         ::testing::ValuesIn(AllSelectorKinds()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

// Both are ready; the first callback closes the other descriptor, whose number
// comes back with nothing to read.
TEST_P(DescriptorBugsTest, bug_A1_StaleEventOfAReusedNumberIsNotDelivered) {
  for (const bool remove_first : {true, false}) {
    std::array<Pipe, 2> pipes = {Pipe::Make(), Pipe::Make()};
    const Pipe fresh = Pipe::Make();
    UniqueFd reused;
    int calls = 0;
    int wrong_calls = 0;
    for (int i = 0; i < 2; ++i) {
      ASSERT_TRUE(WriteByte(pipes[i].write_fd()));
      ASSERT_TRUE(
          loop_
              ->AddReader(
                  pipes[i].read_fd(),
                  [&, i] {
                    ++calls;
                    EXPECT_TRUE(loop_->RemoveReader(pipes[i].read_fd()));
                    const int other = pipes[1 - i].read_fd();
                    if (remove_first) loop_->RemoveReader(other);
                    pipes[1 - i].read_end.Reset();
                    reused = ReuseNumber(other, fresh);
                    ASSERT_TRUE(
                        loop_->AddReader(other, [&] { ++wrong_calls; }).ok());
                  })
              .ok());
    }
    loop_.RunTurns(5);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(wrong_calls, 0);

    ASSERT_TRUE(WriteByte(fresh.write_fd()));
    loop_.RunTurns(1);
    EXPECT_EQ(wrong_calls, 1) << "the new one is watched";
    EXPECT_TRUE(loop_->RemoveReader(reused.get()));
  }
}

// While another descriptor keeps the file open, the kernel goes on watching
// what was closed.
TEST_P(DescriptorBugsTest, bug_A2_ClosedDuplicateHauntsNobody) {
  for (const bool remove_first : {true, false}) {
    const Pipe pipe = Pipe::Make();
    UniqueFd copy(::fcntl(pipe.read_fd(), F_DUPFD_CLOEXEC, 0));
    const int fd = copy.get();
    int calls = 0;
    ASSERT_TRUE(loop_->AddReader(fd, [&] { ++calls; }).ok());
    if (remove_first) {
      EXPECT_TRUE(loop_->RemoveReader(fd));
    }
    copy.Reset();
    if (!remove_first) {
      EXPECT_TRUE(loop_->RemoveReader(fd));
    }
    ASSERT_TRUE(WriteByte(pipe.write_fd()));
    EXPECT_LE(WakeupsInAWhile(), 2);
    EXPECT_EQ(calls, 0);
  }
}

TEST_P(DescriptorBugsTest, bug_A3_CopyInAForkedChildHauntsNobody) {
  for (const bool remove_first : {true, false}) {
    Pipe pipe = Pipe::Make();
    Pipe life = Pipe::MakeSocketPair();
    const int fd = pipe.read_fd();
    int calls = 0;
    ASSERT_TRUE(loop_->AddReader(fd, [&] { ++calls; }).ok());
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      // Keeps everything open until the parent closes its end.
      ::fcntl(life.read_fd(), F_SETFL, 0);
      ::close(life.write_fd());
      ReadByte(life.read_fd());
      ::_exit(0);
    }
    if (remove_first) {
      EXPECT_TRUE(loop_->RemoveReader(fd));
    }
    pipe.read_end.Reset();
    if (!remove_first) {
      EXPECT_TRUE(loop_->RemoveReader(fd));
    }
    ASSERT_TRUE(WriteByte(pipe.write_fd()));
    EXPECT_LE(WakeupsInAWhile(), 2);
    EXPECT_EQ(calls, 0);
    life.write_end.Reset();
    EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  }
}

TEST_P(DescriptorBugsTest, bug_A6_OneFileMayBeWatchedThroughTwoDescriptors) {
  const Pipe pipe = Pipe::Make();
  const UniqueFd copy(::fcntl(pipe.read_fd(), F_DUPFD_CLOEXEC, 0));
  int calls = 0;
  int calls_of_copy = 0;
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), [&] { ++calls; }).ok());
  ASSERT_TRUE(loop_->AddReader(copy.get(), [&] { ++calls_of_copy; }).ok());
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  loop_.RunTurns(1);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(calls_of_copy, 1);
  EXPECT_TRUE(loop_->RemoveReader(copy.get()));
  loop_.RunTurns(1);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(calls_of_copy, 1);
}

// A connection that goes away when told so: it owns what is watched.
struct Connection {
  explicit Connection(Pipe its_socket) : socket(std::move(its_socket)) {}
  Pipe socket;
  int calls = 0;
};

TEST_P(DescriptorBugsTest, bug_A8_ReaderMayDestroyItsConnectionInTheMidstOfIt) {
  auto connection = std::make_unique<Connection>(Pipe::MakeSocketPair());
  const int fd = connection->socket.read_fd();
  // Readable, writable, hung up, and failed: what the peer had not read yet is
  // lost when it closes.
  ASSERT_TRUE(WriteByte(fd));
  ASSERT_TRUE(WriteByte(connection->socket.write_fd()));
  int reads = 0;
  int writes = 0;
  ASSERT_TRUE(loop_
                  ->AddReader(fd,
                              [&, owned = std::make_unique<int>(7)] {
                                ++reads;
                                EXPECT_TRUE(loop_->RemoveReader(fd));
                                EXPECT_TRUE(loop_->RemoveWriter(fd));
                                connection.reset();
                                EXPECT_EQ(*owned, 7)
                                    << "lives until it returns";
                              })
                  .ok());
  ASSERT_TRUE(
      loop_
          ->AddWriter(fd,
                      [&, raw = connection.get()] { writes = ++raw->calls; })
          .ok());
  connection->socket.write_end.Reset();
  loop_.RunTurns(3);
  EXPECT_EQ(reads, 1);
  EXPECT_EQ(writes, 0);
}

// For epoll it is as if it had never been; the others report it once.
TEST_P(DescriptorBugsTest, bug_A9_ClosingAWatchedDescriptorHarmsNobodyElse) {
  Pipe closed = Pipe::Make();
  const Pipe other = Pipe::Make();
  int calls = 0;
  int calls_of_other = 0;
  ASSERT_TRUE(loop_->AddReader(closed.read_fd(), [&] { ++calls; }).ok());
  ASSERT_TRUE(loop_
                  ->AddReader(other.read_fd(),
                              [&] {
                                ++calls_of_other;
                                ReadByte(other.read_fd());
                              })
                  .ok());
  closed.read_end.Reset();
  ASSERT_TRUE(WriteByte(other.write_fd()));
  loop_.RunTurns(3);
  EXPECT_LE(calls, 1);
  EXPECT_EQ(calls_of_other, 1);
}

TEST_P(DescriptorBugsTest, bug_B10_DescriptorClosedUnderTheWaitMakesNoSpin) {
  Pipe closed = Pipe::Make();
  int calls = 0;
  ASSERT_TRUE(loop_->AddReader(closed.read_fd(), [&] { ++calls; }).ok());
  closed.read_end.Reset();
  EXPECT_LE(WakeupsInAWhile(), 3);
  EXPECT_LE(calls, 1);
}

TEST_P(DescriptorBugsTest, bug_A10_LoopLeavesNoDescriptorBehind) {
  const std::set<int> before = OpenDescriptors();
  for (int round = 0; round < 3; ++round) {
    CountedLoop loop(GetParam());
    const Pipe pipe = Pipe::MakeSocketPair();
    ASSERT_TRUE(loop->AddReader(pipe.read_fd(), [] {}).ok());
    ASSERT_TRUE(loop->AddWriter(pipe.read_fd(), [] {}).ok());
    ASSERT_TRUE(loop->CallSoonThreadsafe([] {}).ok());
    loop.RunTurns(2);
    if (round == 1) {
      ASSERT_TRUE(loop->Close().ok());
    }
    if (round == 2) {
      EXPECT_TRUE(loop->RemoveReader(pipe.read_fd()));
    }
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(DescriptorBugsTest, bug_A11_FlagsOfTheDescriptorAreLeftAlone) {
  Pipe pipe = Pipe::MakeSocketPair();
  for (const int flags : {0, O_NONBLOCK}) {
    const int fd = pipe.read_fd();
    ASSERT_EQ(::fcntl(fd, F_SETFL, flags), 0);
    const int before = ::fcntl(fd, F_GETFL);
    ASSERT_TRUE(loop_->AddReader(fd, [] {}).ok());
    ASSERT_TRUE(loop_->AddWriter(fd, [] {}).ok());
    loop_.RunTurns(1);
    EXPECT_EQ(::fcntl(fd, F_GETFL), before);
    EXPECT_TRUE(loop_->RemoveReader(fd));
    EXPECT_TRUE(loop_->RemoveWriter(fd));
    EXPECT_EQ(::fcntl(fd, F_GETFL), before);
  }
}

TEST_P(DescriptorBugsTest, bug_A12_NothingRemovedInABatchIsCalledInIt) {
  std::vector<Pipe> pipes;
  for (int i = 0; i < 50; ++i) pipes.push_back(Pipe::Make());
  int calls = 0;
  for (const Pipe& pipe : pipes) {
    ASSERT_TRUE(WriteByte(pipe.write_fd()));
    ASSERT_TRUE(loop_
                    ->AddReader(pipe.read_fd(),
                                [&] {
                                  ++calls;
                                  for (const Pipe& each : pipes) {
                                    EXPECT_TRUE(
                                        loop_->RemoveReader(each.read_fd()));
                                  }
                                })
                    .ok());
  }
  loop_.RunTurns(3);
  EXPECT_EQ(calls, 1);
}

// A hang-up cannot be masked: only a descriptor that the selector is rid of is
// quiet.
TEST_P(DescriptorBugsTest, bug_B2_HangUpThatNobodyWatchesMakesNoSpin) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  int calls = 0;
  ASSERT_TRUE(WriteByte(fd));
  ASSERT_TRUE(loop_
                  ->AddReader(fd,
                              [&] {
                                ++calls;
                                EXPECT_TRUE(loop_->RemoveReader(fd));
                              })
                  .ok());
  pipe.write_end.Reset();  // With unread data: a reset.
  EXPECT_LE(WakeupsInAWhile(), 3);
  EXPECT_EQ(calls, 1);
}

TEST_P(DescriptorBugsTest, bug_B4_TimerBetweenMillisecondsNeedsNoSpin) {
  for (const absl::Duration delay :
       {absl::Microseconds(400), absl::Nanoseconds(1'000'100)}) {
    const int before = loop_.selector().select_count();
    const MonotonicTime start = Clock::Real().Now();
    loop_->CallLater(delay, [this] { loop_->Stop(); });
    ASSERT_TRUE(loop_->RunForever().ok());
    EXPECT_GE(Clock::Real().Now() - start, delay);
    EXPECT_LE(loop_.selector().select_count() - before, 2);
  }
}

TEST(DescriptorBugsOfTestLoopTest, bug_B4_TimerBetweenMillisecondsIsExact) {
  for (const absl::Duration delay :
       {absl::Microseconds(400), absl::Nanoseconds(1'000'100),
        absl::Nanoseconds(1)}) {
    TestLoop test;
    std::vector<absl::Duration> fired;
    test->CallLater(delay, [&] {
      fired.push_back(test.elapsed());
      test->Stop();
    });
    const int before = test.selector().select_count();
    EXPECT_TRUE(test.RunUntilNothingIsLeft().ok());
    EXPECT_THAT(fired, ElementsAre(delay));
    EXPECT_LE(test.selector().select_count() - before, 2);
  }
}

TEST_P(DescriptorBugsTest, bug_B7_ManyReadyDescriptorsAreAllServedSoon) {
  constexpr int kMany = 900;
  std::vector<UniqueFd> fds;
  std::vector<int> calls(kMany, 0);
  for (int i = 0; i < kMany; ++i) {
    fds.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
    ASSERT_TRUE(fds.back());
    ASSERT_TRUE(
        loop_->AddReader(fds.back().get(), [&, i] { ++calls[i]; }).ok());
  }
  loop_.RunTurns(5);
  for (int i = 0; i < kMany; ++i) {
    EXPECT_GE(calls[i], 1) << "descriptor " << i << " was passed over";
    calls[i] = 0;
  }
  // Now that it has seen how many there are: all, in each turn.
  loop_.RunTurns(10);
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(calls[i], 10) << i;
}

TEST_P(DescriptorBugsTest, bug_B11_ReadinessIsNotRememberedAcrossAReopen) {
  Pipe old = Pipe::Make();
  const int fd = old.read_fd();
  int calls = 0;
  ASSERT_TRUE(WriteByte(old.write_fd()));
  ASSERT_TRUE(loop_->AddReader(fd, [&] { ++calls; }).ok());
  loop_.RunTurns(1);
  EXPECT_EQ(std::exchange(calls, 0), 1);
  EXPECT_TRUE(loop_->RemoveReader(fd));
  old.read_end.Reset();

  const Pipe fresh = Pipe::Make();
  const UniqueFd reused = ReuseNumber(fd, fresh);
  ASSERT_TRUE(loop_->AddReader(fd, [&] { ++calls; }).ok());
  loop_.RunTurns(3);
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(WriteByte(fresh.write_fd()));
  loop_.RunTurns(1);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace evkit
