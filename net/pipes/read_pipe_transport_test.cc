// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/base/unique_fd.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/pipes/pipe_testing.h"
#include "evkit/net/pipes/pipe_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadPipeTransportTest : public ::testing::Test {
 protected:
  void Connect() {
    fd_ = pipe_.read_end.get();
    transport_ = *NewReadPipeTransport(test_.loop(), std::move(pipe_.read_end),
                                       protocol_);
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  const std::vector<std::string>& calls() const { return protocol_->calls; }

  TestLoop test_;
  PipeEnds pipe_;
  int fd_ = -1;
  std::shared_ptr<PipeProtocol> protocol_ = std::make_shared<PipeProtocol>();
  std::shared_ptr<Transport> transport_;
};

// PIPE-03
TEST_F(ReadPipeTransportTest, WhatIsWrittenIsReceivedUntilTheEnd) {
  Connect();
  EXPECT_THAT(calls(), IsEmpty());
  RunUntilIdle();
  WriteTo(pipe_.write_end, "one");
  RunUntilIdle();
  WriteTo(pipe_.write_end, "two");
  RunUntilIdle();
  pipe_.write_end.Reset();
  RunUntilIdle();
  EXPECT_THAT(calls(),
              ElementsAre("made", "data one", "data two", "eof", "lost"));
  EXPECT_TRUE(protocol_->lost.ok());
  EXPECT_FALSE(IsOpen(fd_));
  EXPECT_TRUE(transport_->IsClosing());
  EXPECT_EQ(transport_->GetProtocol(), nullptr);
}

// PIPE-03
TEST_F(ReadPipeTransportTest, TheEndIsTwoCallbacksOfOneTurn) {
  Connect();
  std::vector<std::string> order;
  protocol_->on = [&](const std::string& call) {
    order.push_back(call);
    if (call == "eof") {
      test_->CallSoon([&] { order.push_back("a later callback"); });
    }
  };
  pipe_.write_end.Reset();
  RunUntilIdle();
  EXPECT_THAT(order, ElementsAre("made", "eof", "lost", "a later callback"));
}

// PIPE-03
TEST_F(ReadPipeTransportTest, EachTurnReadsAtMost256KiB) {
  const int size = fcntl(pipe_.write_end.get(), F_SETPIPE_SZ, 1 << 20);
  if (size < (1 << 20)) GTEST_SKIP() << "pipes may not be that large here";
  WriteTo(pipe_.write_end, std::string(600'000, 'x'));
  FaultInjection faults;
  Connect();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "data", "data", "data"));
  EXPECT_EQ(protocol_->received.size(), 600'000u);
  EXPECT_EQ(faults.Count("read@pipe.cc"), 3);
}

// PIPE-04
TEST_F(ReadPipeTransportTest, ClosingLosesWhatIsUnread) {
  Connect();
  RunUntilIdle();
  WriteTo(pipe_.write_end, "unread");
  transport_->Close();
  EXPECT_THAT(calls(), ElementsAre("made"));
  EXPECT_TRUE(transport_->IsClosing());
  transport_->Close();
  transport_->Abort();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
  EXPECT_TRUE(protocol_->lost.ok());
  EXPECT_FALSE(IsOpen(fd_));
}

// PIPE-02
TEST_F(ReadPipeTransportTest, OnlyPipesSocketsAndCharacterDevicesAreTaken) {
  std::string path = ::testing::TempDir() + "/evkit_pipe_test.XXXXXX";
  UniqueFd file(mkstemp(path.data()));
  const int number = file.get();
  EXPECT_EQ(NewReadPipeTransport(test_.loop(), std::move(file), protocol_)
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(IsOpen(number));
  unlink(path.c_str());
  EXPECT_EQ(
      NewReadPipeTransport(test_.loop(), UniqueFd(), protocol_).status().code(),
      absl::StatusCode::kFailedPrecondition);
  RunUntilIdle();
  EXPECT_THAT(calls(), IsEmpty());

  auto [a, b] = *Socket::Pair();
  EXPECT_TRUE(NewReadPipeTransport(test_.loop(), a.Release(), protocol_).ok());
  UniqueFd device(open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(NewReadPipeTransport(test_.loop(), std::move(device),
                                   std::make_shared<PipeProtocol>())
                  .ok());
}

// PIPE-01
TEST_F(ReadPipeTransportTest, ThePipeIsMadeNonBlockingAndCloseOnExec) {
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  const UniqueFd write_end(fds[1]);
  const auto transport =
      *NewReadPipeTransport(test_.loop(), UniqueFd(fds[0]), protocol_);
  EXPECT_NE(fcntl(fds[0], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, 0);
}

// PIPE-11
TEST_F(ReadPipeTransportTest, ErrorsOfReadingAreReportedButEioIsNot) {
  Connect();
  RunUntilIdle();
  FaultInjection faults;
  faults.Fail("read@pipe.cc", ENOMEM, 1);
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(protocol_->lost), ENOMEM);
  EXPECT_THAT(test_.log(),
              ElementsAre(HasSubstr("Fatal read error on pipe transport")));

  pipe_ = PipeEnds();
  Connect();
  RunUntilIdle();
  faults.Fail("read@pipe.cc", EIO, 1);
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(protocol_->lost), EIO);
  EXPECT_EQ(test_.log().size(), 1u);
}

TEST_F(ReadPipeTransportTest, AnInterruptedReadIsMadeAgain) {
  Connect();
  FaultInjection faults;
  faults.Fail("read@pipe.cc", EINTR, 1);
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_EQ(protocol_->received, "x");
}

// PIPE-12
TEST_F(ReadPipeTransportTest, ReadingMayBePaused) {
  protocol_->on = [&](const std::string& call) {
    if (call == "made") protocol_->transport->PauseReading();
  };
  Connect();
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_FALSE(transport_->IsReading());
  EXPECT_THAT(calls(), ElementsAre("made"));
  transport_->PauseReading();
  transport_->ResumeReading();
  transport_->ResumeReading();
  EXPECT_TRUE(transport_->IsReading());
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "data x"));
}

