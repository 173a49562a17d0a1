// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/sendfile.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/task.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/memory_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/stream_transport.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {

// Only its protocols are used here.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportConformance);

namespace {

using ::testing::ElementsAre;

// Whether over a socket, or in memory.
class SendfileTest : public ::testing::TestWithParam<bool> {
 protected:
  SendfileTest() {
    std::string path = ::testing::TempDir() + "/evkit_sendfile_test.XXXXXX";
    file_ = UniqueFd(mkstemp(path.data()));
    unlink(path.c_str());
    for (int i = 0; i < 1'000'000; ++i) {
      contents_ += static_cast<char>(i * 2654435761u >> 13);
    }
    EXPECT_EQ(write(file_.get(), contents_.data(), contents_.size()),
              static_cast<ssize_t>(contents_.size()));
    if (native()) {
      auto [one, other] = *Socket::Pair();
      first_ = NewStreamTransport(test_.loop(), std::move(one), a_);
      second_ = NewStreamTransport(test_.loop(), std::move(other), b_);
    } else {
      const MemoryTransportPair pair =
          NewMemoryTransportPair(test_.loop(), a_, b_);
      first_ = pair.first;
      second_ = pair.second;
    }
    Run();
  }

  static bool native() { return GetParam(); }
  void Run() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  // Threads of the executor are about.
  void RunUntil(const std::function<bool()>& done) {
    while (!done()) Run();
  }
  Task<size_t> Start(SendfileOptions options = SendfileOptions()) {
    return CreateTask(test_.loop(), Sendfile(first_, file_.get(), options));
  }
  off_t position() const { return lseek(file_.get(), 0, SEEK_CUR); }

  TestLoop test_;
  UniqueFd file_;
  std::string contents_;
  std::shared_ptr<RecordingProtocol> a_ = std::make_shared<RecordingProtocol>();
  std::shared_ptr<RecordingProtocol> b_ = std::make_shared<RecordingProtocol>();
  std::shared_ptr<Transport> first_;
  std::shared_ptr<Transport> second_;
};

INSTANTIATE_TEST_SUITE_P(Ways, SendfileTest, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& way) {
                           return way.param ? "Native" : "Fallback";
                         });

