// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Watching descriptors: what the contract says, on every selector, with real
// pipes and sockets.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/selectors/fake_selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int kInventedFd = 20'000;

class DescriptorsTest : public ::testing::TestWithParam<SelectorKind> {
 protected:
  // A callback that notes `name`.
  auto Note(std::string name) {
    return [this, name = std::move(name)] { trace_.push_back(name); };
  }

  // What was noted since the last time, after `turns` turns.
  std::vector<std::string> TraceOf(int turns = 1) {
    loop_.RunTurns(turns);
    return std::exchange(trace_, {});
  }

  CountedLoop loop_{GetParam()};
  std::vector<std::string> trace_;
};

INSTANTIATE_TEST_SUITE_P(EverySelector, DescriptorsTest,
                         ::testing::ValuesIn(AllSelectorKinds()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

// FDW-01, TURN-17
TEST_P(DescriptorsTest, ReaderIsCalledInEachTurnInWhichThereIsDataToRead) {
  const Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("r")).ok());
  EXPECT_THAT(TraceOf(3), IsEmpty());
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  EXPECT_THAT(TraceOf(3), ElementsAre("r", "r", "r"));
  ASSERT_TRUE(ReadByte(pipe.read_fd()));
  EXPECT_THAT(TraceOf(3), IsEmpty());
}

// FDW-01
TEST_P(DescriptorsTest, WriterIsCalledInEachTurnInWhichThereIsRoom) {
  const Pipe pipe = Pipe::MakeSocketPair();
  FillUp(pipe.write_fd());
  ASSERT_TRUE(loop_->AddWriter(pipe.write_fd(), Note("w")).ok());
  EXPECT_THAT(TraceOf(3), IsEmpty());
  char buffer[65536];
  while (::read(pipe.read_fd(), buffer, sizeof(buffer)) > 0) {
  }
  EXPECT_THAT(TraceOf(3), ElementsAre("w", "w", "w"));
}

// FDW-01
TEST_P(DescriptorsTest, EndOfFileCountsAsReadable) {
  Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("r")).ok());
  pipe.write_end.Reset();
  EXPECT_THAT(TraceOf(2), ElementsAre("r", "r"));
}

// FDW-01
TEST_P(DescriptorsTest, HangUpOfASocketCountsAsReadable) {
  Pipe pipe = Pipe::MakeSocketPair();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("r")).ok());
  pipe.write_end.Reset();
  EXPECT_THAT(TraceOf(2), ElementsAre("r", "r"));
}

// FDW-01
TEST_P(DescriptorsTest, AnErrorCountsAsReadable) {
  Pipe pipe = Pipe::Make();
  // The writing end of a pipe that nobody will read: an error, never data.
  ASSERT_TRUE(loop_->AddReader(pipe.write_fd(), Note("r")).ok());
  EXPECT_THAT(TraceOf(), IsEmpty());
  pipe.read_end.Reset();
  EXPECT_THAT(TraceOf(2), ElementsAre("r", "r"));
}

// FDW-08
TEST_P(DescriptorsTest, WriterAloneIsWokenWhenThePeerGoes) {
  Pipe pipe = Pipe::Make();
  FillUp(pipe.write_fd());
  ASSERT_TRUE(loop_->AddWriter(pipe.write_fd(), Note("w")).ok());
  EXPECT_THAT(TraceOf(), IsEmpty());
  pipe.read_end.Reset();
  EXPECT_THAT(TraceOf(2), ElementsAre("w", "w"));
}

// FDW-08
TEST_P(DescriptorsTest, AnErrorIsReportedToBothDirections) {
  Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.write_fd(), Note("r")).ok());
  ASSERT_TRUE(loop_->AddWriter(pipe.write_fd(), Note("w")).ok());
  pipe.read_end.Reset();
  EXPECT_THAT(TraceOf(), ElementsAre("r", "w"));
}

