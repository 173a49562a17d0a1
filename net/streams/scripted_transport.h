// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0
//
// A transport that moves nothing and writes down what it is asked to do: the
// test plays the peer by calling the protocol.

#ifndef EVKIT_NET_STREAMS_SCRIPTED_TRANSPORT_H_
#define EVKIT_NET_STREAMS_SCRIPTED_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/loop/abstract_event_loop.h"
#include "evkit/net/transport.h"

namespace evkit {

class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(AbstractEventLoop& loop) : loop_(loop) {}

  // What was asked, in order: "pause", "write:abc", "close". Gone once read.
  std::vector<std::string> TakeCalls() { return std::exchange(calls_, {}); }

  absl::Status Write(absl::string_view data) override {
    calls_.push_back("write:" + std::string(data));
    return write_status;
  }
  absl::Status WriteLines(absl::Span<const absl::string_view> pieces) override {
    std::string all = "lines";
    for (const absl::string_view piece : pieces)
      all += ":" + std::string(piece);
    calls_.push_back(std::move(all));
    return write_status;
  }
  absl::Status WriteEof() override {
    calls_.push_back("eof");
    return write_status;
  }
  bool CanWriteEof() const override { return true; }
  void PauseReading() override {
    calls_.push_back("pause");
    reading_ = false;
  }
  void ResumeReading() override {
    calls_.push_back("resume");
    reading_ = true;
  }
  bool IsReading() const override { return reading_ && !closing_; }
  void SetProtocol(std::shared_ptr<Protocol>) override {}
  std::shared_ptr<Protocol> GetProtocol() const override { return nullptr; }

  void Close() override {
    calls_.push_back("close");
    closing_ = true;
  }
  void Abort() override {
    calls_.push_back("abort");
    closing_ = true;
  }
  bool IsClosing() const override { return closing_; }
  absl::Status SetWriteBufferLimits(std::optional<size_t>,
                                    std::optional<size_t>) override {
    return absl::OkStatus();
  }
  WriteBufferLimits GetWriteBufferLimits() const override {
    return WriteBufferLimits();
  }
  size_t GetWriteBufferSize() const override { return 0; }
  AbstractEventLoop& loop() const override { return loop_; }

  absl::Status write_status;
  std::optional<SocketAddress> peername;

 private:
  const void* DoGetExtraInfo(const void* key) const override {
    return key == &kPeername && peername.has_value() ? &*peername : nullptr;
  }

  AbstractEventLoop& loop_;
  std::vector<std::string> calls_;
  bool reading_ = true;
  bool closing_ = false;
};

}  // namespace evkit

#endif  // EVKIT_NET_STREAMS_SCRIPTED_TRANSPORT_H_
