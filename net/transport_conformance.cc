// Copyright 2026 The evkit Authors. SPDX-License-Identifier: Apache-2.0

#include "evkit/net/transport_conformance.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "evkit/net/protocol.h"
#include "evkit/net/transport.h"
#include "gtest/gtest.h"

namespace evkit {

TransportTraits::TransportTraits() = default;

void RecordingProtocol::Record(const std::string& event) {
  if (event != "data" || events.empty() || events.back() != "data") {
    events.push_back(event);
  }
  if (on_event) on_event(event);
}

void RecordingProtocol::ConnectionMade(std::shared_ptr<Transport> made) {
  transport = std::move(made);
  Record("made");
}

void RecordingProtocol::DataReceived(absl::string_view data) {
  EXPECT_FALSE(data.empty());
  received.append(data.data(), data.size());
  Record("data");
}

bool RecordingProtocol::EofReceived() {
  has_ended = true;
  Record("eof");
  return keeps_open;
}

void RecordingProtocol::ConnectionLost(const absl::Status& status) {
  lost = status;
  const std::shared_ptr<Transport> until_the_end = std::move(transport);
  Record("lost");
}

void RecordingProtocol::PauseWriting() { Record("pause"); }
void RecordingProtocol::ResumeWriting() { Record("resume"); }

void RecordingBufferedProtocol::Record(const std::string& event) {
  events.push_back(event);
  if (on_event) on_event(event);
}

void RecordingBufferedProtocol::ConnectionMade(
    std::shared_ptr<Transport> made) {
  transport = std::move(made);
  Record("made");
}

absl::Span<char> RecordingBufferedProtocol::GetBuffer(ptrdiff_t size_hint) {
  EXPECT_EQ(size_hint, -1);
  Record("get");
  return absl::Span<char>(buffer_, std::min(buffer_size, sizeof(buffer_)));
}

void RecordingBufferedProtocol::BufferUpdated(size_t size) {
  EXPECT_GT(size, 0u);
  EXPECT_LE(size, buffer_size);
  received.append(buffer_, size);
  Record("updated");
}

bool RecordingBufferedProtocol::EofReceived() {
  Record("eof");
  return false;
}

void RecordingBufferedProtocol::ConnectionLost(const absl::Status& status) {
  lost = status;
  const std::shared_ptr<Transport> until_the_end = std::move(transport);
  Record("lost");
}

TransportConformance::~TransportConformance() {
  // What hooks hold, and protocols of their transports.
  a_->on_event = nullptr;
  b_->on_event = nullptr;
}

void TransportConformance::Connect(std::shared_ptr<Protocol> first) {
  pair_ = GetParam()(test_, first != nullptr ? std::move(first) : a_, b_);
}

void TransportConformance::ConnectAndRun() {
  Connect();
  RunUntil([this] { return a_->transport && b_->transport; });
}

void TransportConformance::Run() { ASSERT_TRUE(test_.RunUntilIdle().ok()); }

void TransportConformance::RunUntil(const std::function<bool()>& done) {
  // A kernel may take a while to carry bytes from one end to the other.
  constexpr int kMostRounds = 2'000'000;
  Run();
  for (int i = 0; i < kMostRounds && !done(); ++i) Run();
  ASSERT_TRUE(done());
}

std::string TransportConformance::FillUp() {
  const std::string piece = Pattern(5000);
  std::string written;
  while (pair_.first->GetWriteBufferSize() == 0) {
    EXPECT_FALSE(pair_.first->IsClosing());
    EXPECT_TRUE(pair_.first->Write(piece).ok());
    written += piece;
  }
  return written;
}

std::string TransportConformance::WriteInBulk() {
  std::string data = Pattern(bulk());
  absl::string_view rest = data;
  // A layer counts nothing before the one below wants no more.
  while (traits().layered && pair_.first->GetWriteBufferSize() == 0) {
    EXPECT_TRUE(pair_.first->Write(rest.substr(0, 5000)).ok());
    rest.remove_prefix(5000);
  }
  EXPECT_TRUE(pair_.first->Write(rest).ok());
  EXPECT_GT(pair_.first->GetWriteBufferSize(), 0u);
  return data;
}

void TransportConformance::RunUntilSent() {
  RunUntil([this] { return pair_.first->GetWriteBufferSize() == 0; });
  RunUntil([this] { return pair_.second->GetWriteBufferSize() == 0; });
}

void TransportConformance::WriteEarlyOnSecond(const std::string& data) {
  if (!traits().layered || b_->transport) {
    EXPECT_TRUE(pair_.second->Write(data).ok());
    return;
  }
  b_->on_event = [this, data](const std::string& event) {
    if (event != "made") return;
    EXPECT_TRUE(pair_.second->Write(data).ok());
  };
}

void TransportConformance::EndSecond() {
  if (traits().half_close) {
    EXPECT_TRUE(pair_.second->WriteEof().ok());
  } else {
    pair_.second->Close();
  }
}

std::string TransportConformance::Pattern(size_t size) {
  static std::string& pattern = *new std::string();
  while (pattern.size() < size) {
    pattern += static_cast<char>(pattern.size() * 2654435761u >> 13);
  }
  return pattern.substr(0, size);
}

}  // namespace evkit