// FDW-02
TEST_P(DescriptorsTest, SecondReaderTakesThePlaceOfTheFirst) {
  const Pipe pipe = Pipe::MakeSocketPair();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("first")).ok());
  ASSERT_TRUE(loop_->AddWriter(pipe.read_fd(), Note("writer")).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("second")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("second", "writer"));
}

// FDW-02
TEST_P(DescriptorsTest, SecondWriterTakesThePlaceOfTheFirst) {
  const Pipe pipe = Pipe::MakeSocketPair();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_->AddWriter(pipe.read_fd(), Note("first")).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("reader")).ok());
  ASSERT_TRUE(loop_->AddWriter(pipe.read_fd(), Note("second")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("reader", "second"));
}

// FDW-02, HND-01
TEST_P(DescriptorsTest, TheCallbackThatWasReplacedIsDestroyedAtOnce) {
  const Pipe pipe = Pipe::Make();
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), [owned] {}).ok());
  EXPECT_EQ(owned.use_count(), 2);
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("second")).ok());
  EXPECT_EQ(owned.use_count(), 1);
}

// FDW-03
TEST_P(DescriptorsTest, RemovingSaysWhetherThereWasSomething) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  EXPECT_FALSE(loop_->RemoveReader(fd));
  EXPECT_FALSE(loop_->RemoveWriter(fd));
  EXPECT_FALSE(loop_->RemoveReader(-1));
  EXPECT_FALSE(loop_->RemoveWriter(1'000'000'000));
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  EXPECT_FALSE(loop_->RemoveWriter(fd));
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_FALSE(loop_->RemoveReader(fd));
  ASSERT_TRUE(loop_->AddWriter(fd, Note("w")).ok());
  EXPECT_FALSE(loop_->RemoveReader(fd));
  EXPECT_TRUE(loop_->RemoveWriter(fd));
  EXPECT_FALSE(loop_->RemoveWriter(fd));
}

// FDW-04
TEST_P(DescriptorsTest, ReaderAndWriterAreIndependent) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  const size_t before = loop_.selector().size();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  ASSERT_TRUE(loop_->AddWriter(fd, Note("w")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("r", "w"));
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_THAT(TraceOf(), ElementsAre("w"));
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  EXPECT_TRUE(loop_->RemoveWriter(fd));
  EXPECT_THAT(TraceOf(), ElementsAre("r"));
  EXPECT_EQ(loop_.selector().size(), before + 1);
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_EQ(loop_.selector().size(), before);
  EXPECT_THAT(TraceOf(), IsEmpty());
}

// FDW-05
TEST_P(DescriptorsTest, NegativeDescriptorIsAnInvalidArgument) {
  for (const int fd : {-1, -7}) {
    EXPECT_EQ(loop_->AddReader(fd, [] {}).code(),
              absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(loop_->AddWriter(fd, [] {}).code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// FDW-07
TEST_P(DescriptorsTest, ClosedDescriptorIsRefusedAndLeavesNothingBehind) {
  Pipe pipe = Pipe::Make();
  const int fd = pipe.read_fd();
  pipe.read_end.Reset();
  const size_t before = loop_.selector().size();
  auto owned = std::make_shared<int>();
  const absl::Status status = loop_->AddReader(fd, [owned] {});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrnoFromStatus(status), EBADF);
  EXPECT_EQ(ErrnoFromStatus(loop_->AddWriter(fd, [owned] {})), EBADF);
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(loop_.selector().size(), before);
  EXPECT_FALSE(loop_->RemoveReader(fd));
  EXPECT_FALSE(loop_->RemoveWriter(fd));

  const Pipe other = Pipe::Make();
  const UniqueFd reused = ReuseNumber(fd, other);
  ASSERT_TRUE(WriteByte(other.write_fd()));
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("r"));
  EXPECT_TRUE(loop_->RemoveReader(fd));
}

// FDW-07
TEST_P(DescriptorsTest, bug_B9_RegularFileIsRefusedByEpollAndReadyElsewhere) {
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(file);
  const size_t before = loop_.selector().size();
  const absl::Status status = loop_->AddReader(file.get(), Note("r"));
  if (GetParam().name == "epoll") {
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ErrnoFromStatus(status), EPERM);
    EXPECT_EQ(loop_.selector().size(), before);
    EXPECT_FALSE(loop_->RemoveReader(file.get()));
  } else {
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_THAT(TraceOf(), ElementsAre("r"));
    EXPECT_TRUE(loop_->RemoveReader(file.get()));
  }
}

// TURN-14
TEST_P(DescriptorsTest, ReaderRunsBeforeWriterInWhicheverOrderTheyWereAdded) {
  const Pipe pipe = Pipe::MakeSocketPair();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_->AddWriter(pipe.read_fd(), Note("w")).ok());
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("r")).ok());
  EXPECT_THAT(TraceOf(2), ElementsAre("r", "w", "r", "w"));
}

