// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The suite that every pair of connected stream transports must pass: section
// 20 of the contract, through `Transport` and `Protocol` alone. Where a kind of
// transport differs by contract it says so in its traits, and must do what the
// contract says instead. For transports of your own:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, TransportConformance,
//       ::testing::Values(TransportPairFactory("", [](TestLoop& test, ...) {
//         return TransportPair(...);
//       })),
//       TransportPairFactoryName);

#ifndef EVKIT_NET_TRANSPORT_CONFORMANCE_H_
#define EVKIT_NET_TRANSPORT_CONFORMANCE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

// Two ends of one connection, neither of which has called its protocol yet.
class TransportPair {
 public:
  TransportPair() = default;
  TransportPair(std::shared_ptr<Transport> a, std::shared_ptr<Transport> b,
                std::shared_ptr<void> their_world = nullptr)
      : first(std::move(a)),
        second(std::move(b)),
        world(std::move(their_world)) {}

  std::shared_ptr<Transport> first;
  std::shared_ptr<Transport> second;
  std::shared_ptr<void> world;  // Kept as long as the test lasts.
};

// What they can do; to begin with, all that a stream socket can. Fill in a
// named object.
class TransportTraits {
 public:
  TransportTraits();

  // Which ways there are: a pipe is one. Tests of the other are skipped.
  bool first_writes = true;
  bool second_writes = true;
  // One way may end before the other: by WriteEof() (TR-17), and if
  // EofReceived() says so (TR-16). If not, WriteEof() is kUnimplemented, and
  // the end of what one end sends is the end of the connection (TLS-11,
  // TLS-12).
  bool half_close = true;
  // What EofReceived() throws is fatal (TR-13); if not, it is reported as any
  // callback's, and the connection has ended well (PIPE-03).
  bool eof_may_fail = true;
  // After WriteEof() a write is refused (TR-05); if not, dropped (PIPE-10).
  bool eof_refuses_writes = true;
  // What is written after Close() still goes if something waited (TR-07); if
  // not, it is dropped (PIPE-10, TLS-13).
  bool writes_while_closing = true;
  // An end that goes with bytes unread breaks the connection (TR-12); if not,
  // it is an end like any other to who has nothing to write (PIPE-06).
  bool resets = true;
  // They are layers over other transports, like TLS: there is no connection
  // before a handshake; what waits is counted as the layer writes it, and
  // without what waits below (TLS-15); an end that the layer does not tell of
  // is kDataLoss (TLS-11); and they report by themselves what ConnectionMade()
  // and ConnectionLost() throw (TLS-26).
  bool layered = false;
  // Those of the beginning (FLOW-01).
  WriteBufferLimits limits;
  // How a report describes the first end.
  std::string description = "<StreamTransport ";
  // What is logged when writes are dropped (TR-08); empty for nothing.
  std::string warning = "socket.send() raised exception.";
};

// How to make them.
class TransportPairFactory {
 public:
  using Make = std::function<TransportPair(TestLoop& test,
                                           std::shared_ptr<Protocol> first,
                                           std::shared_ptr<Protocol> second)>;

  // `name` consists of letters and digits. `bulk` is how many bytes count as
  // many: more than the two ends hold between them.
  TransportPairFactory(std::string name, size_t bulk, Make make,
                       TransportTraits traits = TransportTraits())
      : name_(std::move(name)),
        bulk_(bulk),
        make_(std::move(make)),
        traits_(std::move(traits)) {}

  const std::string& name() const { return name_; }
  const TransportTraits& traits() const { return traits_; }
  size_t bulk() const { return bulk_; }
  TransportPair operator()(TestLoop& test, std::shared_ptr<Protocol> first,
                           std::shared_ptr<Protocol> second) const {
    return make_(test, std::move(first), std::move(second));
  }

  friend void PrintTo(const TransportPairFactory& factory, std::ostream* out) {
    *out << factory.name_;
  }

 private:
  std::string name_;
  size_t bulk_;
  Make make_;
  TransportTraits traits_;
};

inline std::string TransportPairFactoryName(
    const ::testing::TestParamInfo<TransportPairFactory>& info) {
  return info.param.name();
}

// Writes down what it is told, and does what the test says.
class RecordingProtocol : public Protocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> made) override;
  void DataReceived(absl::string_view data) override;
  bool EofReceived() override;
  void ConnectionLost(const absl::Status& status) override;
  void PauseWriting() override;
  void ResumeWriting() override;

  // "made", "data" (once for those in a row), "eof", "lost", "pause", "resume".
  std::vector<std::string> events;
  std::string received;
  std::shared_ptr<Transport> transport;  // From "made" to "lost".
  absl::Status lost = absl::UnknownError("not lost");
  bool has_ended = false;   // EofReceived() was called.
  bool keeps_open = false;  // What it says.
  // Called at the end of each of the above with its event.
  std::function<void(const std::string& event)> on_event;

 private:
  void Record(const std::string& event);
};

// The same, receiving into memory of its own.
class RecordingBufferedProtocol : public BufferedProtocol {
 public:
  void ConnectionMade(std::shared_ptr<Transport> made) override;
  absl::Span<char> GetBuffer(ptrdiff_t size_hint) override;
  void BufferUpdated(size_t size) override;
  bool EofReceived() override;
  void ConnectionLost(const absl::Status& status) override;

  // "made", "get", "updated", "eof", "lost".
  std::vector<std::string> events;
  std::string received;
  std::shared_ptr<Transport> transport;
  absl::Status lost = absl::UnknownError("not lost");
  size_t buffer_size = 100;
  std::function<void(const std::string& event)> on_event;

 private:
  void Record(const std::string& event);

  char buffer_[1000] = {};
};

// The tests of this suite come with the library.
class TransportConformance
    : public ::testing::TestWithParam<TransportPairFactory> {
 protected:
  TransportConformance() = default;
  ~TransportConformance() override;

  // Makes the pair, of `first` or a recorder, and the other recorder.
  void Connect(std::shared_ptr<Protocol> first = nullptr);
  // And lets both hear of it.
  void ConnectAndRun();

  // Until nothing is to be done; until `done()`, which must come.
  void Run();
  void RunUntil(const std::function<bool()>& done);

  // Until nothing that was written waits.
  void RunUntilSent();

  // Writes on the second end now, or as soon as there is a connection.
  void WriteEarlyOnSecond(const std::string& data);
  // Ends what the second end sends, and with it, if need be, the connection.
  void EndSecond();

  // Writes on the first end until something waits there, at most 5000 bytes,
  // of which the kernel may take some later. Requires that the other does not
  // read. Returns what was written.
  std::string FillUp();
  // Writes so much that some of it waits until the other reads.
  std::string WriteInBulk();
  // Bytes that tell where they belong.
  static std::string Pattern(size_t size);
  size_t bulk() const { return GetParam().bulk(); }
  const TransportTraits& traits() const { return GetParam().traits(); }
  bool goes_both_ways() const {
    return traits().first_writes && traits().second_writes;
  }
  // By how much more than `writes` of them bring may wait in a layer.
  size_t slack(size_t writes) const {
    return traits().layered ? 64 * writes : 0;
  }

  TestLoop test_;
  std::shared_ptr<RecordingProtocol> a_ = std::make_shared<RecordingProtocol>();
  std::shared_ptr<RecordingProtocol> b_ = std::make_shared<RecordingProtocol>();
  TransportPair pair_;
};

}  // namespace evkit

#endif  // EVKIT_NET_TRANSPORT_CONFORMANCE_H_
