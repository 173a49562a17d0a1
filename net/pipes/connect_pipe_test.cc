// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/pipes/connect_pipe.h"

#include <fcntl.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/run_until_complete.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/pipes/pipe_testing.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ConnectPipeTest : public ::testing::Test {
 protected:
  ProtocolFactory Factory() {
    return [this] { return protocol_; };
  }

  TestLoop test_;
  PipeEnds pipe_;
  std::shared_ptr<PipeProtocol> protocol_ = std::make_shared<PipeProtocol>();
};

// PIPE-01
TEST_F(ConnectPipeTest, BothEndsAreConnectedWhenTheirProtocolsKnow) {
  absl::StatusOr<Connection> reader = RunUntilComplete(
      test_.loop(), ConnectReadPipe(Factory(), std::move(pipe_.read_end)));
  ASSERT_TRUE(reader.ok());
  EXPECT_THAT(protocol_->calls, ElementsAre("made"));
  EXPECT_EQ(reader->protocol, protocol_);
  EXPECT_EQ(reader->transport, protocol_->transport);

  const auto other = std::make_shared<PipeProtocol>();
  absl::StatusOr<Connection> writer = RunUntilComplete(
      test_.loop(),
      ConnectWritePipe([other] { return other; }, std::move(pipe_.write_end)));
  ASSERT_TRUE(writer.ok());
  EXPECT_TRUE(writer->transport->Write("hello").ok());
  EXPECT_TRUE(writer->transport->WriteEof().ok());
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_THAT(protocol_->calls,
              ElementsAre("made", "data hello", "eof", "lost"));
  EXPECT_THAT(other->calls, ElementsAre("made", "lost"));
}

// PIPE-02
TEST_F(ConnectPipeTest, WhatIsNoPipeIsRefused) {
  UniqueFd directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int number = directory.get();
  EXPECT_EQ(RunUntilComplete(test_.loop(),
                             ConnectReadPipe(Factory(), std::move(directory)))
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(IsOpen(number));
  EXPECT_THAT(protocol_->calls, IsEmpty());
}

#if defined(__cpp_exceptions)

TEST_F(ConnectPipeTest, WhatTheFactoryThrowsIsThrownOn) {
  const int number = pipe_.read_end.get();
  ProtocolFactory factory = []() -> std::shared_ptr<Protocol> {
    throw std::runtime_error("no");
  };
  EXPECT_THROW(
      RunUntilComplete(test_.loop(), ConnectReadPipe(std::move(factory),
                                                     std::move(pipe_.read_end)))
          .IgnoreError(),
      std::runtime_error);
  EXPECT_FALSE(IsOpen(number));
}

#endif  // __cpp_exceptions

TEST_F(ConnectPipeTest, CancelledItIsClosed) {
  const int number = pipe_.read_end.get();
  auto task = CreateTask(test_.loop(),
                         ConnectReadPipe(Factory(), std::move(pipe_.read_end)));
  test_->CallSoon([&] { task.Cancel(); });
  ASSERT_TRUE(test_.RunUntilIdle().ok());
  EXPECT_TRUE(task.cancelled());
  EXPECT_THAT(protocol_->calls, ElementsAre("made", "lost"));
  EXPECT_FALSE(IsOpen(number));
}

}  // namespace
}  // namespace evkit