// TURN-15
TEST_P(DescriptorsTest, EveryReadyDescriptorIsServedInTheSameTurn) {
  const Pipe a = Pipe::Make();
  const Pipe b = Pipe::Make();
  const Pipe c = Pipe::Make();
  ASSERT_TRUE(WriteByte(a.write_fd()));
  ASSERT_TRUE(WriteByte(c.write_fd()));
  ASSERT_TRUE(loop_->AddReader(a.read_fd(), Note("a")).ok());
  ASSERT_TRUE(loop_->AddReader(b.read_fd(), Note("b")).ok());
  ASSERT_TRUE(loop_->AddReader(c.read_fd(), Note("c")).ok());
  EXPECT_THAT(TraceOf(), UnorderedElementsAre("a", "c"));
}

// TURN-18
TEST_P(DescriptorsTest, CallbackThatIsQueuedAlreadyDoesNotRunOnceRemoved) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_
                  ->AddReader(fd,
                              [&] {
                                Note("r")();
                                EXPECT_TRUE(loop_->RemoveWriter(fd));
                              })
                  .ok());
  ASSERT_TRUE(loop_->AddWriter(fd, Note("w")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("r"));
}

// TURN-18
TEST_P(DescriptorsTest, CallbackThatIsQueuedAlreadyDoesNotRunOnceReplaced) {
  const Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_
                  ->AddReader(fd,
                              [&] {
                                Note("r")();
                                ASSERT_TRUE(
                                    loop_->AddWriter(fd, Note("new")).ok());
                              })
                  .ok());
  ASSERT_TRUE(loop_->AddWriter(fd, Note("old")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("r"));
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_THAT(TraceOf(), ElementsAre("new"));
}

// FDW-03
TEST_P(DescriptorsTest, ForgettingRemovesBothAndTheDescriptorMayBeClosed) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  const size_t before = loop_.selector().size();
  auto owned = std::make_shared<int>();
  for (const bool read : {false, true}) {
    for (const bool write : {false, true}) {
      if (read) {
        ASSERT_TRUE(loop_->AddReader(fd, [owned] {}).ok());
      }
      if (write) {
        ASSERT_TRUE(loop_->AddWriter(fd, [owned] {}).ok());
      }
      EXPECT_EQ(loop_->ForgetFd(fd), read || write);
      EXPECT_EQ(owned.use_count(), 1);
      EXPECT_EQ(loop_.selector().size(), before);
    }
  }
  EXPECT_FALSE(loop_->ForgetFd(-1));
  EXPECT_FALSE(loop_->ForgetFd(1'000'000'000));

  ASSERT_TRUE(loop_->AddReader(fd, Note("old")).ok());
  ASSERT_TRUE(loop_->AddWriter(fd, Note("old")).ok());
  EXPECT_TRUE(loop_->ForgetFd(fd));
  pipe.read_end.Reset();
  const Pipe other = Pipe::Make();
  const UniqueFd reused = ReuseNumber(fd, other);
  ASSERT_TRUE(loop_->AddReader(fd, Note("new")).ok());
  EXPECT_THAT(TraceOf(), IsEmpty());
  ASSERT_TRUE(WriteByte(other.write_fd()));
  EXPECT_THAT(TraceOf(), ElementsAre("new"));
}

// FDW-03, TURN-18
TEST_P(DescriptorsTest, CallbackThatIsQueuedAlreadyDoesNotRunOnceForgotten) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  ASSERT_TRUE(loop_
                  ->AddReader(fd,
                              [&, owned = std::make_unique<int>(7)] {
                                Note("r")();
                                EXPECT_TRUE(loop_->ForgetFd(fd));
                                pipe.read_end.Reset();
                                EXPECT_EQ(*owned, 7) << "lives until it ends";
                              })
                  .ok());
  ASSERT_TRUE(loop_->AddWriter(fd, Note("w")).ok());
  EXPECT_THAT(TraceOf(2), ElementsAre("r"));
}

