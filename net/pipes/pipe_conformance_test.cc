// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The rules of all stream transports, kept by the transports of pipes: each
// alone, and the two as one connection.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "evkit/base/errno_status.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/pipes/duplex_testing.h"
#include "evkit/net/pipes/pipe_testing.h"
#include "evkit/net/pipes/pipe_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket_testing.h"
#include "evkit/net/transport.h"
#include "evkit/net/transport_conformance.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

using ::testing::Contains;

TransportPair Out(TestLoop& test, std::shared_ptr<Protocol> first,
                  std::shared_ptr<Protocol> second) {
  PipeEnds pipe;
  std::shared_ptr<Transport> writer = *NewWritePipeTransport(
      test.loop(), std::move(pipe.write_end), std::move(first));
  return TransportPair(
      std::move(writer),
      *NewReadPipeTransport(test.loop(), std::move(pipe.read_end),
                            std::move(second)));
}

TransportPair In(TestLoop& test, std::shared_ptr<Protocol> first,
                 std::shared_ptr<Protocol> second) {
  PipeEnds pipe;
  std::shared_ptr<Transport> reader = *NewReadPipeTransport(
      test.loop(), std::move(pipe.read_end), std::move(first));
  return TransportPair(
      std::move(reader),
      *NewWritePipeTransport(test.loop(), std::move(pipe.write_end),
                             std::move(second)));
}

TransportPair Duplex(TestLoop& test, std::shared_ptr<Protocol> first,
                     std::shared_ptr<Protocol> second) {
  PipeEnds there;
  PipeEnds back;
  return TransportPair(
      DuplexPipe::New(test.loop(), std::move(back.read_end),
                      std::move(there.write_end), std::move(first)),
      DuplexPipe::New(test.loop(), std::move(there.read_end),
                      std::move(back.write_end), std::move(second)));
}

TransportPairFactory Pipes(std::string name, bool faulty, size_t bulk,
                           TransportPair (*make)(TestLoop&,
                                                 std::shared_ptr<Protocol>,
                                                 std::shared_ptr<Protocol>),
                           bool first_writes, bool second_writes) {
  TransportTraits traits;
  traits.first_writes = first_writes;
  traits.second_writes = second_writes;
  traits.eof_may_fail = false;
  traits.eof_refuses_writes = false;
  traits.writes_while_closing = false;
  traits.resets = false;
  traits.description = "<ReadPipeTransport ";
  traits.warning = "pipe closed by peer or os.write(pipe, data) raised.";
  return TransportPairFactory(
      std::move(name), bulk,
      [make, faulty](TestLoop& test, std::shared_ptr<Protocol> first,
                     std::shared_ptr<Protocol> second) {
        TransportPair pair = make(test, std::move(first), std::move(second));
        if (faulty) {
          pair.world =
              NewHarmlessFaults({"write@pipe.cc", "read@pipe.cc"}, test.seed());
        }
        return pair;
      },
      std::move(traits));
}

INSTANTIATE_TEST_SUITE_P(
    Pipes, TransportConformance,
    ::testing::Values(Pipes("Out", false, 1 << 20, Out, true, false),
                      Pipes("In", false, 1 << 20, In, false, true),
                      Pipes("Duplex", false, 1 << 20, Duplex, true, true),
                      Pipes("FaultyOut", true, 1 << 19, Out, true, false),
                      Pipes("FaultyIn", true, 1 << 19, In, false, true),
                      Pipes("FaultyDuplex", true, 1 << 19, Duplex, true, true)),
    TransportPairFactoryName);

// --- Errors that end it ------------------------------------------------------

// PIPE-06, PIPE-09, PIPE-11
TEST(BrokenPipeTest, AnErrorOfAnyCallIsALossWithItAndTheOtherEndGoesToo) {
  const std::vector<std::pair<std::string, int>> failures = {
      {"write@pipe.cc", EPIPE}, {"write@pipe.cc", EIO}, {"read@pipe.cc", EIO}};
  for (const auto& [call, error] : failures) {
    const bool in_writing = call == "write@pipe.cc";
    for (int nth = 1; nth <= 10; ++nth) {
      SCOPED_TRACE(call + " " + std::to_string(error) + " " +
                   std::to_string(nth));
      TestLoop test;
      FaultInjection faults;
      faults.Fail(call, error, nth);
      const auto writer = std::make_shared<RecordingProtocol>();
      const auto reader = std::make_shared<RecordingProtocol>();
      const TransportPair pair = Out(test, writer, reader);
      const std::string piece(30'000, 'x');
      for (int i = 0; i < 20; ++i) {
        // Some at once, and some that has to wait.
        EXPECT_TRUE(pair.first->Write(piece).ok());
        if (i % 4 != 3) continue;
        ASSERT_TRUE(test.RunUntilIdle().ok());
      }
      pair.first->Close();
      ASSERT_TRUE(test.RunUntilIdle().ok());
      for (const auto& end : {writer, reader}) {
        EXPECT_EQ(end->events.front(), "made");
        EXPECT_EQ(end->events.back(), "lost");
        EXPECT_EQ(std::count(end->events.begin(), end->events.end(), "lost"),
                  1);
      }
      EXPECT_EQ(pair.first->GetWriteBufferSize(), 0u);
      EXPECT_LE(reader->received.size(), 20 * piece.size());
      if (in_writing) {
        EXPECT_EQ(ErrnoFromStatus(writer->lost), error) << writer->lost;
        EXPECT_EQ(reader->lost, absl::OkStatus());
        EXPECT_THAT(reader->events, Contains("eof"));
      } else {
        EXPECT_EQ(ErrnoFromStatus(reader->lost), error) << reader->lost;
        EXPECT_THAT(reader->events, ::testing::Not(Contains("eof")));
        EXPECT_TRUE(writer->lost.ok() || ErrnoFromStatus(writer->lost) == EPIPE)
            << writer->lost;
      }
      // Writes that are dropped are logged; neither error is.
      EXPECT_THAT(test.log(),
                  ::testing::Each(::testing::HasSubstr("pipe closed by peer")));
    }
  }
}

}  // namespace
}  // namespace evkit
