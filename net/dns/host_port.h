// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// An address by name.

#ifndef EVKIT_NET_DNS_HOST_PORT_H_
#define EVKIT_NET_DNS_HOST_PORT_H_

#include <string>
#include <utility>

#include "evkit/net/dns/resolver.h"

namespace evkit {

class HostPort {
 public:
  HostPort(std::string host_in, Service service_in)
      : host(std::move(host_in)), service(std::move(service_in)) {}

  std::string host;  // A name or a number; empty is this machine.
  Service service;
};

}  // namespace evkit

#endif  // EVKIT_NET_DNS_HOST_PORT_H_