TEST_P(DescriptorsTest, ClosedLoopRefusesAndLeavesTheDescriptorOpen) {
  const Pipe pipe = Pipe::Make();
  ASSERT_TRUE(loop_->AddReader(pipe.read_fd(), Note("r")).ok());
  ASSERT_TRUE(loop_->Close().ok());
  // RUN-26, RUN-27, RUN-29
  EXPECT_EQ(loop_->AddReader(pipe.read_fd(), [] {}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(loop_->AddWriter(pipe.read_fd(), [] {}).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(loop_->RemoveReader(pipe.read_fd()));
  EXPECT_FALSE(loop_->RemoveWriter(pipe.read_fd()));
  EXPECT_FALSE(loop_->ForgetFd(pipe.read_fd()));
  EXPECT_TRUE(WriteByte(pipe.write_fd()));
  EXPECT_TRUE(ReadByte(pipe.read_fd()));
}

// FDW-02, FDW-04: what each call costs the selector.
TEST(DescriptorsOfTestLoopTest, DescriptorIsRegisteredOnceForBothDirections) {
  TestLoop test;
  FakeSelector& selector = test.selector();
  const int registered = selector.register_count();
  ASSERT_TRUE(test->AddReader(kInventedFd, [] {}).ok());
  ASSERT_TRUE(test->AddWriter(kInventedFd, [] {}).ok());
  EXPECT_EQ(selector.register_count(), registered + 1);
  EXPECT_EQ(selector.modify_count(), 1);
  EXPECT_EQ(selector.GetKey(kInventedFd)->interest, Interest::kReadWrite);
  EXPECT_TRUE(test->RemoveReader(kInventedFd));
  EXPECT_EQ(selector.modify_count(), 2);
  EXPECT_EQ(selector.unregister_count(), 0);
  EXPECT_EQ(selector.GetKey(kInventedFd)->interest, Interest::kWrite);
  EXPECT_TRUE(test->RemoveWriter(kInventedFd));
  EXPECT_EQ(selector.unregister_count(), 1);
}

// TURN-03, TURN-17: the batch is fixed before its first callback runs.
TEST(DescriptorsOfTestLoopTest, ReaderAddedByACallbackWaitsForTheNextTurn) {
  TestLoop test;
  std::vector<std::string> trace;
  test.selector().SetReady(kInventedFd, Interest::kRead);
  test->CallSoon([&] {
    trace.push_back("soon");
    ASSERT_TRUE(test->AddReader(kInventedFd,
                                [&] {
                                  trace.push_back("r");
                                  test.selector().ClearReady(kInventedFd);
                                })
                    .ok());
    test->CallSoon([&] { trace.push_back("then"); });
  });
  EXPECT_TRUE(test.RunUntilIdle().ok());
  EXPECT_THAT(trace, ElementsAre("soon", "then", "r"));
}

}  // namespace
}  // namespace evkit
