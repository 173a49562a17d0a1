// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include <sys/socket.h>

#include "evkit/net/datagrams/datagram_conformance.h"
#include "evkit/net/datagrams/datagram_transport.h"
#include "gtest/gtest.h"

namespace evkit {
namespace {

INSTANTIATE_TEST_SUITE_P(
    Sockets, DatagramConformanceTest,
    ::testing::Values(
        DatagramConformance("Udp4", AF_INET, 1, &NewDatagramTransport),
        DatagramConformance("Udp6", AF_INET6, 1, &NewDatagramTransport),
        DatagramConformance("Unix", AF_UNIX, 1, &NewDatagramTransport),
        DatagramConformance("Udp4Batches", AF_INET, 16, &NewDatagramTransport),
        DatagramConformance("Udp6Batches", AF_INET6, 2, &NewDatagramTransport),
        DatagramConformance("UnixBatches", AF_UNIX, 16, &NewDatagramTransport)),
    DatagramConformanceName);

}  // namespace
}  // namespace evkit
