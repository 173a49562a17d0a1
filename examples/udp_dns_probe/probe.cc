// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/udp_dns_probe/probe.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "evkit/examples/udp_dns_probe/dns_client.h"
#include "evkit/examples/udp_dns_probe/dns_message.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/gather.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/net/socket_address.h"

namespace evkit {
namespace {

std::string Describe(const DnsReply& reply) {
  std::string text = absl::StrFormat(
      "%s, %d answers, %.1f ms%s\n", DnsCodeName(reply.message.code),
      reply.message.answers.size(),
      absl::ToDoubleMilliseconds(reply.round_trip),
      reply.attempts > 1 ? absl::StrCat(", attempt ", reply.attempts) : "");
  for (const DnsRecord& record : reply.message.answers) {
    absl::StrAppendFormat(&text, "  %s %d %s %s\n", record.name, record.ttl,
                          DnsTypeName(record.type), record.data);
  }
  return text;
}

Coro<ProbeResult> ProbeServer(SocketAddress server, std::string name,
                              std::vector<uint16_t> types,
                              DnsRetryOptions options) {
  const std::unique_ptr<DnsClient> client =
      co_await OrReturn(DnsClient::Create(server));
  std::vector<Coro<DnsReply>> questions;
  for (const uint16_t type : types) {
    questions.push_back(client->Ask(name, type, options));
  }
  const std::vector<absl::StatusOr<DnsReply>> replies =
      co_await OrReturn(GatherOutcomes(std::move(questions)));
  ProbeResult result;
  for (size_t i = 0; i < types.size(); ++i) {
    absl::StrAppend(&result.text, server.ToString(), " ", name, " ",
                    DnsTypeName(types[i]), ": ");
    if (replies[i].ok()) {
      absl::StrAppend(&result.text, Describe(*replies[i]));
    } else {
      absl::StrAppend(&result.text, replies[i].status().ToString(), "\n");
      result.all_answered = false;
    }
  }
  if (client->malformed() + client->foreign() > 0) {
    absl::StrAppend(&result.text, server.ToString(),
                    " ignored: ", client->malformed(), " malformed, ",
                    client->foreign(), " that were not asked for\n");
  }
  co_return result;
}

}  // namespace

Coro<ProbeResult> Probe(std::vector<SocketAddress> servers, std::string name,
                        std::vector<uint16_t> types, DnsRetryOptions options) {
  std::vector<Coro<ProbeResult>> probes;
  for (const SocketAddress& server : servers) {
    probes.push_back(ProbeServer(server, name, types, options));
  }
  const std::vector<ProbeResult> results =
      co_await OrReturn(Gather(std::move(probes)));
  ProbeResult all;
  for (const ProbeResult& result : results) {
    absl::StrAppend(&all.text, result.text);
    all.all_answered = all.all_answered && result.all_answered;
  }
  co_return all;
}

}  // namespace evkit
