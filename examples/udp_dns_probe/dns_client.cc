// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/examples/udp_dns_probe/dns_client.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "evkit/examples/udp_dns_probe/dns_message.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/loop/coro/or_return.h"
#include "evkit/loop/coro/wait_for.h"
#include "evkit/net/datagrams/create_datagram_endpoint.h"
#include "evkit/net/dns/host_port.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"
#include "evkit/timers/clock.h"

namespace evkit {

DnsProtocol::Question::Question(std::shared_ptr<DnsProtocol> protocol,
                                uint16_t id, std::string name, uint16_t type,
                                Future<DnsMessage> answer)
    : protocol_(std::move(protocol)),
      id_(id),
      name_(std::move(name)),
      type_(type),
      answer_(std::move(answer)) {
  protocol_->questions_[id_] = this;
}

void DnsProtocol::DatagramReceived(absl::string_view data,
                                   const SocketAddress&) {
  absl::StatusOr<DnsMessage> message = ParseDnsMessage(data);
  if (!message.ok()) {
    ++malformed_;  // The right answer may be on its way still.
    return;
  }
  const auto found = questions_.find(message->id);
  if (!message->is_response || found == questions_.end() ||
      found->second->type_ != message->question_type ||
      !absl::EqualsIgnoreCase(found->second->name_, message->question_name)) {
    ++foreign_;
    return;
  }
  // A second answer comes too late, and finds it answered.
  found->second->answer_.SetResult(*std::move(message)).IgnoreError();
}

void DnsProtocol::ErrorReceived(const absl::Status& status) { FailAll(status); }

void DnsProtocol::ConnectionLost(const absl::Status&) {
  FailAll(absl::UnavailableError("the client is gone"));
}

void DnsProtocol::FailAll(const absl::Status& status) {
  for (const auto& [id, question] : questions_) {
    question->answer_.SetError(status).IgnoreError();
  }
}

Coro<std::unique_ptr<DnsClient>> DnsClient::Create(SocketAddress server) {
  DatagramEndpointOptions options;
  // Connected, so that the kernel drops what comes from elsewhere.
  options.remote_address = HostPort(server.host(), server.port());
  const auto protocol = std::make_shared<DnsProtocol>();
  auto factory = [protocol] { return protocol; };
  const DatagramEndpoint endpoint = co_await OrReturn(
      CreateDatagramEndpoint(std::move(factory), std::move(options)));
  co_return std::unique_ptr<DnsClient>(
      new DnsClient(endpoint.transport, protocol));
}

// One that nobody can guess, and that is not in use.
uint16_t DnsClient::NewId() {
  uint16_t id;
  do {
    id = static_cast<uint16_t>(transport_->loop().Random());
  } while (protocol_->IsAsked(id));
  return id;
}

Coro<DnsReply> DnsClient::Ask(std::string name, uint16_t type,
                              DnsRetryOptions options) {
  AbstractEventLoop& loop = transport_->loop();
  const absl::string_view without_dot = absl::StripSuffix(name, ".");
  DnsReply reply;
  absl::Duration timeout = options.timeout;
  for (int attempt = 1; attempt <= options.attempts; ++attempt) {
    // A new number each time: the answer to an earlier attempt is foreign.
    const uint16_t id = NewId();
    const std::string query = co_await OrReturn(EncodeDnsQuery(id, name, type));
    const Future<DnsMessage> answer = CreateFuture<DnsMessage>(loop);
    const DnsProtocol::Question question(
        protocol_, id, without_dot.empty() ? "." : std::string(without_dot),
        type, answer);
    const MonotonicTime begin = loop.Time();
    co_await OrReturn(transport_->SendTo(query));
    absl::StatusOr<DnsMessage> message = co_await WaitFor(answer, timeout);
    if (message.ok()) {
      if (message->is_truncated) {
        co_return absl::ResourceExhaustedError(
            "truncated: the answer is to be had by TCP");
      }
      reply.message = *std::move(message);
      reply.round_trip = loop.Time() - begin;
      reply.attempts = attempt;
      co_return reply;
    }
    if (!absl::IsDeadlineExceeded(message.status())) {
      co_return std::move(message).status();
    }
    timeout *= 2;
  }
  co_return absl::DeadlineExceededError(
      absl::StrCat("no answer to ", options.attempts, " questions"));
}

}  // namespace evkit
