// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Descriptors that were closed before they were removed, and numbers that came
// back as another file.

#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "evkit/base/errno_status.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/descriptor_testing.h"
#include "evkit/loop/event_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ClosedDescriptorsTest : public ::testing::TestWithParam<SelectorKind> {
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

INSTANTIATE_TEST_SUITE_P(EverySelector, ClosedDescriptorsTest,
                         ::testing::ValuesIn(AllSelectorKinds()),
                         [](const auto& tested) {
                           return std::string(tested.param.name);
                         });

// FDW-09: on purpose not as asyncio, which never polls the new one.
TEST_P(ClosedDescriptorsTest, ReusedNumberIsWatchedAfreshInTheSameDirection) {
  Pipe old = Pipe::Make();
  const int fd = old.read_fd();
  ASSERT_TRUE(loop_->AddReader(fd, Note("old")).ok());
  loop_.RunTurns(1);
  old.read_end.Reset();

  const Pipe pipe = Pipe::Make();
  const UniqueFd reused = ReuseNumber(fd, pipe);
  ASSERT_TRUE(loop_->AddReader(fd, Note("new")).ok());
  EXPECT_THAT(TraceOf(), IsEmpty());
  ASSERT_TRUE(WriteByte(pipe.write_fd()));
  EXPECT_THAT(TraceOf(), ElementsAre("new"));
  EXPECT_TRUE(loop_->RemoveReader(fd));
}

// FDW-09: on purpose not as asyncio, which fails with ENOENT the first time.
TEST_P(ClosedDescriptorsTest, ReusedNumberIsWatchedInTheOtherDirection) {
  Pipe old = Pipe::MakeSocketPair();
  const int fd = old.read_fd();
  ASSERT_TRUE(loop_->AddReader(fd, Note("old")).ok());
  loop_.RunTurns(1);
  old.read_end.Reset();

  const Pipe pipe = Pipe::MakeSocketPair();
  const UniqueFd reused = ReuseNumber(fd, pipe);
  ASSERT_TRUE(loop_->AddWriter(fd, Note("new")).ok());
  EXPECT_THAT(TraceOf(), ElementsAre("new"));
}

// FDW-09
TEST_P(ClosedDescriptorsTest,
       ReplacingOnAClosedDescriptorFailsAndDropsItsCallbacks) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  auto owned = std::make_shared<int>();
  const size_t before = loop_.selector().size();
  ASSERT_TRUE(loop_->AddReader(fd, [owned] {}).ok());
  ASSERT_TRUE(loop_->AddWriter(fd, [owned] {}).ok());
  pipe.read_end.Reset();
  EXPECT_EQ(ErrnoFromStatus(loop_->AddReader(fd, [owned] {})), EBADF);
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_EQ(loop_.selector().size(), before);
  EXPECT_FALSE(loop_->RemoveReader(fd));
  EXPECT_FALSE(loop_->RemoveWriter(fd));
}

// FDW-11
TEST_P(ClosedDescriptorsTest, RemovingFromAClosedDescriptorSucceeds) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  const size_t before = loop_.selector().size();
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  pipe.read_end.Reset();
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_EQ(loop_.selector().size(), before);
  EXPECT_THAT(TraceOf(), IsEmpty());
}

// FDW-09: with the other direction still there, the descriptor being gone is
// noticed, and that direction is dropped too.
TEST_P(ClosedDescriptorsTest,
       RemovingOneDirectionOfAClosedDescriptorDropsBoth) {
  Pipe pipe = Pipe::MakeSocketPair();
  const int fd = pipe.read_fd();
  const size_t before = loop_.selector().size();
  auto owned = std::make_shared<int>();
  ASSERT_TRUE(loop_->AddReader(fd, Note("r")).ok());
  ASSERT_TRUE(loop_->AddWriter(fd, [owned] {}).ok());
  pipe.read_end.Reset();
  EXPECT_TRUE(loop_->RemoveReader(fd));
  EXPECT_EQ(owned.use_count(), 1);
  EXPECT_FALSE(loop_->RemoveWriter(fd));
  EXPECT_EQ(loop_.selector().size(), before);
  EXPECT_THAT(TraceOf(), IsEmpty());
}

// FDW-09: only epoll tells the files behind one number apart.
TEST(ClosedDescriptorsOfEpollTest,
     CallbacksOfThePredecessorOfANumberAreDropped) {
  for (const bool same_direction : {true, false}) {
    CountedLoop loop(AllSelectorKinds().front());
    Pipe old = Pipe::MakeSocketPair();
    const int fd = old.read_fd();
    auto owned = std::make_shared<int>();
    int old_calls = 0;
    int new_calls = 0;
    const auto old_callback = [&, owned] { ++old_calls; };
    const auto new_callback = [&] { ++new_calls; };
    const long in_use = owned.use_count();
    ASSERT_TRUE(loop->AddReader(fd, old_callback).ok());
    if (same_direction) {
      ASSERT_TRUE(loop->AddWriter(fd, old_callback).ok());
    }
    old.read_end.Reset();

    const Pipe pipe = Pipe::MakeSocketPair();
    const UniqueFd reused = ReuseNumber(fd, pipe);
    ASSERT_TRUE(WriteByte(pipe.write_fd()));
    if (same_direction) {
      ASSERT_TRUE(loop->AddReader(fd, new_callback).ok());
    } else {
      ASSERT_TRUE(loop->AddWriter(fd, new_callback).ok());
    }
    EXPECT_EQ(owned.use_count(), in_use);
    loop.RunTurns(1);
    EXPECT_EQ(old_calls, 0);
    EXPECT_EQ(new_calls, 1);
    EXPECT_EQ(loop->RemoveReader(fd), same_direction);
    EXPECT_EQ(loop->RemoveWriter(fd), !same_direction);
  }
}

}  // namespace
}  // namespace evkit
