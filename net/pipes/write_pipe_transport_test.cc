// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
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
#include "evkit/net/socket.h"
#include "evkit/net/transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class WritePipeTransportTest : public ::testing::Test {
 protected:
  void Connect() { Connect(std::move(pipe_.write_end)); }
  void Connect(UniqueFd fd) {
    fd_ = fd.get();
    transport_ = *NewWritePipeTransport(test_.loop(), std::move(fd), protocol_);
  }
  void RunUntilIdle() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }
  const std::vector<std::string>& calls() const { return protocol_->calls; }
  // Writes until something waits; what was written.
  std::string FillUp() {
    const std::string piece(10'000, 'f');
    std::string all;
    while (transport_->GetWriteBufferSize() == 0) {
      EXPECT_TRUE(transport_->Write(piece).ok());
      all += piece;
    }
    return all;
  }
  // Reads until the transport has nothing to write any more.
  std::string ReadToTheEnd() {
    std::string all;
    do {
      all += ReadAll(pipe_.read_end);
      RunUntilIdle();
    } while (transport_->GetWriteBufferSize() > 0);
    return all + ReadAll(pipe_.read_end);
  }

  TestLoop test_;
  PipeEnds pipe_;
  int fd_ = -1;
  std::shared_ptr<PipeProtocol> protocol_ = std::make_shared<PipeProtocol>();
  std::shared_ptr<Transport> transport_;
};

// PIPE-05
TEST_F(WritePipeTransportTest, WritesAtOnceAndKeepsTheRest) {
  Connect();
  EXPECT_TRUE(transport_->Write("now").ok());
  EXPECT_EQ(ReadAll(pipe_.read_end), "now");
  RunUntilIdle();
  std::string all = FillUp();
  EXPECT_TRUE(transport_->Write("behind it").ok());
  EXPECT_TRUE(transport_->WriteLines({"and", "", " more"}).ok());
  all += "behind itand more";
  EXPECT_EQ(ReadToTheEnd(), all);
  EXPECT_THAT(calls(), ElementsAre("made"));
}

// PIPE-05
TEST_F(WritePipeTransportTest, LinesAreWrittenAtOnceToo) {
  Connect();
  EXPECT_TRUE(transport_->WriteLines({"a", "", "b"}).ok());
  EXPECT_TRUE(transport_->WriteLines({}).ok());
  EXPECT_TRUE(transport_->WriteLines({""}).ok());
  EXPECT_TRUE(transport_->Write("").ok());
  EXPECT_EQ(ReadAll(pipe_.read_end), "ab");
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
}