// SFILE-01, SFILE-02, SFILE-05, SFILE-08
TEST_P(SendfileTest, TheFileComesAfterWhatWasWritten) {
  second_->PauseReading();
  const std::string before(600'000, 'b');
  EXPECT_TRUE(first_->Write(before).ok());
  EXPECT_THAT(a_->events, ElementsAre("made", "pause"));
  const Task<size_t> task = Start();
  Run();
  EXPECT_FALSE(task.done());
  EXPECT_FALSE(first_->IsReading());
  second_->ResumeReading();
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(*task.Result(), contents_.size());
  EXPECT_TRUE(first_->IsReading());
  EXPECT_EQ(first_->GetProtocol(), a_);
  EXPECT_TRUE(first_->Write("after").ok());
  RunUntil([&] { return b_->received.size() == 1'600'005; });
  EXPECT_TRUE(b_->received == before + contents_ + "after");
  EXPECT_EQ(position(), 1'000'000);
  EXPECT_EQ(a_->events.back(), "resume");
}

// SFILE-07, SFILE-08
TEST_P(SendfileTest, APartOfTheFileIsSent) {
  SendfileOptions options;
  options.offset = 10;
  options.count = 100'000;
  const Task<size_t> task = Start(options);
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(*task.Result(), 100'000u);
  EXPECT_EQ(position(), 100'010);
  RunUntil([&] { return b_->received.size() == 100'000; });
  EXPECT_TRUE(b_->received == contents_.substr(10, 100'000));
}

// SFILE-01
TEST_P(SendfileTest, BehindTheEndThereIsNothing) {
  SendfileOptions options;
  options.offset = 2'000'000;
  const Task<size_t> task = Start(options);
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(*task.Result(), 0u);
  EXPECT_EQ(position(), 2'000'000);
}

TEST_P(SendfileTest, bug_H24_MoreThanTwoGibibytesMayBeAskedFor) {
  SendfileOptions options;
  options.count = size_t{6} << 30;
  const Task<size_t> task = Start(options);
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(*task.Result(), contents_.size());
}

// SFILE-01
TEST_P(SendfileTest, AClosingTransportIsRefused) {
  first_->Close();
  const Task<size_t> task = Start();
  Run();
  EXPECT_EQ(task.Error(),
            absl::FailedPreconditionError("Transport is closing"));
}

TEST_P(SendfileTest, OffsetAndCountAreChecked) {
  SendfileOptions options;
  options.offset = -1;
  const Task<size_t> negative = Start(options);
  options.offset = 0;
  options.count = 0;
  const Task<size_t> none = Start(options);
  Run();
  EXPECT_EQ(negative.Error().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(none.Error().code(), absl::StatusCode::kInvalidArgument);
}

// SFILE-03
TEST_P(SendfileTest, MeanwhileOthersMayNotWriteOnTheSocket) {
  if (!native()) GTEST_SKIP();
  second_->PauseReading();
  const Task<size_t> task = Start();
  Run();
  EXPECT_FALSE(task.done());
  EXPECT_EQ(first_->Write("x"),
            absl::FailedPreconditionError(
                "unable to write; sendfile is in progress"));
  EXPECT_FALSE(first_->WriteLines({"x"}).ok());
  const Task<size_t> another = Start();
  Run();
  EXPECT_EQ(another.Error().code(), absl::StatusCode::kFailedPrecondition);
  second_->ResumeReading();
  RunUntil([&] { return task.done(); });
  EXPECT_TRUE(task.Result().ok());
  EXPECT_TRUE(first_->Write("x").ok());
}

// SFILE-06
TEST_P(SendfileTest, ALossEndsItAndTheProtocolHearsOfIt) {
  second_->PauseReading();
  const Task<size_t> task = Start();
  Run();
  EXPECT_FALSE(task.done());
  second_->Abort();
  RunUntil([&] { return task.done(); });
  EXPECT_FALSE(task.Result().ok());
  RunUntil([&] { return a_->events.back() == "lost"; });
  EXPECT_FALSE(a_->lost.ok());
}

// SFILE-06
TEST_P(SendfileTest, AbortingEndsItToo) {
  second_->PauseReading();
  const Task<size_t> task = Start();
  Run();
  first_->Abort();
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(ErrnoFromStatus(task.Error()), ECONNRESET);
  EXPECT_THAT(a_->events.back(), "lost");
  EXPECT_EQ(a_->lost, absl::OkStatus());
}

// SFILE-08
TEST_P(SendfileTest, CancellingLeavesTheTransportAsItWas) {
  second_->PauseReading();
  Task<size_t> task = Start();
  Run();
  task.Cancel();
  RunUntil([&] { return task.done(); });
  EXPECT_TRUE(task.cancelled());
  EXPECT_EQ(first_->GetProtocol(), a_);
  EXPECT_TRUE(first_->IsReading());
  EXPECT_TRUE(first_->Write("end").ok());
  const size_t sent = static_cast<size_t>(position());
  second_->ResumeReading();
  RunUntil([&] { return b_->received.size() == sent + 3; });
  EXPECT_TRUE(b_->received == contents_.substr(0, sent) + "end");
}

TEST_P(SendfileTest, TheLoopMayBeClosedMeanwhile) {
  second_->PauseReading();
  const Task<size_t> task = Start();
  Run();
  EXPECT_FALSE(task.done());
  EXPECT_TRUE(test_->Close().ok());
  EXPECT_TRUE(first_->IsClosing());
  EXPECT_EQ(a_->events.back(), "made");
}

// SFILE-05
TEST_P(SendfileTest, WithoutFallbackItIsTheKernelOrNothing) {
  SendfileOptions options;
  options.fallback = false;
  FaultInjection faults;
  faults.Fail("sendfile", EINVAL);
  const Task<size_t> task = Start(options);
  RunUntil([&] { return task.done(); });
  EXPECT_EQ(task.Error().code(), native()
                                     ? absl::StatusCode::kUnimplemented
                                     : absl::StatusCode::kFailedPrecondition);
  const Task<size_t> with_fallback = Start();
  RunUntil([&] { return with_fallback.done(); });
  EXPECT_EQ(*with_fallback.Result(), contents_.size());
  RunUntil([&] { return b_->received.size() == contents_.size(); });
  EXPECT_TRUE(b_->received == contents_);
}

}  // namespace
}  // namespace evkit
