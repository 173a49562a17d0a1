// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// Asks one server of the DNS, over one UDP socket, any number of questions at a
// time. UDP loses datagrams, so a question is asked again when its time is up;
// and anybody can send some, so only what fits a question that was asked is
// taken for an answer.

#ifndef EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_CLIENT_H_
#define EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_CLIENT_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "evkit/examples/udp_dns_probe/dns_message.h"
#include "evkit/loop/coro/coro.h"
#include "evkit/loop/coro/future.h"
#include "evkit/net/extra_info.h"
#include "evkit/net/protocol.h"
#include "evkit/net/socket_address.h"
#include "evkit/net/transport.h"

namespace evkit {

// Fill in a named object.
class DnsRetryOptions {
 public:
  DnsRetryOptions() = default;

  int attempts = 3;
  // How long the first one waits; each of the others twice as long as the one
  // before.
  absl::Duration timeout = absl::Seconds(1);
};

class DnsReply {
 public:
  DnsReply() = default;

  DnsMessage message;
  absl::Duration round_trip;  // Of the attempt that was answered.
  int attempts = 0;
};

// The questions under way, by number.
class DnsProtocol : public DatagramProtocol {
 public:
  // A question is under way as long as this exists.
  class Question {
   public:
    Question(std::shared_ptr<DnsProtocol> protocol, uint16_t id,
             std::string name, uint16_t type, Future<DnsMessage> answer);
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() { protocol_->questions_.erase(id_); }

   private:
    friend class DnsProtocol;
    // Shared with the client, which a loop that is closed may destroy before.
    const std::shared_ptr<DnsProtocol> protocol_;
    const uint16_t id_;
    const std::string name_;
    const uint16_t type_;
    const Future<DnsMessage> answer_;
  };

  void DatagramReceived(absl::string_view data,
                        const SocketAddress& from) override;
  void ErrorReceived(const absl::Status& status) override;
  void ConnectionLost(const absl::Status& status) override;

  bool IsAsked(uint16_t id) const { return questions_.count(id) > 0; }
  int malformed() const { return malformed_; }
  int foreign() const { return foreign_; }

 private:
  void FailAll(const absl::Status& status);

  std::map<uint16_t, Question*> questions_;
  int malformed_ = 0;
  int foreign_ = 0;
};

// Belongs to one loop and its thread. Outlives its questions.
class DnsClient {
 public:
  static Coro<std::unique_ptr<DnsClient>> Create(SocketAddress server);

  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;
  ~DnsClient() { transport_->Close(); }

  // An answer of the server's, whatever its code says.
  //   kDeadlineExceeded: no answer.
  //   kUnavailable: ECONNREFUSED and the like, nobody is there.
  //   kResourceExhausted: the answer does not fit into a datagram.
  //   kInvalidArgument: `name` cannot be asked for.
  // Cancel-safe.
  Coro<DnsReply> Ask(std::string name, uint16_t type,
                     DnsRetryOptions options = DnsRetryOptions());

  SocketAddress local_address() const {
    return *transport_->GetExtraInfo(kSockname);
  }
  // What came that was no message, and what was no answer to a question.
  int malformed() const { return protocol_->malformed(); }
  int foreign() const { return protocol_->foreign(); }

 private:
  DnsClient(std::shared_ptr<DatagramTransport> transport,
            std::shared_ptr<DnsProtocol> protocol)
      : transport_(std::move(transport)), protocol_(std::move(protocol)) {}

  uint16_t NewId();

  const std::shared_ptr<DatagramTransport> transport_;
  const std::shared_ptr<DnsProtocol> protocol_;  // Shared with the transport.
};

}  // namespace evkit

#endif  // EVKIT_EXAMPLES_UDP_DNS_PROBE_DNS_CLIENT_H_
