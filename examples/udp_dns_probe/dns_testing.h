// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// What a server of the DNS says, for tests.

#ifndef EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_TESTING_H_
#define EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_TESTING_H_

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace evkit {

// A response to `query`, without answers.
inline std::string DnsResponseTo(absl::string_view query) {
  std::string response(query);
  response[2] = static_cast<char>(0x81);
  response[3] = static_cast<char>(0x80);
  return response;
}

// Adds a record for the name asked for, of 300 seconds.
inline void AddDnsAnswer(std::string* response, uint16_t type,
                         absl::string_view data) {
  const auto append = [&](uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) {
      response->push_back(static_cast<char>(value >> 8 * i & 0xff));
    }
  };
  ++(*response)[7];
  absl::StrAppend(response, "\xc0\x0c");
  append(type, 2);
  append(1, 2);
  append(300, 4);
  append(static_cast<uint32_t>(data.size()), 2);
  absl::StrAppend(response, data);
}

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_TESTING_H_
