// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// The messages of the DNS (RFC 1035): a question written, an answer read. What
// is read comes from anybody, so every byte is looked at with suspicion: no
// length, count or pointer is believed.

#ifndef EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_MESSAGE_H_
#define EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_MESSAGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace evkit {

// "A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", in any case, or
// "TYPE65" (RFC 3597). kInvalidArgument otherwise.
absl::StatusOr<uint16_t> DnsTypeFromName(absl::string_view name);
std::string DnsTypeName(uint16_t type);

// A question with recursion desired.
//   kInvalidArgument: `name` has a part that is empty or longer than 63 bytes,
//     or is longer than 255 altogether.
absl::StatusOr<std::string> EncodeDnsQuery(uint16_t id, absl::string_view name,
                                           uint16_t type);

class DnsRecord {
 public:
  DnsRecord() = default;

  std::string name;
  uint16_t type = 0;
  uint32_t ttl = 0;
  std::string data;  // To read: "192.0.2.1", "10 mail.example.com".
};

class DnsMessage {
 public:
  DnsMessage() = default;

  uint16_t id = 0;
  bool is_response = false;
  bool is_truncated = false;
  int code = 0;  // 0: no error. 3: there is no such name.
  // Without the dot at the end; a byte that is not printable, a dot or a
  // backslash inside of a part is written \DDD.
  std::string question_name;
  uint16_t question_type = 0;
  std::vector<DnsRecord> answers;
};

// "NOERROR", "NXDOMAIN", ...
std::string DnsCodeName(int code);

// kInvalidArgument: it is not a message with one question, which must be of the
// internet; or it ends early; or a name in it is too long, or points forwards
// or to itself, as in a loop; or a record does not hold what its type says.
absl::StatusOr<DnsMessage> ParseDnsMessage(absl::string_view packet);

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_MESSAGE_H_
