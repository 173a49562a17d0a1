// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// For this package's tests: a protocol that writes down what it is told.

#ifndef EVKIT_NET_CONNECTIONS_TRACED_PROTOCOL_H_
#define EVKIT_NET_CONNECTIONS_TRACED_PROTOCOL_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"

namespace evkit {

// "made", "data:...", "eof", "lost:OK", in a list of the test's.
class TracedProtocol final : public Protocol {
 public:
  explicit TracedProtocol(std::vector<std::string>* trace) : trace_(trace) {}

  void ConnectionMade(std::shared_ptr<Transport>) override {
    trace_->push_back("made");
  }
  void DataReceived(absl::string_view data) override {
    trace_->push_back(absl::StrCat("data:", data));
  }
  bool EofReceived() override {
    trace_->push_back("eof");
    return false;
  }
  void ConnectionLost(const absl::Status& status) override {
    trace_->push_back(
        absl::StrCat("lost:", absl::StatusCodeToString(status.code())));
  }

 private:
  std::vector<std::string>* const trace_;
};

// Makes them, and writes "factory" first.
inline ProtocolFactory Traced(std::vector<std::string>& trace) {
  return [&trace] {
    trace.push_back("factory");
    return std::make_shared<TracedProtocol>(&trace);
  };
}

}  // namespace evkit

#endif  // EVKIT_NET_CONNECTIONS_TRACED_PROTOCOL_H_