// PIPE-05, PIPE-13
TEST_F(WritePipeTransportTest, TheProtocolIsPausedAndResumedByTheMarks) {
  Connect();
  EXPECT_EQ(transport_->GetWriteBufferLimits().high, 65536u);
  EXPECT_EQ(transport_->GetWriteBufferLimits().low, 16384u);
  RunUntilIdle();
  FillUp();
  EXPECT_TRUE(transport_->Write(std::string(70'000, 'x')).ok());
  EXPECT_THAT(calls(), ElementsAre("made", "pause"));
  size_t size_when_resumed = 0;
  protocol_->on = [&](const std::string& call) {
    if (call == "resume") size_when_resumed = transport_->GetWriteBufferSize();
  };
  ReadToTheEnd();
  EXPECT_THAT(calls(), ElementsAre("made", "pause", "resume"));
  EXPECT_LE(size_when_resumed, 16384u);
  EXPECT_TRUE(transport_->SetWriteBufferLimits(0).ok());
  EXPECT_EQ(transport_->SetWriteBufferLimits(1, 2).code(),
            absl::StatusCode::kInvalidArgument);
}

// PIPE-06
TEST_F(WritePipeTransportTest, AReaderThatGoesIsNoticedWithoutWriting) {
  Connect();
  RunUntilIdle();
  pipe_.read_end.Reset();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
  EXPECT_TRUE(protocol_->lost.ok());
  EXPECT_FALSE(IsOpen(fd_));
}

// PIPE-06
TEST_F(WritePipeTransportTest, AReaderThatGoesWhileSomethingWaitsIsAnError) {
  Connect();
  RunUntilIdle();
  FillUp();
  transport_->Close();
  pipe_.read_end.Reset();
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(protocol_->lost), EPIPE);
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
  EXPECT_THAT(test_.log(), IsEmpty());
}

// PIPE-06
TEST_F(WritePipeTransportTest, OfASocketTooButNotOfOneThatSends) {
  auto [a, b] = *Socket::Pair();
  Connect(a.Release());
  RunUntilIdle();
  ASSERT_TRUE(b.Send("nobody reads this").ok());
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made"));
  EXPECT_TRUE(transport_->Write("x").ok());
  b.Close();
  EXPECT_TRUE(transport_->Write("y").ok());
  RunUntilIdle();
  EXPECT_EQ(ErrnoFromStatus(protocol_->lost), EPIPE);

  std::tie(a, b) = *Socket::Pair();
  protocol_ = std::make_shared<PipeProtocol>();
  Connect(a.Release());
  RunUntilIdle();
  b.Close();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
}

// PIPE-06: what it has written itself is no news of its reader.
TEST_F(WritePipeTransportTest, AFifoThatIsAlsoReadHasNoReaderToMiss) {
  const std::string path = ::testing::TempDir() + "/evkit_fifo_test";
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  Connect(UniqueFd(open(path.c_str(), O_RDWR | O_CLOEXEC)));
  unlink(path.c_str());
  RunUntilIdle();
  EXPECT_TRUE(transport_->Write("x").ok());
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made"));
}

// PIPE-07
TEST_F(WritePipeTransportTest, ClosingWritesWhatWaitsFirst) {
  for (const bool by_eof : {false, true}) {
    pipe_ = PipeEnds();
    protocol_ = std::make_shared<PipeProtocol>();
    Connect();
    RunUntilIdle();
    EXPECT_TRUE(transport_->CanWriteEof());
    const std::string all = FillUp();
    if (by_eof) {
      EXPECT_TRUE(transport_->WriteEof().ok());
    } else {
      transport_->Close();
    }
    EXPECT_TRUE(transport_->WriteEof().ok());
    EXPECT_TRUE(transport_->IsClosing());
    RunUntilIdle();
    EXPECT_THAT(calls(), ElementsAre("made"));
    EXPECT_EQ(ReadToTheEnd(), all);
    EXPECT_THAT(calls(), ElementsAre("made", "lost"));
    EXPECT_TRUE(protocol_->lost.ok());
    EXPECT_FALSE(IsOpen(fd_));
  }
}

// PIPE-07
TEST_F(WritePipeTransportTest, WithNothingToWriteItClosesInTheNextTurn) {
  Connect();
  RunUntilIdle();
  transport_->Close();
  EXPECT_THAT(calls(), ElementsAre("made"));
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
}

// PIPE-08
TEST_F(WritePipeTransportTest, AbortingDropsWhatWaits) {
  Connect();
  RunUntilIdle();
  const std::string all = FillUp();
  transport_->Close();
  transport_->Abort();
  transport_->Abort();
  EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
  EXPECT_TRUE(protocol_->lost.ok());
  EXPECT_LT(ReadAll(pipe_.read_end).size(), all.size());
}

// PIPE-09
TEST_F(WritePipeTransportTest, AnErrorOfWritingEndsItAndIsNotReported) {
  for (const bool at_once : {true, false}) {
    pipe_ = PipeEnds();
    protocol_ = std::make_shared<PipeProtocol>();
    Connect();
    RunUntilIdle();
    FaultInjection faults;
    if (!at_once) FillUp();
    faults.Fail("write@pipe.cc", ENOSPC, 1);
    if (at_once) {
      EXPECT_TRUE(transport_->Write("x").ok());
    } else {
      ReadAll(pipe_.read_end);
    }
    RunUntilIdle();
    EXPECT_EQ(ErrnoFromStatus(protocol_->lost), ENOSPC);
    EXPECT_EQ(protocol_->lost.message(),
              "write(fd=" + std::to_string(fd_) + "): No space left on device");
    EXPECT_THAT(test_.log(), IsEmpty());
  }
}

// PIPE-10
TEST_F(WritePipeTransportTest, WritesAfterTheEndAreDroppedAndTheSixthIsLogged) {
  Connect();
  RunUntilIdle();
  transport_->Close();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(transport_->Write("x").ok());
  EXPECT_THAT(test_.log(), IsEmpty());
  EXPECT_TRUE(transport_->WriteLines({"x"}).ok());
  EXPECT_TRUE(transport_->Write("x").ok());
  EXPECT_THAT(test_.log(), ElementsAre(HasSubstr("pipe closed by peer")));
  RunUntilIdle();
  EXPECT_TRUE(transport_->Write("x").ok());
  EXPECT_EQ(ReadAll(pipe_.read_end), "");
}

// PIPE-12
TEST_F(WritePipeTransportTest, TellsItsDescriptorAndDoesNotRead) {
  Connect();
  EXPECT_EQ(*transport_->GetExtraInfo(kPipe), fd_);
  EXPECT_FALSE(transport_->IsReading());
  transport_->PauseReading();
  transport_->ResumeReading();
  EXPECT_FALSE(transport_->IsReading());
}

// PIPE-14
TEST_F(WritePipeTransportTest, ACharacterDeviceIsWritten) {
  Connect(UniqueFd(open("/dev/null", O_WRONLY | O_CLOEXEC)));
  RunUntilIdle();
  EXPECT_TRUE(transport_->Write("x").ok());
  EXPECT_FALSE(test_->RemoveReader(fd_));
  transport_->Close();
  RunUntilIdle();
  EXPECT_THAT(calls(), ElementsAre("made", "lost"));
}

TEST_F(WritePipeTransportTest, AByteAtATimeArrives) {
  FaultInjection faults;
  faults.LimitSize("write@pipe.cc", 1);
  Connect();
  EXPECT_TRUE(transport_->WriteLines({"one ", "by ", "one"}).ok());
  EXPECT_EQ(ReadToTheEnd(), "one by one");
}

TEST_F(WritePipeTransportTest, ResumeWritingMayWriteAndClose) {
  Connect();
  RunUntilIdle();
  EXPECT_TRUE(transport_->SetWriteBufferLimits(1).ok());
  protocol_->on = [&](const std::string& call) {
    if (call != "resume") return;
    EXPECT_TRUE(transport_->Write("the last").ok());
    transport_->Close();
  };
  const std::string all = FillUp();
  EXPECT_EQ(ReadToTheEnd(), all + "the last");
  EXPECT_THAT(calls(), ElementsAre("made", "pause", "resume", "lost"));
}

TEST_F(WritePipeTransportTest, ResumeWritingMayCloseAndNothingIsWatched) {
  Connect();
  RunUntilIdle();
  EXPECT_TRUE(transport_->SetWriteBufferLimits(0).ok());
  protocol_->on = [&](const std::string& call) {
    if (call != "resume") return;
    EXPECT_EQ(transport_->GetWriteBufferSize(), 0u);
    transport_->Close();
    EXPECT_FALSE(test_.loop().RemoveWriter(fd_));
    EXPECT_FALSE(test_.loop().RemoveReader(fd_));
  };
  FillUp();
  ReadToTheEnd();
  EXPECT_THAT(calls(), ElementsAre("made", "pause", "resume", "lost"));
}

TEST_F(WritePipeTransportTest, ResumeWritingMayAbort) {
  Connect();
  RunUntilIdle();
  EXPECT_TRUE(transport_->SetWriteBufferLimits(1).ok());
  protocol_->on = [&](const std::string& call) {
    if (call == "resume") transport_->Abort();
  };
  FillUp();
  ReadToTheEnd();
  EXPECT_THAT(calls(), ElementsAre("made", "pause", "resume", "lost"));
}

TEST_F(WritePipeTransportTest, PauseWritingMayCloseTheLoop) {
  Connect();
  RunUntilIdle();
  EXPECT_TRUE(transport_->SetWriteBufferLimits(1).ok());
  protocol_->on = [&](const std::string& call) {
    if (call != "pause") return;
    EXPECT_TRUE(test_->Close().ok());
  };
  EXPECT_TRUE(transport_->Write(std::string(1'000'000, 'x')).ok());
  EXPECT_FALSE(IsOpen(fd_));
  EXPECT_THAT(calls(), ElementsAre("made", "pause"));
}

// What writing to a pipe that nobody reads ends with.
absl::Status WriteToNobody() {
  TestLoop test;
  PipeEnds pipe;
  const auto protocol = std::make_shared<PipeProtocol>();
  const auto transport =
      *NewWritePipeTransport(test.loop(), std::move(pipe.write_end), protocol);
  pipe.read_end.Reset();
  absl::Status status = transport->Write("x");
  status.Update(test.RunUntilIdle());
  status.Update(protocol->lost);
  return status;
}

TEST(WritePipeTransportDeathTest, bug_H13_AReaderThatGoesKillsNobody) {
  EXPECT_EXIT(
      {
        signal(SIGPIPE, SIG_DFL);
        _exit(ErrnoFromStatus(WriteToNobody()) == EPIPE ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace evkit