// PIPE-12
TEST_F(ReadPipeTransportTest, TellsItsDescriptor) {
  Connect();
  EXPECT_EQ(*transport_->GetExtraInfo(kPipe), fd_);
  EXPECT_EQ(transport_->GetExtraInfo(kPeername), nullptr);
  EXPECT_EQ(&transport_->loop(), &test_.loop());
}

TEST_F(ReadPipeTransportTest, ItCannotWrite) {
  Connect();
  for (const absl::Status& status :
       {transport_->Write("x"), transport_->WriteLines({"x"}),
        transport_->WriteEof(), transport_->SetWriteBufferLimits(1)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  }
  EXPECT_FALSE(transport_->CanWriteEof());
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
}

#if defined(__cpp_exceptions)

TEST_F(ReadPipeTransportTest, AThrowInDataReceivedEndsIt) {
  protocol_->on = [](const std::string& call) {
    if (call == "data x") throw std::runtime_error("no");
  };
  Connect();
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "data x", "lost"));
  EXPECT_THAT(protocol_->lost.message(), HasSubstr("no"));
  EXPECT_THAT(test_.log(),
              ElementsAre(HasSubstr("DataReceived() call failed")));
}

#endif  // __cpp_exceptions

class BufferedPipeProtocol : public BufferedProtocol {
 public:
  absl::Span<char> GetBuffer(ptrdiff_t) override {
    return absl::MakeSpan(buffer).subspan(0, size);
  }
  void BufferUpdated(size_t n) override { received.append(buffer, n); }
  void ConnectionLost(const absl::Status& status) override { lost = status; }

  char buffer[4];
  size_t size = 4;
  std::string received;
  absl::Status lost = absl::UnknownError("not lost");
};

TEST_F(ReadPipeTransportTest, ABufferedProtocolIsReadInto) {
  const auto protocol = std::make_shared<BufferedPipeProtocol>();
  transport_ =
      *NewReadPipeTransport(test_.loop(), std::move(pipe_.read_end), protocol);
  WriteTo(pipe_.write_end, "longer than four");
  RunUntilIdle();
  EXPECT_EQ(protocol->received, "longer than four");
  protocol->size = 0;
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_EQ(protocol->lost.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ReadPipeTransportTest, AnotherProtocolMayTakeOver) {
  Connect();
  RunUntilIdle();
  const auto other = std::make_shared<PipeProtocol>();
  transport_->SetProtocol(other);
  WriteTo(pipe_.write_end, "x");
  pipe_.write_end.Reset();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made"));
  EXPECT_THAT(other->calls, ElementsAre("data x", "eof", "lost"));
}

TEST_F(ReadPipeTransportTest, MadeAndLostAreTold) {
  std::vector<std::string> order;
  protocol_->on = [&](const std::string& call) { order.push_back(call); };
  PipeTransportOptions options;
  options.on_made = [&] { order.push_back("on_made"); };
  options.on_lost = [&] {
    order.push_back("on_lost");
    EXPECT_FALSE(IsOpen(fd_));
  };
  fd_ = pipe_.read_end.get();
  transport_ = *NewReadPipeTransport(test_.loop(), std::move(pipe_.read_end),
                                     protocol_, std::move(options));
  RunUntilIdle();
  transport_->Close();
  RunUntilIdle();
  EXPECT_THAT(order, ElementsAre("made", "on_made", "lost", "on_lost"));
}

TEST_F(ReadPipeTransportTest, AbortedInConnectionMadeItNeverReads) {
  protocol_->on = [&](const std::string& call) {
    if (call == "made") protocol_->transport->Abort();
  };
  Connect();
  WriteTo(pipe_.write_end, "x");
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
}

TEST_F(ReadPipeTransportTest, ClosingTheLoopClosesItAndTellsNobody) {
  Connect();
  RunUntilIdle();
  const std::weak_ptr<PipeProtocol> protocol = protocol_;
  protocol_->transport.reset();
  protocol_.reset();
  ASSERT_TRUE(test_->Close().ok());
  EXPECT_TRUE(protocol.expired());
  EXPECT_FALSE(IsOpen(fd_));
  EXPECT_TRUE(transport_->IsClosing());
  transport_->Close();
  transport_->ResumeReading();
}

TEST_F(ReadPipeTransportTest, OnAClosedLoopItIsClosedFromTheStart) {
  ASSERT_TRUE(test_->Close().ok());
  Connect();
  EXPECT_TRUE(transport_->IsClosing());
  EXPECT_FALSE(IsOpen(fd_));
  EXPECT_THAT(calls(), IsEmpty());
}

}  // namespace
}  // namespace evkit
