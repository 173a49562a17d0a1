// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The suite that every transport of datagrams must pass: section 13 of the
// contract, over real sockets. For a transport of your own:
//
//   INSTANTIATE_TEST_SUITE_P(
//       Mine, DatagramConformanceTest,
//       ::testing::Values(DatagramConformance("Udp", AF_INET, 1, &NewMine)),
//       DatagramConformanceName);
//
// It runs in virtual time and makes system calls fail (base/fault_injection.h):
// recvfrom(2) and recvmmsg(2), send(2), sendto(2) and sendmmsg(2) are what it
// takes a transport to use.

#ifndef EVKIT_NET_DATAGRAMS_DATAGRAM_CONFORMANCE_H_
#define EVKIT_NET_DATAGRAMS_DATAGRAM_CONFORMANCE_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "evkit/base/fault_injection.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/testing/test_loop.h"
#include "evkit/net/datagrams/datagram_testing.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

// One kind of transport.
class DatagramConformance {
 public:
  using Make = std::function<std::shared_ptr<DatagramTransport>(
      AbstractEventLoop& loop, Socket socket,
      std::shared_ptr<DatagramProtocol> protocol,
      DatagramTransportOptions options)>;

  // `its_name` consists of letters and digits. `its_family` is AF_INET,
  // AF_INET6 or AF_UNIX.
  DatagramConformance(std::string its_name, int its_family, size_t its_batch,
                      Make its_make)
      : name(std::move(its_name)),
        family(its_family),
        batch(its_batch),
        make(std::move(its_make)) {}

  std::string name;
  int family;
  size_t batch;
  Make make;
};

inline void PrintTo(const DatagramConformance& param, std::ostream* out) {
  *out << param.name;
}

inline std::string DatagramConformanceName(
    const ::testing::TestParamInfo<DatagramConformance>& info) {
  return info.param.name;
}

// The tests of this suite come with the library.
class DatagramConformanceTest
    : public ::testing::TestWithParam<DatagramConformance> {
 protected:
  void SetUp() override;

  // An endpoint, made but not run. The options' batch is the parameter's.
  void Make(Socket socket,
            DatagramTransportOptions options = DatagramTransportOptions());
  // One that is bound, and one that is bound and connected to peer_.
  void MakeBound(DatagramTransportOptions options = DatagramTransportOptions());
  void MakeConnected(
      DatagramTransportOptions options = DatagramTransportOptions());

  void RunUntilIdle() { ASSERT_TRUE(test_->RunUntilIdle().ok()); }
  // From peer_ to the endpoint.
  void SendFromPeer(absl::string_view data);
  std::vector<std::string> ReceivedByPeer() { return DrainDatagrams(peer_); }
  // Makes the `nth` attempt to send fail, and with `times` the following ones;
  // the peer's attempts count too.
  static void FailSending(FaultInjection& faults, int error, int nth = 1,
                          int times = 1);
  static void FailReceiving(FaultInjection& faults, int error);
  std::vector<std::string> TakeEvents() {
    return std::exchange(protocol_->events, {});
  }

  std::unique_ptr<TestLoop> test_ = std::make_unique<TestLoop>();
  Socket peer_;            // Bound.
  SocketAddress address_;  // The endpoint's.
  std::shared_ptr<RecordingDatagramProtocol> protocol_ =
      std::make_shared<RecordingDatagramProtocol>();
  std::shared_ptr<DatagramTransport> transport_;
};

}  // namespace evkit

#endif  // EVKIT_NET_DATAGRAMS_DATAGRAM_CONFORMANCE_H_
